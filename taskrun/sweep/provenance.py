"""Says what a study was read from, and whether a sweep file with all that it names is still what it was."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from taskrun.digests import blake2b
from taskrun.provenance import Provenance
from taskrun.sweep.witness import Witness, content_of, digest_of_file, digest_of_paths, found_by

_VARIABLE = re.compile(rb"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ESCAPE = re.compile(rb"\\[xuU]|\$\\\r?\n")  # of YAML: what hides a variable, or a key
_SALT = 16  # digits
_OURS = ("", "model", "shell", "sweep")  # the parts of taskrun that say what a file comes to


def digest_of(path: str, *, name: str, state: str, salt: str | None = None) -> str:
    """The digest of a sweep file, the study of which is called `name` and has its state in `state`; behind the `salt`,
    hex digits that keep the values of variables from being guessed (None: new ones).

    "" where there is no such file, or where more counts than can be told from here: with a `cwd`, symlinks do. Where
    the study lies counts, because a path that is absolute may lie in it.
    """
    content = content_of(path)
    if content is None or b"cwd" in content or _ESCAPE.search(content):
        return ""
    variables = sorted({*_VARIABLE.findall(content), *([b"HOME"] if b"~" in content else [])})
    values = [os.environb.get(variable, b"\0") for variable in variables]
    named = [os.fsencode(text) for text in (os.path.abspath(path), name, state)]
    salt = os.urandom(_SALT // 2).hex() if salt is None else salt
    made = blake2b(key=salt.encode(), digest_size=16)
    for part in (content, *named, *variables, *values, *_program()):
        made.update(b"%d\0%b" % (len(part), part))
    return salt + made.hexdigest()


def provenance_of(digest: str, witness: Witness) -> Provenance | None:
    """What a study was read from; None where not all of it can be compared later."""
    if not digest or not all(witness.tables.values()):
        return None
    return Provenance(digest, tuple(witness.tables.items()), tuple(witness.globs.items()))


def is_unchanged(known: Provenance, path: str, *, name: str, state: str) -> bool:
    """Whether the sweep file at `path`, and all that it names, is what it was."""
    if digest_of(path, name=name, state=state, salt=known.digest[:_SALT]) != known.digest:
        return False
    root = os.path.dirname(os.path.abspath(path))
    if any(digest_of_file(os.path.join(root, table)) != digest for table, digest in known.tables):
        return False
    return all(digest_of_paths(found_by(pattern, root)) == digest for pattern, digest in known.globs)


def _program() -> Iterator[bytes]:
    """Which taskrun this is: another one may make other tasks of the same file."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for part in _OURS:
        with os.scandir(os.path.join(package, part)) as listing:
            for entry in sorted(listing, key=lambda entry: entry.name):
                if entry.name.endswith(".py"):
                    found = entry.stat()
                    yield b"%b %d %d" % (os.fsencode(entry.name), found.st_size, found.st_mtime_ns)
