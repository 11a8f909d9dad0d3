"""A Python file, loaded for the Manager that it leaves in the name `manager`.

Whatever the file does wrong is one sentence with its place; never a traceback. Standard output belongs to whoever
loads it: what the file prints goes to standard error.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import CodeType, ModuleType, TracebackType

from taskrun.errors import Mistake, Place, SweepError, TaskrunError, did_you_mean
from taskrun.manager.library import Manager
from taskrun.manager.loading import loading
from taskrun.sweep.content import read_bytes, read_text

NAME = "manager"
MODULE = "__taskrun__"  # what the file has as `__name__`
_INSTALLED = f"{os.sep}site-packages{os.sep}"  # a virtual environment may lie beside the file
_GUARD = 'put it under `if __name__ == "__main__":`'


def load_manager(path: str, shown: str) -> Manager:
    """The Manager of the file at `path` (absolute), which messages call `shown`; SweepError for what is wrong with it.

    The file's directory is the current one, and the first in `sys.path`, while it is being loaded.
    """
    source = read_bytes(path, shown)
    code = _compiled(source, path, shown)
    module = ModuleType(MODULE)
    module.__file__ = path
    sys.modules[MODULE] = module  # where classes that it defines look for their module
    with _surroundings(path), loading():
        _execute(code, module, shown)
    return _manager_of(vars(module), source, shown)


def _compiled(source: bytes, path: str, shown: str) -> CodeType:
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except ValueError:  # a NUL
        read_text(path, shown)
        raise _wrong(Place(shown), "this is no Python") from None
    except SyntaxError as error:
        if not error.lineno or "(unicode error)" in error.msg:
            read_text(path, shown)  # says what is wrong with a file that is no text
        place = Place(shown, error.lineno or 0, max(1, error.offset or 1) if error.lineno else 0)
        raise _wrong(place, f"this is no Python: {error.msg}") from None


def _execute(code: CodeType, module: ModuleType, shown: str) -> None:
    """Run the file's own lines. What it may raise is anything at all, and the user's, not ours."""
    path = code.co_filename
    try:
        exec(code, vars(module))
    except (KeyboardInterrupt, SweepError):  # the second has places of its own: a sweep file that it loads
        raise
    except TaskrunError as error:
        raise _wrong(_own_place(error, path, shown), str(error)) from None
    except SystemExit as error:
        what = f"this ends the program while it is loaded ({_said(error)})"
        raise _wrong(_own_place(error, path, shown), what, _GUARD) from None
    except BaseException as error:  # noqa: BLE001
        raise _wrong(_place(error, path, shown), _said(error), _raised_in(error, path)) from None


def _manager_of(names: Mapping[str, object], source: bytes, shown: str) -> Manager:
    found = names.get(NAME)
    if isinstance(found, Manager):
        return found
    if NAME in names:
        raise _wrong(Place(shown), f"`{NAME}` is {_described(found)}, no taskrun.Manager", _how_to_make(found))
    raise _wrong(Place(shown), f"it leaves no taskrun.Manager in the name `{NAME}`", _where_it_is(names, source))


def _where_it_is(names: Mapping[str, object], source: bytes) -> str:
    """The hint for a file without a `manager`: where there is one, or what comes near."""
    others = [name for name, value in names.items() if isinstance(value, Manager)]
    if others:
        return f"there is one in {' and one in '.join(f'`{name}`' for name in others)}: write `{NAME} = {others[0]}`"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id == NAME and isinstance(node.ctx, ast.Store):
            return f"line {node.lineno} makes one, but not when the file is loaded"
    return did_you_mean(NAME, [name for name in names if not name.startswith("_")])


def _described(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _how_to_make(value: object) -> str:
    return f"a call makes one: `{NAME} = {value.__name__}()`" if callable(value) and hasattr(value, "__name__") else ""


def _wrong(place: Place, what: str, hint: str = "") -> SweepError:
    return SweepError([Mistake(place, what, hint)])


def _said(error: BaseException) -> str:
    """`ValueError: what it says`, in one line."""
    from traceback import format_exception_only

    said = next(line for line in format_exception_only(error) if not line.startswith(" "))
    return said.splitlines()[0].removeprefix(f"{MODULE}.")


def _place(error: BaseException, path: str, shown: str) -> Place:
    """The last line of the file itself that led to the error."""
    lines = [trace.tb_lineno for trace in _traces(error) if trace.tb_frame.f_code.co_filename == path]
    return Place(shown, lines[-1]) if lines else Place(shown)


def _own_place(error: BaseException, path: str, shown: str) -> Place:
    """The last line of the user's own that led to the error: it may be in a module that the file imports."""
    file, line = _last_own(error, path)
    seen = shown if file == path else os.path.join(os.path.dirname(shown), os.path.relpath(file, os.path.dirname(path)))
    return Place(seen, line)


def _raised_in(error: BaseException, path: str) -> str:
    """The hint for an error that arose in a module of the user's own, beside the file or below it."""
    file, line = _last_own(error, path)
    if isinstance(error, SyntaxError):
        file, line = error.filename or path, error.lineno or 0
    above = os.path.join(os.path.dirname(path), "")
    return f"raised in {file.removeprefix(above)}:{line}" if file != path and file.startswith(above) else ""


def _last_own(error: BaseException, path: str) -> tuple[str, int]:
    """The last file, and its line, that led to the error and stands beside the file at `path` or below it."""
    above = os.path.join(os.path.dirname(path), "")
    places = [(trace.tb_frame.f_code.co_filename, trace.tb_lineno) for trace in _traces(error)]
    own = [(file, line) for file, line in places if file.startswith(above) and _INSTALLED not in file]
    return own[-1] if own else (path, 0)


def _traces(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


# --- what stands around ----------------------------------------------------------------------------------------------


@contextmanager
def _surroundings(path: str) -> Iterator[None]:
    """What the file finds as if it were the program; put back as it was."""
    here = os.open(".", os.O_RDONLY)
    arguments, search, is_tidy = sys.argv, sys.path[:], sys.dont_write_bytecode
    sys.argv = [path]
    sys.dont_write_bytecode = True  # a command that only looks makes no directory
    sys.path.insert(0, os.path.dirname(path))
    try:
        os.chdir(os.path.dirname(path))
        with _output_to_error():
            yield
    finally:
        os.fchdir(here)
        os.close(here)
        sys.argv, sys.path[:], sys.dont_write_bytecode = arguments, search, is_tidy


@contextmanager
def _output_to_error() -> Iterator[None]:
    """Have standard error as standard output, for processes that the file starts too."""
    stream = sys.stdout
    stream.flush()
    sys.stdout = sys.stderr
    try:
        with _descriptor_as(1, 2):
            yield
            with suppress(OSError, ValueError):  # nobody reads it any more, or the file has closed it
                sys.stdout.flush()
    finally:
        sys.stdout = stream


@contextmanager
def _descriptor_as(descriptor: int, other: int) -> Iterator[None]:
    try:
        kept = os.dup(descriptor)
        os.dup2(other, descriptor)
    except OSError:  # one of them is closed
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
