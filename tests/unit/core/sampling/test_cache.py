"""A cache with room: it holds what the library's holds, and copies a column but once."""

import pytest
import torch
from transformers import MistralConfig, Qwen3Config
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from stages.core.sampling.cache import ROOM, RoomyLayer, roomy_cache


def states(batch, columns, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn((batch, 2, columns, 4), generator=generator) for _ in range(2)]


def same(ours, plain):
    assert torch.equal(ours.keys, plain.keys) and torch.equal(ours.values, plain.values)
    assert ours.get_seq_length() == plain.get_seq_length()


@pytest.mark.parametrize(
    "selected", [[2, 1], [0, 1, 2], [3, 0, 2, 1], [1], [0, 0, 1, 1, 2, 2, 3, 3], [3, 3, 3]], ids=str
)
def test_it_holds_what_the_librarys_layer_holds(selected):
    ours, plain = RoomyLayer(), DynamicLayer()
    for layer in (ours, plain):
        layer.update(*states(4, 5))
        layer.batch_select_indices(torch.tensor(selected))
    same(ours, plain)
    for step in range(3 * ROOM):
        new = states(len(selected), 1, step)
        assert all(map(torch.equal, ours.update(*new), plain.update(*new)))
        if step == ROOM:
            for layer in (ours, plain):
                layer.batch_select_indices(torch.arange(len(selected)).flip(0))
    same(ours, plain)


def test_growing_copies_each_column_about_once():
    layer = RoomyLayer()
    sizes = set()
    for _ in range(16 * ROOM):
        layer.update(*states(1, 1))
        sizes.add(layer.keys.untyped_storage().nbytes())
    assert len(sizes) == 5  # columns: 32, 66, 134, 270, 542


def test_an_empty_layer_has_nothing_to_select():
    layer = RoomyLayer()
    layer.batch_select_indices(torch.tensor([0]))
    assert layer.get_seq_length() == 0


def test_layers_of_another_kind_stay_the_librarys():
    sizes = {"num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1}
    assert [type(layer) for layer in roomy_cache(Qwen3Config(**sizes)).layers] == [RoomyLayer] * 2
    sliding = roomy_cache(MistralConfig(sliding_window=4, **sizes))
    assert [type(layer) for layer in sliding.layers] == [DynamicSlidingWindowLayer] * 2


def test_there_is_no_room_beyond_the_longest():
    ours, plain = RoomyLayer(40), DynamicLayer()
    for step in range(44):
        new = states(2, 1, step)
        assert all(map(torch.equal, ours.update(*new), plain.update(*new)))
        assert ours.buffers[0].space.shape[2] == max(ROOM if step < ROOM else 40, step + 1)
    same(ours, plain)
