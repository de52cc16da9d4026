"""The code fingerprint of a stage: changes with what it computes, not with comments. Imports no torch."""

import ast
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.pipeline.scripts import ROOT

UNTRACKED = {"data.errors", "data.sandbox.availability"} | {
    f"stages.core.{name}"
    for name in (
        "allowed.sentences", "pipeline.agreement", "pipeline.fingerprint", "pipeline.guards", "pipeline.layers",
        "pipeline.overview", "pipeline.recipe", "pipeline.scale", "pipeline.schema", "pipeline.scripts",
        "pipeline.system", "pipeline.variants", "pipeline.workspace", "run.last_good", "run.lock", "run.manifest",
        "run.progress", "run.replacing", "run.staleness", "run.tables", "run.untrusted_code",
    )
}  # fmt: skip
"""Modules outside the code fingerprint: they change no result. Nor do settings.py, which are hashed as values."""


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def without_docstrings(tree: Any) -> ast.AST:
    """Drop what changes no result; comments and formatting are not in the tree anyway."""
    node: Any
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [
                item
                for item in body
                if not (
                    isinstance(item, ast.Expr)
                    and isinstance(item.value, ast.Constant)
                    and isinstance(item.value.value, str)
                )
            ]
    return tree


def constants(tree: ast.AST) -> list[str]:
    """The strings in a module that may name a file beside it, such as a template that it renders."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return sorted(text for text in texts if "." in text.strip(".") and len(text) < 100 and text.isprintable())


def module_file(module: str) -> Path | None:
    """The file of a module of this repository."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@functools.cache
def parsed(file: Path) -> tuple[str, frozenset[str]]:
    """A file's digest without comments and docstrings, and the modules that it imports with their packages."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        where = f"{file.relative_to(ROOT)}: line {getattr(error, 'lineno', '?')}"
        raise InputError(f"{where}: {getattr(error, 'msg', error)}") from None
    package = list(file.relative_to(ROOT).parts[:-1])
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            modules |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    beside = [file.parent / text for text in constants(tree) if text[0] != "/" and (file.parent / text).is_file()]
    code = ast.dump(without_docstrings(tree)) + "".join(digest(path.read_text(encoding="utf-8")) for path in beside)
    around = (".".join(name.split(".")[:end]) for name in modules for end in range(1, name.count(".") + 2))
    return digest(code), frozenset(around)


@functools.cache
def fingerprint(script: str) -> str:
    """Digest of a stage script and of every module of this repository that it imports, directly or not."""
    found: dict[str, str] = {}
    seen, todo = set[str](), {f"stages.{script}"}
    while todo:
        module = todo.pop()
        seen.add(module)
        if module in UNTRACKED or module.endswith(".settings") or (file := module_file(module)) is None:
            continue
        found[module], imported = parsed(file)
        todo |= imported - seen
    return digest(json.dumps(found, sort_keys=True)) if found else "missing"
