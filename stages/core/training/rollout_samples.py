"""What the policy of one of TRL's trainers samples, by our sampler or by the trainer's vLLM."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from trl.models import unwrap_model_for_generation

from data.errors import InputError
from stages.core.machines.forked import in_forked
from stages.core.sampling.engine import Decoding
from stages.core.sampling.generation import sample_completions
from stages.core.sampling.repetition import RepetitionStopping, first_repetition

ROWS_ON_CPU = 256
"""Sequences that one process samples at a time on a CPU."""


def sample_with_transformers(
    trainer, prompt_ids: list[list[int]], decoding: Decoding, stopping: RepetitionStopping | None = None
) -> tuple[list[list[int]], list[list[float]]]:
    """Ids and log-probs of the policy's continuation of each prompt, by `sample_completions`.

    On a CPU in parts, of which several processes each take one; how many they are changes no more than rounding.
    """
    if trainer.is_fsdp_enabled:  # processes that need different numbers of steps would wait for each other
        raise InputError("engine `transformers` samples from whole models: with `fsdp2` choose `vllm`, or use `ddp`")
    device = trainer.accelerator.device

    def sample(policy, ids: list[list[int]]) -> tuple[list[list[int]], list[list[float]]]:
        padded = trainer._tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt").to(device)
        return sample_completions(
            policy,
            padded["input_ids"],
            padded["attention_mask"],
            decoding.max_tokens,
            decoding.temperature,
            decoding.top_p,
            trainer.eos_token_ids,
            stopping,
            decoding.top_k,
            decoding.presence_penalty,
        )

    with unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as policy:
        training = policy.training
        policy.eval()
        if device.type != "cpu" or len(prompt_ids) <= ROWS_ON_CPU:
            completions, logps = sample(policy, prompt_ids)
        else:
            parts = [prompt_ids[start : start + ROWS_ON_CPU] for start in range(0, len(prompt_ids), ROWS_ON_CPU)]
            seeds = torch.randint(2**62, (len(parts),)).tolist()

            def sample_part(number: int) -> tuple[list[list[int]], list[list[float]]]:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(seeds[number])
                    return sample(policy, parts[number])

            processes = min(trainer.sampling_processes, torch.get_num_threads())
            completions, logps = [], []
            for part in in_forked(sample_part, range(len(parts)), processes):
                completions += part[0]
                logps += part[1]
        policy.train(training)
    return completions, logps


def sample_with_vllm(
    trainer,
    prompt_ids: list[list[int]],
    decoding: Decoding,
    stopping: RepetitionStopping | None = None,
    copies: int = 1,
) -> tuple[list[list[int]], list[list[float]]]:
    """Ids and log-probs of the policy's continuation of each prompt, sampled by the trainer's vLLM.

    The weights are handed over first where an update has changed them. copies: how often each prompt stands in
    `prompt_ids`, one behind the other. stopping: vLLM itself cannot ask it, so a completion is cut at its first
    repetition and what was written behind it is thrown away: the same distribution, for some tokens more.
    """
    vllm = trainer.vllm_generation
    if trainer.state.global_step != trainer._last_loaded_step:
        vllm.sync_weights()
        trainer._last_loaded_step = trainer.state.global_step
    with drawing_as(vllm, decoding):
        _, completions, logps, _ = vllm.generate(prompts=prompt_ids, images=None, num_generations=copies)
    # One log-prob a token: that of the sampled one. None stands for NaN.
    logps = [[float("nan") if token[0] is None else token[0] for token in row] for row in logps]
    completions = [list(ids) for ids in completions]
    if stopping is not None:
        ends = [first_repetition(ids, stopping.ngram, stopping.times) for ids in completions]
        completions = [ids[:end] for ids, end in zip(completions, ends, strict=True)]
        logps = [row[:end] for row, end in zip(logps, ends, strict=True)]
    return completions, logps


@contextmanager
def drawing_as(vllm, decoding: Decoding) -> Iterator[None]:
    """Inside, the trainer's vLLM draws tokens as `decoding` says; the limit on tokens stays behind it."""
    own = {name: getattr(vllm, name) for name in ("temperature", "top_p", "top_k")}
    vllm.temperature, vllm.top_p, vllm.top_k = decoding.temperature, decoding.top_p, decoding.top_k
    vllm.max_completion_length = decoding.max_tokens
    try:
        yield
    finally:
        for name, value in own.items():
            setattr(vllm, name, value)
