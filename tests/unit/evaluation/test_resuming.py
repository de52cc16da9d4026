"""An evaluation, or a stage that samples, that was interrupted asks no finished question again and ends the same."""

import json

import pytest

from data.world.families import rows
from stages.core.machines.weights import save_model
from stages.core.run.stage import Run
from stages.core.run.stopping import Stopped
from stages.core.sampling.asking import answers, open_engine
from stages.core.sampling.generation import TransformersEngine
from stages.evaluation import evaluate, evaluate_modes

EVALUATION = {
    "samples_per_question": 2, "temperature": 0.6, "top_p": 0.95, "max_completion_length": 8,
    "tasks": {"arithmetic": 1, "equation": 1}, "reasoning_questions": 8, "questions_per_benchmark": 3,
    "pass_k_questions": 3, "pass_k_samples": 2, "bootstrap_samples": 20, "sampling_batch_size": 4,
    "extrapolation_questions": 3, "extrapolation_max_completion_length": 9, "transfer_questions": 2,
}  # fmt: skip
SAMPLING = {
    "samples_per_prompt": 3, "keep_per_prompt": 1, "temperature": 1, "top_p": 1, "max_completion_length": 8,
    "min_language_consistency": 1, "repetition_ngram": 2, "max_repetition": 0, "tasks": {"arithmetic": 1},
    "prompts": 6, "sampling_batch_size": 4,
}  # fmt: skip


@pytest.fixture
def stage(tmp_path, model, tokenizer):
    """stage(name, script, settings) -> a run of it on two checkpoints, which are one model."""

    def run(name: str, script: str, settings: dict, **inputs) -> Run:
        return Run({
            "recipe": "mine", "scale": "small", "stage": name, "script": script, "runs": str(tmp_path),
            "output": str(tmp_path / name), "system": {}, "public_data": {}, "inputs": inputs, "settings": settings,
        })  # fmt: skip

    sft = {"epochs": 1, "learning_rate": 0.1, "final_learning_rate": 0, "warmup_fraction": 0, "batch_size": 2,
           "max_length": 8, "micro_batch_size": 2}  # fmt: skip

    def trained(parent: str) -> None:
        save_model(run(parent, "r1.cold_start_sft", sft), model, tokenizer, "chat", {})

    def of_checkpoints(name: str, script: str, settings: dict, names=("one", "two")) -> Run:
        return run(name, script, settings, checkpoints={parent: str(tmp_path / parent) for parent in names})

    for parent in ("one", "two"):
        trained(parent)
    of_checkpoints.trained = trained
    return of_checkpoints


@pytest.fixture
def batches(monkeypatch):
    """The batches that are sampled; batches.stop_at(n) has a run told to stop while it samples the n-th."""
    sample = TransformersEngine._batch

    class Batches(list):
        limit = None

        def stop_at(self, count):
            self.clear()
            self.limit = count

    seen = Batches()

    def counted(self, prompts, decoding):
        if len(seen) == seen.limit:
            raise Stopped
        seen.append((self.model, tuple(prompts), decoding))
        return sample(self, prompts, decoding)

    monkeypatch.setattr(TransformersEngine, "_batch", counted)
    return seen


def evaluated(folder):
    return json.loads((folder / "results.json").read_text()), json.loads(
        (folder / "evaluation" / "manifest.json").read_text()
    )


def test_an_evaluation_goes_on_from_its_last_finished_part(stage, batches, tmp_path, capsys):
    evaluate.main(stage("evaluation", "evaluation.evaluate", EVALUATION))
    results, whole = evaluated(tmp_path)
    count = len(batches)
    assert count > 20 and whole["resumed"] == []
    for stopped_at in (count // 4, count // 3):  # the first checkpoint is not finished, then the second is begun
        batches.stop_at(stopped_at)
        with pytest.raises(Stopped):
            evaluate.main(stage("evaluation", "evaluation.evaluate", EVALUATION))
    batches.stop_at(None)
    capsys.readouterr()
    evaluate.main(stage("evaluation", "evaluation.evaluate", EVALUATION))
    assert len(batches) == count - count // 4 - count // 3
    again, resumed = evaluated(tmp_path)
    assert again == results and resumed["digest"] == whole["digest"]
    assert [entry["parts"] for entry in resumed["resumed"]] == [count // 4, count // 4 + count // 3]
    assert f"{count // 4 + count // 3} parts were finished" in capsys.readouterr().out
    assert not (tmp_path / "evaluation" / "trainer").exists()


def test_parts_of_other_settings_or_of_another_checkpoint_do_not_count(stage, batches, tmp_path):
    batches.stop_at(9)
    with pytest.raises(Stopped):
        evaluate.main(stage("evaluation", "evaluation.evaluate", EVALUATION))
    assert len(list((tmp_path / "evaluation/trainer/parts").rglob("*.json"))) == 9
    other = stage("evaluation", "evaluation.evaluate", EVALUATION | {"temperature": 0.7})
    assert other.finished_parts.files() == 0
    questions = rows({"arithmetic": 1.0}, 6, "train", 1)
    run = stage("data", "r1.cold_start_data", SAMPLING)
    batches.stop_at(None)
    for name, sampled in (("one", 5), ("one", 5), ("two", 10)):  # 18 completions, four at a time
        answers(run, open_engine(run, "checkpoints", 4, name), questions)
        assert len(batches) == sampled


def test_a_stage_that_samples_stops_at_once(stage):
    """It has no step to end: what is finished is kept already. Code that judges takes the stop for no wrong answer."""
    run = stage("data", "r1.cold_start_data", SAMPLING)
    open_engine(run, "checkpoints", 4, "one")

    def judged() -> bool:
        try:
            run.stop(15, None)
        except Exception:
            return False
        return True

    with pytest.raises(Stopped):
        judged()


def test_several_processes_keep_nothing(stage, batches, monkeypatch, tmp_path):
    """One that finds a part must not leave the others to sample it, where they gather the weights of a model."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    run = stage("data", "r1.cold_start_data", SAMPLING)
    answers(run, open_engine(run, "checkpoints", 4, "one"), rows({"arithmetic": 1.0}, 2, "train", 1))
    assert batches and not (tmp_path / "data" / "trainer").exists()


def test_both_evaluations_ask_beyond_training(stage, tmp_path):
    modes = EVALUATION | {
        "both_modes": ["one"], "non_thinking_temperature": 0.7, "non_thinking_top_p": 0.8, "budget_checkpoint": "two",
        "budgets": [0, 4], "conversations": 2, "reasoning_questions": 4,
    }  # fmt: skip
    evaluate_modes.main(stage("evaluation", "evaluation.evaluate_modes", modes))
    results, _ = evaluated(tmp_path)
    for benchmark, questions in (("extrapolation", 3), ("transfer", 2)):
        for metric in ("pass@1", "mean_tokens", "chance"):
            found = [row for row in results if (row["benchmark"], row["metric"]) == (benchmark, metric)]
            asked = [(row["checkpoint"], row["mode"]) for row in found]
            assert asked == [("one", "thinking"), ("one", "non_thinking"), ("two", None)]
            assert {row["n"] for row in found} == {questions}
    assert {row["k"] for row in results if row["metric"] == "chance"} == {1}


# -- what the last result still says


@pytest.fixture
def evaluate_again(stage, batches, tmp_path):
    """evaluate_again(names, settings, folder) -> (batches that were sampled, digest, results) of an evaluation."""

    def again(*names, folder="mine/evaluation", **changed):
        batches.clear()
        evaluate.main(stage(folder, "evaluation.evaluate", EVALUATION | changed, names))
        manifest = json.loads((tmp_path / folder / "manifest.json").read_text())
        return len(batches), manifest["digest"], (tmp_path / folder).parent.joinpath("results.json").read_text()

    return again


def test_a_further_checkpoint_costs_its_own_evaluation(evaluate_again, capsys):
    count, *whole = evaluate_again("one", "two", folder="theirs/evaluation")
    assert evaluate_again("two")[0] == count / 2
    capsys.readouterr()
    first, *found = evaluate_again("one", "two")
    assert first == count / 2 and found == whole  # to the last byte
    assert "as in the last result, of the same weights: two" in capsys.readouterr().out
    assert evaluate_again("one")[0] == 0
    assert evaluate_again("one")[0] == count / 2  # for once more nothing is taken over


def test_what_has_changed_is_evaluated_again(evaluate_again, stage, tmp_path, monkeypatch):
    count, *whole = evaluate_again("one", "two")
    stage.trained("two")
    again, *found = evaluate_again("one", "two")
    assert again == count / 2 and found == whole
    assert evaluate_again("one", temperature=0.7)[0] == count / 2
    assert evaluate_again("one", "two", temperature=0.7)[0] == count / 2
    monkeypatch.setattr("stages.evaluation.earlier.versions", lambda: {"torch": "another"})
    assert evaluate_again("one", temperature=0.7)[0] == count / 2
    monkeypatch.undo()


def test_a_damaged_result_says_nothing(evaluate_again, tmp_path):
    count, *_ = evaluate_again("one", "two")
    (tmp_path / "mine/evaluation/data/questions.parquet").write_bytes(b"damaged")
    assert evaluate_again("one")[0] == count / 2


def test_a_checkpoint_whose_reference_changed_is_compared_anew(evaluate_again, stage, monkeypatch):
    """And a reference that has not changed is asked again for who is new."""
    monkeypatch.setattr(evaluate, "REFERENCE", "two")
    count, *whole = evaluate_again("one", "two")
    stage.trained("two")
    again, *found = evaluate_again("one", "two")
    assert again == count and found == whole
    stage.trained("one")
    again, *found = evaluate_again("one", "two")
    assert again == count and found == whole and '"win_rate"' in found[1]
