"""What a claim's tests are of, drawn: curves against updates or √KL, reliability over all seeds."""

import xml.etree.ElementTree as ElementTree

import pytest

from stages.core.allowed.claims import Claim
from stages.core.run.ledger import ShownFigure, ShownLine
from stages.evaluation.claim_figures import COLOURS, drawn, lines_chart
from stages.evaluation.claims import Question

GOLD = {"seed1": [(0.0, 0.5), (8.0, 0.7), (16.0, 0.4)], "seed2": [(0.0, 0.6), (8.0, 0.6)]}
KL = {"seed1": [(0.0, 0.0), (8.0, 4.0), (16.0, 9.0)], "seed2": [(0.0, -1e-9), (8.0, 2.25)]}


def answers(*values):
    return {Question("world", f"q{number}"): (value, f"q{number}") for number, value in enumerate(values)}


class Found:
    """What was measured; far: the stages whose distance was."""

    def __init__(self, *far):
        self.far = far

    def answers(self, series):
        sure, right = {"seed1": answers(0.9, 0.5), "seed2": answers(0.9, 1.0)}, {"seed1": [1, 0], "seed2": [0, 1]}
        return {
            "confidence": sure, "cons@k (T 1)": {seed: answers(*map(float, of)) for seed, of in right.items()},
        }[series.metric]  # fmt: skip

    def curves(self, stage, metric):
        return GOLD

    def distances(self, stage):
        return KL if stage in self.far else {}


def claim(*tests):
    return Claim(statement="it is so", source="Table 1", tests=list(tests))


def test_over_optimisation_is_drawn_against_the_root_of_the_distance():
    test = {"kind": "curve", "of": "rl", "metric": "held_out/gold", "take": "fall", "below": 0}
    (figure,) = drawn(claim(test, test | {"take": "peak"}), Found("rl"))
    assert (figure.across, figure.up, figure.diagonal) == ("√KL", "gold", False)
    assert [(line.name, line.points) for line in figure.lines] == [
        ("rl", [(0.0, 0.5), (2.0, 0.7), (3.0, 0.4)]), ("rl", [(0.0, 0.6), (1.5, 0.6)]),
    ]  # fmt: skip


@pytest.mark.parametrize(("metric", "far"), [("held_out/gold", ["rl"]), ("held_out/accuracy", ["rl", "other"])])
def test_other_curves_are_drawn_against_updates(metric, far):
    """Also gold, where one of the stages did not measure its distance."""
    test = {"kind": "curve", "of": "rl", "over": "other", "metric": metric, "take": "mean", "above": 0}
    (figure,) = drawn(claim(test), Found(*far))
    assert figure.across == "updates" and figure.lines[0].points == GOLD["seed1"]
    assert [line.name for line in figure.lines] == ["rl", "rl", "other", "other"]


def test_each_metric_has_a_figure_and_a_difference_of_other_metrics_none():
    correlation = {"kind": "correlation", "of": "rl", "first": "reward", "second": "held_out/tokens", "above": 0}
    found = drawn(claim(correlation, {"kind": "difference", "of": "rl", "over": "base", "above": 0}), Found())
    assert [figure.up for figure in found] == ["reward", "tokens a completion"]


def test_reliability_is_over_the_answers_of_all_seeds():
    test = {"kind": "difference", "of": "rl", "over": "sft", "metric": "ece", "above": 0}
    both = {"kind": "level", "of": "rl", "metric": "overconfidence", "above": 0}
    (figure,) = drawn(claim(test, both), Found())
    assert (figure.across, figure.up, figure.diagonal) == ("confidence", "accuracy", True)
    assert [line.name for line in figure.lines] == ["rl", "sft"]
    assert figure.lines[0].points == [(0.5, 0.0), (0.9, 0.5), (1.0, 1.0)] and figure.lines[0].counts == [1, 2, 1]


def shapes(figure, kind, alone=True):
    name = "{http://www.w3.org/2000/svg}" if alone else ""
    return [shape.attrib for shape in ElementTree.fromstring(lines_chart(figure, alone)).iter(f"{name}{kind}")]


def test_lines_stand_where_they_must():
    twice = ShownLine(name="a<b", points=[(0.0, 0.0), (1.0, 1.0)], counts=[1, 4])
    once = ShownLine(name="c", points=[(0.5, 1.0)])
    figure = ShownFigure(across="confidence", up="accuracy", lines=[twice, once, twice], diagonal=True)
    first, second, third = shapes(figure, "polyline")
    assert first["points"] == "52.0,260.0 620.0,26.0" and second["points"] == "336.0,26.0"
    assert (first["stroke"], second["stroke"], third["stroke"]) == (COLOURS[0], COLOURS[1], COLOURS[0])
    assert [dot["r"] for dot in shapes(figure, "circle")] == ["4.5", "7.0", "2.0", "4.5", "7.0"]
    assert ["52.0", "620.0", "260.0", "26.0"] in [
        [line[end] for end in ("x1", "x2", "y1", "y2")] for line in shapes(figure, "line")
    ]  # fmt: skip
    assert len(shapes(figure, "tspan")) == 2  # a name once
    assert shapes(figure, "polyline", alone=False)[0] == first


def test_a_line_that_never_moves_is_drawn():
    figure = ShownFigure(across="updates", up="gold", lines=[ShownLine(name="rl", points=[(0.0, 0.5)])])
    assert shapes(figure, "circle")[0]["cy"] == "143.0"  # half way up
