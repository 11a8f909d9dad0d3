"""Any sweep: members of a union with tied and single names, and clauses that exclude points of them."""

from __future__ import annotations

from hypothesis import strategies as st

Plain = str | int | list["Plain"] | dict[str, "Plain"]


@st.composite
def members(draw: st.DrawFn) -> dict[str, list[list[str]]]:
    names = draw(st.permutations("abcde").map(lambda order: order[: draw(st.integers(1, 5))]))
    member: dict[str, list[list[str]]] = {}
    while names:
        width = draw(st.integers(1, min(3, len(names))))
        row = st.lists(st.sampled_from("012"), min_size=width, max_size=width)
        member[", ".join(names[:width])] = draw(st.lists(row, min_size=1, max_size=4))
        names = names[width:]
    return member


clauses = st.dictionaries(
    st.sampled_from("abcde"), st.lists(st.sampled_from("012"), min_size=1, max_size=2), min_size=1, max_size=4
)


def as_written(member: dict[str, list[list[str]]]) -> dict[str, Plain]:
    return {
        key: list(rows) if ", " in key else [row[0] for row in rows]  # a name of its own has values, not rows
        for key, rows in member.items()
    }
