"""The name and the answers of each call, for the OpenAPI document: one row a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.people_search import WORDS as PEOPLE_WORDS
from ...core.trail_search import WORDS
from ...service.admin.actions import ACTIONS
from .table import ACCOUNTS


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the document.

    It has operation id, summary, status, schemas of the answer, query parameters, and other good statuses.
    """

    id: str
    summary: str
    status: int
    answers: tuple[str, ...]
    query: tuple[str, ...] = ()
    also: tuple[int, ...] = ()


ANSWERS: Mapping[tuple[str, str], Told] = {
    ("GET", "/state"): Told("getState", "Tell where the caller stands.", 200, ("Standing",)),
    ("POST", "/challenge"): Told(
        "createChallenge", "Issue a challenge; what sends a code sends it now.", 201, ("IssuedChallenge",)
    ),
    ("GET", "/challenge/{id}"): Told(
        "getChallenge", "Tell whether a challenge was answered elsewhere.", 200, ("ChallengeStatus",)
    ),
    ("POST", "/verify"): Told("verify", "Answer with a code, a backup code or a passkey.", 200, ("Standing",)),
    ("POST", "/enroll"): Told("beginEnrollment", "Begin to set up an authenticator.", 201, ("Draft",)),
    ("POST", "/enroll/confirm"): Told(
        "confirmEnrollment", "Try the new authenticator out, which binds it.", 201, ("Enrolled",)
    ),
    ("POST", "/enroll/skip"): Told("skipEnrollment", "Put the set-up off while it is optional.", 200, ("Standing",)),
    ("GET", "/authenticators"): Told("listAuthenticators", "List the authenticators.", 200, ("AuthenticatorList",)),
    ("PATCH", "/authenticators/{id}"): Told(
        "updateAuthenticator", "Rename an authenticator, or make it the default.", 200, ("Authenticator",)
    ),
    ("DELETE", "/authenticators/{id}"): Told("removeAuthenticator", "Remove an authenticator.", 204, ()),
    ("POST", "/backup-codes"): Told(
        "createBackupCodes", "Make a new set of backup codes; the old one ends.", 201, ("BackupCodeSet",)
    ),
    ("GET", "/browsers"): Told("listBrowsers", "List the remembered browsers and clients.", 200, ("BrowserList",)),
    ("DELETE", "/browsers/{id}"): Told("forgetBrowser", "Forget a browser or client.", 204, ()),
    ("GET", "/agreement"): Told("getAgreement", "Read the agreement.", 200, ("Agreement",)),
    ("POST", "/agreement"): Told("acceptAgreement", "Accept the version that was read.", 200, ("Standing",)),
    ("POST", "/recovery"): Told("requestRecovery", "Ask the administrators for help.", 202, ("RecoveryRequest",)),
    ("POST", "/recovery/begin"): Told(
        "beginAnew", "Remove the lost authenticators after the wait that nobody stopped.", 200, ("Standing",)
    ),
    ("GET", "/admin/accounts"): Told(
        "listAccounts", "List accounts.", 200, ("AccountList",), (*PEOPLE_WORDS, "sort", "after", "limit", "tenant")
    ),
    ("GET", f"{ACCOUNTS}{{id}}"): Told("getAccount", "Show one account.", 200, ("Account",), ("tenant",)),
    ("GET", f"{ACCOUNTS}{{id}}/data"): Told(
        "getAccountData", "Give all that is known of one person.", 200, ("PersonData",), ("tenant",)
    ),
    ("GET", "/admin/leavers"): Told(
        "listLeavers",
        "List people whom the directory no longer knows.",
        200,
        ("AccountList",),
        ("after", "limit", "tenant"),
    ),
    ("GET", "/admin/tenant"): Told(
        "getTenant", "Show the settings of a tenant.", 200, ("TenantSettings",), ("tenant",)
    ),
    ("PATCH", "/admin/tenant"): Told(
        "updateTenant", "Turn the tenant on, or choose its factors.", 200, ("TenantSettings", "TenantName"), ("tenant",)
    ),
    ("POST", "/admin/tenant/end-sessions"): Told(
        "endSessionsTenant", "End every proof of the tenant's people.", 200, ("TenantName",), ("tenant",)
    ),
    ("POST", "/admin/tenant/remind"): Told(
        "remindTenant", "Mail everybody who has nothing set up, once a day.", 202, ("Reminded",), ("tenant",)
    ),
    ("POST", "/admin/tenant/test-message"): Told(
        "sendTestMessage", "Send a test message to one's own address.", 202, ("Delivery",), ("tenant",)
    ),
    ("GET", "/admin/reports/{id}"): Told("getReport", "Read a report.", 200, ("Report",), ("tenant",)),
    ("GET", "/admin/events"): Told(
        "listEvents", "Read the trail.", 200, ("EventList",), (*WORDS, "after", "limit", "tenant")
    ),
    ("GET", "/admin/policy"): Told(
        "getPolicy", "Show the policy in force, those before it, and what waits.", 200, ("PolicyInForce",), ("at",)
    ),
    ("POST", "/admin/policy/approve"): Told(
        "approvePolicy", "Approve a looser policy that waits.", 200, ("PolicyInForce",)
    ),
}


def told_of(method: str, place: str, summary: str) -> Told:
    """Return the row of a call.

    An act on an account has one made of its address and of the ``summary`` of its action.
    """
    row = ANSWERS.get((method, place))
    if row is not None:
        return row
    tail = place.removeprefix(f"{ACCOUNTS}{{id}}").removesuffix("{part}")
    action = next(action for action in ACTIONS.values() if action.place == tail)
    words = action.name if action.part else tail[1:].replace("/", "-")
    first, *others = words.split("-")
    name = f"{first}{''.join(word.title() for word in others)}Account"
    also, query = (202,) if action.needs_two else (), ("tenant", "reason") if action.part else ("tenant",)
    if action.gives_ticket:
        return Told(name, summary, 201, ("EnrollmentTicket",), query)
    if action.erases:
        return Told(name, summary, 200, ("Erased", "Account", "AccountName"), query, also)
    return Told(name, summary, 200, ("Account", "AccountName"), query, also)
