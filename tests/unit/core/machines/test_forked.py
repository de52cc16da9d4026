"""Work in forked processes: the results of one process, in order, and no child that is left behind."""

import os
import signal
from multiprocessing import active_children

import pytest
import torch

from data.errors import InputError
from stages.core.machines.forked import in_forked
from stages.core.run.stopping import Stopped


@pytest.fixture(autouse=True)
def no_child_is_left():
    yield
    assert not active_children()


@pytest.mark.parametrize("processes", [1, 2, 8])
def test_the_results_are_in_the_order_of_the_items(processes):
    seen = []  # by this process alone

    def work(item):
        seen.append(item)
        return item * item, os.getpid()

    found = list(in_forked(work, range(5), processes))
    assert [square for square, _ in found] == [0, 1, 4, 9, 16]
    if processes == 1:
        assert {pid for _, pid in found} == {os.getpid()} and seen == list(range(5))
    else:
        assert os.getpid() not in {pid for _, pid in found} and not seen


def test_a_single_item_is_not_worth_a_process():
    assert list(in_forked(lambda item: os.getpid(), [0], 2)) == [os.getpid()]
    assert list(in_forked(lambda item: os.getpid(), [], 2)) == []


def test_a_child_computes_on_one_thread_whatever_its_parent_has_done():
    one = torch.ones(512, 512)
    (one @ one).sum().item()  # OpenMP's threads are there now
    found = list(in_forked(lambda item: (torch.get_num_threads(), (one @ one)[0, 0].item()), range(4), 2))
    assert found == [(1, 512.0)] * 4


@pytest.mark.parametrize("error", [ValueError("bad"), Stopped()], ids=["an error", "a request to stop"])
def test_what_the_work_raises_is_raised(error):
    def work(item):
        if item == 1:
            raise error
        return item

    results = in_forked(work, range(3), 2)
    assert next(results) == 0
    with pytest.raises(type(error)):
        list(results)


def test_a_child_that_is_killed_is_not_waited_for():
    def work(item):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(InputError, match="was killed"):
        list(in_forked(work, range(2), 2))


def test_whoever_stops_asking_leaves_nobody_at_work():
    results = in_forked(lambda item: item or signal.pause(), [1, 0, 0], 2)  # the others never end
    assert next(results) == 1
    results.close()
