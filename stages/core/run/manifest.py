"""Manifests: what completes a stage, says where it came from and lets a consumer verify it. Imports no torch."""

import hashlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from data.errors import InputError
from stages.core.allowed.base import Payload
from stages.core.pipeline.recipe import LIST_ROLES, SINGLE_ROLES
from stages.core.pipeline.schema import checked, keys_of, settings_class
from stages.core.pipeline.scripts import ROOT
from stages.core.pipeline.system import PublicData, System

PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate", "reasoning-gym")
SEVERAL = (*LIST_ROLES, "stages")
"""Inputs that are folders by name."""


class Manifest(BaseModel):
    """What readers rely on in a manifest.json; it holds more."""

    model_config = ConfigDict(extra="allow", strict=True)

    payload: Payload = "model"
    files: dict[str, str] | None = None
    digest: str | None = None
    config: dict[str, Any] | None = None
    config_hash: str | None = None
    code_fingerprint: str | None = None
    parents: dict[str, str] | None = None
    template: Literal["chat", "r1_zero"] | None = None
    headline: dict[str, Any] | None = None
    seconds: float | None = None
    finished: str | None = None
    sources: dict[str, Any] | None = None
    counts: dict[str, float] | None = None
    tokens: dict[str, float] | None = None
    """`prompt`: of prompts, each once for all its samples, once an epoch where examples are learned; `generated`:
    sampled; `trained`: that a loss is of, once an epoch. No padding; what does not apply is left out."""
    git: dict[str, Any] | None = None
    versions: dict[str, Any] | None = None
    hardware: dict[str, Any] | None = None


class StageConfig(BaseModel):
    """A stage's config.json."""

    model_config = ConfigDict(extra="forbid")

    recipe: str | None
    scale: str
    stage: str
    script: str
    runs: str
    output: str
    system: System
    public_data: PublicData
    allow_unsandboxed_code: bool = False
    inputs: dict[str, str | dict[str, str]]
    settings: dict[str, Any]
    paper: dict[str, Any] = {}
    why: dict[str, str] = {}
    labels: dict[str, str] = {}
    variants: dict[str, dict[str, Any]] = {}


def read_json(path: Path, what: str) -> Any:
    """A JSON file, or one sentence."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: {what}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}): {what}") from None
    except (ValueError, RecursionError):  # UTF-8, JSON, endless digits, endless nesting
        raise InputError(f"{path} is damaged (not JSON): {what}") from None


def read_manifest(folder: Path, what: str = "a stage writes it when it is complete") -> dict[str, Any]:
    """The manifest of a stage's folder, its fields checked, its payload not."""
    file = folder / "manifest.json"
    manifest = read_json(file, what)
    if not isinstance(manifest, dict):
        raise InputError(f"{file} is damaged (no digests, but a {type(manifest).__name__}): {what}")
    checked(Manifest, manifest, file, {})
    return manifest


def manifest_digest(folder: Path) -> str:
    """SHA-256 of a stage's manifest as it is now."""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """All of the file or nothing of it."""
    draft = path.with_name(f".{path.name}.partial")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """A file, a link or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def file_digests(payload: Path, name: str | None = None) -> dict[str, str]:
    """SHA-256 of each file of a payload, by its path in the stage's folder; name: that it will have there."""
    files = [payload]
    if payload.is_dir():  # Snakemake once left a file of its own in a folder that a rule makes
        files = sorted(file for file in payload.rglob("*") if file.is_file() and file.name != ".snakemake_timestamp")
    digests = {}
    for file in files:
        with file.open("rb") as content:
            within = Path(name or payload.name, file.relative_to(payload))
            digests[within.as_posix()] = hashlib.file_digest(content, "sha256").hexdigest()
    return digests


def files_digest(files: dict[str, str]) -> str:
    """The digest of a payload: that of the list of its files' digests."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def payload_path(folder: Path, payload: str) -> Path:
    """Where a stage's payload lies."""
    return folder / ("report.html" if payload == "report" else payload)


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a complete stage whose payload is as it was written; otherwise one sentence."""
    again = f"the stage {folder.name} is not complete, run it again"
    if not folder.is_dir():
        raise InputError(f"{folder} is missing: {again}")
    manifest = read_manifest(folder, again)
    if not manifest.get("files") or not manifest.get("digest"):
        raise InputError(f"{folder / 'manifest.json'} is damaged (no digests): {again}")
    written, payload = manifest["files"], payload_path(folder, manifest.get("payload", "model"))
    if not payload.exists():
        raise InputError(f"{payload} is missing: run {folder.name} again")
    try:
        found = file_digests(payload)
    except OSError as error:
        raise InputError(f"{payload} cannot be read: {error}: run {folder.name} again") from None
    for file in sorted(written.keys() | found.keys()):
        if written.get(file) != found.get(file):
            differs = "differs from what its manifest says"
            state = "is missing" if file not in found else "is not in its manifest" if file not in written else differs
            raise InputError(f"{folder / file} {state}: run {folder.name} again")
    return manifest


def git_state() -> dict[str, Any]:
    """Commit and whether the tree differs from it; nulls outside a repository."""
    try:
        commit, status = (
            subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True, timeout=20)
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}
    return {"commit": commit.stdout.strip(), "dirty": bool(status.stdout.strip())}


def versions() -> dict[str, str]:
    """Python and the libraries that decide a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Processor, threads, the process's peak memory and, if torch is loaded, GPUs."""
    found: dict[str, Any] = {
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    found["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit >> 20
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return found


def complete_checkpoint(folder: Path) -> bool:
    """Whether a trainer finished writing a checkpoint: its state comes last, no file is cut off."""
    try:
        state = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
        whole = state["global_step"] == int(folder.name.rpartition("-")[2])
        for file in folder.glob("*.safetensors"):
            with file.open("rb") as content:
                size = int.from_bytes(content.read(8), "little")
                header = json.loads(content.read(size))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            whole = whole and file.stat().st_size == 8 + size + max(ends, default=0)
        torchs = [file for file in folder.rglob("*") if file.suffix in (".pt", ".pth")]
        return whole and all(zipfile.is_zipfile(file) for file in torchs)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def licences(table: Any) -> Iterable[Any]:
    """The distinct licences that the rows name."""
    return table.unique("licence") if "licence" in table.column_names else []


def load_config(path: str) -> dict[str, Any]:
    """A stage's config.json, every field checked but its settings, which are the script's."""
    wanted = "a stage takes the config.json that the recipe wrote"
    config = read_json(Path(path), wanted)
    needed = [name for name, field in StageConfig.model_fields.items() if field.is_required()]
    if missing := [key for key in needed if not isinstance(config, dict) or key not in config]:
        raise InputError(f"{path}: {', '.join(missing)} missing: {wanted}")
    keys = {(): keys_of(StageConfig), ("system",): keys_of(System), ("public_data",): keys_of(PublicData)}
    checked(StageConfig, config, path, keys)
    try:
        check_inputs(config)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return config


def check_inputs(config: dict[str, Any]) -> None:
    """InputError where a stage lacks an input that its script reads, or one is not a folder, or several by name."""
    settings = settings_class(config["script"], "script")
    for role in [*settings.reads, *(["stages"] if settings.payload == "report" else [])]:
        if role not in config["inputs"] and role not in settings.optional:
            has = ", ".join(config["inputs"]) or "none"
            raise InputError(f"inputs: `{role}` is missing, which {config['script']} reads; they are {has}")
    for role, named in config["inputs"].items():
        if role in (*SINGLE_ROLES, *SEVERAL) and isinstance(named, dict) != (role in SEVERAL):
            allowed = "folders by name" if role in SEVERAL else "a folder"
            raise InputError(f"inputs: `{role}` is {named!r}, allowed: {allowed}")
