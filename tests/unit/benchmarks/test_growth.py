"""What is fitted and drawn; the rollouts themselves are run by the benchmark."""

import pytest

from benchmarks import growth
from benchmarks.limit import Shape


def test_the_exponent_of_a_power():
    assert growth.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2.0, abs=1e-9)
    assert growth.exponent([32, 64], [5, 5]) == pytest.approx(0.0, abs=1e-9)


def test_the_exponent_is_that_of_least_squares():
    # logarithms to base 2: x 0 1 2, y 0 2 2: slope (1 x 2) / 2 = 1 around the means 1 and 4/3
    assert growth.exponent([1, 2, 4], [1, 4, 4]) == pytest.approx(1.0, abs=1e-9)


def test_the_sizes_go_up_to_20_million_parameters():
    sizes = [growth.weights_of(size) for size in growth.SIZES]
    assert sizes == sorted(sizes) and 19e6 < sizes[-1] < 20e6


def test_a_size_has_the_weights_that_the_flops_are_counted_of():
    hidden, layers, heads = growth.SIZES[1]
    config = {
        "architectures": ["Qwen3ForCausalLM"], "hidden_size": hidden, "num_hidden_layers": layers, "vocab_size": 10,
        "num_attention_heads": heads, "num_key_value_heads": heads // 2, "head_dim": 32,
        "intermediate_size": 3 * hidden,
    }  # fmt: skip
    assert growth.weights_of(growth.SIZES[1]) == Shape.of(config).layer_weights


def test_each_axis_passes_where_the_others_stand():
    for values in growth.points().values():
        assert growth.LEAST in [point for _, point in values]


def test_the_plot_is_the_same_file_each_time(tmp_path):
    costs = [growth.Cost((1.0, 2.0), (1e9, 3e9)), growth.Cost((2.0, 5.0), (2e9, 6e9))]
    found = {"sequences": ([32, 64], costs), "length": ([64, 128], costs)}
    for name in ("one.svg", "two.svg"):
        growth.plot(found, tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert one == two and b"sequences" in one and b"step without it" in one
