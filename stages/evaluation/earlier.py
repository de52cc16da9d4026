"""What the last result of an evaluation still says: a checkpoint that has not changed is not asked again.

So a further seed or arm, or one stage that was trained anew, costs the evaluation of what is new. The questions, the
settings, the code, the libraries, the checkpoint, and what its answers are compared with or judged by must be the same;
then so would be its values. An evaluation that is asked for once more, with nothing changed, takes nothing over.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.pipeline.workspace import identity
from stages.core.run.manifest import manifest_digest, versions
from stages.core.run.replacing import verified
from stages.core.run.stage import Run
from stages.core.run.tables import read_parquet
from stages.evaluation.by_question import COLUMNS, ByQuestion
from stages.evaluation.recorder import Recorder

Basis = Callable[[dict[str, Any], str], list[str]]
"""(a config of the evaluation, a checkpoint) -> the folders that its values come from."""


def take_over(recorder: Recorder, names: Sequence[str], basis: Basis) -> set[str]:
    """The checkpoints whose values, now in the recorder, are those of the last result."""
    run = recorder.run
    old = last_result(run)
    if old is None:
        return set()
    then, now = old["config"], run.config
    digests = {str(folder): manifest_digest(folder) for folder in run.parents()}
    if identity(then) == identity(now) and list(old["parents"].values()) == list(digests.values()):
        return set()
    held = {
        name
        for name in names
        if name in then["inputs"]["checkpoints"]
        and [old["parents"].get(folder) for folder in basis(then, name)]
        == [digests[folder] for folder in basis(now, name)]
    }
    # Whoever is compared with a reference needs its answers, which no table keeps.
    compared = {folder for name in set(names) - held for folder in basis(now, name)}
    held -= {name for name in held if now["inputs"]["checkpoints"][name] in compared}
    data = run.folder / "data"
    try:
        by_question = ByQuestion.read(read_parquet(data / "questions.parquet", COLUMNS))
        completions = read_parquet(data / "completions.parquet", ("checkpoint",)).to_pylist()
    except InputError:
        return set()
    for place, sets in by_question.rows.items():
        if place.checkpoint in held:
            told = {name: list(values.values()) for name, values in sets.items()}
            recorder.add(place.checkpoint, place.benchmark, place.metric, told, place.mode, place.budget)
    recorder.completions += [row for row in completions if row["checkpoint"] in held]
    if held:
        run.metrics.say(
            f"as in the last result, of the same weights: {', '.join(name for name in names if name in held)}"
        )
    return held


def last_result(run: Run) -> dict[str, Any] | None:
    """The manifest of the last result, if questions and answers would be the same today but for the checkpoints."""
    try:
        old = verified(Path(run.folder))
        alike = apart_from_inputs(old["config"]) == apart_from_inputs(run.config)
    except (InputError, KeyError, TypeError):
        return None
    same = old.get("code_fingerprint") == run.fingerprint and old.get("versions") == versions()
    return old if alike and same and not old.get("unsandboxed") else None


def apart_from_inputs(config: dict[str, Any]) -> dict[str, Any]:
    """What decides a stage's result beside its inputs."""
    return {key: value for key, value in json.loads(identity(config)).items() if key != "inputs"}
