"""`python -m data.sandbox` says whether this machine has a sandbox for programs of a model, or what it lacks."""

import sys

from data.errors import run_command
from data.sandbox.availability import require_sandbox


def main() -> None:
    """Raises InputError where there is none."""
    require_sandbox()
    print("programs that a model writes run in a sandbox here")


if __name__ == "__main__":
    sys.exit(run_command(main))
