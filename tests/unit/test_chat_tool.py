"""Talking to a checkpoint: lines from a pipe, both modes, a budget, what cannot be talked to."""

import io
import shutil

import pytest

from data.text.prompts import EARLY_STOP
from stages import chat


@pytest.fixture
def talk(monkeypatch, capsys):
    def run(*arguments, turns="2+3?\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(turns))
        chat.main([*map(str, arguments), "--max-tokens", "8"])
        return capsys.readouterr().out

    return run


@pytest.fixture
def prompts(monkeypatch):
    """The prompts that the model gets."""
    seen, stream = [], chat.stream
    monkeypatch.setattr(
        chat, "stream", lambda engine, prompt, *rest: seen.append(prompt) or stream(engine, prompt, *rest)
    )
    return seen


def test_each_line_is_a_turn_and_the_history_is_kept(talk, model_folder, prompts):
    out = talk(model_folder, "--temperature", 0, turns="2+3?\n\n再加1?\n/reset\nHi\n/exit\nnever read\n")
    assert [prompt.count("<|im_start|>user") for prompt in prompts] == [1, 2, 1]
    assert out.count("\n") >= 3 and not out.startswith(">")


def test_modes(talk, model_folder, prompts):
    talk(model_folder, "--think", turns="2+3?\n3+4? /no_think\n")
    talk(model_folder, "--no-think")
    talk(model_folder, "--system", "Be brief.")
    assert prompts[0].endswith("2+3? /think<|im_end|>\n<|im_start|>assistant\n")
    assert prompts[1].endswith("3+4? /no_think<|im_end|>\n<|im_start|>assistant\n")  # a typed flag counts
    assert prompts[2].endswith("2+3?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert prompts[3].startswith("<|im_start|>system\nBe brief.<|im_end|>\n")


def test_a_budget_closes_the_thought(talk, model_folder):
    assert EARLY_STOP in talk(model_folder, "--budget", 0).replace("\n", " ").replace("  ", " ")


def test_the_think_block_is_told_from_the_answer():
    text = "<think>\nso\n</think>\n\n5"
    assert text[chat.thought_end(text) :] == "\n\n5"
    assert chat.thought_end("<think>\nso") == len("<think>\nso") and chat.thought_end("5") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--budget", "-1"],
        ["--budget", "99"],
        ["--budget", "4", "--no-think"],
        ["--temperature", "-1"],
        ["--temperature", "nan"],
        ["--temperature", "inf"],
        ["--system", "\udcff"],
        ["--sistem", "x"],
        ["--max-tokens", "0"],
        ["--think", "--no-think"],
    ],
)
def test_bad_arguments_are_refused_before_the_first_turn(arguments, model_folder, capsys):
    given = [*arguments] if "--max-tokens" in arguments else [*arguments, "--max-tokens", "8"]
    with pytest.raises(SystemExit) as stopped:
        chat.main([str(model_folder), *given])
    assert stopped.value.code == 2 and "error: " in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("damage", ["nowhere", "empty", "cut", "weights"])
def test_a_bad_checkpoint_is_one_sentence(damage, model_folder, tmp_path, capsys):
    folder = tmp_path / "model"
    if damage == "empty":
        folder.mkdir()
    elif damage != "nowhere":
        shutil.copytree(model_folder, folder)
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100]) if damage == "cut" else weights.unlink()
    with pytest.raises(SystemExit) as stopped:
        chat.main([str(folder)])
    error = capsys.readouterr().err.strip()
    assert stopped.value.code == 2 and error.startswith("error: ") and str(folder) in error and "\n" not in error


def test_a_turn_that_is_no_utf8_is_one_sentence(talk, model_folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"2+3?\n\xff\xfe\n"), encoding="ascii"))
    with pytest.raises(SystemExit) as stopped:
        chat.main([str(model_folder), "--max-tokens", "8"])
    assert stopped.value.code == 2 and capsys.readouterr().err.splitlines()[-1].startswith("error: stdin: ")


def test_a_closed_stdin_is_the_end(model_folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", None)
    chat.main([str(model_folder)])
    assert capsys.readouterr().out == ""


def test_ctrl_c_while_the_model_is_loaded_is_no_traceback(model_folder, monkeypatch, capsys):
    def interrupt(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(chat, "open_checkpoint", interrupt)
    with pytest.raises(SystemExit) as stopped:
        chat.main([str(model_folder)])
    assert stopped.value.code == 130 and capsys.readouterr().err == ""


def test_a_reward_model_does_not_talk(model_folder, tmp_path, capsys):
    from transformers import AutoModelForSequenceClassification

    shutil.copytree(model_folder, tmp_path / "model")
    model = AutoModelForSequenceClassification.from_pretrained(model_folder, num_labels=1)
    model.save_pretrained(tmp_path / "model")
    with pytest.raises(SystemExit):
        chat.main([str(tmp_path / "model")])
    assert "is not a language model" in capsys.readouterr().err
