"""How two commands differ, in a few words."""

from __future__ import annotations

import pytest

from taskrun.freshness.wording import changed_words


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("netsim -s 1000", "netsim -s 2000", "1000 → 2000"),
        ("netsim -s 1000 -t mesh", "netsim -t mesh", "-s 1000 → nothing"),
        ("netsim -t mesh", "netsim -v -t mesh", "nothing → -v"),
        ("netsim -s 1 -t mesh out", "netsim -s 2 -t torus out", "-s 1 → -s 2; -t mesh → -t torus"),
        ("cat a b > c", "cat a x > d", "b → x; c → d"),
        ("sort in", "uniq in", "sort → uniq"),
        ("a", "b c d", "a → b c d"),
        ("echo 'a  b'", "echo 'a b'", "white space"),
        ("true", ("true",), "a line → a list of words"),
        (("cp", "a b", "c"), ("cp", "a", "c"), "a b → a"),
        ("set -x\nsim 1\nsim 2", "set -x\nsim 1\nsim 3", "2 → 3"),
        ("1 x 2 x 3 x 4 x 5", "a x b x c x d x e", "1 → a; 2 → b; 3 → c; 4 → d; and 1 more place"),
        ("1 x 2 x 3 x 4 x 5 x 6", "a x b x c x d x e x f", "1 → a; 2 → b; 3 → c; 4 → d; and 2 more places"),
    ],
)
def test_each_place_that_differs_is_shown(old: str | tuple[str, ...], new: str | tuple[str, ...], said: str) -> None:
    assert changed_words(old, new) == said


def test_a_long_side_is_cut_so_that_the_difference_stands_there() -> None:
    path = "/home/somebody/" + "directory/" * 20
    said = changed_words(f"cp {path}a.csv out", f"cp {path}b.csv out")
    assert said == "…rectory/a.csv → …rectory/b.csv"
    assert changed_words("x " + "y" * 100, "x z") == f"{'y' * 59}… → z"


def test_a_long_script_is_compared_word_by_word_where_as_many_stay() -> None:
    old = "\n".join(f"step {number} of many with some words" for number in range(300))
    new = old.replace("step 3 of", "step three of").replace("step 290 of", "step 29O of")
    assert changed_words(old, new) == "3 → three; 290 → 29O"


def test_a_long_script_with_more_words_is_compared_by_lines() -> None:
    old = "\n".join(f"step {number} of many with some words" for number in range(90))
    new = old.replace("step 3 of many", "step three of very many").replace("step 80 of", "step 8O of")
    assert changed_words(old, new) == (
        "step 3 of many with some words → step three of very many with some words; "
        "step 80 of many with some words → step 8O of many with some words"
    )


def test_scripts_that_have_nothing_in_common_are_not_looked_through() -> None:
    old, new = (" ".join(f"{letter}{number}" for number in range(100_000)) for letter in "ab")
    said = changed_words(old, new)
    assert said.startswith("a0 a1 a2")
    assert len(said) < 130
