"""Others push out nothing that somebody has: challenges, drafts, kept browsers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core import changes
from mfa_gate.core.changes.bounds import kept_browsers, tidy
from mfa_gate.core.model import (
    MAX_BROWSERS,
    MAX_CLIENTS,
    MAX_ENROLLMENTS,
    MAX_ENROLLMENTS_OF_ALL,
    MAX_OTHERS_OF_ALL,
    Account,
    Browser,
    Leave,
)
from mfa_gate.core.rules import DAY

from .builders import HANDLE, NOW, WEEK, account, browser, moment, proof


def ask(of: Account, handle: str, *, at: int = NOW, data: dict[str, object] | None = None) -> Account:
    """A passkey challenge for a browser."""
    change = changes.issue(
        of,
        moment(at, nonce=handle.ljust(32)[:32].encode() + at.to_bytes(8)),
        factor="key",
        purpose="sign-in",
        target="key-1",
        browser=handle,
        data=data or {"c": 1},
        ttl=300,
        limits=None,
        live=3,
    )
    return change.account


def draft(of: Account, handle: str, factor: str = "app", *, at: int = NOW) -> Account:
    nonce = f"{handle}{factor}{at}".ljust(64)[:64].encode()
    return changes.begin_enrollment(
        of, moment(at, nonce=nonce), factor=factor, data={}, label="x", browser=handle, single=False
    ).account


def test_one_other_browser_takes_no_challenge_away() -> None:
    """A browser keeps its challenge however often another browser asks.

    The other browser keeps three.
    """
    of = ask(account("key"), HANDLE)
    for call in range(50):
        of = ask(of, "other", at=NOW + call)
    assert [c.browser for c in of.challenges if c.is_live(NOW + 50)] == [HANDLE, "other", "other", "other"]


def test_many_other_browsers_take_nothing_from_a_known_one() -> None:
    """A browser that has proven something keeps its challenge.

    Requests of browsers that have proven nothing do not push it out.
    """
    of = ask(account("key", proofs=(proof("key"),)), HANDLE)
    for call in range(50):
        of = ask(of, f"other {call}", at=NOW + call)
        assert of.challenges[-1].browser == f"other {call}"
    assert HANDLE in {c.browser for c in of.challenges}
    assert len(of.challenges) == MAX_OTHERS_OF_ALL


def test_drafts_are_counted_for_each_browser() -> None:
    """A browser has at most three drafts, and other browsers fill the rest.

    A browser with leave to enroll is not pushed out by browsers without it.
    """
    of = draft(account(leave=Leave(kind="contact", browser=HANDLE, at=NOW)), HANDLE)
    for n in range(5):
        of = draft(of, "other", f"f{n}")
    assert [e.factor for e in of.enrollments if e.browser == "other"] == [f"f{n}" for n in range(2, 5)]
    assert sum(e.browser == "other" for e in of.enrollments) == MAX_ENROLLMENTS
    for n in range(30):
        of = draft(of, f"stranger {n}")
        assert of.enrollments[-1].browser == f"stranger {n}"
    assert HANDLE in {e.browser for e in of.enrollments}
    assert len(of.enrollments) == MAX_ENROLLMENTS_OF_ALL


def row(name: str, *, age: int, label: str = "Firefox", kind: str = "browser", epoch: int = 0) -> Browser:
    proofs = (proof("app", age=age, epoch=epoch),)
    return replace(
        browser(*proofs), id=name, handle=name, label=label, kind=kind, last_used_at=NOW - age, created_at=NOW - age
    )


def names(browsers: tuple[Browser, ...]) -> set[str]:
    return {b.id for b in browsers}


@pytest.mark.parametrize("kind", ["browser", "client"])
def test_a_script_pushes_out_its_own_rows(kind: str) -> None:
    """A script that proves itself anew at each run leaves its owner's browsers in place.

    It runs fifty times in a week here.
    """
    rows: tuple[Browser, ...] = (row("desk", age=6 * DAY), row("phone", age=5 * DAY, label="Safari on iPhone"))
    for run in range(50):
        mine = row(f"run {run}", age=4 * DAY - run * 3600, label="python-httpx", kind=kind)
        rows = kept_browsers((*rows, mine), 0, NOW, max_age=WEEK)
        assert f"run {run}" in names(rows)
    assert {"desk", "phone"} <= names(rows)
    assert len(rows) == MAX_BROWSERS


def test_clients_have_a_share_where_there_is_no_room() -> None:
    """Ten clients fit; where browsers come, clients give way first, down to their share."""
    rows = tuple(row(f"c{n}", age=1000 - n, label=f"client {n}", kind="client") for n in range(MAX_BROWSERS))
    assert len(kept_browsers(rows, 0, NOW)) == MAX_BROWSERS
    for n in range(MAX_BROWSERS - MAX_CLIENTS):
        rows = kept_browsers((*rows, row(f"b{n}", age=100 - n, label=f"browser {n}")), 0, NOW)
    assert sum(b.kind == "client" for b in rows) == MAX_CLIENTS
    assert len(rows) == MAX_BROWSERS


@pytest.mark.parametrize(("clients", "gone"), [(MAX_CLIENTS + 1, "c0"), (MAX_CLIENTS, "b0")])
def test_clients_beyond_their_share_go_before_an_older_browser(clients: int, gone: str) -> None:
    """A script of yesterday is forgotten before the browser of last week.

    Within their share clients are as good.
    """
    young = [row(f"c{n}", age=900 - n, label=f"client {n}", kind="client") for n in range(clients)]
    old = [row(f"b{n}", age=5000 - n, label=f"browser {n}") for n in range(MAX_BROWSERS - clients)]
    rows = (*young, *old, row("new", age=0, label="new"))
    assert names(rows) - names(kept_browsers(rows, 0, NOW)) == {gone}


@pytest.mark.parametrize(("age", "epoch"), [(WEEK, 0), (60, 7)])
def test_what_counts_no_more_goes_first(age: int, epoch: int) -> None:
    """A browser without a proof that counts goes before a browser in use.

    A proof that is too old or of an ended epoch does not count. The time of the last use does not matter.
    """
    rows = tuple(row(f"b{n}", age=WEEK - 100 + n, label=f"l{n}") for n in range(MAX_BROWSERS - 1))
    dead = row("dead", label="l", age=age, epoch=epoch)
    kept = kept_browsers((*rows, dead, row("new", age=0, label="n")), 0, NOW, max_age=WEEK)
    assert names(kept) == names(rows) | {"new"}


def test_tidying_keeps_the_newest_row() -> None:
    """The browser that has just proven itself is never the one that goes."""
    rows = tuple(row(f"b{n}", age=1000 - n) for n in range(MAX_BROWSERS))
    of = replace(account("app"), browsers=(*rows, row("new", age=0)))
    assert "new" in names(tidy(of, NOW).browsers)
