"""Talking to a checkpoint: lines from a pipe, both modes, a budget, what cannot be talked to."""

import io

import pytest

from stages import chat
from stages.core.budget import EARLY_STOP


@pytest.fixture
def talk(monkeypatch, capsys):
    def run(*arguments, turns="2+3?\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(turns))
        chat.main([*map(str, arguments), "--max-tokens", "8"])
        return capsys.readouterr().out

    return run


def seen_prompts(monkeypatch):
    """The prompts that the model gets."""
    prompts, stream = [], chat.stream
    monkeypatch.setattr(
        chat, "stream", lambda engine, prompt, *rest: prompts.append(prompt) or stream(engine, prompt, *rest)
    )
    return prompts


def test_each_line_is_a_turn_and_the_history_is_kept(talk, model_folder, monkeypatch):
    prompts = seen_prompts(monkeypatch)
    out = talk(model_folder, "--temperature", 0, turns="2+3?\n\n再加1?\n/reset\nHi\n/exit\nnever read\n")
    assert [prompt.count("<|im_start|>user") for prompt in prompts] == [1, 2, 1]
    assert out.count("\n") >= 3 and ">" not in out.split("\n")[0][:2]


def test_modes(talk, model_folder, monkeypatch):
    prompts = seen_prompts(monkeypatch)
    talk(model_folder, "--think")
    talk(model_folder, "--no-think")
    talk(model_folder, "--system", "Be brief.")
    assert prompts[0].endswith("2+3? /think<|im_end|>\n<|im_start|>assistant\n")
    assert prompts[1].endswith("2+3?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert prompts[2].startswith("<|im_start|>system\nBe brief.<|im_end|>\n")


def test_a_budget_closes_the_thought(talk, model_folder):
    assert EARLY_STOP in talk(model_folder, "--budget", 0).replace("\n", " ").replace("  ", " ")


@pytest.mark.parametrize("arguments", [["nowhere"], ["--budget", "-1"], ["--budget", "99"]])
def test_bad_input_is_one_sentence(arguments, model_folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("2+3?\n"))
    given = arguments if arguments == ["nowhere"] else [str(model_folder), *arguments, "--max-tokens", "8"]
    with pytest.raises(SystemExit) as stopped:
        chat.main(given)
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.startswith("error: ") and error.strip().count("\n") == 0
