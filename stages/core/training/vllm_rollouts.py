"""Rollouts by vLLM inside TRL's trainers."""

from stages.core.sampling.repetition import RepetitionStopping, first_repetition


def sample_with_vllm(
    trainer,
    prompt_ids: list[list[int]],
    max_new_tokens: int,
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
    vllm.max_completion_length = max_new_tokens
    _, completions, logps, _ = vllm.generate(prompts=prompt_ids, images=None, num_generations=copies)
    # One log-prob a token: that of the sampled one. None stands for NaN.
    logps = [[float("nan") if token[0] is None else token[0] for token in row] for row in logps]
    completions = [list(ids) for ids in completions]
    if stopping is not None:
        ends = [first_repetition(ids, stopping.ngram, stopping.times) for ids in completions]
        completions = [ids[:end] for ids, end in zip(completions, ends, strict=True)]
        logps = [row[:end] for row, end in zip(logps, ends, strict=True)]
    return completions, logps
