"""Queries that ask two things at once: what a filter of queries must find (Qwen3 s.4.1)."""

import hashlib
import json

from data.text.row import Row, last_turn, row_info


def join(first: Row, second: Row) -> Row:
    """Two rows as one: `(1) ... (2) ...`, both answers; everything else is the first one's."""
    questions = [last_turn(row) for row in (first, second)]
    gap = " " if first["language"] == "en" else ""
    question = gap.join(f"({number}){gap}{text}" for number, text in enumerate(questions, start=1))
    info = {name: value for name, value in row_info(first).items() if name != "question"}  # of the first alone
    return first | {
        "id": hashlib.sha256(f"{first['id']}|{second['id']}".encode()).hexdigest()[:16],
        "key": f"{first['key']} | {second['key']}",
        "prompt": [{"role": "user", "content": question}],
        "answer": f"{first['answer']}; {second['answer']}",
        "info": json.dumps(info, ensure_ascii=False, sort_keys=True),
    }


def join_some(rows: list[Row], count: int) -> list[Row]:
    """The rows with `count` pairs of neighbours of one language joined, fewer where there are no more pairs."""
    done: list[Row] = []
    waiting: dict[str, Row] = {}
    for row in rows:
        if count == 0:
            done.append(row)
        elif row["language"] in waiting:
            done.append(join(waiting.pop(row["language"]), row))
            count -= 1
        else:
            waiting[row["language"]] = row
    return done + list(waiting.values())
