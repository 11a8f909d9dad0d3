"""The command line: click commands, one error boundary, exit statuses.

`main` is the boundary: the only place where an error becomes a sentence on standard error and an exit status, and
the only one that catches what it does not know: that is a bug of ours, and looks different from a mistake.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from taskrun import __version__
from taskrun.cli.streams import set_up
from taskrun.errors import OutputError, SweepError, TaskrunError

BUG = 4
COMPLETION = "_TASKRUN_COMPLETE"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status (DESIGN, section 5)."""
    _set_up_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if COMPLETION in os.environ:  # a shell asks how a line goes on: nothing is run, nothing said about mistakes
        from taskrun.cli.completing import answer

        answer(os.environ[COMPLETION], given)
    status = _guarded(given)
    sys.exit(_flushed(status))


def _guarded(arguments: list[str]) -> int:
    try:
        return _answered(arguments)
    except KeyboardInterrupt:  # while the modules were being loaded, or between two of our own handlers
        _print_error("")  # what is said next does not stand behind the terminal's ^C
        return 130


def _answered(arguments: list[str]) -> int:
    try:
        if arguments == ["--version"]:  # what scripts ask first of all; to load click takes longer than all the rest
            print(f"taskrun {__version__}")
            return 0
        return _invoked(arguments)
    except TaskrunError as error:
        return _say(str(error), error.exit_status)
    except BrokenPipeError:
        return _quiet()
    except OSError as error:
        # Only writing to a stream fails without naming a file; everything else about files is caught where it happens.
        if error.filename is not None or error.errno is None:
            return _bug()
        _quiet()
        return _say(str(OutputError(error.strerror or str(error))), OutputError.exit_status)
    except Exception:  # noqa: BLE001 - the one place; whatever comes here is our bug, and says so
        return _bug()


def _invoked(arguments: list[str]) -> int:
    import click

    from taskrun.cli.app import app

    try:
        with app.make_context("taskrun", arguments) as context:  # click's `main` would exit 1 where nobody reads on
            status = app.invoke(context)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        return _say(_click_sentence(error), error.exit_code)


def _click_sentence(error: object) -> str:
    """Click's own message as one of our sentences: lower case at the start, no full stop."""
    import click

    assert isinstance(error, click.ClickException)
    message = " ".join(error.format_message().split()).rstrip(".").replace(". Choose from:", ", one of")
    if ". (Did you mean" in message:
        message = message.replace(". (Did you mean", "; did you mean").replace("one of: ", "one of ").rstrip(")")
    message = message[:1].lower() + message[1:].replace(". Did you mean", "; did you mean")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message}; see {error.ctx.command_path} --help"
    return message


def _say(sentence: str, status: int) -> int:
    # A mistake in a file already begins with its place; everything else says who speaks.
    prefix = "" if isinstance(sys.exc_info()[1], SweepError) else "taskrun: "
    _print_error(prefix + sentence)
    return status


def _bug() -> int:
    import traceback

    _print_error(traceback.format_exc())
    _print_error(f"taskrun {__version__}: this is a bug in taskrun, not a mistake of yours; please report it")
    return BUG


def _print_error(text: str) -> None:
    with suppress(OSError):  # nobody may listen any more; the exit status still speaks
        print(text, file=sys.stderr, flush=True)


def _quiet() -> int:
    """Whoever read our standard output has gone: no complaint, and none from Python when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _flushed(status: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _quiet()
    except OSError as error:
        _print_error(f"taskrun: {OutputError(error.strerror or str(error))}")
        _quiet()
        return status or OutputError.exit_status
    return status


def _set_up_streams() -> None:
    set_up()
    if sys.stdout is None or sys.stderr is None:  # started with a closed descriptor
        devnull = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process
        sys.stdout = sys.stdout or devnull
        sys.stderr = sys.stderr or devnull
