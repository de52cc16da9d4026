"""Talk to a checkpoint in a terminal: `python -m stages.chat runs/tiny/qwen3/general_rl --think`.

Thinking is shown dim, as it is written. The history loses its thinking, as the chat template has it. `/reset` forgets
the conversation, `/exit` or Ctrl-D ends it; lines from a pipe are turns too. A tool, not a stage: it writes nothing.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from data.chat import THINK_CLOSE, THINK_OPEN, parse, render_prompt
from data.modes import with_flag
from stages.core.budget import generate_with_budget
from stages.core.engine import Sampling, TransformersEngine
from stages.core.errors import InputError
from stages.core.manifest import read_json


def main(arguments: list[str] | None = None) -> None:
    """Read turns until the input ends."""
    options = parser().parse_args(arguments)
    try:
        engine = open_checkpoint(Path(options.checkpoint))
        converse(engine, options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("checkpoint", help="a stage's folder, or one with an ordinary transformers model")
    mode = found.add_mutually_exclusive_group()
    mode.add_argument("--think", dest="mode", action="store_const", const="thinking", help="add /think to each turn")
    mode.add_argument(
        "--no-think", dest="mode", action="store_const", const="non_thinking", help="pre-fill an empty think block"
    )
    found.add_argument("--budget", type=int, metavar="N", help="cut the thinking after N tokens")
    found.add_argument("--temperature", type=float, default=0.6, help="0 is greedy (default: %(default)s)")
    found.add_argument("--max-tokens", type=int, default=256, help="of one response (default: %(default)s)")
    found.add_argument("--system", metavar="TEXT", help="a system message")
    return found


def open_checkpoint(folder: Path) -> TransformersEngine:
    """The model in a stage's folder, in the template that it was trained on, or any transformers model."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    manifest = folder / "manifest.json"
    template = read_json(manifest, "a stage's folder holds one").get("template") if manifest.exists() else "chat"
    model = folder / "model" if (folder / "model").is_dir() else folder
    if template is None or not (model / "config.json").exists():
        raise InputError(
            f"{folder}: no model to talk to; allowed: a stage's folder with `model/`, a transformers model"
        )
    try:
        return TransformersEngine(
            AutoModelForCausalLM.from_pretrained(model, dtype="float32"),
            AutoTokenizer.from_pretrained(model),
            template,
            batch_size=1,
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{model}: cannot be read as a causal language model: {str(error).splitlines()[0]}") from None


def converse(engine: TransformersEngine, options: argparse.Namespace) -> None:
    """One response for each turn."""
    beginning = [{"role": "system", "content": options.system}] if options.system else []
    messages = list(beginning)
    for number, text in enumerate(turns()):
        if text == "/exit":
            return
        if text == "/reset":
            messages = list(beginning)
            continue
        if engine.template == "r1_zero":  # a template of a single turn
            messages = list(beginning)
        messages.append({"role": "user", "content": text})
        response = respond(engine, messages, options, number)
        messages.append({"role": "assistant", "content": parse(response).answer or response})


def turns() -> Iterator[str]:
    """What the user types, or the lines of a pipe."""
    typed = sys.stdin.isatty()
    while True:
        try:
            line = input("> " if typed else "")
        except EOFError:
            return
        if line.strip():
            yield line.strip()


def respond(engine: TransformersEngine, messages: list[dict], options: argparse.Namespace, seed: int) -> str:
    """Write one response to the terminal; returns its text."""
    asked = with_flag(messages, "thinking") if options.mode == "thinking" else messages
    prompt = render_prompt(engine.tokenizer, asked, engine.template, options.mode != "non_thinking")
    screen = Screen()
    if options.budget is not None:
        sampling = Sampling(options.temperature, options.max_tokens)
        text = generate_with_budget(engine, [prompt], 1, sampling, options.budget, seed)[0][0].text
        screen.show(text)
    else:
        text = ""
        for text in stream(engine, prompt, options.temperature, options.max_tokens, seed):
            screen.show(text)
    screen.end()
    return text


def stream(engine: TransformersEngine, prompt: str, temperature: float, max_tokens: int, seed: int) -> Iterator[str]:
    """The response so far, after each token."""
    import torch
    from transformers import DynamicCache

    from stages.core.generation import sample_tokens

    torch.manual_seed(seed)
    ends = engine.model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    ids, cache = engine.tokenizer(prompt, return_tensors="pt")["input_ids"].to(engine.model.device), DynamicCache()
    written: list[int] = []
    with torch.inference_mode():
        for _ in range(max_tokens):
            logits = engine.model(input_ids=ids, past_key_values=cache, use_cache=True).logits[:, -1].float()
            token = sample_tokens(logits, temperature, 1.0)
            if token.item() in ends:
                return
            written.append(token.item())
            yield engine.tokenizer.decode(written, skip_special_tokens=True)
            ids = token[:, None]


class Screen:
    """Shows a growing text, what stands in the think block dim."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console, self.shown = Console(highlight=False, soft_wrap=True), 0

    def show(self, text: str) -> None:
        """Print what is new; half a character waits for its other half."""
        for position in range(self.shown, len(text.removesuffix("\ufffd"))):
            before = text[: position + 1]
            thinks = THINK_OPEN in before and (
                THINK_CLOSE not in before or position < text.index(THINK_CLOSE) + len(THINK_CLOSE)
            )
            thinks = thinks or THINK_OPEN.startswith(before.strip()[: len(THINK_OPEN)])
            self.console.print(text[position], end="", style="dim" if thinks else None, markup=False)
        self.shown = max(self.shown, len(text.removesuffix("\ufffd")))

    def end(self) -> None:
        """A line for the next turn."""
        self.console.print()


if __name__ == "__main__":
    main()
