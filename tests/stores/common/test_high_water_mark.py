"""The memory of a process and of a machine of how far the store had come.

By it a store is recognized as an older copy (F-38, S-123).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.stores.common.generation_file import GenerationFile, Memory
from mfa_gate.stores.common.high_water_mark import HighWaterMark
from mfa_gate.stores.redis.timing import USUAL


def past(*, noted: dict[float, dict[str, int]], looked: dict[float, dict[str, int]]) -> HighWaterMark:
    """Make the mark that results from notices heard and from looks, each at its time."""
    made = HighWaterMark("Redis", part="tenant", settled_after=60.0, noted_together=5.0)
    made.begin("id", 0)
    for at in sorted({*noted, *looked}):
        for tenant, number in noted.get(at, {}).items():
            made.note(tenant, number, at)
        if at in looked:
            made.compare(looked[at], at)
    return made


def test_what_was_there_a_minute_ago_is_missed() -> None:
    """A tenant that has come less far than a minute before the outage shows an older copy.

    So does a tenant that is gone.
    """
    known = past(noted={0: {"a": 5}, 50: {"a": 9}}, looked={61: {"a": 9, "b": 1}})
    assert (known.is_behind("a", 4), known.is_behind("a", 5), known.is_behind("b", 0)) == (True, False, False)
    for found in ({"a": 4, "b": 1}, {"b": 1}):
        known.compare(found, 70)
        assert "older copy" in known.trouble
        assert "mfa-gate store accept" in known.trouble
    known.compare({"a": 9, "b": 1}, 71)
    assert known.trouble == ""


@pytest.mark.parametrize("away", [1, 59, 3_600])
def test_what_a_failover_lost_is_not_missed(away: int) -> None:
    """The changes of a minute may be lost, however long the servers were away.

    F-3. A lost change does not settle later.
    """
    known = past(noted={0: {"a": 5}, 62: {"a": 9}}, looked={61: {"a": 5}, 63 + away: {"a": 6}})
    assert known.trouble == ""
    for later in (100, 200, 300):
        known.compare({"a": 6}, 63 + away + later)
        assert known.trouble == ""
    assert known.settled == {"a": 6}


def test_the_first_change_of_a_tenant_may_be_lost() -> None:
    """A tenant whose only change a failover has lost is not missed later (F-3)."""
    known = past(noted={0: {"a": 1}, 50: {"b": 2}}, looked={10: {}, 61: {"b": 2}, 130: {"b": 2}})
    assert (known.trouble, known.settled) == ("", {"b": 2})


def test_what_is_too_young_for_one_is_old_enough_for_the_other() -> None:
    """A change that has not settled before an outage is still in the ledger.

    It is at most as old as the ledger keeps.
    """
    assert USUAL.settled_after + USUAL.look_every + 5 < USUAL.kept_for
    known = past(
        noted={float(at): {"a": at} for at in range(1, 121)}, looked={30.0 * n: {"a": 30 * n} for n in range(5)}
    )
    assert 120 - USUAL.settled_after - 5 <= known.settled["a"] <= 120 - USUAL.settled_after + 5


def test_what_is_remembered_of_the_recent_is_bounded() -> None:
    """S-122: while nobody can look, notices of an hour are not kept one by one."""
    known = past(noted={float(at): {"a": at} for at in range(3_600)}, looked={})
    assert len(known._recent) <= 60


def test_an_accepted_copy_begins_anew() -> None:
    """The memory from before an operator accepted a copy counts no more.

    F-38. An older acceptance is no news.
    """
    known = past(noted={0: {"a": 5}}, looked={61: {"a": 5}, 70: {"a": 1}})
    known.begin("id", 0)
    assert known.trouble
    known.begin("id", 1_000)
    assert (known.trouble, known.settled, known.memory()) == ("", {}, Memory("id", 1_000, {}))
    known.compare({"a": 1}, 80)
    assert known.trouble == ""
    known.recall(Memory("id", 0, {"a": 5}))
    known.recall(Memory("other", 2_000, {"a": 5}))
    assert known.settled == {}
    known.recall(Memory("id", 1_000, {"a": 1}))
    assert known.is_behind("a", 0)


def test_a_marker_only_ever_learns(tmp_path: Path) -> None:
    """No process takes back from the marker what another process remembered.

    Several processes keep one file. Only a later acceptance begins it anew.
    """
    marker = GenerationFile(str(tmp_path / "marker"), server="Redis")
    assert marker.read() is None
    marker.keep(Memory("id", 0, {"a": 5, "ä\n": 1}))
    marker.keep(Memory("id", 0, {"a": 4, "b": 2}))
    assert marker.read() == Memory("id", 0, {"a": 5, "b": 2, "ä\n": 1})
    marker.keep(Memory("other", 9, {"a": 50}))
    assert marker.require("id") == Memory("id", 0, {"a": 5, "b": 2, "ä\n": 1})
    marker.keep(Memory("id", 7, {"a": 1}))
    marker.keep(Memory("id", 0, {"a": 5}))
    assert marker.read() == Memory("id", 7, {"a": 1})
    assert (tmp_path / "marker").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["marker"]


def test_a_marker_is_written_where_something_changed(tmp_path: Path) -> None:
    """A store at rest writes nothing."""
    marker = GenerationFile(str(tmp_path / "marker"), server="Redis")
    marker.keep(Memory("id", 0, {"a": 5}))
    first = (tmp_path / "marker").stat().st_ino
    marker.keep(Memory("id", 0, {"a": 5}))
    assert (tmp_path / "marker").stat().st_ino == first
    marker.keep(Memory("id", 0, {"a": 6}))
    assert (tmp_path / "marker").stat().st_ino != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"store": "other", "restored_at": 0, "numbers": {}}), "another store.*delete .*marker"),
        ("", "damaged"),
        ("[]", "damaged"),
        (json.dumps({"store": "id", "restored_at": 0, "numbers": {"a": "x"}}), "damaged"),
    ],
)
def test_a_marker_that_does_not_fit_stops_the_start(tmp_path: Path, text: str, message: str) -> None:
    """A marker that cannot be read, or is of another store, stops the start.

    S-123. The error says the way on. The marker is never passed over.
    """
    (tmp_path / "marker").write_text(text)
    with pytest.raises(SettingsError, match=message):
        GenerationFile(str(tmp_path / "marker"), server="Redis").require("id")


def test_a_marker_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    """A directory that is not there is told at the start, and makes no trouble later on."""
    marker = GenerationFile(str(tmp_path / "none" / "marker"), server="Redis")
    with pytest.raises(SettingsError, match="cannot be written"):
        marker.require("")
    marker.keep(Memory("id", 0, {}))


def test_no_store_where_there_was_one(tmp_path: Path) -> None:
    """F-6: an emptied Redis is no new store where a marker remembers one."""
    marker = GenerationFile(str(tmp_path / "marker"), server="Redis")
    marker.keep(Memory("id", 0, {}))
    with pytest.raises(SettingsError, match="no store, but there was one"):
        marker.require("")


def test_a_marker_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder in its place is told with the reason; it is no store that was never there."""
    (tmp_path / "marker").mkdir()
    with pytest.raises(SettingsError, match=r"marker .* cannot be read: Is a directory"):
        GenerationFile(str(tmp_path / "marker"), server="Redis").read()


def test_changes_close_to_each_other_settle_together() -> None:
    """Those within some seconds of the first, with the highest number of each tenant."""
    mark = HighWaterMark("Redis", settled_after=60.0, noted_together=5.0)
    mark.begin("id", 0)
    for at, number in ((0.0, 5), (4.9, 4), (5.0, 7), (9.9, 8)):
        mark.note("a", number, at)
    assert [(at, numbers) for at, numbers in mark._recent] == [(0.0, {"a": 5}), (5.0, {"a": 8})]
    assert mark.newest == {"a": 8}
    for now, settled in ((59.9, {}), (60.0, {"a": 5}), (64.9, {"a": 5}), (65.0, {"a": 8})):
        mark.compare({"a": 8}, now)
        assert mark.settled == settled, now


def test_a_change_that_was_lost_never_settles() -> None:
    """A number that a later look does not find is forgotten.

    Others of the same moment are not.
    """
    mark = HighWaterMark("Redis", settled_after=60.0, noted_together=5.0)
    mark.begin("id", 0)
    mark.note("a", 5, 0.0)
    mark.note("b", 5, 0.0)
    mark.compare({"a": 4, "b": 5}, 10.0)
    mark.compare({"a": 9, "b": 9}, 60.0)
    assert mark.settled == {"b": 5}


@pytest.mark.parametrize(
    ("store_id", "restored_at", "is_kept"), [("id", 5, True), ("id", 4, True), ("id", 6, False), ("other", 5, False)]
)
def test_numbers_from_before(store_id: str, restored_at: int, is_kept: bool) -> None:
    """Those of another store, or of the time before an acceptance, are dropped."""
    mark = HighWaterMark("Redis", settled_after=60.0, noted_together=5.0)
    mark.begin("id", 5)
    mark.note("a", 5, 0.0)
    mark.settled["a"], mark.trouble = 5, "old"
    mark.begin(store_id, restored_at)
    assert bool(mark.settled and mark.newest and mark._recent and mark.trouble) is is_kept
    assert (mark.store_id, mark.restored_at) == (("id", 5) if is_kept else (store_id, restored_at))


@pytest.mark.parametrize(
    ("memory", "settled", "restored_at"),
    [
        (Memory("id", 5, {"a": 9, "b": 1}), {"a": 9, "b": 1}, 5),
        (Memory("id", 7, {"a": 2}), {"a": 5}, 7),
        (Memory("id", 4, {"a": 9}), {"a": 5}, 5),
        (Memory("other", 9, {"a": 9}), {"a": 5}, 5),
    ],
)
def test_what_a_machine_remembers(memory: Memory, settled: dict[str, int], restored_at: int) -> None:
    """The higher number of each tenant; nothing of another store or of an older copy."""
    mark = HighWaterMark("Redis", settled_after=60.0, noted_together=5.0)
    mark.begin("id", 5)
    mark.settled["a"] = 5
    mark.recall(memory)
    assert (mark.settled, mark.restored_at) == (settled, restored_at)
    assert mark.memory() == Memory("id", restored_at, settled)
