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
from typing import Any

from data.errors import InputError

PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate", "reasoning-gym")


def read_json(path: Path, what: str) -> Any:
    """A JSON file, or one sentence."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: {what}") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{path} is damaged (not JSON): {what}") from None


def write_atomically(path: Path, text: str) -> None:
    """All of the file or nothing of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def file_digests(payload: Path) -> dict[str, str]:
    """SHA-256 of each file of a payload, by its path in the stage's folder."""
    files = [payload]
    if payload.is_dir():  # Snakemake leaves a file of its own in a folder that a rule makes
        files = sorted(file for file in payload.rglob("*") if file.is_file() and file.name != ".snakemake_timestamp")
    digests = {}
    for file in files:
        with file.open("rb") as content:
            digests[str(file.relative_to(payload.parent))] = hashlib.file_digest(content, "sha256").hexdigest()
    return digests


def verify(folder: Path) -> dict[str, Any]:
    """The manifest of a complete stage whose payload is as it was written; otherwise one sentence."""
    again = f"the stage {folder.name} is not complete, run it again"
    if not folder.is_dir():
        raise InputError(f"{folder} is missing: {again}")
    manifest = read_json(folder / "manifest.json", again)
    written = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(written, dict) or "digest" not in manifest:
        raise InputError(f"{folder / 'manifest.json'} is damaged (no digests): {again}")
    payload = folder / ("report.html" if manifest.get("payload") == "report" else manifest.get("payload", "model"))
    if not payload.exists():
        raise InputError(f"{payload} is missing: run {folder.name} again")
    found = file_digests(payload)
    for file in sorted(written.keys() | found.keys()):
        if written.get(file) != found.get(file):
            differs = "differs from what its manifest says"
            state = "is missing" if file not in found else "is not in its manifest" if file not in written else differs
            raise InputError(f"{folder / file} {state}: run {folder.name} again")
    return manifest


def git_state() -> dict[str, Any]:
    """Commit and whether the tree differs from it; nulls outside a repository."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=20)
        status = subprocess.run(
            ["git", "status", "--porcelain"], capture_output=True, text=True, check=True, timeout=20
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


def remove(path: Path) -> None:
    """A file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
    """A stage's config.json."""
    config = read_json(Path(path), "a stage takes the config.json that the recipe wrote")
    keys = ("recipe", "scale", "stage", "script", "runs", "output", "system", "public_data", "inputs", "settings")
    missing = [key for key in keys if not isinstance(config, dict) or key not in config]
    if missing:
        raise InputError(f"{path}: {', '.join(missing)} missing: a stage takes the config.json that the recipe wrote")
    return config
