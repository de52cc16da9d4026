"""Offline sampling: one `generate` for curation, rejection sampling, teacher data and evaluation."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data.text.chat import Template, render_prompt
from data.text.completion import Completion
from data.text.row import Row


@dataclass(frozen=True)
class Sampling:
    """temperature 0 is greedy decoding; max_tokens includes the end token."""

    temperature: float
    max_tokens: int
    top_p: float = 1.0


class Engine(ABC):
    """A model that can be asked for completions."""

    tokenizer: Any
    template: Template

    @property
    @abstractmethod
    def end_ids(self) -> list[int]:
        """The tokens that end a completion."""

    @abstractmethod
    def generate(
        self,
        prompts: list[str],
        n: int,
        sampling: Sampling,
        seed: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[list[Completion]]:
        """n completions for each prompt, in the order of the prompts. progress: completions done and asked for."""

    def answer(
        self, rows: list[Row], n: int, sampling: Sampling, seed: int, enable_thinking: bool = True, **options
    ) -> list[list[Completion]]:
        """`generate` for data set rows, their prompts rendered in the model's own template.

        enable_thinking: False pre-fills the empty think block, which the completions then do not hold.
        """
        prompts = [render_prompt(self.tokenizer, row["prompt"], self.template, enable_thinking) for row in rows]
        return self.generate(prompts, n, sampling, seed, **options)


class TransformersEngine(Engine):
    """Batched `transformers` generation on whatever device the model is."""

    def __init__(self, model, tokenizer, template: Template, batch_size: int) -> None:
        self.model, self.tokenizer, self.template, self.batch_size = model.eval(), tokenizer, template, batch_size

    @property
    def end_ids(self) -> list[int]:
        return as_list(self.model.generation_config.eos_token_id)

    def generate(
        self,
        prompts: list[str],
        n: int,
        sampling: Sampling,
        seed: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[list[Completion]]:
        """n completions for each prompt, in the order of the prompts. Same seed and batch size, same completions."""
        import torch

        from stages.core.sampling.generation import sample_completions

        ends = self.end_ids
        # Prompts of one length share a batch: less padding.
        order = sorted((len(prompt), index) for index, prompt in enumerate(prompts) for _ in range(n))
        found: list[list[Completion]] = [[] for _ in prompts]
        for start in range(0, len(order), self.batch_size):
            indices = [index for _, index in order[start : start + self.batch_size]]
            texts = [prompts[i] for i in indices]
            inputs = self.tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
            inputs = inputs.to(self.model.device)
            torch.manual_seed(seed * 1_000_003 + start)
            sampled, _ = sample_completions(
                self.model,
                inputs["input_ids"],
                inputs["attention_mask"],
                sampling.max_tokens,
                sampling.temperature,
                sampling.top_p,
                ends,
            )
            for index, ids in zip(indices, sampled, strict=True):
                text = self.tokenizer.decode(ids, skip_special_tokens=True)
                found[index].append(Completion(text, len(ids), ids[-1] in ends, self.template))
            progress(min(start + self.batch_size, len(order)), len(order))
        return found


def as_list(ends: int | list[int]) -> list[int]:
    """The end tokens of a generation config, which may name one or several."""
    return ends if isinstance(ends, list) else [ends]


def open_engine(run, role: str, batch_size: int, name: str | None = None) -> Engine:
    """The system's engine on a checkpoint that a stage consumes; the template is the one that it was trained on.

    batch_size: sequences that are sampled at a time.
    """
    from stages.core.machines.weights import load_frozen, load_tokenizer

    template, tokenizer = run.manifest(role, name)["template"], load_tokenizer(run, role, name)
    if run.system.engine == "vllm":
        from stages.core.sampling.vllm_engine import VLLMEngine

        return VLLMEngine(run.parent(role, name) / "model", tokenizer, template, batch_size, run.system)
    return TransformersEngine(load_frozen(run, role, name), tokenizer, template, batch_size)


def answers(run, engine: Engine, rows: list[Row]) -> list[list[Completion]]:
    """`samples_per_prompt` completions of each row, as the settings of a stage that samples say; shows progress."""
    settings = run.settings
    sampling = Sampling(settings.temperature, settings.max_completion_length, settings.top_p)
    return engine.answer(rows, settings.samples_per_prompt, sampling, settings.seed, progress=run.metrics.log)
