"""Why is my reward 0? Judge completions exactly as training does: a tool for the terminal, not a stage.

Reads JSON lines from FILE or the standard input and writes one line for each:
  {"row": {...}, "completion": "..."}                        a row as in a data set
  {"verifier": "math", "gold": "1/2", "completion": "..."}   or what the verifier needs: docs/how_to.md
A line that cannot be judged becomes {"error": "..."}, and the exit code is 2 at the end.
"""

import argparse
import contextlib
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any

from data.errors import InputError, forget_reader, run_command
from data.sandbox.availability import allow_unsandboxed
from data.text.chat import without_end
from data.text.completion import MAX_CHARACTERS, Completion
from data.world.cases import read_case
from data.world.families import explain
from stages.core.pipeline.schema import nearest, settings_class
from stages.core.pipeline.settings import GRPO, MirrorDescent, Settings
from stages.core.pipeline.workspace import Stage, load_workspace
from stages.core.rewards.of_stage import StageRewards, stage_rewards, weights_of
from stages.core.run.stage import Run

MAX_LINE = 16 << 20
"""Bytes of a line, which holds one case."""


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="JSON lines; - or nothing is the standard input")
    one = parser.add_argument_group("one case in the place of lines")
    one.add_argument("--verifier", metavar="NAME", help="who judges: math, or a task family")
    one.add_argument("--gold", metavar="TEXT", help="the right answer; --gold=-1 where it begins with a dash")
    one.add_argument("--completion", metavar="TEXT", help="what the policy wrote")
    stage = parser.add_argument_group("the rewards of an RL stage, and their weighted sum")
    stage.add_argument("--recipe", metavar="NAME")
    stage.add_argument("--stage", metavar="NAME")
    stage.add_argument("--scale", metavar="NAME", default="tiny", help="default: tiny")
    stage.add_argument("--runs", metavar="FOLDER", default="runs", help="where reward models lie (default: runs)")
    arguments = parser.parse_args(argv)
    case = [arguments.verifier, arguments.gold, arguments.completion]
    if any(part is not None for part in case):
        if arguments.file is not None:
            parser.error("argument FILE: not allowed with --verifier, --gold, --completion")
        if arguments.verifier is None or arguments.completion is None:
            parser.error("one case needs --verifier and --completion, and most verifiers --gold")
    if (arguments.recipe is None) != (arguments.stage is None):
        parser.error("--recipe and --stage go together")
    return arguments


def judged(case: Any, rewards: StageRewards | None) -> dict[str, Any]:
    """The verdict on a case, and what it earns in a stage; InputError for a case that cannot be judged."""
    row, text = read_case(case)
    written = without_end(text)
    # No verdict depends on the count of tokens.
    completion = Completion(written, 0, written != text, rewards.template if rewards else "chat")
    cut = f"; only its first {MAX_CHARACTERS} characters are read" if len(written) > MAX_CHARACTERS else ""
    try:
        parsed = completion.parsed
        verdict = explain(parsed, row)
        return {
            "right": verdict.right,
            "thinking": parsed.thinking,
            "answer": parsed.answer,
            "final": parsed.final,
            "read": verdict.read,
            "reason": verdict.reason + cut,
        } | (rewards.of(completion, row) if rewards else {})
    except InputError:
        raise
    except Exception as error:  # what a family's own `info` lacks shows in whatever reads it
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"the row is none that `{row['verifier']}` can judge: {reason}") from None


def judge_lines(lines: IO[bytes], rewards: StageRewards | None, write: Callable[[dict[str, Any]], None]) -> bool:
    """Judge case after case -> whether all of them could be."""
    whole = True
    for number, line in numbered(lines):
        try:
            write(judged(decoded(line), rewards))
        except InputError as error:
            whole = False
            write({"error": f"line {number}: {error}"})
    return whole


def numbered(lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, those longer than MAX_LINE cut; without the empty ones at the end."""
    number = 0
    empty: list[int] = []
    while line := lines.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = lines.readline(MAX_LINE + 1)
        number += 1
        if line.strip():
            yield from ((earlier, b"") for earlier in empty)
            yield number, line
            empty = []
        else:
            empty.append(number)


def decoded(line: bytes) -> Any:
    """The JSON in a line; InputError where it holds none."""
    if len(line) > MAX_LINE:
        raise InputError(f"longer than {MAX_LINE >> 20} MiB")
    if not line:
        raise InputError("empty; each line is a JSON object")
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg.lower()} at character {error.pos}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; nested as deep
        raise InputError("not JSON that can be read: a number is too long, or lists too deep") from None


def encoded(verdict: dict[str, Any]) -> bytes:
    """A line of JSON."""
    try:
        return json.dumps(verdict, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(verdict).encode() + b"\n"


def find_stage(recipe: str, name: str, scale: str, runs: str) -> Stage:
    """An RL stage of a recipe at a scale; InputError for any other."""
    workspace = load_workspace({"scale": scale, "runs": runs})
    if recipe in workspace.errors:
        raise workspace.errors[recipe]
    recipes = [known for known in workspace.stages if known]
    if recipe not in recipes:
        raise InputError(f"--recipe: there is no recipe `{recipe}`; {nearest(recipe, recipes)}")
    found = {stage.name: stage for stage in workspace.stages[recipe] if issubclass(kind(stage), GRPO | MirrorDescent)}
    if name not in found:
        raise InputError(f"--stage: `{name}` is no RL stage of the recipe {recipe}; {nearest(name, found)}")
    return found[name]


def kind(stage: Stage) -> type[Settings]:
    """The class of a stage's settings."""
    return settings_class(stage.script, stage.name)


def open_rewards(stage: Stage) -> StageRewards:
    """The rewards of a stage, those that models give as its own page makes them; nothing is written to its folder."""
    settings: Any = kind(stage).model_validate(stage.config["settings"])
    pages = getattr(importlib.import_module(f"stages.{stage.script}"), "REWARD_MODELS", {})
    models = {name: page for name, page in pages.items() if name in weights_of(settings)}
    with tempfile.TemporaryDirectory() as folder:
        run = Run(stage.config | {"output": folder}) if models else None
        return stage_rewards(settings, {name: partial(page, run) for name, page in models.items()})


def run_tool(arguments: argparse.Namespace, write: Callable[[dict[str, Any]], None]) -> int:
    """Judge what the command line names -> the exit code."""
    rewards = None
    if arguments.recipe:
        stage = find_stage(arguments.recipe, arguments.stage, arguments.scale, arguments.runs)
        allow_unsandboxed(stage.config["allow_unsandboxed_code"])
        rewards = open_rewards(stage)
    if arguments.verifier:
        case = {name: vars(arguments)[name] for name in ("verifier", "gold", "completion")}
        write(judged({name: text for name, text in case.items() if text is not None}, rewards))
        return 0
    if arguments.file in (None, "-"):
        if sys.stdin is None:
            raise InputError("there is no standard input to read cases from")
        return 0 if judge_lines(sys.stdin.buffer, rewards, write) else 2
    with open(arguments.file, "rb") as lines:
        return 0 if judge_lines(lines, rewards, write) else 2


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    arguments = arguments_of(argv)
    out = sys.stdout.buffer

    def write(verdict: dict[str, Any]) -> None:
        out.write(encoded(verdict))
        out.flush()

    def judge() -> int:
        try:
            with contextlib.redirect_stdout(sys.stderr):  # what a library or a stage says is no verdict
                return run_tool(arguments, write)
        except BrokenPipeError:
            raise
        except OSError as error:
            forget_reader()
            raise InputError(f"{error.filename or 'input or output'}: {error.strerror or error}") from None

    return run_command(judge)


if __name__ == "__main__":
    sys.exit(main())
