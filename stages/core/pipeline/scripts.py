"""Stage scripts by name, `r1.reasoning_rl` for stages/r1/reasoning_rl.py, each with its settings. Imports no torch.

The classes lie in the papers' rooms (`SCRIPTS` in their settings.py), which are found when they are asked for: the
pipeline itself knows no paper.
"""

import functools
import importlib
from pathlib import Path

from stages.core.pipeline.settings import KINDS, Settings

ROOT = Path(__file__).resolve().parents[3]
"""The repository's folder: recipes, profiles and code lie there, runs in the working directory."""
STAGES = ROOT / "stages"
BASES = "base"
"""The room of the scripts that make a base model."""


@functools.cache
def all_scripts() -> dict[str, type[Settings]]:
    """Script -> the class of its settings, for the scripts of all rooms."""
    rooms = sorted(file.parent.name for file in STAGES.glob("*/settings.py"))
    found = {room: importlib.import_module(f"stages.{room}.settings").SCRIPTS for room in rooms}
    return {f"{room}.{name}": settings for room, scripts in found.items() for name, settings in scripts.items()}


def base_scripts() -> list[str]:
    """The scripts that make a base model."""
    return [name for name in all_scripts() if name.startswith(f"{BASES}.")]


def kind_of(settings: type[Settings]) -> str | None:
    """The kind of a class of settings, by which a scale may speak of it; None where it has none."""
    return next((name for name, kind in KINDS.items() if issubclass(settings, kind)), None)
