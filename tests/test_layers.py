"""The ranks of the design, enforced: a module imports only from ranks above its own, the core touches no outside."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "taskrun"

RANKS = {
    0: ["errors", "executors.shim"],
    1: ["defaults", "digests", "model", "provenance", "quantity"],
    2: ["graph", "names", "shell", "timers", "history", "machine", "term", "interrupt", "outlet", "paths", "events",
        "makers", "descriptors", "written", "spare", "pools", "units", "policy"],
    3: ["plan", "room", "freshness", "workspace", "journal", "printer", "sweep", "command_file", "executors.base",
        "results"],
    4: ["scheduler", "judge", "executors.local", "executors.dry", "executors.idle", "executors.foretold", "standing",
        "recorded", "seal"],
    5: ["manager"],
    6: ["cli"],
    7: ["", "__main__"],
}
CORE = ["errors", "model", "quantity", "graph", "policy", "timers", "history", "pools", "units", "plan", "room",
        "executors.base", "scheduler"]
OUTSIDE = {"os", "time", "signal", "subprocess", "threading", "pathlib", "click", "yaml"}
RANK_OF = {module: rank for rank, modules in RANKS.items() for module in modules}


def module_name(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The entry of the table that a module belongs to: `sweep.points` lives in `sweep`."""
    while module and module not in RANK_OF:
        module = module.rpartition(".")[0]
    return module


def imports(path: Path) -> set[str]:
    """Every imported module, by its full name, wherever in the file the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def own(names: set[str]) -> set[str]:
    """Those of our own modules among imported names, without the package's prefix."""
    known = {module_name(path) for path in PACKAGE.rglob("*.py")}
    stripped = {name.removeprefix("taskrun").removeprefix(".") for name in names if name.split(".")[0] == "taskrun"}
    return {name for name in stripped if name in known and name not in {"", "executors"}}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if module_name(path) != "executors")


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_from_ranks_above_its_own(path: Path) -> None:
    home = room(module_name(path))
    for name in own(imports(path)):
        there = room(name)
        allowed = there == home or RANK_OF[there] < RANK_OF[home]
        assert allowed, f"{module_name(path)} (rank {RANK_OF[home]}) imports {name} (rank {RANK_OF[there]})"


@pytest.mark.parametrize("path", [path for path in MODULES if room(module_name(path)) in CORE], ids=module_name)
def test_the_core_touches_nothing_outside(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & OUTSIDE


def test_every_module_has_a_rank() -> None:
    homeless = [module_name(path) for path in MODULES if module_name(path) and room(module_name(path)) == ""]
    assert homeless in ([], ["__main__"])
