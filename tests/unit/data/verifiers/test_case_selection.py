"""Which test cases are worth having, by what submissions make of them."""

from data.verifiers.case_selection import keep_problem, select_cases, telling_cases


def votes(right: int, *others: str | None) -> list[str | None]:
    return ["4"] * right + list(others)


def test_a_case_needs_seven_that_agree():
    outputs = [votes(10), votes(7, "1", "2", "3"), votes(6, "1", "1", "1", "1"), votes(3, *"5555555")]
    assert select_cases(outputs) == ([0, 1, 3], ["4", "4", "5"])
    assert select_cases(outputs, agree=10) == ([0], ["4"])
    assert select_cases([]) == ([], [])


def test_failures_do_not_agree():
    assert select_cases([[None] * 10, votes(3, *[None] * 7), votes(7, *[None] * 3)]) == ([2], ["4"])


def test_a_problem_needs_nine_that_pass_everything():
    one_wrong, two_wrong = [votes(9, "1"), votes(10)], [votes(9, "1"), ["1", *votes(9)]]
    assert keep_problem(one_wrong, [0, 1], ["4", "4"])
    assert not keep_problem(two_wrong, [0, 1], ["4", "4"])  # each fails on another case
    assert keep_problem(two_wrong, [0], ["4"])  # cases that were not kept do not count
    assert keep_problem(two_wrong, [0, 1], ["4", "4"], passed=8)


def test_a_problem_without_a_case_goes():
    assert not keep_problem([votes(5, *"12345")], [], [])


def test_a_case_that_no_wrong_submission_fails_tells_nothing():
    wrong = [["4", "4"], ["4", "5"], ["5", "4"], [None, "4"], [None, None]]
    assert telling_cases(wrong, ["4"] * 5) == [1, 2, 3, 4]
    assert telling_cases([["4"], ["5"]], [None, "4"]) == [1]
    assert telling_cases([[], []], ["4", "4"]) == [] == telling_cases([], [])
