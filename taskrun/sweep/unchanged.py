"""Says what a study was read from, and whether a sweep file with all that it names is still what it was.

What tasks come of it hangs on more than what names are in it: see `digest_of` and `text_digest_of`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from taskrun.digests import blake2b
from taskrun.provenance import Provenance
from taskrun.sweep.witness import Witness, content_of, digest_of_file, digest_of_paths, found_by

_VARIABLE = re.compile(rb"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Of YAML: what hides a variable, or a key. A shell's own continuation has a blank before it.
_ESCAPE = re.compile(rb"\\[xuU]|[\w${]\\(?:[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])")
_SALT = 16  # digits
_OURS = ("", "model", "shell", "sweep")  # the parts of taskrun that say what a file comes to


def digest_of(path: str, *, name: str, state: str, salt: str | None = None) -> str:
    """The digest of a sweep file, the study of which is called `name` and has its state in `state`; behind the `salt`,
    hex digits that keep the values of variables from being guessed (None: new ones).

    "" where there is no such file, or where more counts than can be told from here: with a `cwd`, symlinks do. Where
    the study lies counts, because a path that is absolute may lie in it.
    """
    return digests_of(path, name=name, state=state, salt=salt)[0]


def digests_of(path: str, *, name: str, state: str, salt: str | None = None) -> tuple[str, str]:
    """The `digest_of` and the `text_digest_of` a sweep file, of one look at it."""
    content = content_of(path)
    text = _text_digest(content)
    if content is None or b"cwd" in content or _ESCAPE.search(content):
        return "", text
    variables = sorted({*_VARIABLE.findall(content), *([b"HOME"] if b"~" in content else [])})
    values = [os.environb.get(variable, b"\0") for variable in variables]
    named = [os.fsencode(text) for text in (os.path.abspath(path), name, state)]
    salt = os.urandom(_SALT // 2).hex() if salt is None else salt
    return salt + _digest((text.encode(), *named, *variables, *values), salt), text


def text_digest_of(path: str) -> str:
    """The digest of a sweep file for whoever asks for no more than its names and their values, which hang on nothing
    else; "" where there is no such file.
    """
    return _text_digest(content_of(path))


def provenance_of(digest: str, witness: Witness) -> Provenance | None:
    """What a study was read from; None where not all of it can be compared later."""
    if not digest or not all(witness.tables.values()):
        return None
    return Provenance(digest, tuple(witness.tables.items()), tuple(witness.globs.items()))


def is_unchanged(known: Provenance, path: str, *, name: str, state: str) -> bool:
    """Whether the sweep file at `path`, and all that it names, is what it was; `known` has the `digest_of` it."""
    now = digest_of(path, name=name, state=state, salt=known.digest[:_SALT])
    return now == known.digest and _names_the_same(known, path)


def has_same_names(known: Provenance, path: str) -> bool:
    """Whether the sweep file at `path` has the names and values that it had; `known` has the `text_digest_of` it."""
    return text_digest_of(path) == known.digest and _names_the_same(known, path)


def _names_the_same(known: Provenance, path: str) -> bool:
    """Whether the files that a sweep file names are what they were."""
    root = os.path.dirname(os.path.abspath(path))
    if any(digest_of_file(os.path.join(root, table)) != digest for table, digest in known.tables):
        return False
    return all(digest_of_paths(found_by(pattern, root)) == digest for pattern, digest in known.globs)


def _text_digest(content: bytes | None) -> str:
    return "" if content is None else _digest((content, *_program()))


def _digest(parts: Iterable[bytes], salt: str = "") -> str:
    made = blake2b(key=salt.encode(), digest_size=16)
    for part in parts:
        made.update(b"%d\0%b" % (len(part), part))
    return made.hexdigest()


def _program() -> Iterator[bytes]:
    """Which taskrun this is: another one may make other tasks of the same file."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for part in _OURS:
        with os.scandir(os.path.join(package, part)) as listing:
            for entry in sorted(listing, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    found = entry.stat()
                    yield b"%b %d %d" % (os.fsencode(entry.name), found.st_size, found.st_mtime_ns)
