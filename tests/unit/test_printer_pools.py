"""What a run says of its pools: what it will wait for, and what its tasks could have asked for."""

from __future__ import annotations

from fractions import Fraction

from fakes import asking
from msgspec.structs import replace
from showing import begin, end, failed, outset, plain, sim, started, succeeded

from taskrun.history import History
from taskrun.model import Cause, Event, Traits
from taskrun.pools import parse_total
from taskrun.printer.bottleneck import bottleneck

M = 1024**2


def totals(**texts: str) -> dict[str, Fraction]:
    return {pool: parse_total(pool, text) for pool, text in texts.items()}


def narrowest(*groups: tuple[str, Traits, int], earlier: tuple[tuple[str, float], ...] = (), **texts: str) -> str:
    return bottleneck(groups, totals(**texts), History(earlier))


def test_the_pool_that_is_busy_longest_is_the_bottleneck() -> None:
    one = ("sim", asking(licence=1), 12)
    assert narrowest(one, cores="8", licence="2") == "2 licence, shared by 12 tasks"
    assert narrowest(one, cores="1", licence="2") == "1 core, shared by 12 tasks"
    assert narrowest(("sim", asking(memory=8 * 1024 * M), 12), cores="8", memory="24G") == (
        "24G of memory, shared by 12 tasks"
    )
    assert narrowest(("sim", asking(gpus="1/2"), 12), cores="8", gpus="1") == "1 gpu, shared by 12 tasks"


def test_steps_weigh_as_long_as_their_like_took() -> None:
    groups = (("long", asking(2), 10), ("short", asking(licence=1), 10))
    took = (("long", 100.0), ("short", 1.0))
    assert narrowest(*groups, earlier=took, cores="4", licence="1") == "4 cores, shared by 20 tasks"
    assert narrowest(*groups, cores="4", licence="1") == "1 licence, shared by 10 tasks"


def test_where_all_have_their_place_at_once_there_is_no_bottleneck() -> None:
    assert narrowest(("sim", asking(licence=1), 2), cores="2", licence="2") == ""
    assert narrowest(cores="2") == ""


def test_the_first_lines_name_it() -> None:
    of = outset(bottleneck="2 licence, shared by 12 tasks")
    assert plain([begin(2)], of=of)[-1] == "bottleneck: 2 licence, shared by 12 tasks"


def shown(
    traits: Traits, peaks: list[int | None], *, quiet: bool = False, cause: Cause | None = None, **texts: str
) -> list[str]:
    events: list[Event] = [begin(len(peaks))]
    for index, peak in enumerate(peaks):
        task = sim(index, traits=traits)
        finished = succeeded(task) if cause is None else failed(task, cause=cause)
        events += [started(task), replace(finished, ended=replace(finished.ended, max_rss=peak))]
    lines = plain([*events, end()], of=outset(pools=totals(**texts)), quiet=quiet)
    return [line for line in lines if "hint" in line]


def test_after_a_run_it_says_how_many_would_fit_at_once_with_the_memory_that_they_use() -> None:
    eight = asking(memory=8 * 1024 * M)
    peaks: list[int | None] = [*[1024 * M] * 11, 2150 * M]
    assert shown(eight, peaks, cores="32", memory="24G") == [
        "hint: sim asks 8G, used at most 2.1G in 12 tasks: with 2.5G, 9 would fit at once instead of 3"
    ]
    assert shown(eight, peaks, cores="32", memory="24G", quiet=True) == []
    assert shown(eight, peaks, cores="3", memory="24G") == []  # there are no more cores anyway
    assert shown(eight, peaks[-2:], cores="32", memory="24G") == []  # they fit at once as it is
    assert shown(eight, [7 * 1024 * M] * 12, cores="32", memory="24G") == []
    assert shown(eight, [None] * 12, cores="32", memory="24G") == []  # nobody knows


def test_who_uses_more_than_it_asks_for_is_told_so() -> None:
    assert shown(asking(memory=1024 * M), [2048 * M], cores="2", memory="24G") == [
        "hint: sim asks 1G, but used up to 2G in 1 task: with 2.4G it is safe"
    ]


def test_of_a_task_that_was_ended_for_it_nobody_knows_how_much_is_enough() -> None:
    killed = Cause.MEMORY
    assert shown(asking(memory=1024 * M), [2048 * M], cause=killed, cores="2", memory="24G") == [
        "hint: sim asks 1G, but used up to 2G in 1 task: it takes more than that, nobody knows how much"
    ]
    assert shown(asking(memory=8 * 1024 * M), [1024 * M] * 12, cause=killed, cores="32", memory="24G") == []


def test_who_asks_for_no_memory_is_told_nothing() -> None:
    assert shown(asking(licence=1), [2048 * M] * 9, cores="2", licence="1") == []
