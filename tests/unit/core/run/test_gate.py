"""A reward model below its gate is refused for RL: when a run is planned where it is there, else before training."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from data.errors import InputError
from stages.core.run import gate
from stages.core.run.gate import check_gates, refuse_weak, weakness


@pytest.mark.parametrize(
    ("headline", "least", "said"),
    [
        ({"held_out_accuracy": 0.8}, 0.8, None),  # at the gate
        ({"held_out_accuracy": 0.7999}, 0.8, "its held-out accuracy is 0.800"),
        ({"held_out_accuracy": 0.6}, 0.8, "its held-out accuracy is 0.600"),
        ({"held_out_accuracy": 0.0}, 0.0, None),
        ({"pairs": 3}, 0.5, "its manifest says no held-out accuracy"),
    ],
)
def test_below_its_gate(headline, least, said):
    assert weakness(least, {"headline": headline}) == said


def model(folder: Path, accuracy: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"headline": {"held_out_accuracy": accuracy}}))
    return folder


def stage(name, folder, models=(), least=None):
    inputs = {"reward_models": {path.name: str(path) for path in models}} if models else {}
    config = {"inputs": inputs, "settings": {"min_held_out_accuracy": least} if least is not None else {}}
    return SimpleNamespace(rule_name=name, folder=str(folder), config=config)


def test_a_weak_reward_model_that_is_there_stops_the_plan(tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "read_manifest", lambda folder: json.loads((folder / "manifest.json").read_text()))
    weak, good = model(tmp_path / "weak", 0.61), model(tmp_path / "good", 0.9)
    rl = stage("r1_general_rl", tmp_path / "rl", [weak, good], {"weak": 0.8, "good": 0.8})
    sentence = r"r1_general_rl: `min_held_out_accuracy` of weak is 0.8, and its held-out accuracy is 0.610 \(.*weak"
    with pytest.raises(InputError, match=sentence):
        check_gates([rl])
    check_gates([rl, stage("r1_weak", weak)])  # it is made anew: who it is then is not known
    check_gates([stage("r1_general_rl", tmp_path / "rl", [weak, good], {"weak": 0.61, "good": 0.9})])
    check_gates([stage("r1_general_rl", tmp_path / "rl", [weak, good], {}), stage("r1_base", tmp_path / "base")])


def test_before_training_the_stage_looks_itself(tmp_path):
    accuracies = {"weak": 0.61, "good": 0.9}

    def run(least):
        return SimpleNamespace(
            stage="general_rl", settings=SimpleNamespace(min_held_out_accuracy=least),
            parent=lambda role, name: tmp_path / name,
            manifest=lambda role, name: {"headline": {"held_out_accuracy": accuracies[name]}},
        )  # fmt: skip

    refuse_weak(run({}))
    refuse_weak(run({"good": 0.9, "weak": 0.5}))
    with pytest.raises(InputError, match="general_rl: .* of weak is 0.62, and its held-out accuracy is 0.610"):
        refuse_weak(run({"good": 0.9, "weak": 0.62}))


@pytest.mark.parametrize("room", ["r1", "qwen3"])
def test_each_stage_with_a_gate_asks_it_before_it_loads_its_policy(room):
    source = Path("stages", room, "general_rl.py").read_text(encoding="utf-8")
    main = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "main")
    text = ast.unparse(main)
    assert 0 < text.index("refuse_weak(run)") < text.index("load_model(run)")


def test_a_gate_changes_no_result():
    from stages.core.pipeline.workspace import load_workspace

    gated = {"qwen3_general_rl": {"min_held_out_accuracy": {"reference_reward_model": 0.8}}}
    plain, other = (
        {stage.name: stage for stage in load_workspace({"scale": "smoke", "stages": stages}).stages["qwen3"]}
        for stages in ({}, gated)
    )
    assert other["general_rl"].config["settings"]["min_held_out_accuracy"] == {"reference_reward_model": 0.8}
    assert plain["general_rl"].identity == other["general_rl"].identity
