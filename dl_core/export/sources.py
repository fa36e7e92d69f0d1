"""The layers of a model as one standalone file: the modules of dl_core/layers that it needs, joined."""

import ast
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dl_core import layers

LAYERS = Path(layers.__path__[0])
HEAD = '"""The custom layers of this model, as Deepboard defines them: import this module, then load model.keras."""'


def joined_layers(model: Path) -> str:
    """The source of every module of dl_core/layers that defines a class the .keras file `model` names, as one module:
    imports first and once. Raises ValueError where two modules define one name differently."""
    with zipfile.ZipFile(model) as archive:
        used = set(_own_classes(json.loads(archive.read("config.json"))))
    imports: set[str] = set()
    defined: dict[str, str] = {}
    bodies = []
    for path in sorted(LAYERS.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        if not used & {node.name for node in tree.body if isinstance(node, ast.ClassDef)}:
            continue
        for name, text in _definitions(tree, source):
            if defined.setdefault(name, text) != text:
                raise ValueError(f"Two modules of dl_core/layers define {name!r} differently, so no kit can hold both.")
        imports |= {ast.unparse(node) for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
        bodies.append(f"# {path.stem}\n\n{_body(tree, source)}")
    return "\n".join([HEAD, "", *sorted(imports), "", "\n\n\n".join(bodies), ""])


def _own_classes(config: Any) -> Iterator[str]:
    """The names of our own classes in a model's configuration, however deep."""
    stack = [config]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            name = item.get("registered_name")
            if isinstance(name, str) and name.startswith("deepboard>"):
                yield name.removeprefix("deepboard>")
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _definitions(tree: ast.Module, source: str) -> Iterator[tuple[str, str]]:
    """Each name that the module defines at its top, with its source."""
    for node in tree.body:
        text = ast.get_source_segment(source, node) or ""
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name, text
        elif isinstance(node, ast.Assign):
            for target in ast.walk(node):
                if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                    yield target.id, text


def _body(tree: ast.Module, source: str) -> str:
    """The module without its docstring and imports."""
    lines = source.splitlines()
    for node in tree.body:
        is_docstring = node is tree.body[0] and isinstance(node, ast.Expr)
        if is_docstring or isinstance(node, (ast.Import, ast.ImportFrom)):
            for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines[number - 1] = ""
    return "\n".join(lines).strip("\n")
