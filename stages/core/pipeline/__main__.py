"""`python -m stages.core.pipeline` lists recipes, scales and stages.

`python -m stages.core.pipeline write MANIFEST KEY CONFIGURATION` writes the config.json of the stage of a manifest.
"""

import json
import sys

from data.errors import InputError
from stages.core.pipeline.overview import overview
from stages.core.pipeline.workspace import load_workspace, write_config

if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["write"]:
            write_config(*sys.argv[2:])
        else:
            print(overview(load_workspace(json.loads(sys.argv[1]) if sys.argv[1:] else {})))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
