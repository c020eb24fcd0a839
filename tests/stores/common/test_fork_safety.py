"""Each store hears of a fork once, in the parent and in the child."""

from __future__ import annotations

import gc
import os

from mfa_gate.stores.common.fork_safety import watch


class Heard:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def before_fork(self) -> None:
        """Note the moment before."""
        self.told.append("before")

    def after_fork(self, *, child: bool) -> None:
        """Note on which side the process goes on."""
        self.told.append("child" if child else "parent")


def test_a_fork_is_told_once() -> None:
    """However many stores there are, and however often one is watched."""
    heard = [Heard() for _ in range(3)]
    for one in (*heard, heard[0]):
        watch(one)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if [one.told for one in heard] == [["before", "child"]] * 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert [one.told for one in heard] == [["before", "parent"]] * 3


def test_a_store_that_is_gone_is_not_kept() -> None:
    """To be watched keeps no store alive."""
    told = (one := Heard()).told
    watch(one)
    del one
    gc.collect()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert told == []
