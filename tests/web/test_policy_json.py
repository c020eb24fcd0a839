"""The policy and its history as JSON: every member, with what is unknown as null."""

from __future__ import annotations

from dataclasses import replace

from mfa_gate.service.admin.policy import PolicyDocument
from mfa_gate.service.policy_approvals import Approval
from mfa_gate.service.policy_archive import Entry
from mfa_gate.service.waiting_policies import APPROVAL_LIFE
from mfa_gate.web.policy_json import approval_json, entry_json, policy_json
from mfa_gate.web.responses import stamp
from tests.harness import POLICY

ENTRY = Entry(at=0, app="shop", name="clinic", digest="d", by="start", differences=3, looser=("a: 1 -> 2",))


def test_a_change_of_the_history() -> None:
    """An uncounted change has null differences; none is 0."""
    assert entry_json(ENTRY) == {
        "at": "1970-01-01T00:00:00Z",
        "app": "shop",
        "name": "clinic",
        "digest": "d",
        "by": "start",
        "differences": 3,
        "looser": ["a: 1 -> 2"],
    }
    assert [entry_json(replace(ENTRY, differences=count))["differences"] for count in (-1, 0, 1)] == [None, 0, 1]


def test_the_word_of_a_person() -> None:
    """With its reason and its end."""
    approval = Approval(by="boss", tenant="alpha", at=0, reason="read it")
    assert approval_json(approval) == {
        "by": "boss",
        "at": "1970-01-01T00:00:00Z",
        "reason": "read it",
        "ends_at": stamp(APPROVAL_LIFE),
    }


def test_the_policy_in_force() -> None:
    """Without an entry in the history nobody knows since when.

    A text that is not for the reader is null.
    """
    found = PolicyDocument(
        policy=POLICY,
        since=ENTRY,
        history=(ENTRY,),
        waiting=(),
        apart=("shop: x",),
        sees_all=True,
        may_approve=True,
        text="version = 1",
    )
    assert policy_json(found) == {
        "name": "tests",
        "digest": "0" * 64,
        "mode": "enforce",
        "since": "1970-01-01T00:00:00Z",
        "by": "start",
        "text": "version = 1",
        "history": [entry_json(ENTRY)],
        "waiting": [],
        "differing": ["shop: x"],
        "may_approve": True,
    }
    less = policy_json(replace(found, since=None, text="", may_approve=False))
    assert (less["since"], less["by"], less["text"], less["may_approve"]) == (None, None, None, False)
