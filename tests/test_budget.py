"""Thinking budgets, to the token (Qwen3 s.4.3)."""

import pytest

from stages.core.budget import EARLY_STOP, closed_early, generate_with_budget
from stages.core.engine import Completion, Sampling
from stages.core.errors import InputError

HEAD = "<think>\n"
CUT = "\n\n" + EARLY_STOP + "\n</think>\n\n"


class Scripted:
    """An engine whose tokens are characters: it writes what stands in the script behind a prompt, up to max_tokens."""

    template = "chat"

    def __init__(self, script):
        self.script, self.asked = script, []

    def generate(self, prompts, n, sampling, seed):
        self.asked += [(prompt, sampling.max_tokens) for prompt in prompts]
        found = []
        for prompt in prompts:
            text = self.script[prompt]
            found.append([Completion(text[: sampling.max_tokens], min(len(text) + 1, sampling.max_tokens),
                                     len(text) < sampling.max_tokens, "chat")] * n)  # fmt: skip
        return found


def run(script, budget, max_tokens=30, prompts=("Q",), n=1):
    engine = Scripted(script)
    return generate_with_budget(engine, list(prompts), n, Sampling(0.6, max_tokens), budget, 1), engine


def test_a_thought_that_ends_within_its_budget_is_left_alone():
    written = "2+3=5\n</think>\n\n5"
    ((found,),), engine = run({"Q" + HEAD: written}, budget=20)
    assert found == Completion(HEAD + written, len(written) + 1, True, "chat")
    assert engine.asked == [("Q" + HEAD, 20)]


def test_a_thought_that_closes_within_its_budget_goes_on_to_its_answer():
    written = "2+3=5\n</think>\n\n5 it is"
    head = written[:16]
    assert "</think>" in head
    ((found,),), engine = run({"Q" + HEAD: written, "Q" + HEAD + head: written[16:]}, budget=16)
    assert found == Completion(HEAD + written, len(written) + 1, True, "chat")
    assert engine.asked[1] == ("Q" + HEAD + head, 30 - 16)


def test_an_open_thought_is_cut_at_the_budget_and_closed():
    cut = "Q" + HEAD + "2+3=" + CUT
    ((found,),), engine = run({"Q" + HEAD: "2+3=5, and so on", cut: "5"}, budget=4)
    assert found == Completion(HEAD + "2+3=" + CUT + "5", 4 + 2, True, "chat")
    assert found.thinking == "2+3=\n\n" + EARLY_STOP and found.answer == "5"
    assert engine.asked == [("Q" + HEAD, 4), (cut, 26)]


def test_an_end_token_inside_the_thought_ends_only_the_thought():
    cut = "Q" + HEAD + "so" + CUT
    ((found,),), _ = run({"Q" + HEAD: "so", cut: "5"}, budget=10)
    assert found == Completion(HEAD + "so" + CUT + "5", 3 + 2, True, "chat")


def test_an_answer_may_run_out_of_tokens():
    cut = "Q" + HEAD + "2+3=" + CUT
    ((found,),), _ = run({"Q" + HEAD: "2+3=5, and", cut: "five it is, I say"}, budget=4, max_tokens=10)
    assert found == Completion(HEAD + "2+3=" + CUT + "five i", 10, False, "chat")


def test_budget_zero_samples_no_thought():
    ((found,),), engine = run({"Q" + HEAD + EARLY_STOP + "\n</think>\n\n": "5"}, budget=0)
    assert found == Completion(f"{HEAD}{EARLY_STOP}\n</think>\n\n5", 2, True, "chat")
    assert engine.asked == [("Q" + HEAD + EARLY_STOP + "\n</think>\n\n", 30)]


def test_several_samples_stay_with_their_prompt():
    script = {"A" + HEAD: "a\n</think>\n\n1", "B" + HEAD: "long and longer", "B" + HEAD + "long and longe" + CUT: "2"}
    found, _ = run(script, budget=14, prompts=("A", "B"), n=2)
    assert [[completion.answer for completion in group] for group in found] == [["1", "1"], ["2", "2"]]


@pytest.mark.parametrize("budget", [-1, 30, 31])
def test_a_budget_that_leaves_no_answer_is_refused(budget):
    with pytest.raises(InputError, match=f"budget {budget}: allowed are 0 to 29"):
        run({}, budget=budget)


def test_the_sentence_is_the_paper_s_without_the_stray_dot():
    assert closed_early("so\n") == f"<think>\nso\n\n{EARLY_STOP}\n</think>\n\n"
    assert "</think>." not in closed_early("so")


def test_greedy_is_the_same_where_the_budget_is_never_reached(model, tokenizer):
    from stages.core.engine import TransformersEngine

    engine = TransformersEngine(model, tokenizer, "chat", 8)
    prompts = ["<|im_start|>user\n1+2?<|im_end|>\n<|im_start|>assistant\n"]
    (found,) = generate_with_budget(engine, prompts, 2, Sampling(0, 12), 4, 1)
    for completion in found:
        assert completion.tokens <= 12 and completion.text.startswith(HEAD) and "</think>" in completion.text
    assert found[0] == found[1]
