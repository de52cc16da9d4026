"""The tiny world's questions as files with the columns of public data sets: what a stage reads without a network."""

import itertools
import json
import random
from pathlib import Path

from data.world.families import GENERAL, problems
from data.world.judge import Judge
from data.world.preference_data import judged_pairs, labelled_responses

LEAKED = 3
"""Test questions that stand among the training questions."""


def solved(mixture: dict[str, float], count: int, split: str, seed: int) -> list[tuple[str, str, str]]:
    """(question, a solution, the answer), in English, each question once."""
    found: dict[str, tuple[str, str, str]] = {}
    for problem in itertools.islice(problems(mixture, seed, split), 4000):
        if len(found) < count:
            found[problem.question] = (problem.question, f"It is {problem.answer}.", problem.answer)
    return list(found.values())


def chats(count: int, seed: int) -> list[dict]:
    """Facts asked and answered, as conversations of one turn."""
    rng, found = random.Random(seed), {}
    for problem in itertools.islice(problems({"facts@en": 1.0}, seed, "train"), 4000):
        if len(found) < count:
            answer = GENERAL["facts"].best_answer(problem)
            found[problem.question] = [
                {"role": "user", "content": problem.question}, {"role": "assistant", "content": answer}
            ]  # fmt: skip
    rng.shuffle(order := list(found.values()))
    return [{"messages": turns} for turns in order]


def write_files(folder: Path) -> None:
    """A file for each data set that the test scale names."""
    test = solved({"equation@en": 1.0}, 30, "test", 1)
    train = solved({"equation@en": 1.0}, 150, "train", 2) + test[:LEAKED]
    mixture = {"facts@en": 1.0, "greeting@en": 1.0}
    pairs, _ = judged_pairs(mixture, 160, "train", 3, Judge(judgements=4), 1.0, False)
    labels = labelled_responses({"unsafe@en": 1.0, "safe_lookalike@en": 1.0}, 160, "train", 4, 0.0)
    looks = [
        next(problems({name: 1.0}, seed, "test")) for name in ("unsafe@en", "safe_lookalike@en") for seed in range(9)
    ]
    files: dict[str, list[dict]] = {
        "gsm8k.train": [{"question": q, "answer": f"{worked}\n#### {answer}"} for q, worked, answer in train],
        "gsm8k.test": [{"question": q, "answer": f"{worked}\n#### {answer}"} for q, worked, answer in test[20:]],
        "math_500": [{"problem": q, "answer": answer, "solution": worked} for q, worked, answer in test[:20]],
        "s1k": [
            {"question": q, "solution": answer, "cot_type": "math", "deepseek_thinking_trajectory": worked,
             "deepseek_attempt": f"The answer is \\boxed{{{answer}}}."}
            for q, worked, answer in train
        ],
        "tulu_3_sft": chats(150, 5),
        "no_robots.train": chats(20, 6)[:1],
        "no_robots.test": chats(20, 7),
        "ultrafeedback_binarized.train_prefs": [
            {"prompt": pair["question"]}
            | {
                name: [{"role": "user", "content": pair["question"]}, {"role": "assistant", "content": pair[name]}]
                for name in ("chosen", "rejected")
            }
            for pair in pairs
        ],
        "beavertails.330k_train": [
            {"prompt": e["question"], "response": e["response"].partition("</think>")[2].strip(),
             "category": {"secrets": e["label"] == 0.0}, "is_safe": e["label"] == 1.0}
            for e in labels
        ],
        "xstest": [
            {"prompt": problem.question, "label": "unsafe" if problem.task == "unsafe" else "safe", "type": "x"}
            for problem in looks
        ],
    }  # fmt: skip
    files["ultrafeedback_binarized.test_prefs"] = files["ultrafeedback_binarized.train_prefs"][-1:]
    files["beavertails.330k_test"] = files["beavertails.330k_train"][-1:]
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
