"""Names of tasks: made from a step and its values, turned into paths, parsed, and selected by what the user types.

A name is the identity of a task; the order of its parameters is not. Whatever takes tasks on a command line goes
through `select`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from taskrun.errors import UsageError, nearest

if TYPE_CHECKING:
    from taskrun.model import Task

_PLAIN = "A-Za-z0-9_.+:@=-"
_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
# Every task asks for these two; the others are texts, compiled by `re` when one is first needed.
_IS_PLAIN = re.compile(f"[{_PLAIN}]*")
_MADE_NAME = re.compile(rf"{_IDENTIFIER}(?:/{_IDENTIFIER}=(?:[{_PLAIN}]|%[0-9A-F]{{2}})*)*")
_TO_ENCODE = f"[^{_PLAIN}]+"
_ENCODED_BYTE = "%([0-9A-Fa-f]{2})"
_NARROWING = rf"(?s)({_IDENTIFIER})=(.*)"
_GLOB = r"[*?\[]"
_RANGE = r"([+-]?[0-9.]*[0-9])(?:\.\.|-|:)([+-]?\.?[0-9][0-9.]*)"

_LONGEST_COMPONENT = 200
# Looking for the nearest among more names than these would take longer than reading the answer.
_ENOUGH = 2000
_FEW = 6  # so many names are listed where none is near


def encode(value: str) -> str:
    """The value with everything but ASCII letters, digits and `_ . + - : @ =` percent-encoded."""
    if _IS_PLAIN.fullmatch(value):
        return value
    return re.sub(_TO_ENCODE, lambda match: "".join(f"%{byte:02X}" for byte in _bytes(match[0])), value)


def decode(text: str) -> str:
    """The value that `encode` made `text` of; what is no escape stays as it is."""
    if "%" not in text:
        return text
    pieces = re.split(_ENCODED_BYTE, text)
    raw = b"".join(bytes.fromhex(piece) if place % 2 else _bytes(piece) for place, piece in enumerate(pieces))
    return raw.decode("utf-8", "surrogateescape")


def task_name(step: str, names: Sequence[str], values: Sequence[str]) -> str:
    """`sim/topology=mesh/buffer=1024`, or just `sim` without parameters."""
    return "/".join([step, *(f"{name}={encode(value)}" for name, value in zip(names, values, strict=True))])


def parse_name(text: str) -> tuple[str, dict[str, str]] | None:
    """The step and the values in a name of `task_name`, its parameters in any order; None where it is no such name."""
    step, *pairs = text.split("/")
    matches = [re.fullmatch(_NARROWING, pair) for pair in pairs]
    values = {match[1]: decode(match[2]) for match in matches if match}
    if not re.fullmatch(_IDENTIFIER, step) or len(values) != len(pairs):
        return None
    return step, values


def task_path(name: str) -> str:
    """A relative path for the files of a task, below which no other task's lie.

    A name that was made from a step and values is its own path. A name as given by a program is encoded, `.` and `..`
    too; where that gives what a made name could also be, a hash tells them apart.
    """
    if _MADE_NAME.fullmatch(name):
        if len(name) <= _LONGEST_COMPONENT:  # nothing to cut: 100,000 tasks ask
            return name
        return "/".join(_cut(component, component) for component in name.split("/"))
    path = "/".join(_cut(_component(given), given) for given in name.split("/"))
    if path != name and _MADE_NAME.fullmatch(path):
        path = f"{path}-{_hash(name)}"
    return path


def log_name(name: str, attempt: int) -> str:
    """The path of an attempt's log, seen from the state directory."""
    return f"logs/{task_path(name)}.{attempt}.log"


def result_name(name: str, attempt: int) -> str:
    """The path of the file in which a shim says how an attempt ended, seen from the state directory."""
    return f"results/{task_path(name)}.{attempt}"


def script_name(name: str, attempt: int) -> str:
    """The path of the script that holds a long command while it runs, seen from the state directory."""
    return f"scripts/{task_path(name)}.{attempt}"


def wrong_with_study_name(name: str) -> str:
    """What keeps a name from being a study's, whose state directory is called so; "" where nothing does."""
    if not name:
        return "it is empty"
    if name in (".", "..") or "/" in name or not name.isprintable():
        return "it names the state's directory, so '/', '.', '..' and control characters cannot stand there"
    if len(_bytes(name)) > _LONGEST_COMPONENT:
        return f"it is longer than {_LONGEST_COMPONENT} bytes"
    return ""


def _component(given: str) -> str:
    if given in ("", ".", ".."):
        return "%2E" * len(given) or "%"
    return encode(given)


def _cut(component: str, whole: str) -> str:
    if len(component) <= _LONGEST_COMPONENT:
        return component
    kept = component[: _LONGEST_COMPONENT - 17]
    if "%" in kept[-2:]:
        kept = kept[: kept.rindex("%")]
    return f"{kept}-{_hash(whole)}"


def _hash(text: str) -> str:
    from taskrun.digests import blake2b  # hardly any name is that long

    return blake2b(_bytes(text), digest_size=8).hexdigest()


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


class Selection(NamedTuple):
    """What the user typed: `words` (steps, names, globs) add up, `narrowings` (a name and its values) take away."""

    words: tuple[str, ...] = ()
    narrowings: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @staticmethod
    def parse(words: Iterable[str], names: Iterable[str] = ()) -> Selection:
        """Tell narrowings from the rest; a word that is one of `names` is that task's name, whatever it looks like."""
        known = frozenset(names)
        adding: list[str] = []
        narrowings: list[tuple[str, tuple[str, ...]]] = []
        for word in words:
            match = re.fullmatch(_NARROWING, word)
            if match and word not in known:
                narrowings.append((match[1], tuple(match[2].split(","))))
            else:
                adding.append(word)
        return Selection(tuple(adding), tuple(narrowings))


def select(tasks: Sequence[Task], words: Sequence[str]) -> list[int]:
    """The positions, ascending, of the tasks that `words` select; without words all of them.

    Each word must match something, and so must all of them together; else a UsageError names the nearest.
    """
    if not words:
        return list(range(len(tasks)))
    by_name = {task.name: place for place, task in enumerate(tasks)}
    selection = Selection.parse(words, (word for word in words if word in by_name))
    chosen: Iterable[int] = range(len(tasks))
    if selection.words:
        found: set[int] = set()
        steps = _steps(tasks)
        for word in selection.words:
            found.update(_matches(word, tasks, steps, by_name))
        chosen = sorted(found)
    for name, values in selection.narrowings:
        kept = _narrow(tasks, chosen, name, _wanted(tasks, name, values))
        if not kept:
            raise UsageError(f"no task matches {' '.join(words)!r}; {_why_none(tasks, chosen, name)}")
        chosen = kept
    return list(chosen)


def _steps(tasks: Sequence[Task]) -> dict[str, list[int]]:
    steps: dict[str, list[int]] = {}
    for place, task in enumerate(tasks):
        steps.setdefault(task.step.name, []).append(place)
    return steps


def _matches(word: str, tasks: Sequence[Task], steps: dict[str, list[int]], by_name: dict[str, int]) -> Iterable[int]:
    found = list(steps.get(word, ()))
    if word in by_name:
        found.append(by_name[word])
    if not found:
        reordered = _in_order(word, tasks, steps)
        if reordered in by_name:
            found.append(by_name[reordered])
    if not found and re.search(_GLOB, word):
        import fnmatch  # most selections are plain names

        matches = re.compile(fnmatch.translate(word)).match
        found = [place for name, place in by_name.items() if matches(name)]
        if not found and parse_name(word) is None:
            raise UsageError(f"no task matches {word!r}" + _hint(word, tasks, steps))
    if not found:
        raise UsageError(f"no step or task is called {word!r}" + _hint(word, tasks, steps))
    return found


def _in_order(word: str, tasks: Sequence[Task], steps: dict[str, list[int]]) -> str:
    """The name with its parameters in the step's own order, or "" where it can be none of that step's."""
    parsed = parse_name(word)
    if parsed is None or parsed[0] not in steps:
        return ""
    step, values = parsed
    names = tasks[steps[step][0]].step.names
    return task_name(step, names, [values[name] for name in names]) if set(names) == set(values) else ""


def _hint(word: str, tasks: Sequence[Task], steps: dict[str, list[int]]) -> str:
    parsed = parse_name(word)
    if parsed is None or not parsed[1]:
        known = [*steps, *(task.name for task in tasks[:_ENOUGH])]
        return _offer(nearest(word, known)) or _listed("step", steps)
    step = parsed[0] if parsed[0] in steps else nearest(parsed[0], steps)
    if step is None:
        return _listed("step", steps)
    places = steps[step]
    names = tasks[places[0]].step.names
    closest = {}
    for name, value in parsed[1].items():
        meant = name if name in names else nearest(name, names)
        if meant is not None:
            known_values = dict.fromkeys(tasks[place].params[meant] for place in places)
            closest[meant] = nearest(value, list(known_values)[:_ENOUGH]) or value
    name = task_name(step, names, [closest[name] for name in names]) if set(closest) == set(names) else ""
    if any(tasks[place].name == name for place in places):
        return _offer(name)
    if closest and set(closest) < set(names):
        narrowings = " ".join(f"{name}={encode(closest[name])}" for name in names if name in closest)
        return f"; to select all of these: {step} {narrowings}"
    return _offer(nearest(word, [tasks[place].name for place in places[:_ENOUGH]]))


def _offer(name: str | None) -> str:
    return f"; did you mean {name!r}?" if name else ""


def _listed(kind: str, known: Collection[str]) -> str:
    """All that there are, where these are few."""
    if not known or len(known) > _FEW:
        return ""
    names = ", ".join(map(repr, known))
    return f"; the only {kind} is {names}" if len(known) == 1 else f"; the {kind}s are {names}"


def _position(task: Task, name: str) -> int | None:
    """Where among a task's values and let values the one called `name` stands."""
    names = (*task.step.names, *task.step.lets)
    return names.index(name) if name in names else None


def _narrow(tasks: Sequence[Task], places: Iterable[int], name: str, wanted: Container[str]) -> list[int]:
    positions: dict[int, int | None] = {}
    kept = []
    for place in places:
        task = tasks[place]
        key = id(task.step)
        if key not in positions:
            positions[key] = _position(task, name)
        position = positions[key]
        if position is not None and _value(task, position) in wanted:
            kept.append(place)
    return kept


def _why_none(tasks: Sequence[Task], places: Iterable[int], name: str) -> str:
    if all(_position(tasks[place], name) is None for place in places):
        return f"none that the rest selects has a parameter {name!r}"
    return "each of these alone matches some, all together none"


def _value(task: Task, position: int) -> str:
    count = len(task.values)
    return task.values[position] if position < count else task.lets[position - count]


def _wanted(tasks: Sequence[Task], name: str, values: tuple[str, ...]) -> set[str]:
    """The values that a narrowing means: as written, else decoded. A name or value that no task has is a slip, even
    where others match.
    """
    known = _known_values(tasks, name)
    if not known:
        names = dict.fromkeys(name for task in tasks for name in (*task.step.names, *task.step.lets))
        offer = _offer(nearest(name, names)) or _listed("parameter", names)
        raise UsageError(f"no task has a parameter {name!r}{offer or '; no task has any'}")
    meant = {value: value if value in known else decode(value) for value in (*values, ",".join(values))}
    unknown = [value for value in values if meant[value] not in known]
    if not unknown:
        return {meant[value] for value in values}
    whole = meant[",".join(values)]
    if whole in known:
        return {whole}
    raise UsageError(f"no task has {name}={unknown[0]}" + _value_hint(name, unknown[0], known))


def _known_values(tasks: Sequence[Task], name: str) -> dict[str, None]:
    known: dict[str, None] = {}
    positions: dict[int, int | None] = {}
    for task in tasks:
        key = id(task.step)
        if key not in positions:
            positions[key] = _position(task, name)
        position = positions[key]
        if position is not None:
            known[_value(task, position)] = None
    return known


def _value_hint(name: str, value: str, known: Collection[str]) -> str:
    if any("," in other for other in known):
        return "; a comma inside of a value is written %2C"
    if re.search(_GLOB, value):
        return f"; values are compared as written, for a pattern write '*/{name}={value}'"
    span = re.fullmatch(_RANGE, value)
    if span:
        meant = [*map(encode, _between(span[1], span[2], known))]
        return f"; a selection takes values, not ranges: {name}={','.join(meant[:_FEW]) or 'A,B,...'}" + (
            ",..." if len(meant) > _FEW else ""
        )
    return _offer(nearest(value, list(known)[:_ENOUGH])) or _listed("value", list(map(encode, known)))


def _between(low: str, high: str, known: Iterable[str]) -> list[str]:
    """The values that a range would hold."""

    def is_between(value: str) -> bool:
        try:
            return float(low) <= float(value) <= float(high)
        except ValueError:  # no number
            return False

    return [value for value in known if is_between(value)]
