"""Fusion data: the RL model's own thoughts, and answers without a thought, with flags that tell which is wanted.

CONSUMES     sampler: the reasoning RL model; data: the cold start's queries
PRODUCES     data/rows.parquet (prompt, prompt_text, completion, mode)
PAPER        Qwen3 s.4.3: thinking data by rejection sampling of the stage-1 queries with the stage-2 model itself;
             non-thinking data over all domains, checked by checklists; /think and /no_think in user or system turns,
             some thinking data without a flag, an empty block where there is no thinking; in conversations the last
             flag counts
DEVIATIONS   1 the world's author, or a public data set, writes the non-thinking answers
             2 the checklist is the world's gold preference, seen through the scale's noise
             3 a share of the general prompts is answered with a thought
             4 queries that are answered with a thought are answered without one too, so that the flag alone tells the
               modes apart
             5 a share of the answers without a thought shows the last step or two: the paper does not print any
"""

import random

from datasets import Dataset

from data.text.chat import parse, render_completion, render_prompt
from data.text.conversations import asking, other_rows
from data.text.row import Row, apply_rules, last_turn
from data.text.summary import statement
from data.world.corpus import join_steps
from data.world.families import REASONING
from data.world.judge import Judge
from data.world.task import Problem, Trace
from data.world.written import response
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import open_engine
from stages.core.sampling.candidates import at_most, candidates, right_and_well_formed
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding
from stages.qwen3.settings import FusionData


def main(run: Run) -> None:
    settings: FusionData = run.settings
    policy = open_engine(run, "sampler", settings.sampling_batch_size)
    queries = run.load_rows("data", "queries").to_list()
    decoding = Decoding(settings.temperature, settings.max_completion_length, settings.top_p)
    sampled = policy.answer(queries, settings.samples_per_query, decoding, settings.seed, progress=run.metrics.log)
    kept, counts = apply_rules(candidates(queries, sampled), right_and_well_formed(policy.template))
    examples = [
        candidate.row | {"completion": candidate.sample.text, "mode": "thinking"}
        for candidate in at_most(kept, settings.keep_per_query)
    ]
    counts |= {"query had enough": counts["kept"] - len(examples), "kept": len(examples)}

    rng = random.Random(settings.seed)
    others, unchecked = written_answers(run, list({row["id"]: row for row in examples}.values()), rng)
    examples += others
    counts |= {"general answers below the checklist score": unchecked}

    tokenizer = policy.tokenizer
    table, shortened = [], 0
    pool = list({example["id"]: example for example in examples}.values())
    for example in [example for example in examples for _ in range(settings.conversations_per_response)]:
        turns = rng.randint(2, settings.max_turns) if rng.random() < settings.multi_turn else 1
        history = [_turn(earlier) for earlier in other_rows(pool, example, turns - 1, rng)]
        row = flagged(example, history, settings, rng)
        text = render_prompt(tokenizer, row["prompt"], "chat")
        if len(tokenizer(text + row["completion"])["input_ids"]) >= settings.max_length:
            row, shortened = flagged(example, [], settings, rng), shortened + 1
            text = render_prompt(tokenizer, row["prompt"], "chat")
        table.append(row | {"prompt_text": text})
    rng.shuffle(table)
    headline = {mode: sum(row["mode"] == mode for row in table) for mode in ("thinking", "non_thinking")}
    headline["conversations"] = sum(len(row["prompt"]) > 2 for row in table)
    counts |= {"conversations cut to one turn": shortened}
    run.save_data({"rows": Dataset.from_list(table)}, headline, counts)


def written_answers(run: Run, thought: list[Row], rng: random.Random) -> tuple[list[Row], int]:
    """(examples that no model wrote, general answers that fell to the checklist).

    thought: the queries that are answered with a thought. Without one the same are answered, as far as there are
    enough: if families or queries differed between the modes, they would tell what only the flag shall tell.
    """
    settings: FusionData = run.settings
    general = round(settings.non_thinking_rows * settings.general_fraction)
    wanted = settings.non_thinking_rows - general
    again = rng.sample(thought, min(wanted, len(thought)))
    again += draw_rows(run, settings.tasks, wanted - len(again), "train", settings.seed + 8)
    judging, showing = (random.Random(f"{settings.seed} {what}") for what in ("judge", "steps"))
    examples = [
        row
        | {
            "completion": render_completion("", visible_answer(row, settings.visible_steps, showing)),
            "mode": "non_thinking",
        }
        for row in again
    ]
    fell, judge = 0, Judge(settings.draft_judge_noise)
    for row in draw_rows(run, settings.general_tasks, general, "train", settings.seed + 9):
        found = response(row, settings.drafts, rng, judge, judging)
        if found.worth is not None and found.worth < settings.min_checklist_score:
            fell += 1
            continue
        thinking = found.thought if rng.random() < settings.thoughtful else ""
        mode = "thinking" if thinking else "non_thinking"
        examples.append(row | {"completion": render_completion(thinking, found.answer), "mode": mode})
    return examples, fell


def visible_answer(row: Row, share: float, rng: random.Random) -> str:
    """What is answered without a thought: the statement; in a share of the rows the last step or two before it.

    Rows without a worked solution have the statement alone.
    """
    if rng.random() >= share or row["task"] not in REASONING:
        return statement(row)
    trace = REASONING[row["task"]].solve(Problem.from_row(row), rng)
    shown = Trace(trace.steps[-rng.choice((1, 2)) :], trace.answer)
    steps = join_steps(shown, [row["language"]] * len(shown.steps))
    return f"{steps}{' ' if row['language'] == 'en' else ''}{statement(row)}"


def flagged(example: Row, history: list[tuple[str, str]], settings: FusionData, rng: random.Random) -> Row:
    """The example with its prompt as a conversation that asks for its mode."""
    question = last_turn(example)
    prompt = asking(question, example["mode"], history, rng, settings.unflagged_thinking, settings.system_flags)
    return example | {"prompt": prompt}


def _turn(example: Row) -> tuple[str, str]:
    return last_turn(example), parse(example["completion"]).answer


if __name__ == "__main__":
    stage_main(main, __doc__)
