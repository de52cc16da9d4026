"""The code fingerprint of a stage: changes with what it computes, not with comments. Imports no torch."""

import ast
import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from data.errors import InputError
from stages.core.pipeline.scripts import ROOT

UNTRACKED = {"data.errors", "data.sandbox.availability"} | {
    f"stages.core.{name}"
    for name in (
        "allowed.sentences", "pipeline.agreement", "pipeline.fingerprint", "pipeline.guards", "pipeline.layers",
        "pipeline.overview", "pipeline.recipe", "pipeline.scale", "pipeline.schema", "pipeline.scripts",
        "pipeline.system", "pipeline.timeline", "pipeline.variants", "pipeline.workspace", "run.last_good", "run.lock",
        "run.manifest", "run.progress", "run.replacing", "run.staleness", "run.tables", "run.untrusted_code",
    )
}  # fmt: skip
"""Modules outside the code fingerprint: they change no result. Nor do settings.py, which are hashed as values."""


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_tree(tree: ast.AST, package: list[str]) -> tuple[set[str], set[str]]:
    """The modules that a module of `package` imports, and its strings; drops the docstrings, which change no result."""
    modules, texts = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                texts.add(node.value)
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            modules |= {module} | {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(body := getattr(node, "body", None), list):
            node.body = [item for item in body if not is_text(item)]  # type: ignore[attr-defined]
    return modules, texts


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a bare string, as a docstring is."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def file_names(texts: Iterable[str]) -> list[str]:
    """The strings of a module that may name a file beside it, such as a template that it renders."""
    return sorted(text for text in texts if "." in text.strip(".") and len(text) < 100 and text.isprintable())


def module_file(module: str) -> Path | None:
    """The file of a module of this repository."""
    path = ROOT / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@functools.cache
def parsed(file: Path) -> tuple[str, frozenset[str]]:
    """A file's digest without comments and docstrings, and our modules that it imports, with their packages."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        where = f"{file.relative_to(ROOT)}: line {getattr(error, 'lineno', '?')}"
        raise InputError(f"{where}: {getattr(error, 'msg', error)}") from None
    modules, texts = read_tree(tree, list(file.relative_to(ROOT).parts[:-1]))
    beside = [file.parent / text for text in file_names(texts) if text[0] != "/" and (file.parent / text).is_file()]
    code = ast.dump(tree) + "".join(digest(path.read_text(encoding="utf-8")) for path in beside)
    around = {".".join(name.split(".")[:end]) for name in modules for end in range(1, name.count(".") + 2)}
    return digest(code), frozenset(name for name in around if module_file(name))


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
