"""The options of every command that executes tasks: said once, and handed on as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import wraps

import click
from msgspec import Struct

from taskrun.cli.completers import complete_on_failure
from taskrun.errors import UsageError
from taskrun.policy import Limit, OnFailure, Policy, parse_limit, read_on_failure
from taskrun.pools import CORES, parse_total
from taskrun.printer.setting import OUTPUT_CHOICES
from taskrun.quantity import parse_duration, parse_number
from taskrun.term import COLOUR_CHOICES


class RunOptions(Struct, frozen=True, kw_only=True):
    """What the user asks of a run. `jobs` and `output` are None where nobody said anything; `pools`: as typed."""

    jobs: Fraction | None
    pools: tuple[str, ...]
    strict: bool
    dry_run: bool
    force: bool
    output: str | None
    policy: Policy
    grace: float
    color: str
    as_json: bool
    yes: bool
    quiet: bool
    verbose: bool


_FORCE = "Run the selected tasks (without SELECT: all) however fresh."
_BEFORE_FORCE = (
    click.option("-j", "--jobs", metavar="N", help="Share N cores among the tasks (default: all usable ones)."),
    click.option(
        "--pool",
        "pools",
        multiple=True,
        metavar="NAME=AMOUNT",
        help="Share so much of a pool: cores, memory, gpus or a token.",
    ),
    click.option("--strict", is_flag=True, help="Refuse tasks that ask for more cores than there are."),
    click.option("-n", "--dry-run", is_flag=True, help="Print what would be executed as shell commands; run nothing."),
)
_BEHIND_FORCE = (
    click.option(
        "--on-failure",
        metavar="WHAT",
        help="After a failure: continue (default), drain, kill or ignore.",
        shell_complete=complete_on_failure,
    ),
    click.option("-k", "keep_going", is_flag=True, help="The same as --on-failure continue."),
    click.option("--max-failures", metavar="N|N%", help="Start nothing more after N failures, or N % of the tasks."),
    click.option("--no-hold", is_flag=True, help="Run all of a step, even where it fails everywhere alike."),
    click.option("--grace", metavar="TIME", default="10s", help="From SIGTERM to SIGKILL (default: 10s)."),
    click.option("--output", type=click.Choice(OUTPUT_CHOICES), help="Which output of tasks to show."),
    click.option("--color", type=click.Choice(COLOUR_CHOICES), default="auto", help="When to use colour."),
    click.option("--json", "as_json", is_flag=True, help="Print events to standard output, one JSON object a line."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask before much is done again."),
    click.option("-q", "--quiet", is_flag=True, help="Show only failures and the end."),
    click.option("-v", "--verbose", is_flag=True, help="Show commands and reasons too."),
)


def run_options(function: Callable[..., int], *, force_help: str = _FORCE) -> Callable[..., int]:
    """Give a command these options; it gets them together, as `wanted`."""

    @wraps(function)
    def gathering(
        *,
        jobs: str | None,
        pools: tuple[str, ...],
        strict: bool,
        dry_run: bool,
        force: bool,
        on_failure: str | None,
        keep_going: bool,
        max_failures: str | None,
        no_hold: bool,
        grace: str,
        output: str | None,
        color: str,
        as_json: bool,
        yes: bool,
        quiet: bool,
        verbose: bool,
        **others: object,
    ) -> int:
        wanted = RunOptions(
            jobs=_cores(jobs, pools),
            pools=pools,
            strict=strict,
            dry_run=dry_run,
            force=force,
            policy=Policy(_on_failure(on_failure, keep_going=keep_going), _limit(max_failures), may_hold=not no_hold),
            grace=_grace(grace),
            output=output,
            color=color,
            as_json=as_json,
            yes=yes,
            quiet=quiet,
            verbose=verbose,
        )
        return function(wanted=wanted, **others)

    forcing = click.option("-f", "--force", is_flag=True, help=force_help)
    for option in reversed((*_BEFORE_FORCE, forcing, *_BEHIND_FORCE)):
        gathering = option(gathering)
    return gathering


def pools_of(texts: Sequence[str]) -> dict[str, Fraction]:
    """What `--pool NAME=AMOUNT` says, each name once."""
    from taskrun.sweep.checks import wrong_with
    from taskrun.sweep.schema import Kind

    found: dict[str, Fraction] = {}
    for text in texts:
        pool, equals, amount = text.partition("=")
        if not (pool and equals and amount):
            raise UsageError(f"--pool {text!r}: NAME=AMOUNT expected, such as --pool memory=32G or --pool licence=2")
        wrong = wrong_with("--pool", Kind.POOL, pool)
        if wrong:
            raise UsageError(wrong)
        if pool in found:
            raise UsageError(f"--pool {pool}: given twice")
        try:
            found[pool] = parse_total(pool, amount)
        except ValueError as error:
            raise UsageError(f"--pool {text}: {error}") from None
    return found


def _on_failure(word: str | None, *, keep_going: bool) -> OnFailure:
    if word is None:
        return OnFailure.CONTINUE
    try:
        wanted = read_on_failure(word)
    except ValueError as error:
        raise UsageError(f"--on-failure {_typed(word)}: {error}") from None
    if keep_going and wanted is not OnFailure.CONTINUE:
        raise UsageError(f"-k says --on-failure continue, and here stands --on-failure {word} too")
    return wanted


def _limit(text: str | None) -> Limit | None:
    if text is None:
        return None
    try:
        return parse_limit(text)
    except ValueError as error:
        raise UsageError(f"--max-failures {_typed(text)}: {error}") from None


def _grace(text: str) -> float:
    try:
        return float(parse_duration(text))
    except ValueError as error:
        raise UsageError(f"--grace {_typed(text)}: {error}") from None


def _typed(text: str) -> str:
    """What was typed, in quotes where one would not see it else."""
    return text if text.isprintable() and text.strip(" :;,.") else repr(text)


def _cores(text: str | None, pools: Iterable[str]) -> Fraction | None:
    if text is None:
        return None
    if any(pool.startswith(f"{CORES}=") for pool in pools):
        raise UsageError("-j and --pool cores=N say the same; give one of them")
    try:
        cores = parse_number(text)
    except ValueError as error:
        raise UsageError(f"-j {_typed(text)}: {error}") from None
    if cores < 1 or cores.denominator != 1:
        raise UsageError(f"-j {text}: a whole number of cores, at least 1, expected")
    return cores
