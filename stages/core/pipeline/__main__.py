"""`python -m stages.core.pipeline` lists recipes, scales and stages.

`python -m stages.core.pipeline write MANIFEST KEY CONFIGURATION` writes the config.json of the stage of a manifest.
CONFIGURATION is what `--config` says, as JSON; the list takes one, too.
"""

import argparse
import sys

from data.errors import run_command
from stages.core.pipeline.overview import overview
from stages.core.pipeline.workspace import load_workspace, read_configuration, write_config


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
