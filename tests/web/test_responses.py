"""Answers of the gate.

They have their headers, the members of a problem document, and the words of a refusal.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.decision import Agree, Allow, Deny, Enroll, StepUp, Why
from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import Demand
from mfa_gate.core.reasons import Refusal
from mfa_gate.web import responses
from mfa_gate.web.assets import CSP
from mfa_gate.web.responses import NO_STORE, VARY_COOKIE, Answer, place_of, problem, problem_of, refusal_of
from mfa_gate.web.streamed import Streamed, StreamedPage
from tests.harness import AGREEMENT

WHY: Any = Why(rule="freshness")
DEMAND = Demand(rule="freshness", max_age=Seconds(600))
DECISIONS: dict[str, tuple[Any, Refusal | None, str]] = {
    "enroll": (Enroll(why=WHY, factors=("totp",)), Refusal(reason="proof_required"), "/enroll"),
    "step-up": (
        StepUp(why=WHY, reason="expired", demand=DEMAND),
        Refusal(reason="proof_required", max_age=600),
        "/challenge",
    ),
    "agree": (Agree(why=WHY, agreement=AGREEMENT), Refusal(reason="agreement_required"), "/agreement"),
    "deny": (
        Deny(why=WHY, ref="R1", cause="attempts"),
        Refusal(reason="locked", ref="R1", attempts_remaining=0),
        "/locked",
    ),
    "allow": (Allow(why=WHY, state="verified"), None, ""),
}


@pytest.mark.parametrize(("decision", "refusal", "place"), DECISIONS.values(), ids=DECISIONS)
def test_each_decision_has_its_refusal_and_its_page(decision: Any, refusal: Refusal | None, place: str) -> None:
    """An allowed request has no refusal."""
    assert place_of(decision) == place
    if refusal is None:
        with pytest.raises(ValueError, match="what is allowed is not refused"):
            refusal_of(decision)
    else:
        assert refusal_of(decision) == refusal


def test_the_members_of_a_problem() -> None:
    """Only what a refusal tells is a member.

    A zero is told, and so are further members that are not None.
    """
    plain = problem_of(Refusal(reason="too_soon"))
    assert set(plain) == {"type", "title", "status", "detail", "reason"}
    assert (plain["type"], plain["status"], plain["reason"]) == ("urn:mfa-gate:too_soon", 429, "too_soon")
    full = problem_of(
        Refusal(
            reason="too_soon",
            ref="R1",
            member="confirm",
            attempts_remaining=0,
            retry_after=0,
            max_age=0,
            items=("a", "b"),
        ),
        status=418,
        state="locked",
        left_out=None,
    )
    more = {name: value for name, value in full.items() if name not in ("type", "title", "detail", "reason")}
    assert more == {
        "status": 418,
        "ref": "R1",
        "member": "confirm",
        "attempts_remaining": 0,
        "retry_after": 0,
        "max_age": 0,
        "open": ["a", "b"],
        "state": "locked",
    }


@pytest.mark.parametrize(
    ("refusal", "title", "detail"),
    [
        (Refusal(reason="wrong_code"), "That code isn’t right", "Check the code and enter it again, or get a new one."),
        (Refusal(reason="wrong_code", detail="As it is."), "That code isn’t right", "As it is."),
        (
            Refusal(reason="phone_region", detail="CH DE AT"),
            "Numbers from that country aren’t accepted",
            "That’s a number from Switzerland. Use a number from: Germany, Austria.",
        ),
        (
            Refusal(reason="phone_type", detail="pager"),
            "We can’t use that kind of number",
            "That’s a pager, and it can’t show our codes. Enter your own mobile number.",
        ),
        (Refusal(reason="phone_type", detail="comet"), "We can’t use that kind of number", "comet"),
        (
            Refusal(reason="phone_invalid", detail="+49 1512 3456789"),
            "That isn’t a phone number",
            "That doesn’t look like a phone number. Enter it like +49 1512 3456789.",
        ),
        (
            Refusal(reason="malformed", member="label"),
            "A value is not right",
            '"label" must be text of 1 to 40 printable characters.',
        ),
        (
            Refusal(reason="not_found", member="challenge"),
            "An id is not known",
            '"challenge" names nothing of yours that is there now.',
        ),
        (Refusal(reason="malformed", member="response"), "That isn’t a code", "Enter the code exactly as you got it."),
        (Refusal(reason="malformed", member="comet"), "That isn’t a code", "Enter the code exactly as you got it."),
    ],
)
def test_the_words_of_a_problem(refusal: Refusal, title: str, detail: str) -> None:
    """The detail of a use case is told as the page beside a form would say it.

    Without one, the words are those of the member, or of the row.
    """
    found = problem_of(refusal)
    assert (found["title"], found["detail"]) == (title, detail)


def test_an_answer_says_when_to_ask_again() -> None:
    """With a number it is the number, at an outage a second, and else nothing is said."""

    def waits(refusal: Refusal) -> list[bytes]:
        return [value for name, value in problem(refusal).headers if name == b"retry-after"]

    assert waits(Refusal(reason="too_soon", retry_after=0)) == [b"0"]
    assert waits(Refusal(reason="store_unavailable", retry_after=7)) == [b"7"]
    assert waits(Refusal(reason="store_unavailable")) == [b"1"]
    assert waits(Refusal(reason="not_found")) == []
    answer = problem(Refusal(reason="not_found"), status=410, headers=[(b"allow", b"GET")])
    assert (answer.status, answer.reason, json.loads(answer.body)["status"]) == (410, "not_found", 410)
    assert {(b"allow", b"GET"), (b"content-type", b"application/problem+json")} <= set(answer.headers)


def test_pages_and_redirects_are_kept_by_nobody() -> None:
    """Each answer has its length.

    A page may be framed by nobody, but the small page of frames may.
    """
    shown = responses.page(b"<p>", status=403, headers=[(b"x", b"y")])
    assert (shown.status, shown.body) == (403, b"<p>")
    assert {*NO_STORE, (b"x", b"y"), (b"content-length", b"3"), (b"x-frame-options", b"DENY")} <= set(shown.headers)
    assert (b"content-type", b"text/html; charset=utf-8") in shown.headers
    framed = responses.framed_page(b"<p>", [(b"x", b"y")])
    assert framed.status == 403
    assert not any(name == b"x-frame-options" for name, _ in framed.headers)
    assert b"frame-ancestors" not in dict(framed.headers)[b"content-security-policy"]
    led = responses.redirect("/a b\n\u00e9?c=d#e", [(b"x", b"y")])
    assert (led.status, led.body) == (303, b"")
    assert {(b"location", b"/a%20b%0A%C3%A9?c=d#e"), (b"x", b"y"), *NO_STORE} <= set(led.headers)


def test_a_form_may_lead_to_another_origin() -> None:
    """Only the rule about forms goes."""
    policy = (b"content-security-policy", CSP.encode())
    freed = dict(responses.leading_elsewhere([policy, (b"x", b"y")]))
    assert freed[b"content-security-policy"].decode() == CSP.replace("form-action 'self'; ", "") != CSP
    assert freed[b"x"] == b"y"


async def sent(answer: Answer, method: str = "GET", session: object = None) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await answer.send({"method": method, "session": session}, send)
    return messages


@pytest.mark.parametrize(
    ("session", "tells"),
    [
        (None, True),
        ({}, True),
        (SimpleNamespace(accessed=False), True),
        (SimpleNamespace(accessed=True), False),
    ],
)
async def test_vary_stands_there_once(session: object, tells: bool) -> None:
    """A session layer that adds ``Vary: Cookie`` by itself does it alone."""
    (head, _) = await sent(responses.as_json({}), session=session)
    assert (VARY_COOKIE in head["headers"]) is tells
    assert (b"cache-control", b"no-store") in head["headers"]


async def test_head_has_no_body() -> None:
    """The length is that of the GET."""
    answer = responses.as_json({"a": "\u00e9"}, status=201, headers=[(b"x", b"y")])
    head, body = await sent(answer, "HEAD")
    assert (head["status"], dict(head["headers"])[b"content-length"], body["body"]) == (201, b"10", b"")
    assert (await sent(answer))[1]["body"] == '{"a":"é"}'.encode()
    assert {(b"x", b"y"), (b"x-content-type-options", b"nosniff")} <= set(head["headers"])


async def pieces(*texts: str) -> Any:
    for text in texts:
        yield text


async def test_a_long_answer_comes_in_pieces() -> None:
    """Its first piece is made before the head; the name of a file is quoted whole."""
    answer = Streamed(pieces("a", "b"), media="text/csv", file="a/b \u00e9.csv")
    await answer.begin()
    head, *rest = await sent(answer)
    assert (head["status"], [message["body"] for message in rest]) == (200, [b"a", b"b", b""])
    assert [message.get("more_body", False) for message in rest] == [True, True, False]
    assert set(head["headers"]) == {
        *NO_STORE,
        (b"content-disposition", b"attachment; filename*=UTF-8''a%2Fb%20%C3%A9.csv"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-type", b"text/csv"),
    }
    bare = Streamed(pieces(), media="application/json")
    await bare.begin()
    assert set(bare.headers) == {*NO_STORE, (b"content-type", b"application/json")}
    assert [message.get("body") for message in (await sent(bare))[1:]] == [b"", b""]
    unread = Streamed(pieces("a"), media="")
    assert [message.get("body") for message in (await sent(unread, "HEAD"))[1:]] == [b""]


async def test_a_page_whose_middle_takes_long() -> None:
    """It has the headers of its page without the length.

    The pieces stand where the mark stood, and the work pauses itself.
    """
    shell = responses.page(b"<ul>@@</ul>")
    answer = StreamedPage(shell, pieces("1", "2"), at="@@")
    _, *rest = await sent(answer)
    assert b"".join(message["body"] for message in rest) == b"<ul>12</ul>"
    assert answer.headers == [item for item in shell.headers if item[0] != b"content-length"]
    assert len(answer.headers) == len(shell.headers) - 1
    assert (Streamed.pauses, StreamedPage.pauses) == (True, False)
