"""What a stage asks of a model that it consumes: its completions, its pass rates, its guesses without a thought."""

from data.text.chat import parse, render_prompt
from data.text.completion import Completion
from data.text.row import Row
from data.text.summary import answer_opening
from data.world.families import verify
from stages.core.pipeline.fingerprint import fingerprint
from stages.core.run.stage import Run
from stages.core.sampling.engine import Decoding, Engine


def open_engine(run: Run, role: str, batch_size: int, name: str | None = None, kept: str | None = None) -> Engine:
    """The system's engine on a checkpoint that a stage consumes; the template is the one that it was trained on.

    What an interrupted run has had sampled, by the same code, is not sampled again.
    batch_size: sequences that are sampled at a time; kept: a checkpoint that the input kept beside its last.
    """
    # Inside: a stage's `--help`, and its refusal of bad input, wait for no torch.
    from stages.core.machines.weights import KEPT, load_frozen, load_tokenizer
    from stages.core.sampling.generation import TransformersEngine
    from stages.core.sampling.vllm_engine import VLLMEngine

    template, tokenizer = run.manifest(role, name)["template"], load_tokenizer(run, role, name)
    if run.system.engine == "vllm":
        folder = run.parent(role, name) / "model"
        engine: Engine = VLLMEngine(
            folder / KEPT / kept if kept else folder, tokenizer, template, batch_size, run.system
        )
    else:
        model, processes = load_frozen(run, role, name, kept=kept), run.system.sampling_processes
        engine = TransformersEngine(model, tokenizer, template, batch_size, processes)
    sampler = fingerprint(type(engine).__module__.removeprefix("stages."))
    engine.tokens = run.tokens
    engine.parts = run.finished_parts.of(role, name, kept, sampler)
    return engine


def answers(run: Run, engine: Engine, rows: list[Row]) -> list[list[Completion]]:
    """`samples_per_prompt` completions of each row, as the settings of a stage that samples say; shows progress."""
    settings = run.settings
    decoding = Decoding(settings.temperature, settings.max_completion_length, settings.top_p)
    return engine.answer(rows, settings.samples_per_prompt, decoding, settings.seed, progress=run.metrics.log)


def guessed_without_thinking(
    engine: Engine, rows: list[Row], attempts: int, temperature: float, max_tokens: int, seed: int
) -> list[bool]:
    """Whether one of the attempts is right without any thought: the think block is closed, the statement begun.

    The prompts are in the chat template, whatever the engine's own.
    """
    openings = [answer_opening(row["language"]) for row in rows]
    prompts = [
        render_prompt(engine.tokenizer, row["prompt"], "chat", enable_thinking=False) + opening
        for row, opening in zip(rows, openings, strict=True)
    ]
    found = engine.generate(prompts, attempts, Decoding(temperature, max_tokens), seed)
    return [
        any(verify(parse(opening + attempt.text), row) for attempt in group)
        for row, opening, group in zip(rows, openings, found, strict=True)
    ]


def pass_rates(rows: list[Row], answers: list[list[Completion]]) -> list[float]:
    """Share of right answers for each row, in [0, 1]; answers: one group for each row, at least one answer in it."""
    return [
        sum(verify(answer.parsed, row) for answer in group) / len(group)
        for row, group in zip(rows, answers, strict=True)
    ]
