"""Offline sampling with vLLM, and what a stage says to TRL where vLLM samples inside RL."""

import gc
import tempfile
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import ClassVar

from data.errors import InputError
from data.text.chat import Template
from data.text.completion import Completion
from stages.core.machines.adapters import ADAPTER_FILE, load_weights
from stages.core.pipeline.system import System, Vllm
from stages.core.run.parts import Parts
from stages.core.sampling.engine import Decoding, Engine, as_list


class VLLMEngine(Engine):
    """vLLM on a checkpoint's folder: an adapter is merged into a copy of its parent's weights first.

    One model is loaded at a time: where another engine samples, this one's makes room until it is asked again.
    """

    _loaded: ClassVar["VLLMEngine | None"] = None

    def __init__(self, folder: Path, tokenizer, template: Template, batch_size: int, system: System) -> None:
        self.folder, self.tokenizer, self.template = folder, tokenizer, template
        self.batch_size, self.system = batch_size, system
        self._llm = None
        if (folder / ADAPTER_FILE).exists():
            from transformers import AutoModelForCausalLM

            self._merged = tempfile.TemporaryDirectory()  # lasts as long as the engine
            self.folder = Path(self._merged.name)
            load_weights(folder, AutoModelForCausalLM).save_pretrained(self.folder)
            tokenizer.save_pretrained(self.folder)

    @property
    def end_ids(self) -> list[int]:
        from transformers import GenerationConfig

        return as_list(GenerationConfig.from_pretrained(self.folder).eos_token_id)

    def generate(
        self,
        prompts: list[str],
        n: int,
        decoding: Decoding,
        seed: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[list[Completion]]:
        """n completions for each prompt, in the order of the prompts. Same seed and prompts, same completions.

        Raises InputError for a prompt that fills the model's context; a completion ends where the context does.
        """
        import torch

        # On a CPU vLLM samples in this process and cannot seed a request whose prompt it reads in parts: what is drawn
        # depends on all that was drawn before.
        seeded = torch.cuda.is_available()
        parts = self.parts.of(prompts, n, astuple(decoding), seed) if seeded else Parts()
        if len(parts.values) < len(prompts):
            torch.manual_seed(seed)
            self._sample(prompts, n, decoding, seed if seeded else None, parts, progress)
        found = [
            [Completion(text, tokens, ended, self.template) for text, tokens, ended in parts.values[place]]
            for place in range(len(prompts))
        ]
        return self.counted(prompts, found)

    def _sample(
        self,
        prompts: list[str],
        n: int,
        decoding: Decoding,
        seed: int | None,
        parts: Parts,
        progress: Callable[[int, int], None],
    ) -> None:
        """Add to `parts`, by the place of a prompt, the (text, tokens, whether it has ended) of its n completions."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        engine = self._load().llm_engine
        context, ends = engine.model_config.max_model_len, self.end_ids
        for index, ids in enumerate(self.tokenizer(prompts)["input_ids"]):
            if len(ids) >= context:
                raise InputError(f"a prompt of {len(ids)} tokens leaves no room in a context of {context} tokens")
            if index in parts.values:
                continue
            params = SamplingParams(
                n=n,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                presence_penalty=decoding.presence_penalty,
                max_tokens=decoding.max_tokens,
                # Sample j of a prompt has the seed + j: no two of a call are the same.
                seed=None if seed is None else seed * 1_000_003 + index * n,
                # Exactly the ends of the checkpoint, as the transformers engine has it.
                ignore_eos=True,
                stop_token_ids=ends,
                detokenize=False,
                output_kind=RequestOutputKind.FINAL_ONLY,  # all samples of a prompt at once, at the end
            )
            engine.add_request(str(index), {"prompt_token_ids": ids}, params)
        finished: dict[int, list[tuple[str, int, bool]]] = {}
        while engine.has_unfinished_requests():
            for output in engine.step():
                if output.finished:
                    samples = sorted(output.outputs, key=lambda sample: sample.index)
                    finished[int(output.request_id)] = [self._facts(list(s.token_ids), ends) for s in samples]
            if n * len(finished) >= self.batch_size or not engine.has_unfinished_requests():
                parts.add(finished)
                finished = {}
                progress(n * len(parts.values), n * len(prompts))

    def _facts(self, ids: list[int], ends: list[int]) -> tuple[str, int, bool]:
        return self.tokenizer.decode(ids, skip_special_tokens=True), len(ids), ids[-1] in ends

    def _load(self):
        """vLLM's `LLM` of this engine."""
        if self._llm is None:
            close_vllm()
            import torch
            from vllm import LLM

            gpu, vllm = torch.cuda.is_available(), self.system.vllm
            self._llm = LLM(
                model=str(self.folder),
                dtype="bfloat16" if gpu and self.system.precision == "bfloat16" else "float32",
                generation_config="vllm",  # nothing but what `generate` says
                tensor_parallel_size=vllm.tensor_parallel_size,
                gpu_memory_utilization=vllm.gpu_memory_utilization,
                max_model_len=vllm.max_model_length,
                max_num_seqs=self.batch_size,
                enforce_eager=not gpu,
                seed=0,
            )
            VLLMEngine._loaded = self
        return self._llm

    def close(self) -> None:
        """Give the model's memory back; `generate` loads it again."""
        import torch

        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()
            self._llm = VLLMEngine._loaded = None
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def close_vllm() -> None:
    """Close the engine whose model is loaded, if there is one: a trainer wants the memory, or another engine."""
    if VLLMEngine._loaded is not None:
        VLLMEngine._loaded.close()


def vllm_arguments(system: System) -> dict:
    """TRL's arguments for sampling in a trainer: none where transformers samples."""
    if system.engine != "vllm":
        return {}
    close_vllm()
    vllm = system.vllm
    return {
        "use_vllm": True,
        "vllm_mode": vllm.mode,
        "vllm_gpu_memory_utilization": vllm.gpu_memory_utilization,
        "vllm_tensor_parallel_size": vllm.tensor_parallel_size,
        "vllm_max_model_length": vllm.max_model_length,
        "vllm_server_host": vllm.server_host,
        "vllm_server_port": vllm.server_port,
    }


def shared(vllm: Vllm) -> bool:
    """Whether processes of a trainer sample together: then all of them must ask for samples equally often."""
    return vllm.mode == "server" or vllm.tensor_parallel_size > 1


def importance_arguments(system: System) -> dict:
    """TRL's arguments for what is left between vLLM's probabilities and the trainer's: a capped ratio in the loss."""
    return {
        "vllm_importance_sampling_correction": True,
        "vllm_importance_sampling_mode": system.vllm.importance_sampling,
        "vllm_importance_sampling_clip_max": system.vllm.importance_sampling_cap,
        "vllm_importance_sampling_clip_min": None,
    }
