"""`python -m stages.core.pipeline` lists recipes, scales and stages.

`python -m stages.core.pipeline write MANIFEST KEY CONFIGURATION` writes the config.json of the stage of a manifest.
CONFIGURATION is what `--config` says, as JSON; the list takes one, too.
"""

import argparse
import json
import sys
from pathlib import Path

from data.errors import InputError, run_command
from stages.core.pipeline.command_line import command_line, read_configuration
from stages.core.pipeline.overview import overview
from stages.core.pipeline.recipe import load_recipe
from stages.core.pipeline.schema import recipe_file
from stages.core.pipeline.workspace import load_workspace, resolve, resolve_bases


def write_config(manifest: str, key: str, configuration: str) -> None:
    """Write the config.json of the stage that a manifest belongs to, unless its recipe or code has changed since."""
    scale, overrides, runs, seeds = command_line(read_configuration(configuration))
    folder = Path(manifest).parent
    if folder.name in scale.bases:  # no stage of a recipe has such a name
        stages = list(resolve_bases(scale, overrides, runs).values())
    else:
        recipe = load_recipe(recipe_file(folder.parent.name), seeds=seeds)
        stages = resolve(recipe, scale, overrides, runs)
    stage = next((stage for stage in stages if stage.manifest_path == manifest), None)
    if stage is None:  # of seeds that a study asks for, whose file this is not
        planned = load_workspace(read_configuration(configuration)).rules()
        stage = next((stage for stage in planned if stage.manifest_path == manifest), None)
    if stage is None or stage.key != key:
        raise InputError(f"{folder}: its recipe or code was edited during the run; give the command again")
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(stage.config, indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """The command line."""
    if sys.argv[1:2] == ["write"]:
        parser = argparse.ArgumentParser(prog="python -m stages.core.pipeline write", description=write_config.__doc__)
        for name in ("manifest", "key", "configuration"):
            parser.add_argument(name, metavar=name.upper())
        write_config(**vars(parser.parse_args(sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(
        prog="python -m stages.core.pipeline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configuration", metavar="CONFIGURATION", nargs="?", default="{}")
    print(overview(load_workspace(read_configuration(parser.parse_args().configuration))))


if __name__ == "__main__":
    sys.exit(run_command(main))
