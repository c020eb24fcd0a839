"""The log of changes tells each reader all that came since its own last look."""

from __future__ import annotations

from collections import deque
from typing import Any

from mfa_gate.core.model import SubjectKey
from mfa_gate.storage import EVERYTHING, Changed, Reader
from mfa_gate.stores.common.change_log import KEPT, ChangeLog, told

ONE, TWO = SubjectKey("t", "one"), SubjectKey("t", "two")


class Looks:
    """A reader of a log."""

    def __init__(self, log: ChangeLog | None) -> None:
        self.log = log
        self._reader = Reader()

    def changed(self) -> Changed:
        """Look."""
        return told(self.log, self._reader)


def test_readers_take_nothing_from_each_other() -> None:
    """A reader that looks seldom hears of as much as one that looks often."""
    log = ChangeLog()
    often, seldom = Looks(log), Looks(log)
    assert often.changed() is seldom.changed() is EVERYTHING
    for key in (ONE, TWO, ONE):
        log.note(key)
        assert often.changed() == frozenset({key})
        assert often.changed() == frozenset()
    assert seldom.changed() == frozenset({ONE, TWO})
    assert seldom.changed() == frozenset()
    log.note(TWO)
    log.note(None)
    log.note(ONE)
    assert often.changed() is seldom.changed() is EVERYTHING
    assert often.changed() == seldom.changed() == frozenset()


def test_who_was_away_too_long_forgets_all() -> None:
    """S-122: so many are kept, and one more is everything."""
    log = ChangeLog()
    log.note(ONE)
    readers = [Looks(log) for _ in range(2)]
    for reader in readers:
        reader.changed()
    for _ in range(KEPT):
        log.note(TWO)
    assert readers[0].changed() == frozenset({TWO})
    log.note(TWO)
    assert readers[1].changed() is EVERYTHING
    assert readers[1].changed() == frozenset()


def test_another_log_is_everything() -> None:
    """A store that was opened anew reports that everything may have changed.

    It has a log of its own. While no log can tell, all may have changed, at each look.
    """
    reader = Looks(ChangeLog())
    found = []
    for log in (reader.log, None, None, ChangeLog()):
        reader.log = log
        found.append((reader.changed(), reader.changed()))
    assert found == [(EVERYTHING, frozenset()), (EVERYTHING,) * 2, (EVERYTHING,) * 2, (EVERYTHING, frozenset())]


def test_nothing_is_missed_meanwhile() -> None:
    """A change that comes while nobody could know is heard afterwards."""
    log = ChangeLog()
    reader = Looks(log)
    reader.changed()
    reader.log = None
    log.note(ONE)
    assert reader.changed() is EVERYTHING
    reader.log = log
    assert reader.changed() == frozenset({ONE})


def test_a_change_that_comes_while_it_is_read() -> None:
    """A reader whose look another thread crosses hears "everything", and nothing of it twice."""
    log = ChangeLog()
    reader = Looks(log)
    reader.changed()
    log.note(ONE)

    class Crossed(deque[Any]):
        """Gets one more while it is looked through."""

        def __reversed__(self) -> Any:
            raise RuntimeError("deque mutated during iteration")

    log._changes = Crossed(log._changes)
    assert reader.changed() is EVERYTHING
    assert reader.changed() == frozenset()
