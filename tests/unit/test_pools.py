"""What there is of each pool, and what asks for more than that."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from fakes import asking

from taskrun.pools import CORES, PINNED, asked, parse_total, shortages, show_amount, threads


@pytest.mark.parametrize(
    ("pool", "text", "total"),
    [
        ("memory", "2G", 2 * 1024**3),
        ("memory", "512M", 512 * 1024**2),
        ("memory", "0", 0),
        ("cores", "8", 8),
        ("gpus", "0", 0),
        ("gpus", "2.0", 2),
        ("licence", "0.3", Fraction(3, 10)),
        ("licence", "1e2", 100),
    ],
)
def test_a_total_is_read_by_the_name_of_its_pool(pool: str, text: str, total: int | Fraction) -> None:
    assert parse_total(pool, text) == total


@pytest.mark.parametrize(
    ("pool", "text", "wrong"),
    [
        ("memory", "2X", "'2X' is not a size; write it as 512M or 2G"),
        ("memory", "-1", "'-1' is not a size; write it as 512M or 2G"),
        ("memory", "nan", "'nan' is not a size; write it as 512M or 2G"),
        ("cores", "0", "0 is not a whole number of cores, at least 1"),
        ("cores", "2.5", "2.5 is not a whole number of cores, at least 1"),
        ("cores", "many", "'many' is not a number"),
        ("gpus", "0,1", "'0,1' is not a number"),
        ("gpus", "0.5", "0.5 is not a whole number of gpus"),
        ("licence", "2G", "'2G' is not a number"),
        ("licence", "-1", "-1 is negative"),
        ("licence", "inf", "'inf' is not a number"),
        ("licence", "", "'' is not a number"),
    ],
)
def test_a_total_that_cannot_be_is_said_in_a_sentence(pool: str, text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(wrong)}$"):
        parse_total(pool, text)


def said(total: dict[str, str], *, is_strict: bool = False, **asks: object) -> list[str]:
    pools = {pool: parse_total(pool, text) for pool, text in total.items()}
    tasks = [("sim/n=1", "sim", asking(**asks)), ("sim/n=2", "sim", asking(**asks))]  # type: ignore[arg-type]
    return [f"{each.what}; {each.hint(pools)}" for each in shortages(tasks, pools, is_strict=is_strict)]


def test_of_each_step_the_first_task_that_asks_too_much_is_named() -> None:
    assert said({"licence": "2"}, licence=3) == [
        "sim/n=1 asks for 3 of the pool 'licence', and there are 2; "
        "ask for less, or say that there is more: `pools: {licence: 3}` or --pool licence=3"
    ]
    assert said({"memory": "1G"}, memory=2 * 1024**3) == [
        "sim/n=1 asks for 2G of memory, and there is 1G; "
        "ask for less, or say how much there is to share, as --pool memory=2G"
    ]
    assert said({"gpus": "1"}, gpus=2) == [
        "sim/n=1 asks for 2 gpus, and there is 1; ask for less, or say how much there is to share, as --pool gpus=2"
    ]


def test_a_pool_that_nobody_gives_a_total_of_is_offered_the_nearest_name() -> None:
    assert said({"licence": "2"}, license=1) == [
        "sim/n=1 asks for 1 of the pool 'license', and nobody says how much of that there is; did you mean 'licence'?"
    ]
    assert said({}, seat="1/2") == [
        "sim/n=1 asks for 0.5 of the pool 'seat', and nobody says how much of that there is; "
        "say it, as `pools: {seat: 0.5}` or --pool seat=0.5"
    ]


def test_what_fits_is_no_matter_and_neither_is_a_machine_that_nobody_looked_at() -> None:
    assert said({"licence": "2"}, licence=2) == []
    assert said({}, licence=0) == []
    assert said({}, memory=10**15, gpus=9) == []


def test_cores_are_refused_only_where_that_is_asked_for() -> None:
    assert said({"cores": "2"}, cores=9) == []
    assert said({"cores": "2"}, cores=9, is_strict=True) == [
        "sim/n=1 asks for 9 cores, and there are 2; ask for less, or say how much there is to share, as --pool cores=9"
    ]


def test_who_is_pinned_asks_for_cores_of_its_own_too() -> None:
    assert asked(asking(2)) == (("cores", Fraction(2)),)
    assert asked(asking(2, pinned=True)) == (("cores", Fraction(2)), (PINNED, Fraction(2)))


def test_amounts_and_threads_are_whole_where_they_have_to_be() -> None:
    assert show_amount("memory", Fraction(1536 * 1024**2)) == "1.5G"
    assert show_amount(CORES, Fraction(1, 2)) == "0.5"
    assert [threads(Fraction(cores)) for cores in ("0", "1/2", "1", "5/2", "4")] == [1, 1, 1, 3, 4]
