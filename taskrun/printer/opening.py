"""The first lines of a run: what the sweep became, what looks wrong, how much was done before, what is scarce. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from taskrun.model import Gathering, StepShape
from taskrun.printer.setting import Outset
from taskrun.printer.width import printable, width
from taskrun.term import Style, Terminal

_BETWEEN = "   "


def opening_lines(outset: Outset, terminal: Terminal, *, room: int | None) -> list[str]:
    """All of the first lines; those about steps are broken between steps where `room` columns are all there is."""
    lines = shape_lines(outset.shapes, terminal, room=room)
    lines += [f"{terminal.paint('hint:', Style.SPARED)} {hint}" for hint in outset.hints]
    lines.append(_before(outset))
    return [*lines, f"bottleneck: {outset.bottleneck}"] if outset.bottleneck else lines


def shape_lines(shapes: Iterable[StepShape], terminal: Terminal, *, room: int | None) -> list[str]:
    """What became of each step: `sim ×12 (topology, buffer)   graph ×3 (topology) ← 4 parse each`."""
    pieces = [_Piece(*_shape(shape, terminal.unicode)) for shape in shapes]
    return [_painted(line, terminal) for line in _broken(pieces, room)]


class _Piece:
    """What is said of one step; the gathers are loud."""

    def __init__(self, text: str, gathers: str) -> None:
        self.text = text
        self.gathers = gathers

    @property
    def width(self) -> int:
        return width(self.text) + width(self.gathers)


def _shape(shape: StepShape, unicode: bool) -> tuple[str, str]:
    names = f" ({', '.join(shape.names)})" if shape.names else ""
    text = f"{printable(shape.step)} {'×' if unicode else 'x'}{shape.count}{names}"
    if not shape.gathers:
        return text, ""
    arrow = "←" if unicode else "<-"
    gathers = ", ".join(_gathering(one, each=shape.count > 1, unicode=unicode) for one in shape.gathers)
    return text, f" {arrow} {gathers}"


def _gathering(gathering: Gathering, *, each: bool, unicode: bool) -> str:
    step = printable(gathering.step)
    if gathering.everything:
        return f"all {gathering.most} {step}"
    dash = "–" if unicode else "-"
    few, many = gathering.fewest, gathering.most
    count = f"{few}" if few == many else f"{few}{dash}{many}"
    return f"{count} {step}{' each' if each else ''}"


def _broken(pieces: Iterable[_Piece], room: int | None) -> Iterable[list[_Piece]]:
    line: list[_Piece] = []
    taken = 0
    for piece in pieces:
        needed = piece.width + len(_BETWEEN)
        if line and room is not None and taken + piece.width > room:
            yield line
            line, taken = [], 0
        line.append(piece)
        taken += needed
    if line:
        yield line


def _painted(line: Iterable[_Piece], terminal: Terminal) -> str:
    paint = terminal.paint
    return _BETWEEN.join(piece.text + (paint(piece.gathers, Style.LOUD) if piece.gathers else "") for piece in line)


def _before(outset: Outset) -> str:
    run, done = sum(outset.selected.values()), sum(outset.done.values())
    before = f"{run} {'task' if run == 1 else 'tasks'}"
    if done:
        before = f"{done} of {run} done before; what is unchanged is left alone"
    if run >= outset.total:
        return before
    return f"{before} ({run} of {outset.total} tasks selected)"
