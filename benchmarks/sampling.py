"""How much faster sampling is than `generate`: a ratio, all sides in one run.

    python -m benchmarks.sampling runs/tiny/r1/reasoning_rl

The same checkpoint answers the same prompts through `model.generate`, through `sample_completions`, through as many
processes of it as there are threads, each with its part of the batch, and, where it is installed, through vLLM, at
temperature 1 and batch sizes from 32 to 512, each side three times in turn. Prints for each
batch size and side the medians of completion tokens a second, of their ratio to `generate` and of the share of the
machine's limit (`benchmarks.limit`) that the FLOPs of prompts and completions make, without padding.
"""

import argparse
import importlib.util
import json
import math
import statistics
import time
from pathlib import Path

from benchmarks.limit import Shape, forward_flops, matmul_rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a stage that made a model")
    parser.add_argument("--max-tokens", type=int, default=150)
    arguments = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    from data.text.chat import render_prompt
    from data.world.families import REASONING, rows
    from stages.core.machines.adapters import load_weights
    from stages.core.sampling.engine import Decoding
    from stages.core.sampling.generation import TransformersEngine, sample_completions

    template = json.loads((arguments.checkpoint / "manifest.json").read_text())["template"]
    tokenizer = AutoTokenizer.from_pretrained(arguments.checkpoint / "model")
    model = load_weights(arguments.checkpoint / "model", AutoModelForCausalLM).eval()
    plain = AutoModelForCausalLM.from_pretrained(arguments.checkpoint / "model").eval()
    ends = model.generation_config.eos_token_id
    questions = rows(dict.fromkeys(REASONING, 1.0), 512, "validation", seed=1)
    prompts = [render_prompt(tokenizer, row["prompt"], template) for row in questions]
    config = GenerationConfig(
        do_sample=True, max_new_tokens=arguments.max_tokens, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id
    )

    def ours(input_ids, attention_mask, **_) -> list[int]:
        ids, _ = sample_completions(
            model,
            input_ids,
            attention_mask,
            max_new_tokens=arguments.max_tokens,
            temperature=1.0,
            top_p=1.0,
            end_ids=ends,
        )
        return list(map(len, ids))

    def theirs(input_ids, attention_mask, **_) -> list[int]:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        with torch.inference_mode():
            output = plain.generate(**inputs, generation_config=config)[:, input_ids.shape[1] :]
        return (output != tokenizer.pad_token_id).sum(dim=1).tolist()

    def in_processes(prompts: list[str], **_) -> list[int]:
        threads = torch.get_num_threads()
        engine = TransformersEngine(model, tokenizer, template, math.ceil(len(prompts) / threads), threads)
        found = engine.generate(prompts, 1, Decoding(1.0, arguments.max_tokens), torch.initial_seed())
        return [group[0].tokens for group in found]

    sides = {"generate": theirs, "ours": ours, "processes": in_processes}
    if importlib.util.find_spec("vllm"):
        sides["vllm"] = with_vllm(arguments.checkpoint / "model", tokenizer, template, arguments.max_tokens)
    shape, limit = Shape.of(model.config.to_dict()), matmul_rate()
    header = f"{'batch':>6}" + "".join(f" {name:>10} {'ratio':>6} {'share':>6}" for name in sides)
    print(f"{header}   (completion tokens a second; limit {limit / 1e9:.0f} GFLOP/s)")
    for batch in (32, 128, 512):
        encoded = tokenizer(prompts[:batch], return_tensors="pt", padding=True)
        inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}
        inputs["prompts"] = prompts[:batch]
        read = encoded["attention_mask"].sum(dim=1).tolist()
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        shares: dict[str, list[float]] = {name: [] for name in sides}
        for repeat in range(3):
            for name, side in sides.items():
                torch.manual_seed(repeat)
                started = time.perf_counter()
                written = side(**inputs)
                seconds = time.perf_counter() - started
                speeds[name].append(sum(written) / seconds)
                spans = [*((0, length) for length in read), *zip(read, (length - 1 for length in written), strict=True)]
                shares[name].append(forward_flops(shape, spans, sum(written)) / seconds / limit)
        first = statistics.median(speeds["generate"])
        shown = ""
        for name in sides:
            speed, share = statistics.median(speeds[name]), statistics.median(shares[name])
            shown += f" {speed:>10,.0f} {speed / first:>6.2f} {share:>6.1%}"
        print(f"{batch:>6}{shown}", flush=True)


def with_vllm(folder: Path, tokenizer, template: str, max_tokens: int):
    """vLLM's side; its model is loaded before anything is timed."""
    from stages.core.pipeline.system import System
    from stages.core.run.vllm_environment import prepare_vllm
    from stages.core.sampling.engine import Decoding
    from stages.core.sampling.vllm_engine import VLLMEngine

    prepare_vllm()
    engine = VLLMEngine(folder, tokenizer, template, 512, System(engine="vllm"))

    def side(prompts: list[str], **_) -> list[int]:
        return [group[0].tokens for group in engine.generate(prompts, 1, Decoding(1.0, max_tokens), 0)]

    side(["1"])
    return side


if __name__ == "__main__":
    main()
