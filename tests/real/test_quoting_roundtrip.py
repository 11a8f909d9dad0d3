"""Whatever text a value is, the command of a real shell gets it byte for byte, or it is refused before."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from taskrun.shell import QuoteError, plan_quoting, simple_words

pytestmark = pytest.mark.real

SHELLS = ["bash", "dash", "ksh", "zsh"]
ENDS = "\x1e"  # stands behind each argument in the output

some_shell = pytest.mark.parametrize("shell", SHELLS)
thorough = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))

PIECES = [
    *"ab02 '\"$`\\\n\t!#(){}[]*?~=;&|<>-%,.^/é日😀\x01\x7f\x85\r",
    "EOF", "$(", "${", "$A", "\\\n", "EOF\n", "\nEOF\n", "\nEOF)", "esac", "case ", " in ", "$((", "))",
    "<<EOF", "\n\t", "=ls",
]  # fmt: skip
SAFE = ["mesh", "1024", "0.5", "a,b", "1..3", "A=b", "-n", "2", "..", "%1", "EOF", "=ls", "x"]


def values() -> st.SearchStrategy[str]:
    """Arbitrary text, but mostly text that means something to a shell."""
    anything = st.text(st.characters(exclude_characters=f"\0{ENDS}", exclude_categories=["Cs"]), max_size=12)
    return st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | anything | st.sampled_from(SAFE)


def show(shell: str, text: str) -> str:
    """What a command of `shell` prints, its arguments each with an end."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    printer = "p() { for each; do printf '%s\\036' \"$each\"; done; }\n"
    environment = {"A": "va", "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shell, "-c", printer + text], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    assert done.stderr == b"", (text, done.stderr)
    return done.stdout.decode()


EVERYWHERE = [
    # The template, with @ for the value; what it prints; in which of the shells (all, if none is named).
    ("p @ x@y '' @@", "@|x@y||@@|", ""),
    ('p "@" "x@y" "@@" "${A}@" "it\'s @"', "@|x@y|@@|va@|it's @|", ""),
    ("p '@' 'x@y' '@@' 'say \"@\"' a'@'\"@\"@", '@|x@y|@@|say "@"|a@@@|', ""),
    ('p "$(p @)" "$(p "@")" "$(p \'@\')"', "@||@||@||", ""),
    ('p "$(p "$(p "@" \'@\' @)" @)"', "@|@|@||@||", ""),
    ('p "a$(p "b$(p \'c@\')d@")e@"', "ab c@|d@|e@|".replace(" ", ""), ""),
    ("p \\\"@\\\" \\'@\\' \\\\@", "\"@\"|'@'|\\@|", ""),
    ("p --o=@ -D'@' @/x x:@ \"$A\"@ {@}", "--o=@|-D@|@/x|x:@|va@|{@}|", "bash dash"),
    ("x=@; p \"$x\"; x='@'@\"@\" p @", "@|@|", ""),
    ("case @ in @) p '@';; *) p no;; esac", "@|", ""),
    ('case x@ in (y|x"@") p "$(case a in a) p @;; esac)" ;; esac', "@||", ""),
    ("for i in @ '@'; do p \"$i\"; done; if p @; then p @; fi", "@|@|@|@|", ""),
    ("(p @) | cat; { p @; }; p @ && ! p @ || p \"@\"", "@|@|@|@|@|", ""),
    ("f() { p \"$1\"; }; f @ # it's \" (\np @", "@|@|", ""),
    ("p x# @ $((1+(2))) @ `p x`@ ${A:-'}'}@ ${#A}@", "x#|@|3|@|x\x1e@|va@|2@|", ""),
    ("p \"`p x`@\" \"$((1+1))@\" \"${A:-it}@\"", "x\x1e@|2@|va@|", ""),
    ("p a\\\n@ \\\n @ \"b\\\n@\"", "a@|@|b@|", ""),
    ("p \"$(p a # it's )\np @)\"", "a|@||", ""),
    ("x=${A//$'}\\''/ }@; p \"$x\" \"${A//$'\\n'/ }@\" @", "va@|va@|@|", "bash zsh"),
    ("{ time -p p @; time -- p @; time -p -- { p @; }; time case @ in @) p @;; esac; } 2>/dev/null", "@|" * 4, "bash"),
    ("p ${Q#{} @ \"${Q#*{}\" ${A#{}@ \"${A#{}@\"", "@||va@|va@|", "bash"),
    ("p {z,@}x {z,a@b}", "zx|@x|z|a@b|", "bash"),
    ("a=(@ '@' \"@\"); p \"${a[0]}\" \"${a[1]}\" \"${a[2]}\"", "@|@|@|", "bash ksh"),
    ("cat <(p @ \"@\") <(p '@')", "@|@|@|", "bash ksh zsh"),
    ("if [[ x@ == x@ && a@ == *@ ]]; then p @; fi", "@|", "bash ksh zsh"),
    ("for ((n=0;n<1;n++)); do ((1)) && p @; done; p $'it\\'s'@", "@|it's@|", "bash ksh zsh"),
]  # fmt: skip


@some_shell
@thorough
@given(value=values())
def test_a_value_arrives_where_it_is_quoted(shell: str, value: str) -> None:
    lines, expected = [], ""
    for template, shown, shells in EVERYWHERE:
        if shell in (shells or shell).split():
            lines.append(plan_quoting(template.split("@"), (shell, "-c")).render([value] * template.count("@")))
            expected += shown.replace("|", ENDS).replace("@", value)
    assert show(shell, "\n".join(lines)) == expected


@some_shell
@thorough
@given(value=values())
def test_a_number_before_a_redirection_arrives(shell: str, value: str) -> None:
    template = "exec 4>&1; p @>&4; p @2>&4; p 2@>&4; p x @>&4 <<EOF\nEOF\n"
    line = plan_quoting(template.split("@"), (shell, "-c")).render([value] * 4)
    assert show(shell, line) == "@|@2|2@|x|@|".replace("|", ENDS).replace("@", value)


DOCUMENTS = [
    ("cat <<EOF\n[@]\n@ x@\nEOF\n", "[@]\n@ x@\n"),
    ("cat <<'EOF'\n[@]\n@ x@\nEOF\n", "[@]\n@ x@\n"),
    ("cat <<-EOF\n\t[@]\n\tx@\n\tEOF\n", "[@]\nx@\n"),
    ("cat <<-\\EOF | cat\n\t[@]\n\tx@\nEOF\n", "[@]\nx@\n"),
    ("cat <<EOF\n\"@\" '@' \\$@ \\\\@ ${A}@ $((1+1))@ `p x`@\nEOF\n", "\"@\" '@' $@ \\@ va@ 2@ x\x1e@\n"),
    ("cat <<EOF\n$(p @ '@' \"@\") @\nEOF\n", "@\x1e@\x1e@\x1e @\n"),
    ('p "$(cat <<EOF; p .\n[@]\nEOF\n)"\n', "[@]\n.\x1e\x1e"),
    ("cat <<A; cat <<'EOF'; p @\n[@\nA\n@]\nEOF\n", "[@\n@]\n@\x1e"),
]


@some_shell
@thorough
@given(value=values())
def test_a_here_document_holds_a_value_or_refuses_it(shell: str, value: str) -> None:
    lines, expected = [], ""
    for template, shown in DOCUMENTS:
        try:
            lines.append(plan_quoting(template.split("@"), (shell, "-c")).render([value] * template.count("@")))
        except QuoteError:
            assert set(value) & set("\n\t)" + "\\" * (shell == "ksh")) or "EOF" in value or not value.isascii()
        else:
            expected += shown.replace("@", value)
    assert show(shell, "".join(lines)) == expected


class Writer:
    """Draws a nested template; each method writes a part of it and gives what that part prints or expands to."""

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object]) -> None:
        self._draw = draw
        self.pieces = [""]
        self.values: list[str] = []
        self.in_document = False

    def pick(self, *choices: str) -> str:
        return str(self._draw(st.sampled_from(choices)))

    def count(self, most: int) -> range:
        return range(int(str(self._draw(st.integers(1, most)))))

    def text(self, text: str, meaning: str | None = None) -> str:
        self.pieces[-1] += text
        return text if meaning is None else meaning

    def value(self) -> str:
        self.values.append(str(self._draw(values())))
        self.pieces.append("")
        return self.values[-1]

    def commands(self, depth: int) -> str:
        shown = self.command(depth)
        for _ in self.count(2)[1:]:
            self.text(self.pick("; ", "\n", " && ", '; : "it\'s"; ', "; # it's \" (\n", "; : ${A#'}'} $((1+2)); "))
            shown += self.command(depth)
        return shown

    def command(self, depth: int) -> str:
        kinds = ["print", "print"] + ["case", "if", "group", "subshell", "for"] * (depth > 0)
        kind = self.pick(*kinds, *["document"] * (depth > 0 and not self.in_document))
        return {
            "print": self._print,
            "case": self._case,
            "if": lambda depth: self._around("if true; then ", "; fi", depth),
            "group": lambda depth: self._around("{ ", "\n}", depth),
            "subshell": lambda depth: self._around(" ( ", " )", depth),
            "for": lambda depth: self._around('for i in "(" "case"; do ', "\ndone", depth) * 2,
            "document": self._document,
        }[kind](depth)

    def _print(self, depth: int) -> str:
        self.text("p")
        shown = ""
        for _ in self.count(2):
            self.text(self.pick(" ", "  ", " \\\n "))
            shown += self._word(depth) + ENDS
        return shown

    def _around(self, before: str, behind: str, depth: int) -> str:
        self.text(before)
        shown = self.commands(depth - 1)
        self.text(behind)
        return shown

    def _case(self, depth: int) -> str:
        self.text("case ")
        self._word(0)
        self.text(self.pick(" in qq) :;; *) ", " in (qq|rr) ;;\n(*) "))
        shown = self.commands(depth - 1)
        self.text(self.pick(" ;; esac", "\nesac"))
        return shown

    def _word(self, depth: int) -> str:
        meaning = self.text("w")
        for _ in self.count(3):
            kind = self.pick("value", "double", "single", "escaped", "continued")
            if kind == "value":
                meaning += self.value()
            elif kind == "double":
                self.text('"')
                meaning += self._quoted(depth)
                self.text('"')
            elif kind == "single":
                self.text("'")
                meaning += (
                    self.text(self.pick("", "$(", '"', "#", "`")) + self.value() + self.text(self.pick("", ")", "\\"))
                )
                self.text("'")
            elif kind == "escaped":
                char = self.pick("'", '"', "\\", "$", "(", "#", ";")
                meaning += self.text("\\" + char, char)
            else:
                self.text("\\\n")
        return meaning

    def _quoted(self, depth: int) -> str:
        meaning = ""
        for _ in self.count(3):
            kind = self.pick("value", "value", "text", "escaped", "parameter", "substitution")
            if kind == "value":
                meaning += self.value()
            elif kind == "text":
                meaning += self.text(self.pick("a", " ", "'", "(", ")", "#", "{", "}", "<<EOF", "case "))
            elif kind == "escaped":
                char = self.pick("$", "`", "\\")
                meaning += self.text("\\" + char, char)
            elif kind == "parameter":
                meaning += self.text(self.pick("${A}", "${A:-x}", "${A#q}"), "va")
            elif depth > 0:
                self.text("$( ")
                meaning += self.commands(depth - 1)
                self.text("\n)")
        return meaning

    def _document(self, depth: int) -> str:
        quote = self.pick("", "'")
        self.text(f"cat <<{quote}EOF{quote}; p .\n")
        self.in_document = True
        shown = ""
        for _ in self.count(2):
            if quote:
                shown += self.text(self.pick("x", "'", "$A\\", "`")) + self.value()
            else:
                shown += self._quoted(min(depth, 1))
            shown += self.text("\n")
        self.in_document = False
        self.text("EOF\n:")
        return f"{shown}.{ENDS}"


@st.composite
def nested(draw: Callable[[st.SearchStrategy[object]], object]) -> tuple[Writer, str]:
    writer = Writer(draw)
    return writer, writer.commands(3)


@some_shell
@thorough
@given(drawn=nested())
def test_however_deep_it_is_nested_a_value_arrives_or_is_refused(shell: str, drawn: tuple[Writer, str]) -> None:
    writer, shown = drawn
    assume(shell != "ksh" or "$((" not in shown)  # which it reads in single quotes too, in a case in "$(...)"
    try:
        text = plan_quoting(writer.pieces, (shell, "-c")).render(writer.values)
    except QuoteError:
        assert "<<" in "".join(writer.pieces)
        return
    assert show(shell, text) == shown


@thorough
@given(st.lists(st.text("ab0_@%+=:,./-", min_size=1, max_size=6), max_size=4))
def test_simple_words_are_what_bash_executes(arguments: list[str]) -> None:
    words = simple_words(" ".join(["./p", *arguments]))
    assert words is not None
    text = "p() { printf '%s\\036' ./p \"$@\"; }; " + " ".join(["p", *words[1:]])
    assert show("bash", text).split(ENDS)[:-1] == list(words)


def test_whatever_bash_knows_by_itself_needs_bash() -> None:
    for name in show("bash", "compgen -b; compgen -k").split():
        assert simple_words(f"{name} x") is None, name
