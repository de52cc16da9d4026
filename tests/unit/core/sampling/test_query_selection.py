"""Difficulty, the selection of queries, and the two stages that use it."""

from types import SimpleNamespace

import pytest
from datasets import Dataset

from data.text.completion import Completion
from data.world.families import rows
from data.world.written import worked_completion
from stages.core.machines import weights
from stages.core.sampling.asking import guessed_without_thinking, pass_rates
from stages.core.sampling.query_filters import in_turns, select_pairs
from stages.core.training import grpo
from stages.qwen3 import cold_start_data, query_verifier_pairs, reasoning_rl, student_rl
from tests.questions import find


def reply(text):
    return Completion(text, 5, True, "chat")


def test_in_turns():
    table = [{"n": n, "domain": domain} for n, domain in enumerate("mmmmcs")]
    assert [row["n"] for row in in_turns(table, "domain", 9)] == [0, 4, 5, 1, 2, 3]
    assert [row["n"] for row in in_turns(table, "domain", 4)] == [0, 4, 5, 1]
    assert in_turns([], "domain", 3) == in_turns(table, "domain", 0) == []


def test_pairs_are_learnable_hard_and_broad():
    rates = {"a": [0.5, 0.25, 0.0, 0.75, 1.0], "b": [0.875, 0.625], "c": [1.0]}
    table = [{"task": task, "pass_rate": rate} for task, found in rates.items() for rate in found]
    pairs, counts = select_pairs(table, 4)
    assert [(row["task"], row["pass_rate"]) for row in pairs] == [("a", 0.25), ("b", 0.625), ("a", 0.5), ("b", 0.875)]
    assert counts == {"total": 8, "always right": 2, "never right": 1, "easier than the others": 1, "kept": 4}
    assert list(counts)[-1] == "kept"
    assert select_pairs(table, 50)[1]["kept"] == 5
    assert select_pairs([], 3)[0] == []


def test_pass_rates():
    row, other = find("equation"), find("logic", "zh")
    right, wrong = f"\\boxed{{{row['answer']}}}", "\\boxed{99}"
    groups = [[reply(right), reply(wrong), reply(right), reply("")], [reply(wrong)]]
    assert pass_rates([row, other], groups) == [0.5, 0.0]
    assert pass_rates([], []) == []


def test_guessed_without_thinking(tokenizer):
    table = [find("equation"), find("equation", "zh"), find("logic")]
    asked = {}

    def generate(prompts, n, sampling, seed):
        asked.update(prompts=prompts, n=n, sampling=sampling, seed=seed)
        return [[reply("99}."), reply(table[0]["answer"] + "}.")], [reply(table[1]["answer"] + "}。")], [reply("x}.")]]

    engine = SimpleNamespace(tokenizer=tokenizer, generate=generate)
    assert guessed_without_thinking(engine, table, 2, 0.7, 30, 5) == [True, True, False]
    assert asked["n"] == 2 and asked["seed"] == 5
    assert (asked["sampling"].temperature, asked["sampling"].max_tokens) == (0.7, 30)
    assert asked["prompts"][0].endswith("<think>\n\n</think>\n\nThe answer is \\boxed{")
    assert asked["prompts"][1].endswith("<think>\n\n</think>\n\n答案是\\boxed{")


# -- stages


class Engine:
    """Answers each prompt right, then wrong; knows the logic queries without a thought."""

    template = "chat"

    def __init__(self, tokenizer):
        self.tokenizer, self.asked = tokenizer, []

    def answer(self, prompts, n, sampling, seed, progress):
        self.asked = prompts
        wrong = reply("<think>\nfirst 1+1=2.\n</think>\n\nThe answer is \\boxed{97}.")
        groups = [[reply(worked_completion(row, "chat")[0]), wrong] for row in prompts]
        return [
            [wrong, wrong] if row["task"] == "expression" else found for row, found in zip(prompts, groups, strict=True)
        ]

    def generate(self, prompts, n, sampling, seed):
        return [[reply("true}." if "Is (" in prompt else "97}.")] for prompt in prompts]


def saved(stage, settings, monkeypatch, engine, load_rows=None):
    """(tables, counts) that a stage saves."""
    monkeypatch.setattr(stage, "open_engine", lambda run, role, batch_size: engine)
    found = {}
    run = SimpleNamespace(
        stage="stage",
        settings=SimpleNamespace(**settings),
        metrics=SimpleNamespace(log=None),
        load_rows=load_rows,
        save_data=lambda tables, headline, counts: found.update(
            counts=counts, tables={name: table.to_list() for name, table in tables.items()}
        ),
    )
    stage.main(run)
    return found["tables"], found["counts"]


COLD_START = {
    "seed": 0, "tasks": {"equation": 4, "logic": 2, "expression": 1, "facts": 1}, "prompts": 60,
    "several_questions": 0.2, "validation_queries": 8, "sampling_batch_size": 8, "guess_attempts": 1,
    "guess_temperature": 1.0, "samples_per_prompt": 2, "keep_per_prompt": 1, "temperature": 1.0, "top_p": 1.0,
    "max_completion_length": 50, "min_language_consistency": 1.0, "repetition_ngram": 8, "max_repetition": 0.3,
    "min_reasoning_words": 4, "similarity_ngram": 10, "max_similarity": 0.6, "examples": 12,
}  # fmt: skip


def test_the_cold_start_filters_queries_then_responses(monkeypatch, tokenizer):
    engine = Engine(tokenizer)
    tables, counts = saved(cold_start_data, COLD_START, monkeypatch, engine)
    assert counts["queries"] == 60 and len(tables["validation"]) == 8
    query_rules = [name for name in counts if name.startswith("queries ")]
    assert all(counts[name] > 0 for name in query_rules) and len(query_rules) == 5
    assert len(tables["queries"]) == 60 - sum(counts[name] for name in query_rules[:4])
    never = counts["queries that the teacher never answers"]
    assert never == sum(row["task"] == "expression" for row in tables["queries"])
    assert counts["total"] == 2 * (len(tables["queries"]) - never)
    rules = list(counts)[list(counts).index("total") + 1 :]
    assert sum(counts[name] for name in rules) == counts["total"]
    assert counts["wrong answer"] == counts["total"] / 2
    assert len(tables["rows"]) == counts["kept"] == 12
    assert {row["domain"] for row in tables["rows"]} == {"math", "logic"}
    identities = {row["id"] for row in tables["validation"]}
    assert not identities & {row["id"] for row in tables["queries"]}
    assert {row["id"] for row in tables["rows"]} <= {row["id"] for row in tables["queries"]}
    for row in tables["rows"]:
        assert row["prompt_text"].endswith("<|im_start|>assistant\n")
        assert row["completion"].startswith("<think>\n") and f"\\boxed{{{row['answer']}}}" in row["completion"]


def test_pairs_leave_out_what_the_cold_start_used(monkeypatch, tokenizer):
    pool = rows({"equation": 1, "logic": 1, "expression": 1}, 30, "train", 7)
    parents = {"rows": Dataset.from_list(pool[:5]), "validation": Dataset.from_list(pool[5:8])}
    engine = Engine(tokenizer)
    settings = {
        "seed": 0, "tasks": {"equation": 1, "logic": 1, "expression": 1}, "prompts": 30, "pairs": 10,
        "samples_per_query": 2, "temperature": 1.0, "max_completion_length": 50, "sampling_batch_size": 8,
    }  # fmt: skip
    tables, counts = saved(query_verifier_pairs, settings, monkeypatch, engine, lambda table: parents[table])
    assert [row["id"] for row in engine.asked] == [row["id"] for row in pool[8:]]
    assert counts["total"] == 30 and counts["used in the cold start"] == 5 and counts["in the validation set"] == 3
    assert counts["never right"] == sum(row["task"] == "expression" for row in pool[8:]) > 0
    assert sum(counts.values()) == 2 * counts["total"]
    assert [row["pass_rate"] for row in tables["rows"]] == [0.5] * 10
    assert [row["task"] for row in tables["rows"]].count("logic") == 5


@pytest.mark.parametrize("stage", [reasoning_rl, student_rl])
def test_reinforcement_learning_takes_the_pairs_and_the_student_draws(monkeypatch, stage):
    pool = rows({"logic": 1}, 4, "train", 3)
    trained = []
    take = lambda run, model, tokenizer, prompts, *_, **__: trained.extend(prompts)  # noqa: E731
    for name in ("load_model", "load_tokenizer", "save_model"):
        monkeypatch.setattr(weights, name, lambda *_, **__: None)
    monkeypatch.setattr(grpo, "policy_trainer", take)
    monkeypatch.setattr(grpo, "train_policy", lambda run, trainer: {})
    run = SimpleNamespace(
        settings=SimpleNamespace(
            tasks={"equation": 1}, prompts=6, seed=0, template="chat", rewards={"accuracy": 1.0}, clip_epsilon=0.2,
            kl_coefficient=0.0, entropy_coefficient=0.0, reference_refresh_steps=1,
        ),
        load_rows=lambda: Dataset.from_list(pool),
    )  # fmt: skip
    stage.main(run)
    assert trained == pool if stage is reasoning_rl else [row["task"] for row in trained] == ["equation"] * 6
