"""Guards in a trainer's run: what is said, what is kept, how a stop ends it and what the same command does then."""

import json
from functools import partial
from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState

from data.errors import InputError
from data.world.families import rows
from stages.core.pipeline.guards import Guards
from stages.core.rewards.length_reward import length_reward
from stages.core.run.stage import Run
from stages.core.sampling.prompt_choice import PromptSampler
from stages.core.training.callbacks import GuardCallback, train
from stages.core.training.mirror_descent import mirror_descent_trainer
from stages.core.training.objectives import centred_rewards, mirror_descent_terms
from tests.settings import MIRROR_DESCENT


class ByHand:
    """A run whose rows and checkpoints are given one by one, as the Trainer would tell its callback."""

    def __init__(self, folder, **guards):
        self.said: list[str] = []
        self.run = SimpleNamespace(
            folder=folder, stage="rl", stop_requested=False, metrics=SimpleNamespace(say=self.said.append),
            settings=SimpleNamespace(guards=Guards(patience=2, **guards)),
        )  # fmt: skip
        self.arguments = SimpleNamespace(output_dir=str(folder / "trainer"))
        self.trainer = SimpleNamespace(accelerator=SimpleNamespace(wait_for_everyone=lambda: None))
        self.state, self.control = TrainerState(), TrainerControl()
        self.start()

    def start(self) -> None:
        self.callback = GuardCallback(self.run, self.trainer)
        self.callback.on_train_begin(self.arguments, self.state, self.control)

    def kept(self) -> list[int]:
        return sorted(int(path.name.rpartition("-")[2]) for path in self.run.folder.glob("last_good/checkpoint-*"))

    def step(self, cut: float, **measures: float) -> None:
        """An update, its row and its checkpoint; of two checkpoints the trainer keeps one."""
        self.state.global_step += 1
        logs = {"completions/clipped_ratio": cut, **measures}
        self.state.log_history.append(logs | {"step": self.state.global_step})
        self.callback.on_log(self.arguments, self.state, self.control, logs)
        for old in self.run.folder.glob("trainer/checkpoint-*"):
            (old / "weights").unlink()
            old.rmdir()
        folder = self.run.folder / "trainer" / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True)
        (folder / "weights").write_text(f"of step {self.state.global_step}")
        self.callback.on_save(self.arguments, self.state, self.control)

    def end(self) -> None:
        self.callback.on_train_end(self.arguments, self.state, self.control)


def test_what_an_earlier_run_kept_is_not_taken_for_this_one_s(tmp_path):
    (tmp_path / "last_good/checkpoint-40").mkdir(parents=True)
    run = ByHand(tmp_path)
    run.step(0.1)
    assert run.kept() == [1]


def test_a_run_without_faults_leaves_nothing_behind(tmp_path):
    run = ByHand(tmp_path)
    for _ in range(3):
        run.step(0.1)
    assert run.kept() == [1, 2, 3]
    run.step(0.1)
    assert run.kept() == [2, 3, 4]
    run.end()
    assert not (tmp_path / "last_good").exists() and run.said == []


def test_the_last_checkpoint_before_a_fault_is_kept_and_named(tmp_path):
    run = ByHand(tmp_path)
    for cut in (0.1, 0.1, 0.1, 1.0, 1.0):
        run.step(cut)
    (tmp_path / "last_good/.checkpoint-3.partial").mkdir()  # of a run that was killed while it kept one
    run.end()
    assert [path.name for path in (tmp_path / "last_good").iterdir()] == ["checkpoint-2"]
    # What step 4 has shown is the policy of checkpoint 3.
    assert run.kept() == [2] and (tmp_path / "last_good/checkpoint-2/weights").read_text() == "of step 2"
    assert [path.name for path in tmp_path.glob("trainer/*")] == ["checkpoint-5"]
    assert run.said[0].startswith("warning of the guard `cut` at step 5: 100% of the completions are cut off")
    assert run.said[1:] == [
        f"warned until its end by cut: the last checkpoint before it is {tmp_path}/last_good/checkpoint-2"
    ]
    assert not run.control.should_training_stop


def test_a_fault_that_passes_is_told_and_nothing_is_kept(tmp_path):
    run = ByHand(tmp_path)
    for cut in (0.1, 1.0, 1.0, 0.2):
        run.step(cut)
    run.end()
    assert len(run.said) == 1 and not (tmp_path / "last_good").exists()


def test_a_reward_that_stays_is_known_only_later(tmp_path):
    """The first of the equal rewards is the first bad one: of the policy that was saved before it."""
    run = ByHand(tmp_path)
    for reward in (0.5, 0.7, 0.6, 0.0, 0.0):
        run.step(0.1, reward=reward)
    run.end()
    assert run.kept() == [2] and "since step 4" in run.said[0]


def test_a_stop_saves_and_is_one_sentence(tmp_path):
    run = ByHand(tmp_path, stop_on=["cut", "entropy"])
    run.step(0.1)
    run.step(0.1)
    run.step(1.0)
    assert not run.control.should_training_stop
    run.step(1.0)
    assert run.control.should_training_stop and run.control.should_save
    with pytest.raises(InputError) as stopped:
        run.end()
    assert str(stopped.value).startswith("rl: stopped by the guard `cut` at step 4: 100% of the completions")
    assert f"the last checkpoint before it is {tmp_path}/last_good/checkpoint-1; without that name" in str(
        stopped.value
    )
    assert (tmp_path / "trainer/checkpoint-4/weights").exists()


def test_a_fault_from_the_first_step_on_has_no_checkpoint_before_it(tmp_path):
    run = ByHand(tmp_path, stop_on=["cut"])
    run.step(1.0)
    run.step(1.0)
    with pytest.raises(InputError, match="there is no checkpoint before it"):
        run.end()


def test_a_run_that_was_stopped_is_stopped_again_until_its_settings_allow_it(tmp_path):
    run = ByHand(tmp_path, stop_on=["cut"])
    for cut in (0.1, 0.1, 1.0, 1.0):
        run.step(cut)
    said = len(run.said)
    run.control = TrainerControl()
    run.start()  # from the history that its checkpoint holds
    run.step(1.0)
    assert run.control.should_training_stop and len(run.said) == said
    run.control, run.run.settings = TrainerControl(), SimpleNamespace(guards=Guards(patience=2))
    run.start()
    run.step(1.0)
    run.end()
    assert not run.control.should_training_stop and run.kept() == [1]


def test_an_interrupted_run_keeps_what_it_kept(tmp_path):
    run = ByHand(tmp_path)
    run.step(0.1)
    run.run.stop_requested = True
    run.end()
    assert run.kept() == [1]


def test_without_links_it_is_copied_and_a_failure_is_said(tmp_path, monkeypatch):
    def no_links(source, target):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", no_links)
    run = ByHand(tmp_path)
    run.step(0.1)
    assert (tmp_path / "last_good/checkpoint-1/weights").read_text() == "of step 1"
    monkeypatch.setattr("shutil.copy2", no_links)
    run.step(0.1)
    assert "could not be kept" in run.said[0] and run.kept() == [1]
    assert [path.name for path in tmp_path.glob("last_good/*")] == ["checkpoint-1"]


def test_kimis_run_stops_and_its_state_is_kept(model, tokenizer, tmp_path):
    """A random model writes to the limit: all completions are cut from the first iteration on."""
    settings = MIRROR_DESCENT | {
        "objective": "mirror_descent", "updates_per_iteration": 1, "iterations": 6, "max_gradient_norm": 1.0,
        "max_completion_length": 4, "length_weight": 0.0, "length_from_iteration": 0, "segment_tokens": 4,
        "keep_every_iterations": 0, "micro_batch_size": 16, "guards": {"patience": 2, "cut": 0.5, "stop_on": ["cut"]},
    }  # fmt: skip
    run = Run({
        "recipe": "kimi_k15", "scale": "test", "stage": "rl", "script": "kimi_k15.policy_mirror_descent",
        "runs": str(tmp_path), "system": {}, "public_data": {}, "output": str(tmp_path / "rl"), "inputs": {},
        "settings": settings,
    })  # fmt: skip
    prompts = [row | {"pass_rate": 0.5} for row in rows({"arithmetic": 1.0}, 12, "train", 1)]
    choice = partial(PromptSampler, strategy="uniform", seed=42, total_iterations=6, prompts_per_iteration=4)
    objective = partial(mirror_descent_terms, tau=0.1)
    trainer = mirror_descent_trainer(
        run, model, tokenizer, prompts, choice, length_reward(4), objective, centred_rewards
    )
    with pytest.raises(InputError, match="rl: stopped by the guard `cut` at step 2: .*no checkpoint before it"):
        train(trainer, run)
    assert json.loads((run.folder / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 2
    assert (run.trainer_folder / "checkpoint-2/trainer_state.json").exists()
