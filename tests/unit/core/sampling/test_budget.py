"""Thinking budgets, to the token (Qwen3 s.4.3). Here a token is a character, so the opening tag has 8."""

import pytest

from data.errors import InputError
from data.text.completion import Completion
from data.text.prompts import EARLY_STOP
from stages.core.sampling.engine import Decoding
from stages.core.sampling.thinking_budget import closed_early, generate_with_budget, is_open, thinking_limit

HEAD = "<think>\n"
CUT = "\n\n" + EARLY_STOP + "\n</think>\n\n"


class Scripted:
    """An engine that writes what is prepared for a prompt, one text a sample, and counts the end as a token."""

    template = "chat"

    def __init__(self, script: dict[str, list[str]]) -> None:
        self.script, self.asked = script, []

    def tokenizer(self, text, add_special_tokens):
        return {"input_ids": list(text)}

    def generate(self, prompts, n, decoding, seed, progress):
        self.asked.append((prompts, n, decoding.max_tokens, seed))
        progress(len(prompts) * n, len(prompts) * n)
        limit, found = decoding.max_tokens, []
        for prompt in prompts:
            texts = self.script[prompt][:n]
            assert len(texts) == n
            found.append([Completion(t[:limit], min(len(t) + 1, limit), len(t) < limit, "chat") for t in texts])
        return found


def run(script, budget, max_tokens=40, prompts=("Q",), n=1, closings=None):
    engine = Scripted({prompt: [texts] if isinstance(texts, str) else texts for prompt, texts in script.items()})
    decoding = Decoding(0.6, max_tokens)
    found = generate_with_budget(engine, list(prompts), n, decoding, budget, 7, closings=closings)
    return found, [call for call in engine.asked if call[0]]


def test_both_phases_are_drawn_alike():
    engine = Scripted({"Q": [HEAD + "2+3=5, and so on"], "Q" + HEAD + "2+3=" + CUT: ["5"]})
    decodings = []
    generate = engine.generate
    engine.generate = lambda prompts, n, decoding, *rest: (
        decodings.append(decoding) or generate(prompts, n, decoding, *rest)
    )
    generate_with_budget(engine, ["Q"], 1, Decoding(0.6, 40, 0.9, 20, 1.5), 4, 7)
    assert decodings == [Decoding(0.6, 12, 0.9, 20, 1.5), Decoding(0.6, 28, 0.9, 20, 1.5)]


def test_a_completion_that_ends_within_the_budget_is_left_alone():
    written = HEAD + "so\n</think>\n\n5"
    [[found]], asked = run({"Q": written}, budget=20)
    assert found == Completion(written, len(written) + 1, True, "chat")
    assert asked == [(["Q"], 1, 8 + 20, 7)]


def test_a_closed_thought_goes_on_to_max_tokens():
    written = HEAD + "so\n</think>\n\n5 it is, I say"
    head = written[:22]
    assert "</think>" in head
    [[found]], asked = run({"Q": written, "Q" + head: written[22:]}, budget=14)
    assert found == Completion(written, len(written) + 1, True, "chat")
    assert asked[1] == (["Q" + head], 1, 40 - 22, 8)


def test_an_open_thought_is_cut_at_the_budget_and_closed():
    cut = HEAD + "2+3=" + CUT
    [[found]], asked = run({"Q": HEAD + "2+3=5, and so on", "Q" + cut: "5"}, budget=4)
    assert found == Completion(cut + "5", (8 + 4) + 2, True, "chat", cut=True)
    assert found.thinking == "2+3=\n\n" + EARLY_STOP and found.answer == "5"
    assert asked == [(["Q"], 1, 12, 7), (["Q" + cut], 1, 40 - 12, 8)]


def test_what_a_cut_thought_leaves_blank_is_counted_but_not_kept():
    [[found]], _ = run({"Q": HEAD + "a \n\n and so on", "Q" + HEAD + "a" + CUT: "5"}, budget=4)
    assert (found.text, found.tokens) == (HEAD + "a" + CUT + "5", 12 + 2)


def test_a_character_that_the_budget_cut_in_two_is_dropped():
    [[found]], _ = run({"Q": HEAD + "先\ufffd....", "Q" + HEAD + "先" + CUT: "5"}, budget=2)
    assert (found.text, found.tokens) == (HEAD + "先" + CUT + "5", 10 + 2)


def test_the_budget_is_reached_by_the_last_token_of_a_thought():
    """Exactly the budget, the closing tag not yet written: cut; one token more for it: closed."""
    thought = HEAD + "2+3=5"
    [[found]], _ = run({"Q": thought + "</think>5", "Q" + thought + CUT: "5"}, budget=5)
    assert EARLY_STOP in found.text
    [[found]], _ = run({"Q": thought + "</think>5", "Q" + thought + "</think>": "5"}, budget=5 + len("</think>"))
    assert found.text == thought + "</think>5"


def test_an_answer_may_run_out_of_tokens():
    cut = HEAD + "2+3=" + CUT
    [[found]], _ = run({"Q": HEAD + "2+3=5, and", "Q" + cut: "five it is, I say"}, budget=4, max_tokens=18)
    assert found == Completion(cut + "five i", 18, False, "chat", cut=True)


def test_a_completion_that_ended_inside_its_thought_is_left_alone():
    [[found]], asked = run({"Q": HEAD + "so"}, budget=10)
    assert found == Completion(HEAD + "so", 8 + 3, True, "chat") and len(asked) == 1


def test_without_a_thought_there_is_only_an_answer():
    written = "The answer is five, I say."
    [[found]], asked = run({"Q": written, "Q" + written[:10]: written[10:]}, budget=2)
    assert found == Completion(written, len(written) + 1, True, "chat")
    assert asked[1] == (["Q" + written[:10]], 1, 30, 8)
    [[found]], asked = run({"Q": "5"}, budget=2)
    assert found == Completion("5", 2, True, "chat") and len(asked) == 1


def test_budget_zero_gives_the_sentence_and_samples_only_the_answer():
    head = f"{HEAD}{EARLY_STOP}\n</think>\n\n"
    [[found]], asked = run({"Q" + head: "5"}, budget=0)
    assert found == Completion(head + "5", 2, True, "chat", cut=True)
    assert asked == [(["Q" + head], 1, 40, 8)]


def test_several_samples_stay_with_their_prompt():
    long, cut = HEAD + "long and longer", HEAD + "long" + CUT
    script = {"A": [HEAD + "</think>1", long], "B": [long, "2"], "A" + HEAD + "</th": "ink>1", "A" + cut: "3"}
    script |= {"B" + cut: "4", "A" + HEAD + "</th" + CUT: "1"}
    found, asked = run(script, budget=4, prompts=("A", "B"), n=2)
    assert [[completion.answer for completion in group] for group in found] == [["1", "3"], ["4", "2"]]
    assert [[completion.tokens for completion in group] for group in found] == [[14, 14], [14, 2]]
    assert asked[1][0] == ["A" + HEAD + "</th" + CUT, "A" + cut, "B" + cut]


def test_no_prompts_no_completions():
    assert run({}, budget=4, prompts=())[0] == []


@pytest.mark.parametrize(
    ("budget", "said"), [(-1, "budget -1: it must be 0 or more"), (32, "nothing of 40 tokens is left for the answer")]
)
def test_a_budget_that_leaves_no_answer_is_refused(budget, said):
    with pytest.raises(InputError, match=said):
        run({}, budget=budget)


def test_the_limit_counts_the_opening_tag():
    tokenizer = Scripted({}).tokenizer
    assert [thinking_limit(tokenizer, budget, 40) for budget in (0, 1, 31)] == [0, 9, 39]


def test_the_sentence_is_closed_without_the_paper_s_stray_dot():
    assert closed_early("<think>\nso\n ") == f"<think>\nso\n\n{EARLY_STOP}\n</think>\n\n"
    assert closed_early("<think>\n\n") == closed_early("<think>") == f"<think>\n{EARLY_STOP}\n</think>\n\n"


@pytest.mark.parametrize(
    ("closing", "closed", "unthought"),
    [
        (", guess.", "<think>\n2+3=, guess.\n</think>\n\n", "<think>\nguess.\n</think>\n\n"),
        (",猜。", "<think>\n2+3=,猜。\n</think>\n\n", "<think>\n猜。\n</think>\n\n"),
        ("", "<think>\n2+3=\n</think>\n\n", "<think>\n\n</think>\n\n"),
    ],
)
def test_another_sentence_and_none(closing, closed, unthought):
    assert closed_early("<think>\n2+3= ", closing) == closed and closed_early("<think>", closing) == unthought
    [[found]], _ = run({"Q": HEAD + "2+3=5, and so on", "Q" + closed: "5"}, budget=4, closings=[closing])
    assert found == Completion(closed + "5", 8 + 4 + 2, True, "chat", cut=True)
    [[found]], _ = run({"Q" + unthought: "5"}, budget=0, closings=[closing])
    assert found.text == unthought + "5" and found.cut


def test_each_prompt_has_its_own_sentence_and_only_what_was_cut_is_marked():
    long = HEAD + "long and longer"
    first, second = (HEAD + "long" + closing + "\n</think>\n\n" for closing in (", guess.", ",猜。"))
    script = {"A": [long, "2"], "B": [long, HEAD + "</"], "A" + first: "3", "B" + second: "4"}
    found, _ = run(script, budget=4, prompts=("A", "B"), n=2, closings=[", guess.", ",猜。"])
    assert [[completion.cut for completion in group] for group in found] == [[True, False], [True, False]]
    assert [group[0].answer for group in found] == ["3", "4"]


@pytest.mark.parametrize(
    ("text", "open"), [("", False), ("5", False), ("<think>", True), (" <think> a", True), ("<think></think>", False)]
)
def test_a_think_block_is_open(text, open):
    assert is_open(text) == open


def test_a_real_engine(model, tokenizer):
    from stages.core.sampling.generation import TransformersEngine

    engine = TransformersEngine(model, tokenizer, "chat", 8)
    prompts = ["<|im_start|>user\n1+2?<|im_end|>\n<|im_start|>assistant\n<think>\n"]
    seen = []
    first, second = (
        generate_with_budget(engine, prompts, 3, Decoding(1.0, 12), 4, 1, lambda *at: seen.append(at)) for _ in range(2)
    )
    assert first == second and all(0 < completion.tokens <= 12 for completion in first[0]) and seen[0] == (3, 3)
    assert thinking_limit(tokenizer, 4, 12) == 2 + 4
    [found] = generate_with_budget(engine, prompts, 2, Decoding(0, 12), 0, 1)
    assert found[0] == found[1] and found[0].thinking == EARLY_STOP
