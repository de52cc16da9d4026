"""Whether an answer stands in a text."""

import pytest

from data.text.mention import stated


@pytest.mark.parametrize(
    ("answer", "text", "found"),
    [
        ("7", "3+4=7.", True), ("7", "17 or 70 or 717", False), ("7", "17, then 7", True), ("7", "x7", True),
        ("2+7", "12+7=19", False), ("2+7", "2+75", False), ("2+7", "12+7=19, 2+7=9", True),
        ("A", "Ann", False), ("A", "option A18", True), ("A", "a", False), ("no", "now, no", True),
        ("真", "p真q", True), ("真", "p假", False), (" 7 ", "7", True), ("", "7", False), ("7", "", False),
        ("11", "111", False), ("(x-3)*8", "so (x-3)*8.", True),
    ],
)  # fmt: skip
def test_stated(answer, text, found):
    assert stated(answer, text) is found
