"""The policy as JSON: the same documents for the desk's calls and the commands."""

from __future__ import annotations

from dataclasses import asdict

from ..service.admin.policy import PolicyDocument, WaitingDocument
from ..service.policy_approvals import Approval
from ..service.policy_archive import Entry
from .responses import stamp


def entry_json(entry: Entry) -> dict[str, object]:
    """Draw one change of the history."""
    return {
        "at": stamp(entry.at),
        "app": entry.app,
        "name": entry.name,
        "digest": entry.digest,
        "by": entry.by,
        "differences": None if entry.differences < 0 else entry.differences,
        "looser": list(entry.looser),
    }


def approval_json(approval: Approval) -> dict[str, object]:
    """Draw the word of one person."""
    return {
        "by": approval.by,
        "at": stamp(approval.at),
        "reason": approval.reason,
        "ends_at": stamp(approval.ends_at),
    }


def waiting_json(waiting: WaitingDocument) -> dict[str, object]:
    """Draw a policy that waits for approvals, with the changes that it would make."""
    policy = waiting.policy
    return {
        "app": policy.app,
        "name": policy.name,
        "digest": policy.digest,
        "since": stamp(policy.since),
        "compared": policy.is_compared,
        "changes": [asdict(change) for change in policy.changes],
        "more": policy.more,
        "needed": policy.needed,
        "approvals": [approval_json(one) for one in waiting.approvals],
        "approved_by_you": waiting.is_own,
    }


def policy_json(found: PolicyDocument) -> dict[str, object]:
    """Draw the policy in force, its history and what waits."""
    return {
        "name": found.policy.name,
        "digest": found.policy.digest,
        "mode": found.policy.base.mode,
        "since": stamp(found.since.at) if found.since else None,
        "by": found.since.by if found.since else None,
        "text": found.text or None,
        "history": [entry_json(entry) for entry in found.history],
        "waiting": [waiting_json(one) for one in found.waiting],
        "differing": list(found.apart),
        "may_approve": found.may_approve,
    }
