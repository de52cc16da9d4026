"""Where a result came from: a tool for the terminal, not a stage.

FOLDER is a stage's folder (runs/tiny/r1/general_rl). Printed is the tree of its ancestors, each of them once: script,
run, config, code, versions, data with licences, digests. --verify reads all payloads again and compares them with
their manifests, and each manifest with what the stages that were made from it have recorded. Runs may have been moved
as a whole. Exit code 1 where something is missing or differs, 2 for bad input.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from data.errors import InputError, run_command
from stages.core.run.manifest import files_digest, manifest_digest, read_json, verify

SHORT = 12
"""Digits of a digest that are shown without --full."""
WIDTH = 10_000
"""Of a line: the terminal may break it, nothing is cut off."""


class Config(BaseModel):
    """What a manifest's copy of the config says of places."""

    runs: str
    output: str
    inputs: dict[str, str | dict[str, str]]


class Record(BaseModel):
    """What is read of a manifest."""

    run_id: str
    stage: str
    script: str
    payload: Literal["model", "data", "report"]
    finished: str
    seed: int
    config: Config
    config_hash: str
    code_fingerprint: str
    git: dict[str, str | bool | None]
    versions: dict[str, str]
    parents: dict[str, str]
    files: dict[str, str]
    digest: str
    rows: dict[str, int] = {}
    licences: list[str] = []
    sources: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Ancestor:
    """A stage and the folders of those that it was made from, each with the SHA-256 that their manifests had then."""

    manifest: Record
    parents: dict[Path, str]


Lineage = dict[Path, Ancestor | None]
"""By folder, the stage itself first; None where an ancestor is missing."""


def lineage(folder: Path) -> Lineage:
    """The stage of a folder and all that it was made from. Raises InputError for manifests that cannot be true."""
    found: Lineage = {}

    def visit(folder: Path, path: tuple[Path, ...]) -> None:
        if folder in path:
            circle = " <- ".join(map(str, [*path[path.index(folder) :], folder]))
            raise InputError(f"a stage cannot be its own ancestor: {circle}")
        if folder not in found:
            complete = (folder / "manifest.json").exists()
            found[folder] = ancestor = read(folder) if complete or not path else None
            for parent in ancestor.parents if ancestor else ():
                visit(parent, (*path, folder))

    visit(Path(os.path.normpath(folder)), ())
    return found


def read(folder: Path) -> Ancestor:
    """A complete stage as its manifest has it."""
    file = folder / "manifest.json"
    content = read_json(file, "the folder of a complete stage has one")
    try:
        manifest = Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise InputError(f"{file} is damaged: {where}: {first['msg'].lower()}") from None
    written, runs = PurePosixPath(manifest.config.runs), runs_of(folder, manifest.config)
    parents = {}
    for parent, recorded in manifest.parents.items():
        place = PurePosixPath(parent)
        if not place.is_relative_to(written) or ".." in place.parts:
            raise InputError(f"{file}: the parent {parent} is not below the runs folder {written}: no stage wrote that")
        parents[runs / place.relative_to(written)] = recorded
    named = manifest.config.inputs.values()
    inputs = {path for paths in named for path in ([paths] if isinstance(paths, str) else paths.values())}
    if inputs != manifest.parents.keys():
        differing = ", ".join(sorted(inputs ^ manifest.parents.keys()))
        raise InputError(f"{file}: its parents are not the inputs of its config: {differing}")
    return Ancestor(manifest, parents)


def runs_of(folder: Path, config: Config) -> Path:
    """Where the runs lie that a stage belongs to: around it, wherever they were moved, or else where they were."""
    written, output = PurePosixPath(config.runs), PurePosixPath(config.output)
    if output.is_relative_to(written):
        own = output.relative_to(written).parts
        if own and Path(os.path.abspath(folder)).parts[-len(own) :] == own:
            return Path(os.path.normpath(folder / Path(*[".."] * len(own))))
    return Path(written)


def problems(found: Lineage) -> Iterator[str]:
    """One sentence for each payload and each manifest that is not what it was."""
    for folder, ancestor in found.items():
        if ancestor is None:
            continue
        try:
            verify(folder)
        except InputError as error:
            yield str(error)
        if ancestor.manifest.digest != files_digest(ancestor.manifest.files):
            yield f"{folder / 'manifest.json'}: its digest is not that of its files: run {folder.name} again"
        for parent, recorded in ancestor.parents.items():
            if found[parent] and manifest_digest(parent) != recorded:
                yield f"{parent / 'manifest.json'} is not the one that {folder} was made from"


def missing(found: Lineage) -> list[str]:
    """One sentence for each ancestor whose folder is not there."""
    return [f"{folder} is missing or not complete: an ancestor" for folder, ancestor in found.items() if not ancestor]


# -- the tree


def tree(found: Lineage, full: bool = False) -> Tree:
    """The lineage to print; full: digests in full length."""
    length = None if full else SHORT
    shown: set[Path] = set()
    versions: dict[str, str] = {}

    def grow(folder: Path) -> Tree:
        ancestor = found[folder]
        if ancestor is None or folder in shown:
            return Tree(plain(f"{folder}: {'see above' if ancestor else 'MISSING'}"))
        shown.add(folder)
        branch = Tree(plain("\n".join([str(folder), *facts(folder, ancestor.manifest, versions, length)])))
        versions.update(ancestor.manifest.versions)
        branch.children += [grow(parent) for parent in ancestor.parents]
        return branch

    return grow(next(iter(found)))


def facts(folder: Path, manifest: Record, versions: dict[str, str], length: int | None) -> Iterator[str]:
    """The lines that are shown of a stage; of its versions those that differ from the last ones shown, `versions`."""
    commit, dirty = manifest.git.get("commit"), manifest.git.get("dirty")
    yield f"{manifest.script}, seed {manifest.seed}, run {manifest.run_id[:length]}, {manifest.finished}"
    code = f"git {str(commit)[:length]}{' and changes' if dirty else ''}" if commit else "no git"
    yield f"config {manifest.config_hash[:length]}, code {manifest.code_fingerprint[:length]}, {code}"
    if news := {name: version for name, version in manifest.versions.items() if version != versions.get(name)}:
        yield ", ".join(f"{name} {version}" for name, version in news.items())
    if manifest.rows:
        rows = ", ".join(f"{count} {table}" for table, count in manifest.rows.items())
        yield f"{rows}; licences: {', '.join(manifest.licences) or 'none named'}"
    for name, about in manifest.sources.items():
        yield f"read {name}: revision {about.get('revision') or 'not pinned'}"
    yield f"{manifest.payload} {manifest.digest[:length]}, manifest {manifest_digest(folder)[:length]}"


def plain(text: str) -> Text:
    """A text that cannot talk to the terminal."""
    return Text("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text))


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code. Raises InputError for a folder that has no true manifest."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.lineage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--verify", action="store_true", help="read everything again and compare all digests")
    parser.add_argument("--full", action="store_true", help="digests in full length")
    arguments = parser.parse_args(argv)
    found = lineage(arguments.folder)
    sentences = missing(found) + (list(problems(found)) if arguments.verify else [])
    Console(width=WIDTH, highlight=False).print(tree(found, arguments.full))
    for sentence in sentences:
        print(f"error: {sentence}", file=sys.stderr)
    if arguments.verify and not sentences:
        print(f"{len(found)} stages: all payloads and manifests are as they were written")
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
