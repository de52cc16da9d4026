"""Why is my reward 0: cases in, verdicts out, one for one, and what a stage pays for them."""

import io
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.text.chat import parse
from data.text.completion import Completion
from data.world.families import REASONING, rows, verify
from data.world.written import worked_completion
from stages import score
from stages.core.pipeline.fingerprint import digest
from stages.core.rewards.of_stage import stage_rewards
from stages.core.rewards.rules import RULES
from stages.core.run.manifest import file_digests

MATH = {"verifier": "math", "gold": "1/2", "completion": "<think> half of 1 </think> The answer is \\boxed{0.5}."}
WRONG = {"verifier": "equation", "gold": "7", "completion": "<think> so </think> The answer is x=8."}


@pytest.fixture
def tool(monkeypatch, capfdbinary):
    """The tool on some input -> (exit code, its lines, what it says beside them)."""

    def run(*arguments, text: bytes | str = b""):
        given = text.encode() if isinstance(text, str) else text
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(given)))
        code = score.main([*map(str, arguments)])
        out, beside = capfdbinary.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], beside.decode()

    return run


def lines(*cases) -> str:
    return "".join(f"{case if isinstance(case, str) else json.dumps(case)}\n" for case in cases)


def test_each_line_has_its_verdict(tool):
    code, found, _ = tool(text=lines(MATH, WRONG))
    assert code == 0
    assert found[0] | {"reason": ""} == {
        "right": True, "thinking": "half of 1", "answer": "The answer is \\boxed{0.5}.", "final": "0.5", "read": "0.5",
        "reason": "",
    }  # fmt: skip
    assert [found[1][name] for name in ("right", "final", "read", "reason")] == [False, "x=8", "8", "`8` is not `7`"]


@pytest.mark.parametrize("name", REASONING)
def test_a_row_of_a_data_set_is_judged_as_training_judges_it(tool, name):
    [row] = rows({name: 1.0}, 1, "train", 5)
    texts = [worked_completion(row, "chat")[0], "<think> so </think> The answer is nothing.", "<think> so", ""]
    code, found, _ = tool(text=lines(*({"row": row, "completion": text} for text in texts)))
    assert code == 0 and [one["right"] for one in found] == [verify(parse(text), row) for text in texts]
    assert found[0]["right"] and all(one["reason"] for one in found)


def test_one_case_by_arguments(tool):
    code, [found], _ = tool("--verifier", "math", "--gold=-1", "--completion", "The answer is -1.")
    assert code == 0 and found["right"]
    code, found, said = tool("--verifier", "code_tests", "--completion", "x")
    assert code == 2 and not found and said.startswith("error: `tests` is missing: the verifier `code_tests` needs")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[" * 100_000, "lists too deep"),
        (b'{"verifier": "math", "gold": ' + b"9" * 5_000 + b"}", "a number is too long"),
        (b"null", "a case is a JSON object"),
        (b"  ", "empty"),
        (
            b'{"row": {"verifier": "pair_search", "answer": "1+2"}, "completion": "1+2"}',
            "pair_search.*KeyError: 'target'",
        ),
        (b'{"verifier": "math", "gold": "", "completion": "1"}', "`gold` is missing or empty"),
        (b'{"row": {"verifier": "math"}, "completion": "1"}', "`row.answer` is missing or empty"),
        (b'{"verifier": "math", "gold": "}{", "completion": "1"}', "`gold` is .*, which cannot be read"),
    ],
)
def test_a_bad_line_is_an_error_in_its_place_and_the_others_are_judged(tool, bad, reason):
    case = json.dumps(WRONG).encode()
    code, found, _ = tool(text=b"\n".join([case, bad, case]))
    assert code == 2 and len(found) == 3 and not found[0]["right"] and not found[2]["right"]
    assert list(found[1]) == ["error"] and re.match(f"line 2: .*{reason}", found[1]["error"])


def test_empty_lines_at_the_end_are_none(tool):
    code, found, _ = tool(text=lines(WRONG) + "\n \n")
    assert code == 0 and len(found) == 1
    assert tool(text=b"") == (0, [], "")


def test_a_line_that_is_too_long_is_skipped_to_its_end(tool, monkeypatch):
    monkeypatch.setattr(score, "MAX_LINE", 300)
    long = WRONG | {"completion": "x" * 1_000}
    code, found, _ = tool(text=lines(WRONG, long, WRONG))
    assert code == 2 and [list(one)[0] for one in found] == ["right", "error", "right"]
    assert found[1]["error"].startswith("line 2: longer than")


def test_any_text_is_printed(tool):
    odd = WRONG | {"completion": "<think>\ud800 \x00</think> \u2028 答案是7"}
    code, [found], _ = tool(text=lines(odd))
    assert code == 0 and found["right"] and found["thinking"] == "\ud800 \x00"


def test_of_a_completion_as_much_is_read_as_in_training(tool):
    long = WRONG | {"completion": "<think>" + "so " * 200_000 + "</think> The answer is 7."}
    _, [found], _ = tool("--recipe", "r1", "--stage", "reasoning_rl", text=lines(long))
    assert not found["right"] and found["rewards"]["accuracy"] == 0.0
    assert found["reason"].endswith("; only its first 524288 characters are read")


def test_a_file_and_what_is_none(tool, tmp_path):
    (tmp_path / "cases.jsonl").write_text(lines(WRONG))
    assert tool(tmp_path / "cases.jsonl")[1] == tool("-", text=lines(WRONG))[1]
    for path, reason in ((tmp_path / "no.jsonl", "No such file"), (tmp_path, "Is a directory")):
        code, found, said = tool(path)
        assert (code, found) == (2, []) and said == f"error: {path}: {said.rpartition(': ')[2]}" and reason in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--verifier", "math"], ["--completion", "x"], ["cases.jsonl", "--verifier", "math", "--completion", "x"],
        ["--recipe", "r1"], ["--stage", "reasoning_rl"], ["--nonsense"],
    ],
)  # fmt: skip
def test_arguments_that_do_not_go_together(tool, arguments):
    with pytest.raises(SystemExit) as ended:
        tool(*arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--recipe", "r2", "--stage", "reasoning_rl"], "--recipe: there is no recipe `r2`; did you mean `r1`"),
        (
            ["--recipe", "r1", "--stage", "reasoning"],
            "--stage: `reasoning` is no RL stage of the recipe r1; did you mean",
        ),
        (["--recipe", "r1", "--stage", "general_sft"], "--stage: `general_sft` is no RL stage"),
        (["--recipe", "r1", "--stage", "reasoning_rl", "--scale", "tinny"], "did you mean `tiny`"),
    ],
)
def test_a_stage_that_is_none_is_one_sentence(tool, arguments, sentence):
    code, found, said = tool(*arguments, text=lines(WRONG))
    assert (code, found) == (2, []) and sentence in said and said.count("\n") == 1


def test_every_reward_of_a_stage_and_their_sum(tool):
    text = "<think> 先 7+1=8 so </think> The answer is 8.<|im_end|>"
    code, [found], _ = tool("--recipe", "r1", "--stage", "reasoning_rl", text=lines(WRONG | {"completion": text}))
    assert (
        code == 0 and found["rewards"] == {"accuracy": 0.0, "format": 1.0, "language": 0.5} and found["reward"] == 1.5
    )
    assert "left_out" not in found


def test_a_reward_that_does_not_apply_says_so(tool):
    case = {"verifier": "none", "completion": "<think> so </think> Hi."}
    _, [found], _ = tool("--recipe", "r1", "--stage", "reasoning_rl", text=lines(case))
    assert found["rewards"]["accuracy"] is None and found["reward"] == 2.0
    assert found["left_out"] == {"accuracy": "it does not apply to a prompt of the domain general"}


def test_kimis_rewards_of_a_group_are_left_out(tool):
    case = MATH | {"completion": "<think> half </think> The answer is 1/2."}
    _, [found], _ = tool("--recipe", "kimi_k15", "--stage", "policy_mirror_descent", text=lines(case))
    assert found["rewards"] == {"accuracy": 1.0, "length": None, "repetition": None} and found["reward"] == 1.0
    assert set(found["left_out"]) == {"length", "repetition"}


@pytest.mark.parametrize(
    ("recipe", "stage", "names"),
    [("r1", "general_rl", {"helpful", "safe"}), ("qwen3", "general_rl", {"preference", "reference"})],
)
def test_reward_models_that_are_not_there_are_left_out_with_the_reason(tool, tmp_path, recipe, stage, names):
    code, [found], _ = tool("--recipe", recipe, "--stage", stage, "--runs", tmp_path, text=lines(MATH))
    assert code == 0 and found["rewards"]["accuracy"] == 1.0
    assert names <= set(found["left_out"]) and all("is missing" in found["left_out"][name] for name in names)
    assert not list(tmp_path.iterdir())


def test_the_rewards_are_the_trainer_s_own():
    settings = SimpleNamespace(accuracy_weight=2.0, length_weight=1.0, repetition_penalty=0.5)
    [row] = rows({"arithmetic": 1.0}, 1, "train", 5)
    text = worked_completion(row, "chat")[0]
    completion = Completion(text, 9, True, "chat")
    assert stage_rewards(settings, {}).of(completion, row)["reward"] == 2.0 * RULES["accuracy"](completion, row)


def test_a_model_is_asked_where_it_is_there_and_left_out_where_not():
    stage = score.find_stage("r1", "general_rl", "smoke", "runs")
    settings = score.kind(stage).model_validate(stage.config["settings"])
    [row] = rows({"facts": 1.0}, 1, "train", 5)

    completion = Completion("<think>\n\n</think>\n\nRed.", 9, True, "chat")

    def absent():
        raise InputError("it is not there")

    def helpful():
        return lambda completions, batch: [float(len(completion.answer)) for completion in completions]

    found = stage_rewards(settings, {"helpful": helpful, "safe": absent}).of(completion, row)
    assert found["rewards"]["helpful"] == 4.0 and found["rewards"]["safe"] is None
    assert found["left_out"]["safe"] == "it is not there"
    weights = settings.rewards
    given = {name: value for name, value in found["rewards"].items() if value is not None}
    assert found["reward"] == pytest.approx(sum(weights[name] * value for name, value in given.items()))


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    (tmp_path / "cases.jsonl").write_text(lines(*[WRONG] * 2_000))
    command = f"{sys.executable} -m stages.score {tmp_path / 'cases.jsonl'} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["right"] is False and done.stderr == ""


def test_a_disk_that_is_full_is_one_sentence(tmp_path):
    (tmp_path / "cases.jsonl").write_text(lines(WRONG))
    command = f"{sys.executable} -m stages.score {tmp_path / 'cases.jsonl'} > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and done.stderr == "error: input or output: No space left on device\n"


@pytest.fixture
def trained(tokenizer, tmp_path):
    """trained(name, kind): a folder as the stage `name` of R1 at smoke leaves it, with a random model."""
    import torch
    import transformers

    def write(name: str, kind: str) -> None:
        folder = tmp_path / "smoke/r1" / name
        torch.manual_seed(1)
        configuration = transformers.Qwen3Config(
            vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=1,
            num_key_value_heads=1, head_dim=16, intermediate_size=16, max_position_embeddings=512, num_labels=1,
            pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, initializer_range=0.3,
        )  # fmt: skip
        getattr(transformers, kind)(configuration).save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        files = file_digests(folder / "model")
        manifest = {"payload": "model", "template": "chat", "files": files}
        manifest["digest"] = digest(json.dumps(files, sort_keys=True))
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return write


def test_reward_models_that_are_there_are_asked(tool, trained, tmp_path):
    trained("helpful_reward_model", "Qwen3ForSequenceClassification")
    trained("safety_reward_model", "Qwen3ForSequenceClassification")
    trained("general_sft", "Qwen3ForCausalLM")
    before = sorted(tmp_path.rglob("*"))
    asked = [rows({name: 1.0}, 1, "train", 5)[0] for name in ("facts", "unsafe")]
    cases = lines(*({"row": row, "completion": "<think>\n\n</think>\n\nNo."} for row in asked))
    arguments = ("--recipe", "r1", "--stage", "general_rl", "--scale", "smoke", "--runs", tmp_path)
    code, (general, unsafe), said = tool(*arguments, text=cases)
    assert code == 0 and "preference of the SFT model's answers" in said
    assert abs(general["rewards"]["helpful"]) <= 3.0 and general["rewards"]["safe"] is None
    assert 0.0 < unsafe["rewards"]["safe"] < 1.0 and unsafe["rewards"]["helpful"] is None
    assert set(unsafe["left_out"]) == {"accuracy", "helpful"}
    assert sorted(tmp_path.rglob("*")) == before
