"""The pages of the policy in every state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mfa_gate.core.rules import Policy
from mfa_gate.service.admin.policy import PolicyDocument, WaitingDocument
from mfa_gate.service.policy_approvals import Approval
from mfa_gate.service.policy_archive import Entry
from mfa_gate.service.waiting_policies import WaitingChange, WaitingPolicy
from mfa_gate.web.views import Frame, Problem
from mfa_gate.web.views.admin import Desk
from mfa_gate.web.views.policy import AdminPolicy

DIGESTS = ("3f8a" * 16, "91bc" * 16)
WITNESS = "POST /payout/1 by staff, an authenticator app three days old: asked before, passes now"
TEXT = 'version = 1\nname = "northwind"\nowner = "security@example.org"\n\n[freshness]\nmax_age = "1d"\n'


def policy_pages(frame: Frame, desk: Desk, now: int) -> Iterator[tuple[str, Any, Frame]]:
    """One that waits, one that was approved, workers that differ, and a day that is none."""
    desk = replace(desk, rights=(*desk.rights, "policy"), place="policy")
    newest = Entry(at=now - 86_400, app="", name="northwind", digest=DIGESTS[0], by="file changed", differences=3)
    first = Entry(at=now - 9_000_000, app="", name="northwind", digest=DIGESTS[1], by="start")
    looser = replace(newest, at=now - 5_000_000, differences=2, looser=("clinic: freshness.max_age: 12h -> 7d",))
    waiting = WaitingPolicy(
        app="",
        name="northwind",
        digest="5d20" * 16,
        since=now - 3_600,
        needed=2,
        changes=(
            _change("", "freshness.max_age", "1d", "7d", "looser", WITNESS),
            _change("clinic", "audit.retention", "for good", "400d", "looser"),
            _change("", "attempts.max", "7", "5", "stricter", WITNESS),
            _change("", "brand.accent", "#0b5fff", "#123456", "neutral"),
        ),
        more=2,
    )
    word = Approval(by="eve@clinic.example", tenant="clinic", at=now - 600, reason="reviewed with the clinic")
    found = PolicyDocument(
        policy=Policy(name="northwind", text=TEXT, digest=DIGESTS[0]),
        since=newest,
        history=(newest, looser, first),
        waiting=(),
        apart=(),
        sees_all=True,
        may_approve=True,
        text=TEXT,
    )
    one = WaitingDocument(policy=waiting, approvals=(word,), is_own=False)
    page = AdminPolicy(desk=desk, found=found)
    wrong = replace(frame, problems=(Problem(reason="reason_stated", field="reason"),))
    yield (
        "admin-policy-no-reason",
        replace(page, found=replace(found, waiting=(one,)), open_form=waiting.digest),
        wrong,
    )
    own = replace(one, is_own=True, policy=replace(waiting, changes=(), is_compared=False))
    differing = ("the app: northwind (3f8a3f8a3f8a)", "the app: northwind (91bc91bc91bc)")
    yield "admin-policy-own", replace(page, found=replace(found, waiting=(own,), apart=differing)), frame
    done = replace(one, approvals=(word, replace(word, by="adam@clinic.example")))
    few = replace(found, waiting=(done,), sees_all=False, may_approve=False, text="")
    yield "admin-policy-approved", replace(page, found=few, typed_at="soon", wrong=True), frame


def _change(tenant: str, path: str, old: str, new: str, change: str, witness: str = "") -> WaitingChange:
    return WaitingChange(tenant=tenant, path=path, old=old, new=new, change=change, witness=witness)
