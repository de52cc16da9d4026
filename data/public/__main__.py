"""Public data sets: the table, downloads, pinned revisions.

python -m data.public                    the table
python -m data.public download NAME...   fetch into the cache of `datasets`, for machines without network
python -m data.public pin NAME...        write the hub's present commits into data/public/revisions.json
"""

import argparse
import sys

from data.errors import run_command
from data.public.loading import download
from data.public.sources import SOURCES, pin, revision_of


def table() -> str:
    """The sources, a line each."""
    header = ("name", "repository", "kind", "licence", "commercial_ok", "revision")
    lines = [header] + [
        (
            name, source.repository, source.kind, source.licence + ("" if source.licence_verified else " (unverified)"),
            "yes" if source.commercial_ok else "no", revision_of(source),
        )
        for name, source in SOURCES.items()
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def run(argv: list[str] | None) -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m data.public", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=("list", "download", "pin"), default="list")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args(argv)
    if arguments.command != "list" and not arguments.names:
        parser.error(f"{arguments.command} needs at least one NAME")
    if arguments.command == "list":
        print(table())
    elif arguments.command == "pin":
        for repository, commit in pin(arguments.names).items():
            print(f"{repository}  {commit}")
    else:
        for name in arguments.names:
            print(f"{name}  {download(name)} rows")


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
