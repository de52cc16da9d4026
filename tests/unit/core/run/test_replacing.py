"""A result is replaced by the next one whole, wherever the process that does it is killed."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from data.errors import InputError
from stages.core.run.manifest import file_digests, files_digest, verify, write_atomically
from stages.core.run.replacing import METRICS, NEXT, alone, draft, replace_result, settle, verified

CHANGES = ("rename", "replace", "unlink", "rmdir", "mkdir", "fsync")


def result(folder: Path, text: str, final: bool = False) -> dict:
    """A payload and metrics, as drafts or in their place, and the manifest of the payload."""
    payload = folder / "model" if final else draft(folder, "model")
    payload.mkdir(parents=True)
    (payload / "weights").write_text(text)
    (folder / METRICS if final else draft(folder, METRICS)).write_text(text)
    files = file_digests(payload, "model")
    return {"payload": "model", "files": files, "digest": files_digest(files), "text": text}


def found(folder: Path) -> str:
    """Which result is there; all of it is."""
    text = verified(folder)["text"]
    assert (folder / "model/weights").read_text() == (folder / METRICS).read_text() == text
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stage with an old result, a trainer's state and a mark."""
    write_atomically(tmp_path / "manifest.json", json.dumps(result(tmp_path, "old", final=True)))
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer/state").touch()
    (tmp_path / ".complete.0123").touch()
    return tmp_path


def dies_before(number: int, folder: Path, manifest: dict) -> bool:
    """Replace the result in a process that is gone before its number-th change on the disk; whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = iter(range(number))

    def counted(call):
        return lambda *args, **kwargs: os._exit(9) if next(left, None) is None else call(*args, **kwargs)

    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))
    replace_result(folder, manifest)
    os._exit(0)


def test_a_kill_anywhere_leaves_one_of_the_two(folder):
    seen = []
    for number in range(100):
        manifest = result(folder, f"new {number}")
        died = dies_before(number, folder, manifest)
        seen.append(found(folder) == manifest["text"])
        settle(folder)
        verify(folder)
        for leftover in (draft(folder, "model"), draft(folder, METRICS)):
            if leftover.is_dir():
                (leftover / "weights").unlink()
                leftover.rmdir()
            else:
                leftover.unlink(missing_ok=True)
        if not died:
            break
        (folder / "trainer").mkdir(exist_ok=True)
        (folder / "trainer/state").touch()
        (folder / ".complete.0123").touch()
    assert number > 8 and seen == sorted(seen) and {*seen} == {False, True}  # from some moment on it is the new one
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "model", METRICS}


def test_half_a_replacement_is_finished_by_whoever_verifies(folder):
    manifest = result(folder, "new")
    (folder / NEXT).write_text(json.dumps(manifest))
    assert found(folder) == "new" and not (folder / NEXT).exists()


def test_two_never_finish_it_at_once(folder):
    write_atomically(folder / NEXT, "{}")
    with alone(os.open(folder / NEXT, os.O_RDWR)):
        other = os.open(folder / NEXT, os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_payload_that_is_a_link_is_replaced_itself(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk") / "model"
    (folder / "model").rename(elsewhere)
    (folder / "model").symlink_to(elsewhere)
    assert found(folder) == "old"
    replace_result(folder, result(folder, "new"))
    assert found(folder) == "new" and (elsewhere / "weights").read_text() == "old"


@pytest.mark.parametrize("payload", ["../../..", "/etc", "", None, 3, ["model"]])
def test_a_manifest_names_no_other_folder(folder, payload):
    manifest = verify(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest | {"payload": payload}))
    with pytest.raises(InputError, match="manifest.json: `?payload"):
        verified(folder)
