"""Every command and every example in README and docs works as it stands there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import ROOT, blocks, play, typed

if TYPE_CHECKING:
    from studies import Folder

pytestmark = pytest.mark.real

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").rglob("README.md"))]
COMPARED = ROOT / "docs" / "coming-from.md"  # which is played with a look at what comes of it
OF_STUDIES = ("make", "parallel", "snakemake", "taskrun")


@pytest.mark.parametrize("page", sorted({*PAGES} - {COMPARED}), ids=lambda page: os.fspath(page.relative_to(ROOT)))
def test_what_a_page_says_to_do_works(page: Path, folder: Folder) -> None:
    play(page, folder.path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: os.fspath(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert link.startswith("http") or (page.parent / link).exists(), link


def test_the_same_study_in_other_tools_makes_the_same_files(folder: Folder) -> None:
    play(COMPARED, folder.path)
    made = {}
    for study in OF_STUDIES:
        here = folder.path / study
        files = {path.relative_to(here): path.read_text() for path in here.glob("[rm]*s/**/*.txt")}
        if files:  # else the tool is not installed
            made[study] = files
    assert len(made["taskrun"]) == 9
    assert all(files == made["taskrun"] for files in made.values())


def test_the_screen_in_the_readme_is_what_a_user_sees(folder: Folder) -> None:
    found = list(blocks((ROOT / "README.md").read_text()))
    folder.write("sweep.yaml", next(block.text for block in found if block.language == "yaml"))
    screen = next(block.text for block in found if block.language == "console")
    shown = typed("taskrun run -j 1 2>&1", folder.path)
    assert _without_times(shown) == _without_times(screen.partition("\n")[2])


def _without_times(text: str) -> list[str]:
    """Lines without what differs from run to run: the estimate and the seconds."""
    return [re.sub(r"( ETA)? *[\d.]+m?s\b", "", line).rstrip() for line in text.splitlines()]


def test_the_fields_of_json_are_those_on_the_page(folder: Folder) -> None:
    folder.write("sweep.yaml", "sweep: {n: [1, 2]}\nsteps: {s: 'test {n} = 1'}\n")
    events = {event["event"]: set(event) for event in folder.events()}
    status = json.loads(folder.taskrun("status", "--json").stdout)
    listed = json.loads(folder.taskrun("list", "--json").stdout)
    page = (ROOT / "docs" / "json.md").read_text()
    assert _fields(page, "## taskrun status --json") == set(status)
    assert _fields(page, "Each task:") == set(status["tasks"][0])
    assert _fields(page, "## taskrun list --json") == set(listed[0])
    for name, fields in events.items():
        assert _fields(page, f"### `{name}`") == fields - {"event"}
    assert json.loads(folder.taskrun("points", "--json").stdout) == [{"n": "1"}, {"n": "2"}]


def _fields(page: str, title: str) -> set[str]:
    """The names in the first column of the first table behind a title."""
    rows = page.partition(f"\n{title}\n")[2].partition("| --- | --- |\n")[2].partition("\n\n")[0]
    return {name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
