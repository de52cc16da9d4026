"""What every engine does with rows: the prompt in the model's template, and an opening that is given."""

from collections import Counter

import pytest

from data.text.chat import render_prompt
from data.text.completion import Completion
from data.world.families import rows
from stages.core.sampling.engine import Decoding, Engine

OPENING = "<think>\n"


class Echo(Engine):
    """Keeps its prompts, and goes on from them."""

    end_ids = []

    def __init__(self, tokenizer, template):
        self.tokenizer, self.template, self.prompts = tokenizer, template, []

    def generate(self, prompts, n, decoding, seed, progress=lambda done, total: None):
        self.prompts += prompts
        return [[Completion("so\n</think>\n\n7", 5, True, self.template)] * n for _ in prompts]


def test_an_opening_is_given_and_kept(tokenizer):
    questions = rows({"equation": 1.0}, 3, "test", 1)
    engine = Echo(tokenizer, "chat")
    found = engine.answer(questions, 2, Decoding(0.6, 8), 0, opening=OPENING)
    assert engine.prompts == [render_prompt(tokenizer, row["prompt"], "chat") + OPENING for row in questions]
    assert [[c.text for c in group] for group in found] == [["<think>\nso\n</think>\n\n7"] * 2] * 3
    assert found[0][0].tokens == 5 and found[0][0].thinking == "so"


@pytest.mark.parametrize(
    ("template", "thinks", "opening"), [("chat", True, ""), ("chat", False, OPENING), ("r1_zero", True, OPENING)]
)
def test_without_thinking_and_in_r1_zero_s_template_nothing_is_given(tokenizer, template, thinks, opening):
    (row,) = rows({"equation": 1.0}, 1, "test", 1)
    engine = Echo(tokenizer, template)
    ((found,),) = engine.answer([row], 1, Decoding(0.6, 8), 0, enable_thinking=thinks, opening=opening)
    assert engine.prompts == [render_prompt(tokenizer, row["prompt"], template, thinks)]
    assert found.text == "so\n</think>\n\n7"


def test_a_prompt_is_counted_once_for_all_its_samples(tokenizer):
    engine = Echo(tokenizer, "chat")
    found = [[Completion("so", 5, True, "chat"), Completion("so it", 7, True, "chat")]]
    assert engine.counted(["a b"], found) == found  # nowhere
    engine.tokens = Counter()
    assert engine.counted(["a b"], found) == found and engine.counted([], []) == []
    assert engine.tokens == {"prompt": len(tokenizer("a b")["input_ids"]), "generated": 12}
