"""Which engine samples a stage's input, and with which settings."""

from data.text.completion import Completion
from data.text.row import Row
from stages.core.machines.weights import load_frozen, load_tokenizer
from stages.core.run.stage import Run
from stages.core.sampling.engine import Decoding, Engine
from stages.core.sampling.generation import TransformersEngine
from stages.core.sampling.vllm_engine import VLLMEngine


def open_engine(run: Run, role: str, batch_size: int, name: str | None = None) -> Engine:
    """The system's engine on a checkpoint that a stage consumes; the template is the one that it was trained on.

    batch_size: sequences that are sampled at a time.
    """
    template, tokenizer = run.manifest(role, name)["template"], load_tokenizer(run, role, name)
    if run.system.engine == "vllm":
        return VLLMEngine(run.parent(role, name) / "model", tokenizer, template, batch_size, run.system)
    return TransformersEngine(load_frozen(run, role, name), tokenizer, template, batch_size)


def answers(run: Run, engine: Engine, rows: list[Row]) -> list[list[Completion]]:
    """`samples_per_prompt` completions of each row, as the settings of a stage that samples say; shows progress."""
    settings = run.settings
    decoding = Decoding(settings.temperature, settings.max_completion_length, settings.top_p)
    return engine.answer(rows, settings.samples_per_prompt, decoding, settings.seed, progress=run.metrics.log)
