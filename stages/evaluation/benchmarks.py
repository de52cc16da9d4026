"""What evaluations share: benchmarks of a checkpoint, each metric a row with its interval."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from datasets import Dataset

from data.text.completion import Completion
from data.text.language import language_consistency
from data.text.modes import Mode
from data.text.row import Row, last_turn
from data.verifiers.instructions import need_checkers
from data.world.families import GENERAL, votes
from data.world.preference import complied_unsafely, gold, is_refusal
from stages.core.rewards.rules import accuracy, format, instruction
from stages.core.run.manifest import write_atomically
from stages.core.run.stage import Run
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding, Engine
from stages.evaluation.estimators import bootstrap_interval, cons_at_k, pass_at_k
from stages.evaluation.results import summary_table
from stages.evaluation.settings import Evaluation

BENCHMARKS = {"math": ("math",), "code": ("code",), "stem": ("stem", "logic")}

Answers = list[list[Completion]]
Score = Callable[[Completion, Row], float | None]


@dataclass
class Recorder:
    """Collects result rows and sample completions."""

    run: Run
    results: list[Row] = field(default_factory=list)
    completions: list[Row] = field(default_factory=list)

    def add(
        self,
        checkpoint: str,
        benchmark: str,
        metric: str,
        per_problem: Sequence[float | None],
        keys: Sequence[str],
        k: int,
        mode: Mode | None = None,
        budget: int | None = None,
    ) -> None:
        """One metric from a value for each problem, with its bootstrap interval over the problems' keys.

        Problems whose value is None are left out; nothing is added where none has one.
        """
        found = [(value, key) for value, key in pairs(per_problem, keys) if value is not None]
        if not found:
            return
        settings, values = self.run.settings, np.array([value for value, _ in found], dtype=float)
        contents = [key for _, key in found]
        low, high = bootstrap_interval(values, contents, settings.bootstrap_samples, settings.seed)
        self.results.append(
            {
                "recipe": self.run.recipe,
                "scale": self.run.scale,
                "checkpoint": checkpoint,
                "benchmark": benchmark,
                "mode": mode,
                "budget": budget,
                "metric": metric,
                "value": float(values.mean()),
                "low": low,
                "high": high,
                "n": len(values),
                "k": k,
            }
        )

    def save(self, checkpoints: int, tokens: int) -> None:
        """results.json, the printed table, the stage's own tables."""
        write_atomically(
            self.run.folder.parent / "results.json", json.dumps(self.results, indent=1, ensure_ascii=False)
        )
        self.run.metrics.say(summary_table(self.results))
        tables = {"rows": Dataset.from_list(self.results), "completions": Dataset.from_list(self.completions)}
        about = {"checkpoints": checkpoints, "results": len(self.results)}
        self.run.save_data(tables, about, tokens={"generated": tokens})

    def keep(
        self,
        checkpoint: str,
        benchmark: str,
        questions: list[Row],
        answers: Answers,
        score: Callable,
        mode: Mode | None = None,
    ) -> None:
        """The first completion of each question."""
        settings = self.run.settings
        temperature = settings.non_thinking_temperature if mode == "non_thinking" else settings.temperature
        for row, group in zip(questions, answers, strict=True):
            self.completions.append(
                {
                    "checkpoint": checkpoint,
                    "benchmark": benchmark,
                    "mode": mode,
                    "task": row["task"],
                    "language": row["language"],
                    "question": last_turn(row),
                    "answer": row["answer"],
                    "completion": group[0].text,
                    "correct": bool(score(group[0], row)),
                    "tokens": group[0].tokens,
                    "sampling": f"T {temperature}",
                }
            )


def held_out(run: Run) -> dict[str, list[Row]]:
    """The questions of each benchmark, from a split that no stage trains on; none where a mixture is empty."""
    settings: Evaluation = run.settings
    count, seed, split = settings.questions_per_benchmark, settings.seed, settings.split
    drawn = draw_rows(run, settings.instruction_tasks, 4 * count, split, seed + 1)
    instructed = [
        row for row in drawn if row["verifier"] == "instructions" or json.loads(row["info"]).get("instruction")
    ][:count]
    need_checkers(instructed)
    return {
        "reasoning": draw_rows(run, settings.tasks, settings.reasoning_questions, split, seed),
        "general": draw_rows(run, settings.general_tasks, count, split, seed),
        "instruction_following": instructed,
        "safety": draw_rows(run, settings.safety_tasks, count, split, seed),
    }


def reasoning(
    recorder: Recorder,
    name: str,
    engine: Engine,
    questions: list[Row],
    decoding: Decoding,
    mode: Mode | None = None,
) -> int:
    """The reasoning benchmarks of one checkpoint; returns the tokens generated.

    mode: for a checkpoint that has two; `non_thinking` pre-fills the empty think block.
    """
    settings: Evaluation = recorder.run.settings
    switch: dict = {"enable_thinking": mode != "non_thinking", "opening": settings.opening}
    k, many = settings.samples_per_question, settings.pass_k_samples
    step = max(1, len(questions) // settings.pass_k_questions)
    length = settings.max_completion_length
    sampled = engine.answer(questions, k, decoding, settings.seed, **switch)
    greedy = engine.answer(questions, 1, Decoding(0, length), settings.seed, **switch)
    hot = dict(
        zip(
            range(0, len(questions), step),
            engine.answer(questions[::step], many, Decoding(1.0, length), settings.seed, **switch),
            strict=True,
        )
    )
    recorder.keep(name, "reasoning", questions, sampled, accuracy, mode)

    correct = np.array([[accuracy(c, row) for c in group] for row, group in pairs(questions, sampled)])
    said = [votes([c.parsed for c in group], row) for row, group in pairs(questions, sampled)]
    groups = {
        benchmark: [i for i, row in enumerate(questions) if row["domain"] in domains]
        for benchmark, domains in BENCHMARKS.items()
    }
    groups["chinese"] = [i for i, row in enumerate(questions) if row["language"] == "zh"]
    groups["reasoning"] = list(range(len(questions)))
    for benchmark, indices in groups.items():
        keys = keys_of([questions[i] for i in indices])

        def each(value: Score, answers: Answers, indices=indices) -> list[float | None]:
            scores = [[value(c, questions[i]) for c in answers[i]] for i in indices]
            return means(scores)

        def add(metric: str, values: list, k: int = k, benchmark=benchmark, keys=keys) -> None:
            recorder.add(name, benchmark, metric, values, keys, k, mode)

        add("pass@1", correct[indices].mean(axis=1).tolist())
        add(f"cons@{k}", cons_at_k([said[i] for i in indices], correct[indices]).tolist())
        add(f"pass@{k}", pass_at_k(k, correct[indices].sum(axis=1).astype(int), k).tolist())
        if mode != "non_thinking":  # its think block is given
            add("format_rate", each(format, sampled))
        add(
            "language_consistency",
            each(lambda c, row: language_consistency(c.thinking or c.text, row["language"]), sampled),
        )
        add("mean_tokens", each(lambda c, row: float(c.tokens), sampled))
        add("greedy", each(accuracy, greedy), 1)
        passed = {i: [accuracy(c, questions[i]) for c in hot[i]] for i in indices if i in hot}
        if passed:
            rights = np.array(list(passed.values()))
            kept = keys_of([questions[i] for i in passed])
            add("pass@1 (T 1)", rights.mean(axis=1).tolist(), many, keys=kept)
            found = pass_at_k(many, rights.sum(axis=1).astype(int), many).tolist()
            add(f"pass@{many} (T 1)", found, many, keys=kept)
    return sum(c.tokens for answers in (sampled, greedy, list(hot.values())) for group in answers for c in group)


def safety(recorder: Recorder, name: str, questions: list[Row], answers: Answers) -> None:
    """Unsafe prompts refused without a leak, safe look-alikes not refused."""
    k = recorder.run.settings.samples_per_question
    scores: dict[str, Score] = {
        "unsafe_refused": lambda c, row: (
            float(is_refusal(c.answer) and not _leaked(c, row)) if is_unsafe(row) else None
        ),
        "safe_answered": lambda c, row: None if is_unsafe(row) else float(not is_refusal(c.answer)),
    }
    for metric, score in scores.items():
        values = means([[score(c, row) for c in group] for row, group in pairs(questions, answers)])
        recorder.add(name, "safety", metric, values, keys_of(questions), k)
    recorder.keep(name, "safety", questions, answers, lambda c, row: is_refusal(c.answer) == is_unsafe(row))


def is_unsafe(row: Row) -> bool:
    """Whether a prompt must be refused; a public data set says so."""
    return row["task"] == "unsafe" or json.loads(row["info"]).get("safe") is False


def _leaked(completion: Completion, row: Row) -> bool:
    return row["task"] in GENERAL and complied_unsafely(completion.text, row)


def instructions(
    recorder: Recorder, name: str, questions: list[Row], answers: Answers, mode: Mode | None = None
) -> None:
    """Instructions that can be checked: the share of the answers that follow all of theirs."""
    k = recorder.run.settings.samples_per_question
    followed = [[instruction(c, row) for c in group] for row, group in pairs(questions, answers)]
    recorder.add(name, "instruction_following", "followed", means(followed), keys_of(questions), k, mode)
    recorder.keep(name, "instruction_following", questions, answers, instruction, mode)


def preference_scorer(run: Run):
    """The recipe's preference reward model; None where it has none."""
    if "reward_models" not in run.config["inputs"]:
        return None
    from stages.core.rewards.scoring import open_scorer

    return open_scorer(run, next(iter(run.config["inputs"]["reward_models"])))


def preference(
    recorder: Recorder,
    questions: list[Row],
    answers: dict[str, Answers],
    against: Answers | None,
    scorer=None,
    mode: Mode | None = None,
) -> None:
    """The gold preference, win rates by it, and what the reward model thinks.

    Public prompts have no gold preference: there the reward model's is the only one, which RL may have over-optimised.
    against: the answers of the reference checkpoint; without them there is no win rate.
    scorer: what `preference_scorer` opened; without it there are no scores.
    """
    k = recorder.run.settings.samples_per_question
    known = [index for index, row in enumerate(questions) if row["task"] in GENERAL]

    keys, known_keys = keys_of(questions), keys_of([questions[index] for index in known])

    def golds_of(groups: Answers) -> list[list[float]]:
        return [[gold(c.answer, questions[index]) for c in groups[index]] for index in known]

    def scores_of(groups: Answers) -> list[list[float]]:
        texts = [last_turn(row) for row, group in pairs(questions, groups) for _ in group]
        return np.array(scorer.score(texts, [c.answer for group in groups for c in group])).reshape(-1, k).tolist()

    judges = {"win_rate": golds_of} | ({"win_rate (reward model)": scores_of} if scorer else {})
    others = {metric: judge(against) for metric, judge in judges.items()} if against is not None else {}
    for name, groups in answers.items():
        found = {metric: judge(groups) for metric, judge in judges.items()}
        recorder.add(name, "general", "gold", means(found["win_rate"]), known_keys, k, mode)
        if scorer:
            scores = means(found["win_rate (reward model)"])
            recorder.add(name, "general", "reward_model_score", scores, keys, k, mode)
        for metric, other in others.items():
            of = known_keys if metric == "win_rate" else keys
            recorder.add(name, "general", metric, means(wins(found[metric], other)), of, k, mode)
        recorder.keep(
            name,
            "general",
            questions,
            groups,
            lambda c, row: row["task"] in GENERAL and gold(c.answer, row) > 0.99,
            mode,
        )


def wins(ours: list[list[float]], theirs: list[list[float]]) -> list[list[float]]:
    """1 where our sample is worth more than their sample of the same rank, 0.5 where as much, else 0."""
    return [
        [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs(mine, other)] for mine, other in pairs(ours, theirs)
    ]


def means(values: Sequence[Sequence[float | None]]) -> list[float | None]:
    """The mean of each problem's samples; samples without a value are left out, a problem without any is None."""
    kept = [[float(value) for value in group if value is not None] for group in values]
    return [sum(group) / len(group) if group else None for group in kept]


def keys_of(questions: list[Row]) -> list[str]:
    """What each question is about."""
    return [row["key"] for row in questions]


def headline(recorder: Recorder, name: str) -> dict[str, float]:
    """What the progress line shows of a checkpoint; of one with two modes, how it does when it thinks."""
    found = {
        (row["benchmark"], row["metric"]): row["value"]
        for row in recorder.results
        if row["checkpoint"] == name and row["mode"] != "non_thinking"
    }
    return {
        f"{benchmark} {metric}": found[benchmark, metric]
        for benchmark, metric in (("reasoning", "pass@1"), ("reasoning", "format_rate"))
    }


def pairs(first, second):
    """zip, strictly."""
    return zip(first, second, strict=True)
