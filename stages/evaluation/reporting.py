"""What a report shows, gathered from manifests, metrics and results: pure functions from those to tables and figures.

The page itself is `report_template.html.j2`. Nothing here needs torch, and nothing fails on a stage that logged less.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.core.pipeline.scripts import all_scripts
from stages.evaluation import figures, result_figures
from stages.evaluation.beside import (
    beside_paper,
    budget_points,
    lecture_tables,
    number,
    strong_to_weak,
    summary_table,
    token_points,
)
from stages.evaluation.held_out_figures import PREFIX, held_out, seconds_trained
from stages.evaluation.published import (
    FIG_2_BUDGETS,
    KIMI_FIG_7_SOURCE,
    QWEN3_FIG_2_SOURCE,
    QWEN3_TABLE_21,
)
from stages.evaluation.records import (
    StageRecord,
    read_by_question,
    read_metrics,
    read_stage,
    read_table,
    series,
    warned,
)
from stages.evaluation.results import (
    LEADING,
    lines,
    order_columns,
    sampling_lines,
)
from stages.evaluation.seeds import about_seeds

__all__ = ["StageRecord", "read_metrics", "read_stage", "read_table", "render", "series", "summary_table"]

CURVES = (
    (r"reward", "reward"),
    (r"rewards?/accuracy(/mean)?", "reward: accuracy"),
    (r"rewards?/format(/mean)?", "reward: format"),
    (r"rewards?/language(/mean)?", "language consistency"),
    (r"rewards?/helpful(/mean)?", "reward: helpful"),
    (r"rewards?/safe(/mean)?", "reward: safe"),
    (r"completions/mean_length", "completion length, tokens"),
    (r"(rewards?/)?tries(/mean)?", "tries in a search"),
    (r"completions/clipped_ratio", "share of cut-off completions"),
    (r"kl", "KL to the reference"),
    (r"entropy", "entropy, nats a token"),
    (r"clip_ratio(/region_mean)?", "share of clipped tokens"),
    (r"sampling/logp_gap_mean", "sampler against trainer: mean difference, nats a token"),
    (r"sampling/logp_gap_max", "sampler against trainer: largest difference, nats a token"),
    (r"loss", "loss"),
    (r"eval_loss", "held-out loss"),
    (r"(train_)?accuracy", "accuracy"),
    (r"mean_token_accuracy", "accuracy of the next token"),
    (r"eval_accuracy|held_out_accuracy", "held-out accuracy"),
    (r"margin", "margin"),
    (r"grad(ient)?_norm", "gradient norm"),
    (r"learning_rate", "learning rate"),
)
"""Pattern of a metric's name -> its title, in the order in which a stage's curves are drawn."""
_BOOKKEEPING = re.compile(r"step|time|seconds|total|epoch|num_tokens|.*(_runtime|_per_second)|step_time|total_flos")
_ZERO_CURVES = {
    "accuracy": r"rewards?/accuracy(/mean)?",
    "mean completion length, tokens": r"completions/mean_length",
    "tries per search problem": r"(rewards?/)?tries(/mean)?",
}


def curves(stage: StageRecord) -> tuple[list[str], list[str]]:
    """A stage's training curves as figures: those of CURVES, and the others that vary."""
    named = dict.fromkeys(key for row in stage.metrics for key in row if not key.startswith(PREFIX))
    keys = [key for key in named if series(stage.metrics, key)]
    drawn, used = [], set()
    for pattern, title in CURVES:
        for key in keys:
            if re.fullmatch(pattern, key) and key not in used:
                used.add(key)
                drawn.append(figures.line_chart(series(stage.metrics, key), title))
    others = []
    for key in keys:
        points = series(stage.metrics, key)
        if key not in used and not _BOOKKEEPING.fullmatch(key) and len({value for _, value in points}) > 1:
            others.append(figures.line_chart(points, key))
    return drawn, others


def zero_figure(stages: Sequence[StageRecord]) -> list[str]:
    """R1-Zero's accuracy, completion length and tries against the step: the paper's Figure 1 and, for tries, ours."""
    for stage in stages:
        if stage.script != "r1.r1_zero" or stage.name == "small_rl":
            continue
        found = []
        for title, pattern in _ZERO_CURVES.items():
            keys = [key for row in stage.metrics for key in row if re.fullmatch(pattern, key)]
            if keys and (points := series(stage.metrics, keys[0])):
                found.append(figures.line_chart(points, title))
        return found
    return []


def fidelity(stages: Iterable[StageRecord]) -> list[dict[str, Any]]:
    """One row for each setting of the method of each stage: the paper's value, its citation, the run's, and why.

    `status`: `paper` (the run uses the paper's value), `differs`, `undisclosed` (the paper gives none), `ours` (the
    recipe's own choice, without a paper).
    """
    table = []
    for stage in stages:
        schema = all_scripts().get(stage.script)
        paper = stage.config.get("paper") or {}
        stated, cite = paper.get("settings") or {}, paper.get("cite") or {}
        if schema is None or not (stated or cite):
            continue
        settings, why = stage.config.get("settings") or {}, stage.config.get("why") or {}
        for name in schema.model_fields:
            if name in schema.run_fields or name not in settings:
                continue
            citation = cite.get(name)
            has_value = name in stated and citation != "undisclosed"
            status = "ours" if citation is None else "undisclosed"
            if has_value and citation is not None:
                status = "paper" if stated[name] == settings[name] else "differs"
            reason = {"paper": "as in the paper", "undisclosed": "the paper gives no value", "ours": ""}.get(status, "")
            table.append(
                {
                    "stage": stage.name,
                    "setting": name,
                    "paper": plain(stated[name]) if has_value else "",
                    "cite": "" if citation in (None, "undisclosed") else citation,
                    "run": plain(settings[name]),
                    "status": status,
                    "why": reason if status == "paper" else why.get(name, reason),
                }
            )
    return table


def plain(value: Any) -> str:
    """A setting as one reads it: `3e-06` as 3e-6, a mapping as `accuracy 1, format 1`."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return re.sub(r"e([+-])0*(\d)", lambda m: "e" + m[1].strip("+") + m[2], f"{value:.6g}")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{key} ({plain(item)})" if isinstance(item, Mapping) else f"{key} {plain(item)}"
            for key, item in value.items()
        )
    return ", ".join(map(plain, value)) if isinstance(value, list | tuple) else str(value)


def duration(seconds: float) -> str:
    """Seconds as `41 s`, `3 min 05 s` or `2 h 10 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def lineage(stages: Sequence[StageRecord]) -> list[dict[str, Any]]:
    """One row a stage: its parents by name, time, tokens, headline, and the hashes that identify it."""
    names = {str(Path(stage.folder)): stage.name for stage in stages}
    longest = max((float(stage.manifest.get("seconds") or 0) for stage in stages), default=0) or 1
    rows = []
    for stage in stages:
        manifest = stage.manifest
        git = manifest.get("git") if isinstance(manifest.get("git"), Mapping) else {}
        commit = str(git.get("commit") or manifest.get("commit") or manifest.get("git_commit") or "")[:10]
        dirty = git.get("dirty") or manifest.get("dirty") or manifest.get("git_dirty")
        parents = [names.get(str(Path(path)), Path(path).name) for path in manifest.get("parents") or {}]
        digest = manifest.get("digest")
        digest = digest if isinstance(digest, str) else hash_of(digest)
        seconds = float(manifest.get("seconds") or 0)
        tokens = manifest.get("tokens") or {}
        tokens = tokens if isinstance(tokens, Mapping) else {"": tokens}
        rows.append(
            {
                "stage": stage.name,
                "script": stage.script,
                "parents": ", ".join(parents),
                "time": duration(seconds),
                "share": 100 * seconds / longest,
                "tokens": ", ".join(f"{key} {plain(value)}".strip() for key, value in tokens.items()),
                "headline": [(key, brief(value)) for key, value in (manifest.get("headline") or {}).items()],
                "config_hash": str(manifest.get("config_hash") or "")[:10],
                "digest": digest[:10],
                "commit": commit + (" + changes" if dirty and commit else ""),
                "finished": str(manifest.get("finished") or "")[:19].replace("T", " "),
            }
        )
    return rows


def hash_of(digest: Any) -> str:
    """One short hash for a mapping file -> digest, so that it fits a table."""
    import hashlib

    return hashlib.sha256(json.dumps(digest, sort_keys=True).encode()).hexdigest() if digest else ""


def brief(value: Any) -> str:
    """A headline value: four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else plain(value)


def filter_counts(stages: Iterable[StageRecord]) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """(stage, [(rule, rows, percent)]) for each stage whose manifest counts rows by rule.

    Shares are of the stage's `total`; of the counts before it, where a filter has two phases, of the first count.
    """
    result = []
    for stage in stages:
        counts = stage.manifest.get("counts") or {}
        whole, rules = next(iter(counts.values()), 0) if "total" in counts else sum(counts.values()), []
        for rule, count in counts.items():
            whole = count if rule == "total" else whole
            rules.append((rule, count, 100 * count / (whole or 1)))
        if rules:
            result.append((stage.name, rules))
    return result


def samples(completions: Iterable[Mapping[str, Any]], columns: Sequence[str], most: int = 6) -> list[dict[str, Any]]:
    """A few questions with each checkpoint's first completion of them, the checkpoints in the order of `columns`.

    Taken are questions that most checkpoints answered, one of each pair of task and language before a second. The
    choice looks at no answer, so it flatters nobody.
    """
    questions: dict[tuple, dict[str, Any]] = {}
    for row in completions:
        key = (row.get("task"), row.get("language"), row.get("question"))
        entry = questions.setdefault(key, {**row, "by_checkpoint": {}})
        entry["by_checkpoint"].setdefault(column_of(row), row)
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for key, entry in questions.items():
        groups.setdefault(key[:2], []).append(entry)
    for entries in groups.values():
        entries.sort(key=lambda entry: -len(entry["by_checkpoint"]))
    languages = {group: index for index, group in enumerate(groups)}
    chosen: list[dict[str, Any]] = []
    for depth in range(max((len(entries) for entries in groups.values()), default=0)):
        for group in sorted(groups, key=lambda group: languages[group]):
            if depth < len(groups[group]) and len(chosen) < most:
                chosen.append(groups[group][depth])
    for entry in chosen:
        known = {name: index for index, name in enumerate(columns)}
        order = sorted(entry["by_checkpoint"], key=lambda name: known.get(name, len(known)))
        entry["completions"] = [(name, entry["by_checkpoint"][name]) for name in order]
    return chosen


def column_of(row: Mapping[str, Any]) -> str:
    """The checkpoint of a completion, named as the results' columns are."""
    return f"{row.get('checkpoint')} ({row['mode']})" if row.get("mode") else str(row.get("checkpoint"))


def seconds_of(stages: Iterable[StageRecord]) -> dict[str, float]:
    """What each stage took; of one with several seeds the mean over them."""
    took: dict[str, list[float]] = {}
    for stage in stages:
        took.setdefault(stage.of_all_seeds, []).append(seconds_trained(stage))
    return {name: sum(found) / len(found) for name, found in took.items()}


def first_seeds(stages: Iterable[StageRecord]) -> list[StageRecord]:
    """The stages, of those with several seeds the first: what differs in nothing but the seed is shown once."""
    found: dict[str, StageRecord] = {}
    for stage in stages:
        found.setdefault(stage.of_all_seeds, stage)
    return list(found.values())


def render(recipe: str, scale: str, stages: Sequence[StageRecord]) -> str:
    """The report of a recipe at a scale as one self-contained HTML page; stages in the order of the recipe."""
    import jinja2

    results, by_question = read_table(stages, "rows"), read_by_question(stages)
    first = first_seeds(stages)
    names = {stage.name: stage.of_all_seeds for stage in first}
    later = {stage.name for stage in stages} - names.keys()
    completions = [
        row | {"checkpoint": names.get(row["checkpoint"], row["checkpoint"])}
        for row in read_table(stages, "completions")
        if row["checkpoint"] not in later
    ]
    columns = order_columns(results, list(names.values()))
    path = Path(__file__).with_name("report_template.html.j2")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    last = max(stages, key=lambda stage: str(stage.manifest.get("finished") or ""), default=None)
    return environment.from_string(path.read_text(encoding="utf-8")).render(
        recipe=recipe,
        scale=scale,
        columns=columns,
        unsandboxed=[stage.name for stage in stages if stage.manifest.get("unsandboxed")],
        warned=warned(stages),
        overview=result_figures.overview(results, columns),
        token_efficiency=result_figures.token_efficiency(results, columns),
        leading=lines(results, LEADING),
        every=lines(results),
        seeds=about_seeds(results) if results else "",
        strip=result_figures.strip,
        paper_tables=beside_paper(results, by_question),
        sparkline=figures.sparkline,
        budget_curve=result_figures.budget_curve(results),
        token_points=token_points(results),
        token_source=KIMI_FIG_7_SOURCE,
        budget_points=budget_points(results),
        budget_source=QWEN3_FIG_2_SOURCE,
        paper_budgets=FIG_2_BUDGETS,
        strong_to_weak=strong_to_weak(results, seconds_of(stages)),
        table_21_source=QWEN3_TABLE_21.source,
        lecture=lecture_tables(stage.config.get("settings") or {} for stage in stages),
        number=number,
        sampling=sampling_lines(results),
        zero=zero_figure(stages),
        held_out=held_out(stages),
        curves=[(stage, *curves(stage)) for stage in stages if any(curves(stage))],
        samples=samples(completions, columns),
        counts=filter_counts(stages),
        fidelity=fidelity(first),
        lineage=lineage(stages),
        total_time=duration(sum(float(stage.manifest.get("seconds") or 0) for stage in stages)),
        versions=plain((last.manifest.get("versions") if last else None) or {}),
        hardware=plain((last.manifest.get("hardware") if last else None) or {}),
    )
