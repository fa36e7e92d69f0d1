"""The house is an ordered list: a package imports only what stands above it, and what is light never loads TensorFlow.

Everything here reads the source with `ast`; only the last tests import it, each in a process of its own.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the ground up. A name stands for a module or a whole package; a longer name is taken before a shorter one, so
# that a package's catalogue (`families`) can stand above what it lists (`families.*`).
HOUSE = (
    "errors", "registry", "space", "signature", "problems", "report", "records", "seeds", "settings", "runspec",
    "metrics",
    "data",
    "encoders",
    "tasks",
    "families",
    "prepared",
    "samples",
    "baselines",
    "store",
    "layers",
    "training",
    "families.*",
    "tuning",
    "bundle",
    "evaluation",
    "explain",
    "export",
    "charts",
    "workflow",
    "jobs",
    "cli",
    "__main__",
)  # fmt: skip

LIGHT = (
    "errors", "registry", "space", "signature", "problems", "report", "records", "seeds", "settings", "runspec",
    "metrics", "data", "encoders", "tasks", "families", "prepared", "samples", "baselines", "store", "evaluation",
    "explain", "charts", "workflow.plan", "bundle.serving", "jobs", "cli", "__main__",
)  # fmt: skip
HEAVY_CORNERS = ("families.*", "explain.*", "jobs.worker")

HEAVY = {"tensorflow", "keras", "keras_tuner", "torch", "jax", "tensorboard"}
UNSAFE = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
STANDALONE = {  # files that travel with a download, and what they may import beside the standard library
    "dl_core/layers": {"keras", "numpy"},
    "dl_core/data/values.py": {"numpy"},
    "dl_core/encoders/pixels.py": {"numpy", "PIL"},
}


def _files(*places: str) -> list[Path]:
    found: list[Path] = []
    for place in places:
        path = ROOT / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path] * path.exists()
    return found


def _module(path: Path) -> str:
    """dl_core/data/schema.py -> dl_core.data.schema; a package is called like its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _nodes(tree: ast.AST, into_functions: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        yield node
        if into_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _nodes(node, into_functions)


def _imports(path: Path, into_functions: bool = True) -> set[str]:
    """Full names of what a file imports; of `from package import module` the module, if it is one of ours."""
    found = set()
    for node in _nodes(_tree(path), into_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full, not relative ones."
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in CORE else node.module)
    return found


CORE = {_module(path): path for path in _files("dl_core")}


def _place(module: str, places: tuple[str, ...]) -> str | None:
    """The entry of `places` that names the module most closely: itself, the files of its package, or its package."""
    parts = module.split(".")[1:]
    names = [".".join(parts)]
    for length in range(len(parts) - 1, 0, -1):
        package = ".".join(parts[:length])
        names += [f"{package}.*", package]
    return next((name for name in names if name in places), None)


def _is_light(module: str) -> bool:
    place = _place(module, LIGHT + HEAVY_CORNERS)
    return module == "dl_core" or (place is not None and place not in HEAVY_CORNERS)


def _roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_every_module_has_its_place_in_the_house():
    lost = [module for module in CORE if module != "dl_core" and _place(module, HOUSE) is None]
    assert not lost


def test_a_package_imports_only_what_stands_above_it():
    wrong = []
    for module, path in CORE.items():
        here = _place(module, HOUSE)
        for name in sorted(_imports(path)):
            there = _place(name, HOUSE) if name in CORE and name != "dl_core" else None
            if here and there and HOUSE.index(there) > HOUSE.index(here):
                wrong.append(f"{module} imports {name}, which stands below it")
    assert not wrong, "\n".join(wrong)


def test_no_module_reaches_itself():
    graph = {module: {name for name in _imports(path) if name in CORE} for module, path in CORE.items()}
    assert not _circle(graph)


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of imports, or nothing."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for name in sorted(graph[module]):
            if found := walk(name, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in graph if (found := walk(module, []))), [])


def test_a_circle_is_found_and_a_diamond_is_not_one():
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert _circle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []


@pytest.mark.parametrize("module", [module for module in CORE if _is_light(module)])
def test_light_modules_never_reach_tensorflow(module):
    seen, waiting = set(), [(module, (module,))]
    while waiting:
        name, way = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for imported in _imports(CORE[name], into_functions=False):
            assert imported.split(".")[0] not in HEAVY, f"{' -> '.join(way)} -> {imported}"
            if imported in CORE:
                waiting.append((imported, (*way, imported)))


def test_only_pages_and_ui_import_streamlit():
    for path in _files("dl_core", "bench", "tools"):
        assert "streamlit" not in _roots(_imports(path)), path


def test_pages_and_ui_never_import_what_is_heavy():
    for path in _files("ui", "pages", "app.py"):
        for name in _imports(path):
            assert name.split(".")[0] not in HEAVY, f"{path} imports {name}"
            assert name not in CORE or _is_light(name), f"{path} imports {name}, which is not light"


def test_files_that_travel_with_a_download_stand_alone():
    for place, allowed in STANDALONE.items():
        for path in _files(place):
            if path.name != "__init__.py":
                extra = _roots(_imports(path)) - allowed - sys.stdlib_module_names
                assert not extra, f"{path} imports {extra}"


def test_the_library_never_prints():
    for module, path in CORE.items():
        if not module.startswith(("dl_core.cli", "dl_core.export")):  # a kit's predict.py lies in export
            calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
            prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
            assert not prints, f"{path}: lines {prints}"


def test_nothing_is_pickled():
    for path in _files("dl_core", "ui", "pages", "app.py"):
        assert not _roots(_imports(path)) & UNSAFE, path
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, f"{path}:{node.value.lineno}"


def test_every_module_says_what_it_is_for():
    silent = [
        path for path in _files("dl_core", "ui", "pages", "app.py", "bench") if not ast.get_docstring(_tree(path))
    ]
    assert not silent


def test_shared_code_has_found_its_noun():
    nameless = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert not [path for path in _files("dl_core", "ui", "pages", "bench", "tests") if path.name in nameless]


def _loaded_after(code: str) -> set[str]:
    """Root names of every module a fresh process holds after `code`."""
    listing = "\nimport sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code + listing], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    return set(process.stdout.splitlines()[-1].split())


def test_importing_all_light_modules_loads_neither_tensorflow_nor_streamlit():
    names = [name for name in CORE if _is_light(name) and not name.endswith("__main__")]
    loaded = _loaded_after("\n".join(f"import {name}" for name in names))
    assert not loaded & HEAVY
    assert "streamlit" not in loaded


def test_importing_the_dashboard_never_loads_tensorflow():
    names = [_module(path) for path in _files("app.py", "ui") if path.name != "shell.py"]  # shell.py runs the pages
    loaded = _loaded_after("\n".join(f"import {name}" for name in names))
    assert not loaded & HEAVY
