"""YAML files that people write: one sentence for whatever is wrong with one, before it is read as anything."""

from pathlib import Path
from typing import Any

import yaml

from data.errors import InputError

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml reads the same, ten times as slowly
    from yaml import SafeLoader  # type: ignore[assignment]

LARGEST_FILE = 1 << 20
LARGEST_CONTENT = 100_000
"""Values and keys of a file, aliases written out."""
DEEPEST = 30


class UniqueKeyLoader(SafeLoader):
    """YAML in which a key given twice is an error, where PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse duplicates before the merge keys are filled in."""
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen and key.value != "<<":
                problem = f"the key `{key.value}` is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def get_single_node(self) -> yaml.Node | None:
        """Refuse what would be endless or huge once its aliases are written out."""
        node = super().get_single_node()
        if node is not None:
            _size(node, {})
        return node


def _check_depth(text: str) -> None:
    """Event by event, since whatever builds something of them does so by recursion."""
    depth = 0
    for event in yaml.parse(text, SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _refusal(f"nested more than {DEEPEST} deep", event)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes a node holds; an error where it holds itself, or too many of them."""
    if id(node) in known:
        size = known[id(node)]
        if not size:
            raise _refusal("it holds itself by an alias", node)
        return size
    known[id(node)] = 0
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    size = known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    if size > LARGEST_CONTENT:
        raise _refusal(f"more than {LARGEST_CONTENT:,} values with its aliases written out", node)
    return size


def _refusal(problem: str, node: Any) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def read_mapping(path: Path, what: str) -> dict[str, Any]:
    """The mapping in a YAML file, or one sentence; what: it is, a recipe or a scale."""
    try:
        if not path.is_file():
            raise InputError(f"{path}: no {what} file; it is a folder or something else")
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: larger than {LARGEST_FILE >> 20} MiB, which no {what} file is")
        text = path.read_text(encoding="utf-8")
        _check_depth(text)
        content = yaml.load(text, UniqueKeyLoader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise InputError(f"{path}: {where}{problem}") from None
    except RecursionError:  # of aliases within aliases
        raise InputError(f"{path}: nested too deep") from None
    except (yaml.YAMLError, ValueError) as error:  # of bytes that are no text, dates and numbers that are none
        raise InputError(f"{path}: cannot be read as YAML: {(str(error).splitlines() or [''])[0]}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else type(content).__name__
        raise InputError(f"{path}: found {found}, a {what} file is a mapping")
    return content
