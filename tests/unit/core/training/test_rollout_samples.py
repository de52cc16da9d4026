"""A large rollout on a CPU: in parts, the same samples by however many processes."""

from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator

from stages.core.sampling.engine import Decoding
from stages.core.training import rollout_samples
from stages.core.training.rollout_samples import sample_with_transformers

PROMPTS = [[5, 6, 7], [8], [9, 10], [11, 12, 13, 14], [15]] * 2


@pytest.fixture
def sampled(model, tokenizer, monkeypatch):
    """What a trainer samples of PROMPTS, at most so many rows at a time, and the random number that is drawn next."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    trainer = SimpleNamespace(
        is_fsdp_enabled=False, accelerator=Accelerator(cpu=True), model_wrapped=model, _tokenizer=tokenizer,
        eos_token_ids=[0],
    )  # fmt: skip

    def sample(rows, processes, temperature=1.0, seed=3):
        monkeypatch.setattr(rollout_samples, "ROWS_ON_CPU", rows)
        trainer.sampling_processes = processes
        torch.manual_seed(seed)
        return *sample_with_transformers(trainer, PROMPTS, Decoding(temperature, 9)), torch.rand(()).item()

    return sample


def test_processes_change_no_sample(sampled):
    one, two = sampled(4, 1), sampled(4, 2)
    assert one == two and len(one[0]) == len(one[1]) == len(PROMPTS)
    assert [len(ids) for ids in one[0]] == [len(logps) for logps in one[1]]
    assert sampled(4, 2, seed=4) != two


def test_parts_differ_from_each_other_and_are_each_prompts_own(sampled):
    completions = sampled(5, 2)[0]
    assert completions[:5] != completions[5:]  # the same prompts, other draws
    whole, parts = sampled(100, 2, temperature=0.0), sampled(3, 2, temperature=0.0)
    assert whole[0] == parts[0]
    for expected, found in zip(whole[1], parts[1], strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
