"""The ledger as a document, as a page, and as lines for the terminal: what was kept, and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.core.run.ledger import Entry, Kept, ShownClaim, ShownTest
from stages.evaluation.claim_figures import effects_chart, lines_chart
from stages.evaluation.claims import REPRODUCED
from stages.evaluation.results import in_unit
from stages.evaluation.settings import OVERCONFIDENCE

HEAD = """# Ledger

Made by `snakemake ledger`; not written by hand.

Each claim is a statement of a paper in our words, with tests that stood in its study's file before the run: an effect,
and where its interval must lie. The effect is computed question by question and seed by seed; its 95 % interval is
drawn over training seeds and over what the questions are about. *Reproduced*: each interval lies wholly where it must.
All else that was run is *not reproduced*, with the reason: on the other side, or undecided. Nothing is corrected for
the number of claims: of forty effects that are not there, about one lies above 0 by chance. Shares are in percent,
their differences in points, lengths in tokens. Rows of the evaluations: `{folder}/SCALE/STUDY.csv`. A claim of your
own: [how_to.md](how_to.md#a-claim-of-your-own).
"""
NOT_RUN = "not run"


class Line(NamedTuple):
    """A claim of the ledger. state: what is to be said of where its verdict comes from, empty where all is well."""

    name: str
    study: str
    claim: ShownClaim
    kept: Kept | None
    state: str


def lines_of(entries: Iterable[Entry]) -> Iterator[Line]:
    """A line for each claim that the studies' files make, whether it was run or not."""
    for entry in entries:
        kept = entry.kept
        for name, claim in entry.study.claims.items():
            found = kept.claims.get(name) if kept else None
            if found is None:
                found = ShownClaim(
                    statement=claim.statement, source=claim.source, checkpoints=0, verdict=NOT_RUN, reason="", tests=[]
                )
            said = found.model_copy(update={"statement": claim.statement, "source": claim.source})
            yield Line(name, entry.study.name, said, kept, "" if entry.holds or not kept else entry.state)


def lines_kept(kept: Kept) -> Iterator[Line]:
    """The lines of results of another scale, of which the plan is not known."""
    for name, claim in kept.claims.items():
        yield Line(name, kept.study, claim, kept, "")


def effect(test: ShownTest) -> str:
    """An effect with its interval: `+5.1 [+2.0, +8.3]`; of a level without signs."""
    either_way = test.metric in ("correlation", OVERCONFIDENCE) or test.test.startswith(("rise", "peak", "fall"))
    signed = " minus " in test.test or either_way
    value, low, high = (in_unit(test.metric, found, signed) for found in (test.value, test.low, test.high))
    return f"{value} [{low}, {high}]"


def bound(test: ShownTest) -> str:
    """Where the interval must lie."""
    limit = in_unit(test.metric, test.limit)
    return f"within ±{limit}" if test.bound == "within" else f"{test.bound} {limit}"


def verdict_of(line: Line) -> str:
    """The verdict, and where it is not of the present code."""
    return f"{line.claim.verdict} ({line.state})" if line.state else line.claim.verdict


def size(line: Line) -> str:
    """Arms x seeds: checkpoints that the tests speak of, seeds of each; `one seed` where nothing is said of another."""
    if not line.kept or not line.claim.checkpoints:
        return ""
    return f"{line.claim.checkpoints} x {len(line.kept.seeds) or 'one seed'}"


def counted(lines: Sequence[Line]) -> str:
    """How many claims have which verdict, in a sentence."""
    found = Counter(map(verdict_of, lines))
    return (
        f"{len(lines)} claim{'s' * (len(lines) != 1)}: "
        + ", ".join(f"{number} {verdict}" for verdict, number in found.items())
        + "."
    )


def table(lines: Sequence[Line], where: str) -> list[str]:
    """One row a claim."""
    rows = [
        "| claim | source | study | arms x seeds | effect | must lie | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for line in lines:
        tests = line.claim.tests
        cells = [
            f"[{line.name}](#{anchor(line.name, where)})", line.claim.source, f"`{line.study}`", size(line),
            "<br>".join(map(effect, tests)), "<br>".join(map(bound, tests)), f"**{verdict_of(line)}**",
        ]  # fmt: skip
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def anchor(name: str, where: str) -> str:
    """Of a claim's section."""
    return f"{name}-at-{where}".replace(".", "")


def image_of(claim: str, number: int) -> str:
    """The file of a claim's figure beside that of its effects; no claim has a dot in its name."""
    return f"{claim}.{number}.svg"


def section(line: Line, where: str, folder: str) -> list[str]:
    """A claim with its figure and where it comes from."""
    text = [f"### {line.name} at {where}", f"{line.claim.statement} ({line.claim.source})"]
    text.append(f"**{verdict_of(line)}**" + (f": {line.claim.reason}" if line.claim.reason else ""))
    if line.claim.tests:
        text.append(f"![{line.name}]({folder}/{where}/{line.name}.svg)")
        for number, figure in enumerate(line.claim.figures, 1):
            image = f"{folder}/{where}/{image_of(line.name, number)}"
            text.append(f"![{line.name}: {figure.up} against {figure.across}]({image})")
        for test in line.claim.tests:
            questions = f"; {test.questions:,} questions" if test.questions else ""
            seeds = ", ".join(in_unit(test.metric, found) for found in test.by_seed.values())
            alone = f"; seeds {seeds}" if len(test.by_seed) > 1 else "; one for all seeds"
            text.append(f"- {test.test}: {effect(test)}, must lie {bound(test)}{questions}{alone}")
    if line.kept and line.claim.tests:
        text.append(origin(line.kept))
    return text


def origin(kept: Kept) -> str:
    """Which code, when, on what, and how long it took."""
    commit = str(kept.commit or "unknown")[:7] + (" with changes" if kept.changed else "")
    minutes = sum(stage.seconds for stage in kept.stages.values()) / 60
    return (
        f"Study `{kept.study}`, {len(kept.stages)} stages in {minutes:.0f} minutes one after the other, commit "
        f"{commit}, {kept.finished}, {kept.machine}, digest {kept.digest}."
    )


def document(scale: str, entries: Sequence[Entry], others: Sequence[Kept], folder: str) -> str:
    """docs/ledger.md: the table of each scale, then a section for each claim. folder: of the figures, beside it."""
    scales = {scale: list(lines_of(entries))}
    for kept in others:
        scales.setdefault(kept.scale, []).extend(lines_kept(kept))
    parts = [HEAD.format(folder=folder)]
    for where, lines in scales.items():
        parts += [f"## At `{where}`", counted(lines), "\n".join(table(lines, where))]
    for where, lines in scales.items():
        for line in lines:
            text = section(line, where, folder)
            items = [part for part in text if part.startswith("- ")]
            parts += [part for part in text if not part.startswith(("- ", "Study "))]
            parts += ["\n".join(items)] * bool(items) + [part for part in text if part.startswith("Study ")]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def page(scale: str, entries: Sequence[Entry]) -> str:
    """The ledger of a scale as one HTML page that needs no network, in the style of the reports."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template, report = (
        Path(__file__).with_name(f"{name}_template.html.j2").read_text(encoding="utf-8")
        for name in ("ledger", "report")
    )
    style = report.partition("<style>")[2].partition("</style>")[0]
    lines = list(lines_of(entries))
    return environment.from_string(template).render(
        style=style, scale=scale, lines=lines, counted=counted(lines), effect=effect, bound=bound, size=size,
        verdict_of=verdict_of, figure=effects_chart, drawing=lines_chart, origin=origin,
    )  # fmt: skip


def told(entries: Iterable[Entry], claim: str | None) -> list[str]:
    """For the terminal: one claim with its tests, or how all stand and which are not reproduced."""
    lines = list(lines_of(entries))
    if claim is None:
        others = [line for line in lines if verdict_of(line) != REPRODUCED]
        return [counted(lines), *(f"  {line.name}: {verdict_of(line)}" for line in others)]
    line = next(line for line in lines if line.name == claim)
    text = [f"{line.name}: {line.claim.statement} ({line.claim.source})"]
    for test in line.claim.tests:
        mark = "holds" if test.holds else "does not hold"
        text.append(f"  {test.test}: {effect(test)}, must lie {bound(test)}: {mark}")
    return [*text, f"{verdict_of(line)}" + (f": {line.claim.reason}" if line.claim.reason else "")]
