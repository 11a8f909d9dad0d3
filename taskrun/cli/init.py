"""`taskrun init`: a sweep file to begin with, which runs as it is; what is there already is never overwritten."""

from __future__ import annotations

import os
from contextlib import suppress

import click

from taskrun.cli.files import as_words
from taskrun.defaults import DEFAULT_FILE
from taskrun.errors import UsageError
from taskrun.shell import quote_word

_ENDINGS = (".yaml", ".yml")
STARTER = """\
# A sweep file: parameters with their values, and the commands to run over them. It runs as it is.
#   taskrun check     what is wrong with this file          taskrun run       run it; again: only what is left
#   taskrun run -n    the commands, without running them    taskrun status    what is done, what failed and why

sweep:                            # each combination of values is a point: 3 sizes x 2 seeds
  size: [100, 200, 400]
  seed: [1, 2]

let:                              # names that are made of others
  label: "size{size}-seed{seed}"

steps:
  sim:                            # its keys mention size and seed, so it runs for each of the 6 points
    run: awk -v n={size} -v s={seed} 'BEGIN { srand(s); while (n--) print rand() }' > {outputs}
    outputs: results/{label}.txt  # must be there afterwards; directories are made
    cores: 1                      # how many cores one task takes (1 is the default)

  mean:                           # one for each size: {sim.outputs} are the files of both seeds, and it waits for them
    run: awk '{ sum += $1 } END { print {size}, sum / NR }' {sim.outputs}
    stdout: results/{size}.mean   # standard output goes to this file

  report:                         # `per: []`: one task over everything
    per: []
    run: sort -n {mean.stdout} | tee {outputs}
    outputs: results/report.txt
"""


@click.command("init", short_help="Write a sweep file to begin with.")
@click.argument("file", required=False, default=DEFAULT_FILE, metavar="[FILE]")
def command(file: str) -> None:
    """Write a small sweep file with comments to FILE (default: sweep.yaml). It runs as it is: change it into your own.
    A file that is there already stays as it is.

    \b
        taskrun init && taskrun run
    """
    if not file.endswith(_ENDINGS):
        raise UsageError(f"{file!r}: the name of a sweep file ends in .yaml, as in {_with_ending(file)!r}")
    _write(file)
    named = [] if file == DEFAULT_FILE else as_words(file)
    click.echo(f"{file} is written; next: {' '.join(['taskrun run', *map(quote_word, named)])}")


def _with_ending(file: str) -> str:
    """A name that was most likely meant: in a directory, the usual one."""
    if file in ("", "-"):
        return DEFAULT_FILE
    if os.path.isdir(file):
        return os.path.normpath(os.path.join(file, DEFAULT_FILE))
    return f"{os.path.splitext(file)[0].rstrip('/') or 'sweep'}.yaml"


def _write(file: str) -> None:
    """All of it or nothing."""
    try:
        target = open(file, "x", encoding="utf-8")  # noqa: SIM115 - what fails below is to take the file away again
    except FileExistsError:
        raise UsageError(f"{file!r} is there already and stays as it is; for another name: taskrun init FILE") from None
    except FileNotFoundError:
        where = f"there is no directory {os.path.dirname(file)!r}" if "/" in file else "the current directory is gone"
        raise UsageError(f"{file!r} cannot be written: {where}") from None
    except OSError as error:
        raise UsageError(f"{file!r} cannot be written: {error.strerror or error}") from None
    try:
        with target:
            target.write(STARTER)
    except OSError as error:
        with suppress(OSError):
            os.unlink(file)
        raise UsageError(f"{file!r} cannot be written: {error.strerror or error}") from None
