"""Talk to a checkpoint: a tool for the terminal, not a stage.

CHECKPOINT is a stage's folder (runs/tiny/r1/reasoning_rl) or the folder of a model. /reset begins a new conversation,
/exit or Ctrl-D ends; from a pipe each line is a turn. Models of the R1-Zero template answer each line by itself.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from data.errors import InputError, run_command
from data.text.chat import THINK_CLOSE, THINK_OPEN, Template, parse, render_prompt
from data.text.completion import Completion
from data.text.modes import with_flag, without_flags
from data.text.prompts import EARLY_STOP
from data.text.row import Message
from stages.core.run.replacing import verified
from stages.core.sampling.engine import Decoding
from stages.core.sampling.generation import TransformersEngine
from stages.core.sampling.thinking_budget import generate_with_budget, thinking_limit

Show = Callable[[str], None]


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.chat", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--think", action="store_true", help="ask for thinking: /think behind each turn")
    mode.add_argument("--no-think", action="store_true", help="no thinking: the empty think block is given")
    mode_free = "tokens of thinking, then the answer; shown when it is complete"
    parser.add_argument("--budget", type=int, metavar="N", help=mode_free)
    parser.add_argument("--temperature", type=float, default=0.6, metavar="T", help="0 is greedy (default: 0.6)")
    parser.add_argument("--system", metavar="TEXT", help="the system message")
    parser.add_argument("--max-tokens", type=int, default=512, metavar="N", help="of a reply (default: 512)")
    arguments = parser.parse_args(argv)
    if arguments.no_think and arguments.budget is not None:
        parser.error("argument --budget: not allowed with argument --no-think")
    if not 0 <= arguments.temperature < math.inf:
        parser.error(f"argument --temperature: {arguments.temperature:g}, allowed: a finite number from 0")
    if any("\ud800" <= character <= "\udfff" for character in arguments.system or ""):
        parser.error("argument --system: no UTF-8")
    if arguments.max_tokens < 1:
        parser.error(f"argument --max-tokens: {arguments.max_tokens} is less than 1")
    return arguments


def open_checkpoint(folder: Path) -> TransformersEngine:
    """An engine on a stage's model or on a folder that holds nothing but a model; one sentence where it is neither.

    The manifest says which template the model was trained on; without one it is the tokenizer's own.
    """
    template: Template | None = None
    stage = folder.parent if folder.name == "model" and (folder.parent / "manifest.json").is_file() else folder
    if (stage / "manifest.json").is_file():
        manifest = verified(stage)
        if manifest.get("payload") != "model":
            raise InputError(f"{stage} holds no model: the stage writes a {manifest.get('payload')}")
        if not manifest.get("template"):
            raise InputError(f"{stage / 'manifest.json'}: no template, so nobody can talk to this model")
        folder, template = stage / "model", manifest["template"]
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise InputError(f"{folder} is no checkpoint: neither a stage's folder with a manifest.json nor a model's")

    import torch
    from transformers import AutoModelForCausalLM

    from stages.core.machines.adapters import load_weights
    from stages.core.machines.checks import check_finite, tokenizer_of

    tokenizer = tokenizer_of(folder)
    model = load_weights(folder, AutoModelForCausalLM, dtype=torch.float32)
    check_finite(model, folder)
    if template is None and not tokenizer.chat_template:
        raise InputError(f"{folder}: the tokenizer has no chat template and no manifest.json names one")
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    return TransformersEngine(model, tokenizer, template or "chat", batch_size=1)


class Conversation:
    """The turns so far, and how the next one is answered."""

    def __init__(self, engine: TransformersEngine, arguments: argparse.Namespace) -> None:
        self.engine, self.arguments = engine, arguments
        self.turns = 0
        if engine.template == "r1_zero" and (arguments.think or arguments.no_think or arguments.system):
            raise InputError("the R1-Zero template has neither modes nor a system message: no --think, --system")
        if arguments.budget is not None:
            thinking_limit(engine.tokenizer, arguments.budget, arguments.max_tokens)
        self.reset()

    def reset(self) -> None:
        """Forget everything but the system message."""
        system = self.arguments.system
        self.messages: list[Message] = [{"role": "system", "content": system}] if system else []

    def reply(self, text: str, show: Show) -> Completion:
        """The model's reply to a turn, shown as it is written; a turn without a reply is forgotten.

        show: gets all of the reply so far, again and again. Raises InputError where the conversation is too long.
        """
        messages: list[Message] = [*self.messages, {"role": "user", "content": text}]
        if self.arguments.think and without_flags(text) == text:  # a flag that was typed counts
            messages = with_flag(messages, "thinking")
        engine = self.engine
        prompt = render_prompt(engine.tokenizer, messages, engine.template, not self.arguments.no_think)
        room = self.room(prompt)
        decoding = Decoding(self.arguments.temperature, min(self.arguments.max_tokens, room))
        self.turns += 1
        if self.arguments.budget is None:
            completion = stream(engine, prompt, decoding, self.turns, show)
        else:
            [[completion]] = generate_with_budget(engine, [prompt], 1, decoding, self.arguments.budget, self.turns)
            show(completion.text)
        if engine.template == "chat":
            answer: Message = {"role": "assistant", "content": parse(completion.text).answer}
            self.messages = [*messages, answer]
        return completion

    def room(self, prompt: str) -> int:
        """Tokens that a reply may have in the model's context."""
        context = getattr(self.engine.model.config, "max_position_embeddings", None) or sys.maxsize
        given = prompt if self.arguments.budget is None else f"{prompt}{EARLY_STOP}\n{THINK_CLOSE}\n\n"
        room = context - len(self.engine.tokenizer(given)["input_ids"])
        if room < 1:
            raise InputError(f"the conversation fills the {context} tokens that the model can read: /reset begins anew")
        return room


def stream(engine: TransformersEngine, prompt: str, decoding: Decoding, seed: int, show: Show) -> Completion:
    """One completion, shown after each token."""
    import torch

    from stages.core.sampling.generation import sample_completions

    def watch(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        text = engine.tokenizer.decode(ids[0], skip_special_tokens=True)
        show(text.rstrip("\ufffd"))  # the last character may lack bytes that come with the next token
        return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

    inputs = engine.tokenizer([prompt], return_tensors="pt").to(engine.model.device)
    torch.manual_seed(seed)
    [ids], _ = sample_completions(
        engine.model, inputs["input_ids"], inputs["attention_mask"], decoding.max_tokens, decoding.temperature,
        decoding.top_p, engine.end_ids, watch,
    )  # fmt: skip
    text = engine.tokenizer.decode(ids, skip_special_tokens=True)
    show(text)
    return Completion(text, len(ids), ids[-1] in engine.end_ids, engine.template)


def thought_end(text: str) -> int:
    """Where the think block at the beginning of a reply ends, its tags included; 0 where there is none."""
    if not text.lstrip().startswith(THINK_OPEN):
        return 0
    close = text.find(THINK_CLOSE)
    return len(text) if close < 0 else close + len(THINK_CLOSE)


def printer(console) -> Show:
    """A `show` that prints what is new in the text, the think block dim."""
    shown = 0

    def show(text: str) -> None:
        nonlocal shown
        if text.strip():  # a blank may belong to an opening tag that has yet to come
            end = max(shown, thought_end(text))
            for part, style in ((text[shown:end], "dim"), (text[end:], None)):
                if part:
                    console.out(part, style=style, end="", highlight=False)
            shown = max(shown, len(text))

    return show


def lines() -> Iterator[str]:
    """What the user types, or the lines of a pipe, without empty ones; InputError for bytes that are no UTF-8."""
    question = ""
    if sys.stdin is None:  # closed
        return
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    if sys.stdin.isatty():
        import readline  # noqa: F401  gives the prompt its editing and history

        question = "> "
    while True:
        try:
            line = input(question).strip()
        except (EOFError, KeyboardInterrupt):
            return
        except UnicodeDecodeError as error:
            raise InputError(f"stdin: a turn is no UTF-8 ({error.reason} at byte {error.start})") from None
        if line:
            yield line


def talk(arguments: argparse.Namespace) -> None:
    """Read, answer, until the end."""
    from rich.console import Console

    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    conversation = Conversation(open_checkpoint(arguments.checkpoint), arguments)
    console = Console()
    for line in lines():
        if line == "/exit":
            break
        if line == "/reset":
            conversation.reset()
            continue
        try:
            conversation.reply(line, printer(console))
            console.out("")
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
        except KeyboardInterrupt:
            console.out("")


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    arguments = arguments_of(argv)
    if code := run_command(lambda: talk(arguments)):
        sys.exit(code)


if __name__ == "__main__":
    main()
