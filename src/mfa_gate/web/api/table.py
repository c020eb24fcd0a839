"""List all calls, by address and method."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.model import MAX_ID_BYTES
from ..forms import MAX_PROOF_BODY
from ..members import ASSERTION, ATTESTATION, members
from ..quoted_ids import id_in
from . import account, admin, challenge, enroll, impact, policy, reviews
from .calls import Call

CALLS: Mapping[str, Mapping[str, Call]] = {
    "/state": {"GET": Call(challenge.state, {})},
    "/challenge": {
        "POST": Call(challenge.challenge, members("authenticator", "user_verification"), ("authenticator",))
    },
    "/verify": {
        "POST": Call(
            challenge.verify,
            members("challenge", "authenticator", "remember", response=ASSERTION),
            ("response",),
            MAX_PROOF_BODY,
        )
    },
    "/enroll": {"POST": Call(enroll.enroll, members("factor", "phone", "label", "conditional"), ("factor",))},
    "/enroll/confirm": {
        "POST": Call(
            enroll.confirm,
            members("enrollment", response=ATTESTATION),
            ("enrollment", "response"),
            MAX_PROOF_BODY,
        )
    },
    "/enroll/skip": {"POST": Call(enroll.skip, {})},
    "/authenticators": {"GET": Call(account.authenticators, {})},
    "/backup-codes": {"POST": Call(account.backup_codes, {})},
    "/browsers": {"GET": Call(account.browsers, {})},
    "/agreement": {"GET": Call(account.agreement, {}), "POST": Call(account.agree, members("version"), ("version",))},
    "/recovery": {"POST": Call(account.recovery, members("about"), ("about",))},
    "/recovery/begin": {"POST": Call(account.begin_anew, {})},
    "/admin/accounts": {"GET": Call(reviews.accounts, {})},
    "/admin/leavers": {"GET": Call(reviews.leavers, {})},
    "/admin/tenant": {
        "GET": Call(admin.tenant, {}),
        "PATCH": Call(admin.set_tenant, members("enabled", "factors", "confirm")),
    },
    "/admin/tenant/end-sessions": {
        "POST": Call(admin.end_sessions, members("reason", "confirm"), ("reason", "confirm"))
    },
    "/admin/tenant/remind": {"POST": Call(admin.remind, {})},
    "/admin/tenant/test-message": {"POST": Call(admin.send_trial, {})},
    "/admin/events": {"GET": Call(admin.events, {})},
    "/admin/policy": {"GET": Call(policy.policy, {})},
    "/admin/policy/approve": {"POST": Call(policy.approve, members("digest", "reason"), ("digest", "reason"))},
    "/admin/reports/impact": {"GET": Call(impact.impact, {})},
}
ONE_OF: Mapping[str, Mapping[str, Call]] = {
    "/challenge/": {"GET": Call(challenge.challenge_status, {})},
    "/authenticators/": {
        "PATCH": Call(account.change, members("label", "default")),
        "DELETE": Call(account.remove, {}),
    },
    "/browsers/": {"DELETE": Call(account.forget, {})},
    "/admin/reports/": {"GET": Call(reviews.report, {})},
}

ACCOUNTS = "/admin/accounts/"
ON_ACCOUNT: Mapping[str, Mapping[str, Call]] = {
    **admin.ON_ACCOUNT,
    "/data": {"GET": Call(admin.person_data, {})},
    "": {"GET": Call(admin.account, {})},
}
ON_PART: Mapping[str, Mapping[str, Call]] = admin.ON_PART


def find(place: str) -> tuple[Mapping[str, Call], str, str] | None:
    """Find the calls of an address by method, with the names that it holds.

    The first name is the last segment, or the account. The second is the part of the account that stands behind it, else
    "". Returns None for an address without a call.
    """
    fixed = CALLS.get(place)
    if fixed is not None:
        return fixed, "", ""
    if place.startswith(ACCOUNTS):
        return _on_account(place)
    for start, calls in ONE_OF.items():
        rest = place.removeprefix(start)
        if rest != place and rest and "/" not in rest and len(rest) <= 64:
            return calls, rest, ""
    return None


def _on_account(place: str) -> tuple[Mapping[str, Call], str, str] | None:
    for action, calls in ON_ACCOUNT.items():
        middle = place.removeprefix(ACCOUNTS).removesuffix(action)
        if place == ACCOUNTS + middle + action and middle and "/" not in middle and len(middle) <= MAX_ID_BYTES:
            return calls, id_in(middle), ""
    for action, calls in ON_PART.items():
        middle, found, part = place.removeprefix(ACCOUNTS).partition(action)
        if found and middle and part and "/" not in middle + part and len(middle) <= MAX_ID_BYTES and len(part) <= 64:
            return calls, id_in(middle), part
    return None
