"""Which commands need no shell, and how a word is written so that it can be pasted."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskrun.shell import quote_word, simple_words


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_quoted_word_is_one_word(text: str) -> None:
    assert shlex.split(quote_word(text)) == [text]


def test_a_word_that_needs_no_quotes_gets_none() -> None:
    assert quote_word("sim/topology=mesh/f=a%20b") == "sim/topology=mesh/f=a%20b"
    assert quote_word("") == "''"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("netsim -s 1000 -t mesh -o out/a.dat", ("netsim", "-s", "1000", "-t", "mesh", "-o", "out/a.dat")),
        ("  ./run.sh\t--seed=1 A=b \n", ("./run.sh", "--seed=1", "A=b")),
        ("true", ("true",)),
        ("false\n", ("false",)),
        ("/bin/echo x", ("/bin/echo", "x")),
        ("python3 -m a.b @file %1 +x a,b -- -", ("python3", "-m", "a.b", "@file", "%1", "+x", "a,b", "--", "-")),
        ("env A=b c", ("env", "A=b", "c")),
        ("sleep 1 if then", ("sleep", "1", "if", "then")),
    ],
)
def test_plain_words_need_no_shell(text: str, words: tuple[str, ...]) -> None:
    assert simple_words(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\n", "a; b", "a | b", "a > f", "a $b", "a *", "a ?", "a [x]", "a ~", "~/a", "a 'b'", 'a "b"',
        "a \\b",
        "a `b`", "a # b", "a\nb", "a\r", "a\fb", "a {b}", "a !b", "a (b)", "a é", "a^b", "A=b", "A=b c", "A=b/c d",
        "%1", "%1 x", "echo x", "cd /", "exec a", ". f", ": x", "[ a = b ]", "time a", "if a", "! a", "coproc a",
        "test 1", "true x", "false x", "source f", "printf x", "kill 1", "wait", "{ a", "-x", "@a", "+a", ",a", "=a",
        "type a", "compgen x", "select x", "in x", "function f",
    ],
)  # fmt: skip
def test_whatever_a_shell_could_change_needs_one(text: str) -> None:
    assert simple_words(text) is None
