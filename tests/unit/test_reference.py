"""The reference is what the program's definitions say, and they say something of everything."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import msgspec
import pytest

import taskrun
from taskrun import events
from taskrun.model import AnyRecord, Record, Signature
from taskrun.sweep.schema import FileKeys, Spread, StepKeys

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_what_make_docs_would_write(make: ModuleType) -> None:
    stale = [path.name for path in make.pages() if path.read_text() != make.page(path.read_text())]
    assert not stale, "run `make docs`"


def test_every_part_stands_on_some_page(make: ModuleType) -> None:
    marks = re.findall(r"<!-- made: ([a-z-]+) -->", "".join(path.read_text() for path in make.pages()))
    assert sorted(marks) == sorted(make.PARTS)


@pytest.mark.parametrize("definition", [FileKeys, StepKeys, Spread])
def test_every_key_says_what_it_is_for(make: ModuleType, definition: type[msgspec.Struct]) -> None:
    assert all(make.descriptions(definition).values())


@pytest.mark.parametrize("definition", [*get_args(AnyRecord), Signature])
def test_every_field_of_a_record_is_explained(definition: type[msgspec.Struct]) -> None:
    assert not set(_fields(definition)) - _explained(definition) - _explained(Record)


@pytest.mark.parametrize("definition", [*get_args(events.Event), taskrun.Summary, taskrun.Failure])
def test_every_field_of_the_library_is_explained(definition: type[msgspec.Struct]) -> None:
    of_all = {"time", "task", "status", "attempt", "reason"}  # the module's docstring, and plain words
    assert not set(_fields(definition)) - _explained(definition) - of_all


def test_every_public_name_and_method_has_a_docstring(make: ModuleType) -> None:
    for name in set(taskrun.__all__) - {"Event"}:
        thing = getattr(taskrun, name)
        assert make.prose(thing), name
        for key, member in vars(thing).items() if thing in (taskrun.Manager, taskrun.Task) else ():
            assert key.startswith("_") or make.prose(member), f"{name}.{key}"


def _fields(definition: type[msgspec.Struct]) -> tuple[str, ...]:
    return definition.__struct_fields__


def _explained(definition: type[msgspec.Struct]) -> set[str]:
    return set(re.findall(r"`(\w+)`", definition.__doc__ or ""))
