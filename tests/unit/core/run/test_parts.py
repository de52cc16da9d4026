"""Finished parts: kept by call, whole or not at all, never those of another call."""

import pytest

from stages.core.run.parts import Parts


def test_parts_are_there_again_for_the_same_call(tmp_path):
    first = Parts(tmp_path).of("checkpoint").of(["a prompt"], 4, (1.0, 8))
    first.add({0: [["text \ufffd \u2028", 3, True]]})
    first.add({1: "b", 2: "c"})
    assert Parts(tmp_path).of("checkpoint").of(["a prompt"], 4, (1.0, 8)).values == first.values
    assert Parts(tmp_path).files() == 2


@pytest.mark.parametrize("call", [(["another"], 4), (["a prompt"], 5), (["a prompt"],), (["a prompt", "a prompt"], 4)])
def test_another_call_has_none(tmp_path, call):
    Parts(tmp_path).of(["a prompt"], 4).add({0: "a"})
    assert Parts(tmp_path).of(*call).values == {}


@pytest.mark.parametrize("damage", ["", "[", "[[0]]", "3", '[["x", 1]]', "\u00e9"])
def test_a_damaged_file_is_no_part(tmp_path, damage):
    parts = Parts(tmp_path)
    parts.add({0: "a"})
    parts.add({1: "b"})
    (tmp_path / "1.json").write_text(damage, encoding="latin-1")
    again = Parts(tmp_path)
    assert again.values == {0: "a"}
    again.add({1: "b"})
    assert Parts(tmp_path).values == {0: "a", 1: "b"}


def test_what_a_kill_left_behind_is_no_part(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.replace", lambda draft, target: None)
    Parts(tmp_path).add({0: "a"})
    assert list(tmp_path.iterdir()) and Parts(tmp_path).values == {} and Parts(tmp_path).files() == 0


def test_without_a_folder_they_last_as_long_as_the_object():
    parts = Parts().of("call")
    parts.add({0: "a"})
    assert parts.values == {0: "a"} and Parts().of("call").values == {} and Parts().files() == 0
