"""Qwen3's evaluation: conversations with flags, who follows them, and what the report shows of it."""

from types import SimpleNamespace

import pytest

from data.chat import render_completion
from data.modes import mode_of, without_flags
from stages import evaluation_in_both_modes as evaluation
from stages.core.benchmarks import Recorder
from stages.core.engine import Completion
from stages.core.reporting import strong_to_weak
from stages.core.result_figures import budget_curve

SETTINGS = SimpleNamespace(
    seed=1, conversations=40, tasks={"arithmetic": 1.0, "equation": 1.0}, split="test", temperature=0.6, top_p=0.95,
    non_thinking_temperature=0.7, non_thinking_top_p=0.8, max_completion_length=20, samples_per_question=2,
    bootstrap_samples=50, budgets=[0, 8],
)  # fmt: skip


@pytest.fixture
def recorder():
    return Recorder(SimpleNamespace(recipe="qwen3", scale="test", settings=SETTINGS))


def test_every_conversation_has_a_flag_and_two_to_four_turns():
    scripts = evaluation.conversations(SETTINGS)
    assert scripts == evaluation.conversations(SETTINGS) and len(scripts) == 40
    assert {len(script) for script in scripts} == {2, 3, 4}
    assert all(any(without_flags(turn["content"]) != turn["content"] for turn in script) for script in scripts)
    assert {mode_of(script) for script in scripts} == {"thinking", "non_thinking"}


class Speaker:
    """Thinks as the last flag of its prompt asks, or always."""

    def __init__(self, tokenizer, obeys):
        self.tokenizer, self.obeys, self.prompts = tokenizer, obeys, []

    def generate(self, prompts, n, sampling, seed):
        self.prompts += prompts
        found = []
        for prompt in prompts:
            flag = max(("/think", "/no_think"), key=lambda flag: prompt.rfind(f" {flag}<|im_end|>"))
            thinks = flag == "/think" or f" {flag}<" not in prompt or not self.obeys
            found.append([Completion(render_completion("so" if thinks else "", "5"), 6, True, "chat")])
        return found


def test_who_obeys_follows_all_and_who_always_thinks_some(recorder, tokenizer):
    obedient = Speaker(tokenizer, obeys=True)
    evaluation.think_follow(recorder, "obedient", obedient)
    evaluation.think_follow(recorder, "always", Speaker(tokenizer, obeys=False))
    values = {row["checkpoint"]: row["value"] for row in recorder.results}
    asked = [mode_of(script) for script in evaluation.conversations(SETTINGS)]
    assert values == {"obedient": 1.0, "always": pytest.approx(asked.count("thinking") / 40)}
    assert not any("<think>" in prompt for prompt in obedient.prompts)  # history loses its thinking


def test_the_two_modes_are_sampled_as_the_paper_does():
    assert evaluation.sampling_of(SETTINGS, "non_thinking").temperature == 0.7
    assert evaluation.sampling_of(SETTINGS, "non_thinking").top_p == 0.8
    assert evaluation.sampling_of(SETTINGS, "thinking") == evaluation.sampling_of(SETTINGS, None)


def row(checkpoint, benchmark, metric, value, mode=None, budget=None):
    return {"checkpoint": checkpoint, "benchmark": benchmark, "mode": mode, "budget": budget, "metric": metric,
            "value": value, "low": value - 0.1, "high": value + 0.1, "n": 10, "k": 2}  # fmt: skip


def test_the_budget_curve_has_every_budget_and_both_modes():
    rows = [row("m", "budget", "pass@1", 0.1 * n, budget=8 * n) for n in range(3)]
    rows += [row("m", "reasoning", "pass@1", 0.9, "thinking"), row("m", "reasoning", "pass@1", 0.2, "non_thinking")]
    rows += [row("other", "reasoning", "pass@1", 0.5)]
    figure = budget_curve(rows)
    for label in ("budget 0", "budget 8", "budget 16", "no budget", "not thinking"):
        assert label in figure
    assert figure.count('class="dot"') == 5
    assert budget_curve(rows[3:]) == ""


def test_strong_to_weak_shows_what_was_measured_beside_the_paper():
    rows = [row(name, "reasoning", "pass@1", 0.4, "thinking") for name in ("student_rl", "on_policy_distillation")]
    stages = [SimpleNamespace(name="student_rl", manifest={"seconds": 70.0})]
    found = strong_to_weak(rows, stages)
    assert [(line["method"], line["seconds"], line["hours"]) for line in found] == [
        ("+ RL", 70.0, 17920), ("+ on-policy distillation", None, 1800),
    ]  # fmt: skip
    assert found[0]["cells"][0][0] == "pass@1" and strong_to_weak([], stages) == []
