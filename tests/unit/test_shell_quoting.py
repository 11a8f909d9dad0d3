"""What a value becomes where it stands; `@` marks the placeholders of a template."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from taskrun.model import as_run, as_signed, mark
from taskrun.shell import QuoteError, Raw, plan_quoting
from taskrun.shell.wrapping import shell_name

BASH = ("bash", "-euo", "pipefail", "-c")


def quoted(template: str, *values: str | Sequence[str], shell: Sequence[str] = BASH) -> str:
    return plan_quoting(template.split("@"), shell).render(values)


def refused(template: str, *values: str | Sequence[str], shell: Sequence[str] = BASH) -> QuoteError:
    with pytest.raises(QuoteError) as caught:
        quoted(template, *values, shell=shell)
    return caught.value


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("p @", "a b", "p 'a b'"),
        ("p @", "it's", "p 'it'\\''s'"),
        ("p @", "", "p ''"),
        ("p x@y", "$a", "p x'$a'y"),
        ('p "@"', 'a "$b" `c` \\', 'p "a \\"\\$b\\" \\`c\\` \\\\"'),
        ("p '@'", "it's $x", "p 'it'\\''s $x'"),
        ('p "$(q @)"', "a b", "p \"$(q 'a b')\""),
        ('p "$(q "@")"', "$", 'p "$(q "\\$")"'),
        ("p \"$(q '@')\"", "'", "p \"$(q ''\\''')\""),
        ('p "it\'s @"', "'", "p \"it's '\""),
        ("p \\'@\\'", "a b", "p \\''a b'\\'"),
        ("p x#@", "a b", "p x#'a b'"),
        ("p # it's\np @", "a b", "p # it's\np 'a b'"),
        ("cat <<E\n@\nE", 'a $b \\ ` "', 'cat <<E\na \\$b \\\\ \\` "\nE'),
        ("cat <<'E'\n@\nE", "a $b \\ `", "cat <<'E'\na $b \\ `\nE"),
        ("cat <<E\nit's\nE\np @", "a b", "cat <<E\nit's\nE\np 'a b'"),
        ("cat <<E; p @\nit's\nE", "a b", "cat <<E; p 'a b'\nit's\nE"),
        ('p "$A@"', "b c", 'p "$A""b c"'),
        ("[[ $x == @* ]]", "a b", "[[ $x == 'a b'* ]]"),
        ("a=(x @)", "a b", "a=(x 'a b')"),
        ("q <(p @)", "a b", "q <(p 'a b')"),
        ("p <<< @", "a b", "p <<< 'a b'"),
        ("case @ in @) p;; esac", "a b", "case 'a b' in 'a b') p;; esac"),
        ('p "$(case x in x) p @;; esac)"', "a b", "p \"$(case x in x) p 'a b';; esac)\""),
    ],
)
def test_a_value_is_quoted_for_where_it_stands(template: str, value: str, text: str) -> None:
    assert quoted(template, *[value] * template.count("@")) == text


@pytest.mark.parametrize(
    "template",
    [
        "p @",
        'p "@"',
        "p '@'",
        "p $((@+1))",
        "p ${x:-@}",
        "p `q @`",
        "p # @",
        "p $'@'",
        "p a[@]=1",
        "cat <<@\n",
        "p \\@",
    ],
)
def test_plain_values_go_in_anywhere_as_they_are(template: str) -> None:
    assert quoted(template, "aZ_9%+=:./-") == template.replace("@", "aZ_9%+=:./-")


@pytest.mark.parametrize(
    "template", ["p @>f", "p @<f", "p @2>f", "p @\\\n>f", "p @&>f", "p {@}>f", "p @>>f", "p @<<E\nE"]
)
def test_a_number_before_a_redirection_stays_an_argument(template: str) -> None:
    assert quoted(template, "2") == template.replace("@", "'2'")


def test_inside_braces_a_comma_is_quoted() -> None:
    assert quoted("p {@,@,@}", "a,b", "1..3", "ab") == "p {'a,b','1..3',ab}"
    assert quoted("p {@..@}", "1", "3") == "p {1..3}"
    assert quoted("p {x,y}@ {@", "a,b", "c,d") == "p {x,y}a,b {'c,d'"
    assert quoted("p {@@}", "1.", ".5") == "p {'1.''.5'}"


def test_zsh_does_not_look_up_what_begins_with_an_equals_sign() -> None:
    assert quoted("p @ @", "=ls", "a:=b", shell=("zsh", "-c")) == "p '=ls' 'a:=b'"


@pytest.mark.parametrize(
    ("template", "where"),
    [
        ("p $((1+@))", "arithmetic"),
        ("((x = @))", "arithmetic"),
        ("for ((i=0; i<@; i++)); do p; done", "arithmetic"),
        ("p $[@]", "arithmetic"),
        ("p ${x:-@}", "a ${...} expansion"),
        ('p "${x:-@}"', "a ${...} expansion"),
        ("p ${x:-$(q @)}", "a ${...} expansion"),
        ("p `q @`", "backticks"),
        ('p "`q @`"', "backticks"),
        ("p # @", "a comment"),
        ("p\n# @", "a comment"),
        ("p $'@'", "$'...'"),
        ("a[@]=1", "the subscript of an array"),
        ("cat <<@\n@", "not clear"),
        ("p $((q); r @)", "not clear"),
    ],
)
def test_where_nothing_can_be_quoted_the_value_is_refused(template: str, where: str) -> None:
    error = refused(template, *["a b"] * template.count("@"))
    assert where in error.what
    assert error.slot == 0
    assert error.hint_for("t", "TASKRUN_PARAM_T") == ('write {t:raw} to put it in as it is, or "$TASKRUN_PARAM_T"')
    assert error.hint_for("inputs", None) == "write {inputs:raw} to put it in as it is"


@pytest.mark.parametrize(
    ("template", "where"),
    [
        ("p $((q); r @)", " from '$((q); r {...})' on"),
        ("p\ncoproc p @", " from 'coproc p {...}' in line 2 of the command on"),
        ("cat <<E\n@\n", ": something that opens before it is never closed"),
        ("p x(y " + "z" * 50 + " @", " from 'x(y zzzzzzzzzzzzzzzzzzzzzzz...' on"),
    ],
)
def test_what_made_a_part_unclear_is_named(template: str, where: str) -> None:
    assert refused(template, "a b").what.endswith(f"whose quoting is not clear{where}")


def test_an_empty_value_is_no_plain_one() -> None:
    assert "an empty value needs quoting, but stands in arithmetic" in refused("p $((@))", "").what


@pytest.mark.parametrize(
    "template",
    ["p `x` @", "p $((1+(2))) @", "p ${x:-'}'} @", "p $'it\\'s' @", "p # it's\np @", "((1)) && p @", 'p "${x:-it}" @'],
)
def test_after_such_a_place_quoting_goes_on(template: str) -> None:
    assert quoted(template, "a b") == template.replace("@", "'a b'")


@pytest.mark.parametrize(
    "template", ["p ${y//$'\\n'/ } @", 'p "${y//$\'\\n\'/ }" @', "p ${y:-$'a}b'} @", "cat <<E\n${y//$'\\t'/ }\nE\np @"]
)
def test_escapes_in_an_expansion_end_alike_in_all_shells(template: str) -> None:
    for shell in ("bash", "zsh", "ksh", "dash", "sh"):
        assert quoted(template, "a b", shell=(shell, "-c")) == template.replace("@", "'a b'")


def test_escapes_that_shells_end_differently_stay_in_doubt() -> None:
    assert "not clear" in refused("p \"${y//$'\\''/ }\" @", "a b").what
    assert "not clear" in refused("p \"${y//$'}'/ }\" @", "a b").what
    assert "not clear" in refused("p ${y//$'\\''/ } @", "a b", shell=("dash", "-c")).what


@pytest.mark.parametrize(
    "template",
    ["time -p p @", "time -- p @", "time -p -- p @", "time -p case x in @) p;; esac", "p ${y#{} @", 'p "${y#*{}" @'],
)
def test_what_only_bash_is_sure_of_is_read_for_bash(template: str) -> None:
    assert quoted(template, "a b") == template.replace("@", "'a b'")
    for shell in ("zsh", "ksh", "dash", "sh"):
        assert "not clear" in refused(template, "a b", shell=(shell, "-c")).what


def test_the_options_of_time_stand_right_behind_it() -> None:
    assert quoted("time -p -p esac @", "a b") == "time -p -p esac 'a b'"
    assert quoted("time > -p x @", "a b") == "time > -p x 'a b'"


@pytest.mark.parametrize(
    "shell", [("fish", "-c"), ("python3", "-c"), ("tcsh", "-c"), ("docker", "run", "x", "bash", "-c")]
)
def test_other_shells_take_only_plain_values(shell: tuple[str, ...]) -> None:
    assert quoted("p @>3", "a.b", shell=shell) == "p a.b>3"
    assert "whose quoting is not known" in refused("p @", "a b", shell=shell).what


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("bash", "-c"), "bash"),
        (("/usr/bin/dash", "-c"), "dash"),
        (("/usr/bin/env", "-i", "A=b", "zsh", "-c"), "zsh"),
        (("env", "ksh", "-c"), "ksh"),
        (("env", "-u", "bash", "python"), None),
        (("fish",), None),
        (("mybash", "-c"), None),
        ((), None),
    ],
)
def test_a_shell_is_known_by_its_name(words: tuple[str, ...], name: str | None) -> None:
    assert shell_name(words) == name


def test_a_list_is_quoted_item_by_item() -> None:
    assert quoted("p @", ("a", "b c", "")) == "p a 'b c' ''"
    assert quoted("p @;", ("a", "b")) == "p a b;"
    assert quoted("p (@)", ()) == "p ()"
    assert quoted("p # @", ("a", "b")) == "p # a b"


def test_a_list_inside_quotes_stays_one_word() -> None:
    assert quoted("p \"@\" '@'", ("a", "$b"), ("c", "it's")) == "p \"a \\$b\" 'c it'\\''s'"
    assert quoted("cat <<E\n@\nE", ("a", "$b")) == "cat <<E\na \\$b\nE"
    assert quoted('p "@"', ()) == 'p ""'


@pytest.mark.parametrize(
    "template", ["p x@", "p @x", "p @@", "p --in=@", 'p @"x"', "p @$(x)", "p $(x)@", "p x\\\n@", "p <(x)@"]
)
def test_a_list_glued_to_a_word_must_be_one_item(template: str) -> None:
    count = template.count("@")
    assert quoted(template, *[("a b",)] * count) == template.replace("@", "'a b'")
    assert "it holds 2 values and is glued to a word" in refused(template, *[("a", "b")] * count).what
    assert refused(template, *[()] * count).what.startswith("it holds no value")


@pytest.mark.parametrize("template", ["p > @", "p 2>>@", "p < @", "p <<< @", "p &> @", "p >| @"])
def test_a_list_behind_a_redirection_must_be_one_item(template: str) -> None:
    assert quoted(template, ("a b",)) == template.replace("@", "'a b'")
    assert "stands behind a redirection" in refused(template, ("a", "b")).what


def test_raw_text_goes_in_as_it_is() -> None:
    assert quoted("p @ @", Raw("-x $A 'b c'"), "d e") == "p -x $A 'b c' 'd e'"
    assert quoted("p $((@))", Raw("1 + 2")) == "p $((1 + 2))"
    assert quoted("p @>f", Raw("2")) == "p 2>f"


def test_raw_text_decides_how_what_follows_is_quoted() -> None:
    assert quoted("p @ @ @", Raw('"x'), "a 'b", Raw('y"')) == 'p "x a \'b y"'
    assert quoted("p @ @", Raw("# "), "plain") == "p #  plain"
    error = refused("p @ @ @", "x", Raw("#"), "a b")
    assert error.slot == 2
    assert "a comment" in error.what


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("cat <<E\n@\nE", "E"),
        ("cat <<E\n@\nE", "a\nE\nb"),
        ("cat <<'E'\n@\nE", "a\nE"),
        ("cat <<'E F'\nE@\nE F", " F"),
        ("cat <<E\nx@\nE", "\nE"),
        ("cat <<E\n\\\n@\nE", "E"),
        ("cat <<-E\n\t@\n\tE", "E"),
        ('p "$(cat <<E\n@\nE\n)"', "E)"),
    ],
)
def test_a_value_that_would_end_its_document_is_refused(template: str, value: str) -> None:
    error = refused(template, value)
    assert "in the here-document, which a shell takes for its end" in error.what
    assert error.hint_for("x", None) == "give the here-document another delimiter"


@pytest.mark.parametrize(
    ("template", "value"), [("cat <<E\nx@\nE", "E"), ("cat <<E\n@\nE", " E"), ("cat <<E\n@\nE", "EE\nxE")]
)
def test_the_delimiter_within_a_line_ends_nothing(template: str, value: str) -> None:
    assert quoted(template, value) == template.replace("@", value)


def test_two_values_can_make_a_delimiter_together() -> None:
    assert "the line 'EOF'" in refused("cat <<EOF\n@@\nEOF", "E", "OF").what
    assert quoted("cat <<EOF\n@@\nEOF", "E", "O") == "cat <<EOF\nEO\nEOF"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("cat <<-E\n@\nE", "\tx"),
        ("cat <<-E\n\t@\nE", "\tx"),
        ("cat <<-E\na@\nE", "b\n\tc"),
        ("cat <<-E\na@\tx\nE", "\n"),
    ],
)
def test_a_tab_that_would_be_taken_away_is_refused(template: str, value: str) -> None:
    assert "starts with a tab" in refused(template, value).what


def test_other_tabs_stay() -> None:
    assert quoted("cat <<-E\na@\nE", "\tx") == "cat <<-E\na\tx\nE"
    assert quoted("cat <<E\n@\nE", "\tx") == "cat <<E\n\tx\nE"


def test_shells_that_misread_lines_like_the_delimiter_are_spared_them() -> None:
    assert quoted("cat <<EOF\n@\nEOF", "Eé") == "cat <<EOF\nEé\nEOF"
    for shell in ("dash", "sh", "ksh"):
        assert "takes for its end" in refused("cat <<EOF\n@\nEOF", "Eé", shell=(shell, "-c")).what
        assert quoted("cat <<EOF\n@\nEOF", "é", shell=(shell, "-c")) == "cat <<EOF\né\nEOF"


@pytest.mark.parametrize("template", ["p \\@", 'p "\\@"', "cat <<E\n\\@\nE"])
def test_a_backslash_right_before_a_value_prevents_quoting(template: str) -> None:
    assert "a backslash right before it prevents" in refused(template, "$a").what
    assert "a backslash right before it prevents" in refused(template, "").what


def test_inside_quotes_a_backslash_only_minds_some_characters() -> None:
    assert quoted('p "C:\\@"', "my file") == 'p "C:\\my file"'


def test_what_a_value_is_and_what_is_written_are_quoted_alike() -> None:
    text = quoted("p @", mark("a b", "../a b"))
    assert (as_run(text, 1), as_signed(text)) == ("p '../a b'", "p 'a b'")


def test_the_number_of_an_attempt_is_filled_in_later() -> None:
    text = quoted("p @ @>f", *[mark("{task.attempt}", None)] * 2)
    assert as_run(text, 3) == "p 3 '3'>f"


def test_the_parts_can_be_had_before_they_are_joined() -> None:
    quoter = plan_quoting(["p ", " ", ""], BASH)
    assert quoter.quote(["a b", ["c", "d"]]) == ["'a b'", "c d"]
    assert quoter.join(["x", "y"]) == "p x y"


def test_deep_nesting_ends_in_a_refusal() -> None:
    assert "not clear" in refused('"$(' * 5000 + "@", "a b").what
    assert "not clear" in refused("( " * 5000 + "@", "a b").what


@pytest.mark.timeout(20)
def test_a_template_is_scanned_once_for_any_number_of_values() -> None:
    quoter = plan_quoting(["netsim -t ", ' -b "$(size ', ')" -o ', ""], BASH)
    lines = {quoter.render(("mesh", str(number), "a/b")) for number in range(200_000)}
    assert len(lines) == 200_000


@pytest.mark.parametrize(
    ("before", "behind", "value", "is_taken"),
    [
        (" f{0,", "}", "1,2", False),
        (" {", "..9}", "1..3", False),
        (" {{a,", "},b}", "1,2", False),
        (" f{0,", "}", "12", True),
        (" f/", "", "1,2", True),
        (" {a,b}/", "", "1,2", True),
        (" ${A}{", "", "1,2", True),
        (" jq '{d: [", "]}'", "1,2", True),
        (" jq '{d:[", "]}'", "1,2", True),
        (" awk '{print ", "}'", "1,2", True),
    ],
)
def test_in_an_unclear_part_a_comma_is_refused_where_a_brace_expansion_may_be(
    before: str, behind: str, value: str, is_taken: bool
) -> None:
    quoter = plan_quoting(["coproc x { a; }; echo" + before, behind], BASH)
    if is_taken:
        assert quoter.render([value]) == f"coproc x {{ a; }}; echo{before}{value}{behind}"
    else:
        with pytest.raises(QuoteError, match="not clear"):
            quoter.render([value])
