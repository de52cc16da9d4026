"""FLOPs counted by hand: a model with hidden size 2, one layer, one head, feed-forward 3 and 5 tokens."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.limit import Shape, forward_flops, rollout_flops, row_of, stage_flops
from data.errors import InputError

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 2,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "head_dim": 2,
    "intermediate_size": 3,
    "vocab_size": 5,
}
SHAPE = Shape(layer_weights=34, head_weights=10, attention_width=2)  # 4 x 2 x 2 + 3 x 2 x 3, 2 x 5, 1 x 1 x 2
ROOT = Path(__file__).resolve().parents[3]


def test_the_weights_of_a_decoder():
    assert Shape.of(CONFIG) == SHAPE


def test_copied_key_value_heads_layers_and_head_size_count():
    config = CONFIG | {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "num_hidden_layers": 3}
    # a layer: 2 x (2 x 32) for queries and output, 2 x (2 x 16) for keys and values, 18 for the feed-forward
    assert Shape.of(config) == Shape(3 * (128 + 64 + 18), 10, 3 * 32)


def test_a_reward_model_has_one_score_for_a_head():
    config = CONFIG | {"architectures": ["Qwen3ForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    assert Shape.of(config).head_weights == 2


def test_another_kind_of_model_is_one_sentence():
    with pytest.raises(InputError, match="`intermediate_size`"):
        Shape.of({key: value for key, value in CONFIG.items() if key != "intermediate_size"})


def test_a_forward_counts_weights_pairs_and_the_head():
    # 3 tokens: 2 x 34 x 3; pairs of query and key 1 + 2 + 3, each 2 x 2 x 2 (scores, values); logits of 2: 2 x 10 x 2
    assert forward_flops(SHAPE, [(0, 3)], logits=2) == 204 + 48 + 40


def test_what_lies_in_a_cache_costs_pairs_alone():
    whole = forward_flops(SHAPE, [(0, 5)], logits=0)
    assert forward_flops(SHAPE, [(0, 3), (3, 2)], logits=0) == whole
    assert forward_flops(SHAPE, [(3, 2)], logits=0) == 2 * 34 * 2 + 8 * (4 + 5)


def test_a_rollout_reads_a_prompt_once_and_no_last_token():
    # [1 1 1] once, then one token after it; [2] alone, then two tokens after it. Logits for 2 + 2 + 3 tokens.
    found = rollout_flops(SHAPE, [[1, 1, 1], [1, 1, 1], [2]], [[4, 4], [4, 4], [4, 4, 4]])
    assert found == forward_flops(SHAPE, [(0, 3), (3, 1), (3, 1), (0, 1), (1, 2)], logits=7)


def test_an_empty_completion_costs_its_prompt():
    assert rollout_flops(SHAPE, [[1]], [[]]) == forward_flops(SHAPE, [(0, 1)], logits=0)


def test_a_stage_that_samples():
    tokens = {"prompt": 10, "generated": 20}
    assert stage_flops(SHAPE, tokens, reference=False) == 2 * (34 * 30 + 10 * 20)


def test_a_stage_that_trains_on_examples():
    assert stage_flops(SHAPE, {"prompt": 10, "trained": 5}, reference=False) == 3 * 2 * (34 * 15 + 10 * 5)


def test_rl_with_a_reference_and_two_inner_epochs():
    rollout = 2 * (34 * 30 + 10 * 20)
    tokens = {"prompt": 10, "generated": 20, "trained": 40}
    assert stage_flops(SHAPE, tokens, reference=True) == 2 * rollout + 3 * 2 * rollout


def stage(folder: Path, **changed) -> Path:
    """A complete stage of 2 seconds with one thread that has trained on 1,000 tokens."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text(json.dumps(CONFIG))
    manifest = {
        "payload": "model",
        "config": {"inputs": {}, "settings": {}},
        "seconds": 2.0,
        "finished": "2026-01-01T00:00:00+00:00",
        "tokens": {"trained": 1000},
        "hardware": {"threads": "1", "peak_memory_mib": 512},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changed))
    return folder


def test_a_stages_share_is_flops_over_seconds_and_rate(tmp_path):
    row = row_of(stage(tmp_path / "base"), {1: 1e6})
    assert row["flops"] == 6 * 44 * 1000
    assert row["share"] == pytest.approx(264_000 / 2.0 / 1e6, abs=1e-12)
    assert row["memory"] == 512


def test_a_stage_that_counted_no_tokens_has_no_share(tmp_path):
    assert row_of(stage(tmp_path / "base", tokens={}), {1: 1e6})["share"] is None


def test_sampling_is_counted_at_its_sampler(tmp_path):
    sampler = stage(tmp_path / "zero")
    about = {"payload": "data", "config": {"inputs": {"sampler": str(sampler)}, "settings": {}}}
    row = row_of(stage(tmp_path / "data", **about, tokens={"generated": 100}), {1: 1e6})
    assert row["flops"] == 2 * 44 * 100


def test_a_folder_without_stages_is_one_sentence(tmp_path):
    command = [sys.executable, "-m", "benchmarks.limit", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}: no manifest.json is below it\n"


def test_a_manifest_without_seconds_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"base/manifest.json: `seconds` is missing"):
        row_of(stage(tmp_path / "base", seconds=None), {1: 1e6})
