"""vLLM as a scale chooses it: what TRL is told, what is refused, and the gate between sampler and trainer."""

import importlib.util
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator

from data.errors import InputError
from stages.core.pipeline.system import System
from stages.core.run import vllm_environment
from stages.core.run.stage import Run
from stages.core.sampling.engine import Decoding
from stages.core.sampling.vllm_engine import importance_arguments, vllm_arguments
from stages.core.training.rollout_samples import sample_with_vllm
from stages.core.training.rollout_scores import check_gap

EVALUATION = {
    "temperature": 0.6, "top_p": 0.95, "samples_per_question": 2, "max_completion_length": 48, "tasks": {"logic": 1},
    "reasoning_questions": 36, "questions_per_benchmark": 12, "pass_k_questions": 12, "pass_k_samples": 4,
    "sampling_batch_size": 256,
}  # fmt: skip


def test_without_vllm_a_stage_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(vllm_environment.importlib.util, "find_spec", lambda name: None)
    config = {
        "recipe": "mine", "scale": "small", "stage": "evaluation", "script": "evaluation.evaluate",
        "runs": str(tmp_path),
        "output": str(tmp_path / "evaluation"), "system": {"engine": "vllm"}, "public_data": {},
        "inputs": {}, "settings": EVALUATION,
        "paper": {}, "why": {},
    }  # fmt: skip
    with pytest.raises(InputError, match=r"not installed: pip install -e '\.\[vllm\]'"):
        Run(config)
    Run(config | {"system": {}})


def test_the_environment_that_a_user_has_set_stays(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in [*vllm_environment.ON_CPU, "VLLM_LOGGING_LEVEL", "VLLM_NO_USAGE_STATS"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "8")
    vllm_environment.prepare_vllm()
    assert vllm_environment.os.environ["VLLM_CPU_KVCACHE_SPACE"] == "8"
    assert vllm_environment.os.environ["TORCHDYNAMO_DISABLE"] == "1"


def test_what_trl_is_told():
    system = System.model_validate({
        "engine": "vllm",
        "vllm": {"mode": "server", "server_host": "gpu1", "server_port": 8001, "gpu_memory_utilization": 0.5,
                 "tensor_parallel_size": 2, "max_model_length": 4096},
    })  # fmt: skip
    assert vllm_arguments(system) == {
        "use_vllm": True, "vllm_mode": "server", "vllm_gpu_memory_utilization": 0.5, "vllm_tensor_parallel_size": 2,
        "vllm_max_model_length": 4096, "vllm_server_host": "gpu1", "vllm_server_port": 8001,
    }  # fmt: skip
    assert importance_arguments(system) == {
        "vllm_importance_sampling_correction": True, "vllm_importance_sampling_mode": "token_truncate",
        "vllm_importance_sampling_clip_max": 2.0, "vllm_importance_sampling_clip_min": None,
    }  # fmt: skip
    assert vllm_arguments(System()) == {}


# -- the gate


@pytest.fixture
def trainer():
    metrics = {"train": {"sampling/logp_gap_mean": [], "sampling/logp_gap_max": []}}
    return SimpleNamespace(accelerator=Accelerator(cpu=True), model=SimpleNamespace(training=True), _metrics=metrics)


def test_the_gap_is_a_mean_over_tokens(trainer):
    check_gap(trainer, torch.tensor([0.0, 0.01, 0.02]), 0.0101)
    assert trainer._metrics["train"]["sampling/logp_gap_mean"] == [pytest.approx(0.01)]
    assert trainer._metrics["train"]["sampling/logp_gap_max"] == [pytest.approx(0.02)]
    with pytest.raises(InputError, match="differ by 0.01 a token, where at most 0.0099 is allowed"):
        check_gap(trainer, torch.tensor([0.0, 0.01, 0.02]), 0.0099)


def test_a_gap_that_is_no_number_stops_the_run(trainer):
    with pytest.raises(InputError, match="differ by nan"):
        check_gap(trainer, torch.tensor([0.0, float("nan")]), 0.02)


def test_nothing_sampled_now_says_nothing(trainer):
    check_gap(trainer, torch.zeros(0), 0.02)
    assert trainer._metrics["train"] == {"sampling/logp_gap_mean": [], "sampling/logp_gap_max": []}


# -- sampling inside a trainer, with a vLLM that is only played


class Played:
    """Says what it was asked, gives each prompt the same completion."""

    def __init__(self, completion):
        self.completion, self.asked, self.synced = completion, [], 0
        self.temperature, self.top_p, self.top_k = 0.7, 1.0, 0

    def sync_weights(self):
        self.synced += 1

    def generate(self, prompts, images, num_generations):
        drawn = (self.max_completion_length, self.temperature, self.top_p, self.top_k)
        self.asked.append((len(prompts), num_generations, *drawn))
        logps = [[-float(place)] for place in range(len(self.completion))]
        logps[0] = [None]
        return prompts, [tuple(self.completion)] * len(prompts), [logps] * len(prompts), None


def test_weights_are_handed_over_once_an_update_and_the_limit_is_this_call_s():
    vllm = Played([5, 6, 7])
    trainer = SimpleNamespace(vllm_generation=vllm, state=SimpleNamespace(global_step=0), _last_loaded_step=-1)
    ids, logps = sample_with_vllm(trainer, [[1], [1]], Decoding(0.6, 24, 0.95, 20), copies=2)
    assert ids == [[5, 6, 7]] * 2 and [row[1:] for row in logps] == [[-1.0, -2.0]] * 2
    assert logps[0][0] != logps[0][0]  # NaN: what vLLM could not score
    sample_with_vllm(trainer, [[1]], Decoding(1.0, 48))
    assert vllm.synced == 1 and vllm.asked == [(2, 2, 24, 0.6, 0.95, 20), (1, 1, 48, 1.0, 1.0, 0)]
    assert (vllm.temperature, vllm.top_p, vllm.top_k) == (0.7, 1.0, 0)  # the rollouts' own again
    trainer.state.global_step = 1
    sample_with_vllm(trainer, [[1]], Decoding(1.0, 48))
    assert vllm.synced == 2


def test_a_completion_is_cut_where_generation_would_have_stopped():
    from stages.core.sampling.repetition import RepetitionStopping

    vllm = Played([9, 1, 2, 1, 2, 1, 2, 8])
    trainer = SimpleNamespace(vllm_generation=vllm, state=SimpleNamespace(global_step=0), _last_loaded_step=-1)
    [ids], [logps] = sample_with_vllm(trainer, [[1]], Decoding(1.0, 24), RepetitionStopping(0, 4, 3))
    assert ids == [9, 1, 2, 1, 2, 1, 2] and len(logps) == 7


def test_the_gap_is_drawn():
    from stages.evaluation.records import StageRecord
    from stages.evaluation.reporting import curves

    rows = [{"step": step, "sampling/logp_gap_mean": 1e-6 * step} for step in (1, 3, 5)]
    drawn, others = curves(StageRecord("r1_zero", "r1_zero", {}, {}, rows))
    assert len(drawn) == 1 and "sampler against trainer" in drawn[0] and not others
