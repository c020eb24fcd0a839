"""One table with the answer of each endpoint in each state.

Only the allowed cells succeed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mfa_gate.web import pages
from mfa_gate.web.api import table as api
from tests.attacks.stage import Crowd, crowd_of_all, submit
from tests.harness import FETCH

STATES = ("anonymous", "owes", "enroll", "fresh", "stale", "locked", "other user", "other tenant")
DESKS = ("owes", "fresh", "admin", "admin owes", "admin stale", "support", "foreign admin", "security")


PAGES = (
    "GET ",
    "GET /challenge",
    "GET /challenge/{totp}",
    "GET /challenge/help",
    "GET /enroll",
    "GET /enroll/totp",
    "GET /enroll/email",
    "GET /enroll/done",
    "GET /enroll/offer",
    "GET /confirm",
    "GET /backup-codes",
    "GET /agreement",
    "GET /recovery",
    "GET /locked",
    "GET /nothing",
)
FORMS: dict[str, dict[str, str]] = {
    "POST  rename": {"action": "rename", "authenticator": "{totp}", "label": "Other"},
    "POST  default": {"action": "default", "authenticator": "{email}"},
    "POST  remove": {"action": "remove", "authenticator": "{email}"},
    "POST  forget": {"action": "forget", "browser": "{browser}"},
    "POST /challenge send": {"authenticator": "{email}"},
    "POST /challenge/{email} send": {"action": "send"},
    "POST /challenge/{totp} right": {"code": "{totp_code}"},
    "POST /challenge/{totp} wrong": {"code": "000000"},
    "POST /challenge/{email} code": {"code": "{code}"},
    "POST /enroll skip": {"action": "skip"},
    "POST /enroll contact": {"action": "contact-send", "kind": "email"},
    "POST /enroll ticket": {"action": "ticket", "ticket": "00000-00000"},
    "POST /enroll/totp start": {"action": "start"},
    "POST /enroll/sms start": {"action": "start", "phone": "+12025550177"},
    "POST /enroll/sms confirm": {"enrollment": "{draft}", "code": "{sms_code}"},
    "POST /backup-codes make": {"action": "new"},
    "POST /agreement accept": {"accept": "1", "version": "1"},
    "POST /recovery ask": {"about": "lost it"},
    "POST /recovery begin": {"action": "begin"},
}
CALLS: dict[str, object] = {
    "GET /api/state": None,
    "GET /api/challenge/{challenge}": None,
    "GET /api/authenticators": None,
    "GET /api/browsers": None,
    "GET /api/agreement": None,
    "POST /api/challenge": {"authenticator": "{email}"},
    "POST /api/verify right": {"authenticator": "{totp}", "response": "{totp_code}"},
    "POST /api/verify wrong": {"authenticator": "{totp}", "response": "000000"},
    "POST /api/verify code": {"challenge": "{challenge}", "response": "{code}"},
    "POST /api/enroll totp": {"factor": "totp"},
    "POST /api/enroll sms": {"factor": "sms", "phone": "+12025550177"},
    "POST /api/enroll/confirm": {"enrollment": "{draft}", "response": "{sms_code}"},
    "POST /api/enroll/skip": {},
    "PATCH /api/authenticators/{totp}": {"label": "Other"},
    "DELETE /api/authenticators/{email}": None,
    "POST /api/backup-codes": {},
    "DELETE /api/browsers/{browser}": None,
    "POST /api/agreement": {"version": "1"},
    "POST /api/recovery": {"about": "lost it"},
    "POST /api/recovery/begin": {},
}
ADMIN_PAGES = (
    "GET /admin",
    "GET /admin/accounts",
    "GET /admin/accounts/lou",
    "GET /admin/tenant",
    "GET /admin/reports",
    "GET /admin/reports/adoption",
    "GET /admin/reports/lockouts",
    "GET /admin/audit",
    "GET /admin/reports/impact",
    "GET /admin/policy",
    "GET /admin/what-if",
    "GET /admin/what-if?account=lou",
)
_WHY = {"reason": "because", "ticket": "T-1"}
ADMIN_FORMS = {
    "POST /admin/accounts/lou unlock": {"action": "unlock", **_WHY},
    "POST /admin/accounts/ann lock": {"action": "lock", **_WHY},
    "POST /admin/accounts/ann reset": {"action": "reset", **_WHY},
    "POST /admin/accounts/new ticket": {"action": "ticket", **_WHY},
    "POST /admin/accounts/boss unlock": {"action": "unlock", **_WHY},
    "POST /admin/accounts/ann grant": {"action": "break-glass", "hours": "4", **_WHY},
    "POST /admin/accounts/ann confirm": {"action": "confirm", "ref": "x"},
    "POST /admin/accounts/boss grant": {"action": "break-glass", "hours": "4", **_WHY},
    "POST /admin/policy": {"digest": "x", "reason": "because"},
    "POST /admin/accounts remind": {"action": "remind", "pick-1": "new"},
    "POST /admin/accounts unlock": {"action": "unlock", "pick-1": "lou"},
    "POST /admin/many unlock": {"action": "unlock", "ids": "lou", **_WHY},
    "POST /admin/many forget": {"action": "forget", "ids": "ann", "sure": "yes", **_WHY},
    "POST /admin/tenant announce": {"action": "announced"},
    "POST /admin/tenant trial": {"action": "trial"},
    "POST /admin/tenant remind": {"action": "remind"},
}
ADMIN_CALLS: dict[str, object] = {
    "GET /api/admin/accounts": None,
    "GET /api/admin/accounts/lou": None,
    "GET /api/admin/tenant": None,
    "GET /api/admin/reports/adoption": None,
    "GET /api/admin/reports/lockouts": None,
    "GET /api/admin/events": None,
    "GET /api/admin/reports/impact": None,
    "GET /api/admin/policy": None,
    "POST /api/admin/policy/approve": {"digest": "x", "reason": "because"},
    "POST /api/admin/accounts/lou/unlock": {"reason": "because"},
    "POST /api/admin/accounts/ann/lock": {"reason": "because"},
    "POST /api/admin/accounts/ann/reset": _WHY,
    "POST /api/admin/accounts/new/ticket": {"reason": "because"},
    "POST /api/admin/accounts/boss/unlock": {"reason": "because"},
    "POST /api/admin/accounts/ann/break-glass": _WHY,
    "POST /api/admin/accounts/ann/break-glass/confirm": {"ref": "x"},
    "POST /api/admin/accounts/ann/break-glass/revoke": {"reason": "because"},
    "POST /api/admin/accounts/boss/break-glass": _WHY,
    "POST /api/admin/tenant/remind": {},
    "POST /api/admin/tenant/test-message": {},
    "POST /api/admin/tenant/end-sessions": {"reason": "because", "confirm": "beta"},
    "POST /api/admin/accounts/ann/end-sessions": {"reason": "because"},
    "POST /api/admin/accounts/ann/forget": {"reason": "because"},
    "POST /api/admin/accounts/boss/forget": {"reason": "because"},
    "POST /api/admin/accounts/ann/approve": {"ref": "x"},
    "POST /api/admin/accounts/ann/withdraw": {"reason": "because"},
    "GET /api/admin/leavers": None,
    "GET /api/admin/accounts/ann/data": None,
    "PATCH /api/admin/tenant": {"enabled": False, "confirm": "alpha"},
}


async def cell(crowd: Crowd, state: str, row: str) -> str:
    """Return the answer of one endpoint in one state: status, and the target or the reason.

    The world is put back to its beginning before.
    """
    await crowd.restore()
    browser, names = crowd.browsers[state], crowd.names
    method, _, rest = row.partition(" ")
    place = rest.split(" ")[0].format(**names)
    if row in FORMS or row in ADMIN_FORMS:
        fields = {**FORMS, **ADMIN_FORMS}[row]
        reply = await submit(browser, "/mfa" + place, {k: v.format(**names) for k, v in fields.items()})
    elif place.startswith("/api/"):
        body = {**CALLS, **ADMIN_CALLS}[row]
        if isinstance(body, dict):
            body = {k: v.format(**names) if isinstance(v, str) else v for k, v in body.items()}
        reply = await browser.api(method, place.removeprefix("/api/"), body)
    elif method == "GET" and not place.startswith("/mfa"):
        reply = await browser.page("/mfa" + place, headers=(("accept", "text/html"), ("sec-fetch-dest", "document")))
    else:
        reply = await browser.ask(method, place, headers=FETCH)
    told = reply.location.removeprefix("/mfa").removesuffix("#").format() if reply.location else reply.reason
    for name in ("totp", "email", "backup"):
        told = told.replace(names[name], f"<{name}>")
    return f"{reply.status} {told}".strip()


def table() -> dict[tuple[str, str], str]:
    """The expected answers, by state and row: ``endpoints.txt`` beside this file."""
    cells: dict[tuple[str, str], str] = {}
    states: list[str] = []
    for line in (Path(__file__).parent / "endpoints.txt").read_text().splitlines():
        row, *found = line.split("|")
        if not row.strip():
            states = [state.strip() for state in found]
            continue
        cells |= {(state, row.rstrip()): answer.strip() for state, answer in zip(states, found, strict=True)}
    return cells


EXPECTED = table()
OWN_PAGES = (*PAGES, *FORMS, *CALLS)
DESK_PAGES = (*ADMIN_PAGES, *ADMIN_FORMS, *ADMIN_CALLS)
MAY_OWE = {row for row in OWN_PAGES if "challenge" in row or "/verify" in row or "recovery" in row}
"""What somebody who owes a proof may do: answer, ask for a code, ask for help."""


@pytest.fixture
async def crowd() -> Crowd:
    """The people of all states."""
    return await crowd_of_all()


@pytest.mark.parametrize("state", STATES)
async def test_own_pages_and_calls(crowd: Crowd, state: str) -> None:
    """Each page and call answers each state as the table says (S-82 to S-88).

    A person who is not Ann, or who owes the factor, changes nothing of hers.
    """
    wrong = {}
    for row in OWN_PAGES:
        answered = await cell(crowd, state, row)
        if answered != EXPECTED[state, row.rstrip()]:
            wrong[row] = (answered, EXPECTED[state, row.rstrip()])
        if state in ("fresh", "stale") or (state == "owes" and row in MAY_OWE):
            continue
        after = await crowd.account()
        await crowd.restore()
        assert after == await crowd.account(), row
    assert wrong == {}


@pytest.mark.parametrize("state", DESKS)
async def test_administration(crowd: Crowd, state: str) -> None:
    """Administration changes nothing without the right, the tenant or a fresh proof.

    Each page and call answers as the table says. Requirements S-36, S-82, S-121.
    """
    wrong = {}
    for row in DESK_PAGES:
        answered = await cell(crowd, state, row)
        if answered != EXPECTED[state, row.rstrip()]:
            wrong[row] = (answered, EXPECTED[state, row.rstrip()])
        if state == "admin":
            continue
        after = [await crowd.account(id) for id in ("ann", "lou", "new", "boss")]
        settings = await crowd.world.store.settings("alpha")
        await crowd.restore()
        assert after == [await crowd.account(id) for id in ("ann", "lou", "new", "boss")], row
        assert settings == await crowd.world.store.settings("alpha"), row
    assert wrong == {}


def test_the_table_is_whole() -> None:
    """Every address of the gate is in the table: pages and calls alike."""
    rows = {row.split(" ")[1].split("/{")[0] for row in (*OWN_PAGES, *DESK_PAGES)}
    for path in (*pages.PAGES, *(f"/api{path}" for path in api.CALLS)):
        assert path in rows, path
    for start in (*pages.ONE_OF, *(f"/api{start}" for start in api.ONE_OF)):
        assert any(row.startswith(start.rstrip("/")) for row in rows), start


async def test_nothing_reaches_the_app(crowd: Crowd) -> None:
    """S-107: below the prefix nothing is ever the app's, for nobody."""
    for state in crowd.browsers:
        for path in ("", "/x", "/admin/x", "/api", "/api/x", "/static/x", "/hooks/x", "/static/../records"):
            await crowd.restore()
            reply = await crowd.browsers[state].ask("GET", f"/mfa{path}", headers=FETCH)
            assert reply.status in (200, 303, 401, 403, 404, 405), (state, path)
            assert crowd.world.reached == []
