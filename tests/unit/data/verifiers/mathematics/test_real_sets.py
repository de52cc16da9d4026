"""Sets of real numbers: pieces that touch are one, and what is said in one way is what is said in another."""

import pytest

from data.verifiers.mathematics.answer import read
from data.verifiers.mathematics.notation import bare
from data.verifiers.mathematics.real_sets import as_real_set, equal_sets


def the_set(text):
    found = as_real_set(read(bare(text)))
    assert found is not None, text
    return found


SAME = [
    ["(1,2)\\cup[2,3)", "(1,3)", "1<x<3", "x>1 and x<3", "3>x>1"],
    ["\\mathbb{R}\\setminus\\{2\\}", "x\\ne2", "(2,\\infty)\\cup(-\\infty,2)", "x<2 or x>2"],
    ["\\{1\\}\\cup\\{2,3\\}", "\\{3,2,1\\}", "\\{1,2,3,3\\}"],
    ["[0,1]\\cup[\\frac12,2]", "0\\le x\\le2", "[0,2]", "\\{x : 0 \\le x \\le 2\\}"],
    ["\\emptyset", "\\{\\}", "x<1 and x>2"],
    ["(-\\infty,\\infty)", "\\mathbb{R}", "x<2 or x>1", "all real numbers"],
    ["x>\\sqrt8", "(2\\sqrt2,\\infty)"],
]


@pytest.mark.parametrize("texts", SAME)
def test_one_set(texts):
    assert all(equal_sets(the_set(texts[0]), the_set(text)) for text in texts)


def test_other_sets():
    firsts = [the_set(texts[0]) for texts in SAME]
    assert [one for one in firsts if sum(equal_sets(one, other) for other in firsts) != 1] == []
    assert not equal_sets(the_set("x>2"), the_set("y>2")) and not equal_sets(the_set("[1,2]"), the_set("\\{1,2\\}"))


@pytest.mark.parametrize("text", ["(2,1)", "(1,i)", "1,2", "(1,2,3)", "(1,a)", "5"])
def test_no_real_sets(text):
    assert as_real_set(read(bare(text))) is None
