"""How much faster sampling is when finished sequences leave the batch: a ratio, both sides in one run.

    python -m benchmarks.sampling runs/tiny/r1/reasoning_rl

The same checkpoint answers the same prompts through `model.generate` and through `sample_completions`, at temperature
1 and batch sizes from 32 to 512, each side three times in turn; the medians are compared.
"""

import argparse
import json
import statistics
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a stage that made a model")
    parser.add_argument("--max-tokens", type=int, default=150)
    arguments = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    from data.chat import render_prompt
    from data.tasks import REASONING, rows
    from stages.core.generation import sample_completions

    template = json.loads((arguments.checkpoint / "manifest.json").read_text())["template"]
    tokenizer = AutoTokenizer.from_pretrained(arguments.checkpoint / "model")
    model = AutoModelForCausalLM.from_pretrained(arguments.checkpoint / "model").eval()
    ends = model.generation_config.eos_token_id
    questions = rows(dict.fromkeys(REASONING, 1.0), 512, "validation", seed=1)
    prompts = [render_prompt(tokenizer, row["prompt"], template) for row in questions]
    config = GenerationConfig(
        do_sample=True, max_new_tokens=arguments.max_tokens, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id
    )

    def ours(inputs) -> int:
        ids, _ = sample_completions(
            model, **inputs, max_new_tokens=arguments.max_tokens, temperature=1.0, top_p=1.0, end_ids=ends
        )
        return sum(map(len, ids))

    def theirs(inputs) -> int:
        with torch.inference_mode():
            output = model.generate(**inputs, generation_config=config)[:, inputs["input_ids"].shape[1] :]
        return int((output != tokenizer.pad_token_id).sum())

    print(f"{'batch':>6} {'generate':>14} {'ours':>14} {'ratio':>6}   (completion tokens a second)")
    for batch in (32, 128, 512):
        encoded = tokenizer(prompts[:batch], return_tensors="pt", padding=True)
        inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}
        speeds: dict[str, list[float]] = {"generate": [], "ours": []}
        for repeat in range(3):
            for name, side in (("generate", theirs), ("ours", ours)):
                torch.manual_seed(repeat)
                started = time.perf_counter()
                tokens = side(inputs)
                speeds[name].append(tokens / (time.perf_counter() - started))
        before, after = (statistics.median(speeds[name]) for name in ("generate", "ours"))
        print(f"{batch:>6} {before:>14,.0f} {after:>14,.0f} {after / before:>6.2f}")


if __name__ == "__main__":
    main()
