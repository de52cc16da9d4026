"""The folders that are written into: their names must do for Snakemake and a shell, and one must be able to write."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.allowed.sentences import shown


def runs_folder(found: Any) -> str:
    """`--config runs=...`, in which stages lie."""
    return folder_named(found, "runs")


def folder_named(found: Any, key: str) -> str:
    """A folder of `--config` as a path without a slash at its end; InputError where nothing could lie there."""
    where = f"--config {key}: found {shown(found)}"
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise InputError(f"{where}, allowed: the path of a folder")
    written = os.path.expanduser(str(found))
    if not re.fullmatch(r"[\w/.+@=,:%-]+", written) or written.startswith("-"):
        raise InputError(f"{where}, allowed: a path of letters, digits and / . _ - + @ = , : %")
    folder = written.rstrip("/")
    if not folder or set(folder) <= {".", "/"} and ".." not in folder and folder != ".":
        raise InputError(f"{where}, allowed: a folder below the root of the file system")
    for path in (Path(folder), *Path(folder).parents):
        try:
            if path.exists() and not path.is_dir():
                raise InputError(f"{where}, where {path} is a file; allowed: a folder, there already or not")
        except OSError as error:
            raise InputError(f"{where}: {error.strerror}; allowed: the path of a folder") from None
    return folder


def check_writable(folder: str, key: str = "runs") -> None:
    """InputError where nothing can be written into the folder, or it cannot be made. Leaves nothing behind."""
    there = next(path for path in (Path(folder).absolute(), *Path(folder).absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryDirectory(dir=there):
            pass
    except OSError as error:
        raise InputError(f"--config {key}: {folder} cannot be written to ({there}: {error.strerror})") from None
