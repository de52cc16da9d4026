"""Long-CoT cold-start data: few queries and responses, after a filter of both.

CONSUMES     teacher: the reasoning model that writes the responses; sampler: the model that a query must be too hard
             for without a CoT
PRODUCES     data/rows.parquet (prompt_text, completion: thinking in its tags, then the summary), data/queries.parquet
             (all queries that passed the query filter), data/validation.parquet (reserved queries)
PAPER        Qwen3 s.4.1. Queries: out if they cannot be verified easily, ask several things, or are answered right
             without a CoT; domains balanced. Responses, of queries with a positive Pass@N: out if wrong, repetitive,
             guessed, in disagreement with their summary, mixed in language or too similar to the validation set. A
             small selected subset is kept
DEVIATIONS   1 rules filter, where the paper asks Qwen2.5-72B-Instruct
             2 what a query must be too hard for without a CoT is the recipe's own `sampler`, the base, where the paper
               asks Qwen2.5-72B-Instruct; how often it may guess is the scale's
             3 the teacher is a model of the recipes, where the paper has QwQ-32B
             4 the domain is the row's own
             5 queries that the teacher never answers are counted and dropped, where the paper asks people
             6 a rule writes the summary
             7 a shift in style is not looked for beside mixed languages
"""

import random

from datasets import Dataset

from data.errors import InputError
from data.text.chat import parse
from data.text.row import apply_rules, question_of
from data.world.joined import join_some
from data.world.written import solution, worked_completion
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import answers, guessed_without_thinking, open_engine, pass_rates
from stages.core.sampling.candidates import (
    Candidate,
    at_most,
    candidates,
    in_one_language,
    not_repetitive,
    right_and_well_formed,
    with_summary,
)
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.query_filters import disagrees, guesses, in_turns, several_questions, similarity, verifiable
from stages.qwen3.settings import ColdStartData


def main(run: Run) -> None:
    settings: ColdStartData = run.settings
    joined = round(settings.several_questions * settings.prompts)
    drawn = draw_rows(run, settings.tasks, settings.prompts + joined, "train", settings.seed + 6)
    pool = join_some(drawn, joined)
    random.Random(settings.seed).shuffle(pool)

    query_rules = {
        "queries with several questions": lambda row: not several_questions(question_of(row)),
        "queries not verifiable": verifiable,
    }
    single, query_counts = apply_rules(pool, query_rules)
    sampler = open_engine(run, "sampler", settings.sampling_batch_size)
    guessed = guessed_without_thinking(
        sampler, single, settings.guess_attempts, settings.guess_temperature, settings.max_completion_length,
        settings.seed + 1,
    )  # fmt: skip
    queries = [row for row, easy in zip(single, guessed, strict=True) if not easy]
    validation, queries = queries[: settings.validation_queries], queries[settings.validation_queries :]
    if not queries:
        raise InputError(f"{run.stage}: all {len(validation)} queries are reserved for validation, none is left")

    teacher = open_engine(run, "teacher", settings.sampling_batch_size)
    sampled = answers(run, teacher, queries)
    rates = {row["id"]: rate for row, rate in zip(queries, pass_rates(queries, sampled), strict=True)}
    solved = [candidate for candidate in candidates(queries, sampled) if rates[candidate.row["id"]] > 0]
    reserved = [question_of(row) for row in validation]
    solutions = [
        solution(row) or parse(worked_completion(row, "chat")[0]).thinking for row in validation if verifiable(row)
    ]

    def similar(candidate: Candidate) -> float:
        question = similarity(question_of(candidate.row), reserved, settings.similarity_ngram)
        return max(question, similarity(candidate.sample.thinking, solutions, settings.similarity_ngram))

    rules = {
        **right_and_well_formed(teacher.template),
        "repetition": not_repetitive(settings.repetition_ngram, settings.max_repetition),
        "guess without reasoning": lambda c: (
            not guesses(c.sample.thinking, c.sample.parsed.final, settings.min_reasoning_words)
        ),
        "thinking and summary disagree": lambda c: not disagrees(c.sample.thinking, c.sample.parsed.final),
        "mixed languages": in_one_language(settings.min_language_consistency),
        "too similar to validation": lambda c: similar(c) <= settings.max_similarity,
    }
    kept, counts = apply_rules(solved, rules)

    right = [with_summary(candidate, teacher.tokenizer) for candidate in at_most(kept, settings.keep_per_prompt)]
    table = in_turns(right, "domain", settings.examples)

    del counts["kept"]
    counts = {
        "queries": len(pool),
        **{name: query_counts[name] for name in query_rules},
        "queries answered without CoT": sum(guessed),
        "queries reserved for validation": len(validation),
        "queries that the teacher never answers": len(queries) - sum(rate > 0 for rate in rates.values()),
        **counts,
        "prompt had enough": len(kept) - len(right),
        "not selected": len(right) - len(table),
        "kept": len(table),
    }
    tables = {"rows": table, "queries": queries, "validation": validation}
    headline = {name: len(found) for name, found in tables.items()}
    run.save_data({name: Dataset.from_list(found) for name, found in tables.items()}, headline, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
