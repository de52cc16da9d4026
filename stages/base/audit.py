"""What the corpus of a base holds: `python -m stages.base.audit --scale tiny`. A tool for the terminal, not a stage.

Printed are, family by family: its share of the documents, how many of them have a thought, what the answers of the
corpus score (all; those without a thought, of a careless and of a patient author), what a guesser scores and what the
commonest answer does, how long thoughts are (steps or tries, tokens), which of them are given up, mix languages, have
their tags; then families whose worked solutions are in no corpus. The documents are those that the base begins with.
"""

import argparse
import json
import sys
from itertools import islice

from rich import box
from rich.console import Console
from rich.table import Table

from data.errors import InputError, run_command
from data.world.audit import UNSEEN, Figures, audit_corpus, audit_unseen
from data.world.corpus import written_documents
from data.world.general.entities import NAMES
from data.world.tokenizer import LEARNED_FROM, train_pieces
from stages.base.settings import Pretrain
from stages.core.allowed.sentences import nearest
from stages.core.pipeline.scale import load_scale
from stages.core.pipeline.workspace import resolve_bases

DRAWN = 300
"""Questions of each family that the corpus does not hold."""
MOST = 1_000_000


def audit_base(scale: str, base: str | None, documents: int) -> Figures:
    """The figures of a base of a scale, by default of its first; InputError where it is not made of a corpus."""
    found = {
        name: Pretrain.model_validate(stage.config["settings"])
        for name, stage in resolve_bases(load_scale(scale), {}).items()
        if stage.script == "base.pretraining"
    }
    if not found:
        raise InputError(f"the scale {scale} has no base that is pretrained on a corpus")
    name = base or next(iter(found))
    if name not in found:
        raise InputError(f"--base is {name!r}: the scale {scale} pretrains none of this name; {nearest(name, found)}")
    settings = found[name]
    written = written_documents(settings.mixture, settings.seed, author=settings.author)
    first = list(islice(written, max(documents, LEARNED_FROM)))
    pieces = train_pieces((document.text for document in first[:LEARNED_FROM]), settings.vocabulary_size, NAMES)

    def tokens(text: str) -> int:
        return len(pieces.encode(text, add_special_tokens=False).ids)

    return {
        "scale": scale,
        "base": name,
        "author": settings.author.model_dump(mode="json"),
        **audit_corpus(first[:documents], tokens),
        "unseen": {name: audit_unseen(name, DRAWN) for name in UNSEEN},
    }


def tables(figures: Figures) -> list[Table]:
    """The figures for a terminal: shares and scores in percent."""
    columns = ("documents", "thought", "author", "direct", "careless", "patient", "chance", "commonest")
    title = "Its share of the documents, theirs with a thought, what is right of their answers, in percent"
    right = _table(title, "family", *columns)
    shape = _table(
        "Of the thoughts: mean, 95 % quantile, maximum; shares in percent",
        "family", "steps or tries", "tokens", "guess", "mixed", "other language", "right tags",
    )  # fmt: skip
    for name, found in figures["families"].items():
        scores = [found["right"].get(kind, {}).get("score") for kind in ("direct", "careless", "patient")]
        cells = [found[key] for key in ("documents", "thought", "author")]
        cells += [*scores, found["chance"], found["commonest"]]
        right.add_row(name, *map(percent, cells))
        if found["steps"]:
            cells = [found[key] for key in ("guess", "mixed", "other_language", "tags")]
            shape.add_row(name, spread(found["steps"]), spread(found["tokens"]), *map(percent, cells))
    unseen = _table("In no corpus, in percent", "family", "perfect author", "its steps or tries", "chance", "commonest")
    for name, found in figures["unseen"].items():
        solver, steps = percent(found.get("solver")), spread(found.get("steps"))
        unseen.add_row(name, solver, steps, percent(found["chance"]), percent(found["commonest"]))
    return [right, shape, unseen]


def percent(value: float | None) -> str:
    """A share to a tenth of a percent."""
    return "" if value is None else f"{100 * value:.1f}"


def spread(values: dict[str, float] | None) -> str:
    """`4.9 13 15`."""
    return "" if values is None else f"{values['mean']:.1f} {values['p95']} {values['max']}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="", box=box.SIMPLE_HEAD, pad_edge=False)
    table.min_width = len(title)  # a title is not broken
    for name in columns:
        table.add_column(name, justify="left" if name == "family" else "right")
    return table


def print_audit(argv: list[str] | None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="tiny", help="whose base (default: tiny)")
    parser.add_argument("--base", help="which one (default: the first that is pretrained)")
    parser.add_argument("--documents", type=int, default=20_000, help="how many are read (default: 20000)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args(argv)
    if not 0 < given.documents <= MOST:
        raise InputError(f"--documents is {given.documents}, allowed: 1 to {MOST}")
    figures = audit_base(given.scale, given.base, given.documents)
    if given.json:
        print(json.dumps(figures, indent=1, ensure_ascii=False))
        return
    console = Console(width=1000, color_system=None)
    kinds = ", ".join(f"{kind} {percent(value)}" for kind, value in figures["kinds"].items())
    print(f"{figures['documents']:,} documents of {figures['base']} at {figures['scale']}; in percent: {kinds}\n")
    for table in tables(figures):
        console.print(table)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(lambda: print_audit(argv))


if __name__ == "__main__":
    sys.exit(main())
