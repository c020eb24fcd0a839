"""The phone call as a factor alone: callbacks in each state, and the reading of responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mfa_gate.core.model import Challenge, Contacts, SubjectKey
from mfa_gate.core.rules import CodeRules, FactorRules, Rules
from mfa_gate.factors.base import COLLECT, Accepted, Context, Draft, Issue, Rejected
from mfa_gate.factors.optional_parts import Heard
from mfa_gate.factors.tokens import read_token
from mfa_gate.factors.twiml import say
from mfa_gate.factors.voice import CALL_LIFE, HOOK, SPOKEN, Voice, VoiceRules
from mfa_gate.keyring import Keyring, make_key
from mfa_gate.web.i18n import PSEUDO, available

NOW = 1_750_000_000
KEYRING = Keyring([make_key(bytes(range(32)))])
URL = "https://app.example/mfa/hooks/voice/x"
VOICE = Voice()


def context(**voice: object) -> Context:
    """Ann's, with the policy's section of calls as given."""
    rules = Rules()
    section = replace(VoiceRules(), **voice)  # type: ignore[arg-type]
    return Context(
        key=SubjectKey("t", "ann"),
        now=NOW,
        nonce=b"n" * 32,
        keyring=KEYRING,
        rules=replace(rules, factors=replace(rules.factors, options={"voice": section})),
        service="Example",
        public="https://app.example/mfa",
    )


def issued(mine: Context) -> Issue:
    """A call for ann's number."""
    draft = VOICE.draft(mine, phone="+1 202-555-0142")
    assert isinstance(draft, Draft)
    issue = VOICE.issue(mine, draft.data)
    assert isinstance(issue, Issue)
    return issue


def challenge(mine: Context, **more: object) -> Challenge:
    """Return the issued challenge as the account holds it.

    ``more`` replaces parts of its data, or ``status``.
    """
    issue = issued(mine)
    status = str(more.pop("status", "pending"))
    return Challenge(
        id="c",
        factor="voice",
        purpose="sign-in",
        target="a",
        browser="b",
        issued_at=NOW,
        expires_at=NOW + issue.ttl,
        data={**issue.data, **more},
        status=status,
    )


def hear(mine: Context, asked: Challenge, params: Mapping[str, str]) -> Heard | Rejected:
    """One callback."""
    return VOICE.hear(mine, challenge=asked, url=URL, params=params)


def greeted(mine: Context, **more: object) -> Challenge:
    """A call that was answered as CA1."""
    asked = challenge(mine, **more)
    heard = hear(mine, asked, {"CallSid": "CA1"})
    assert isinstance(heard, Heard)
    return replace(asked, data=heard.data)


def test_the_call_is_bound_to_an_address_of_its_own() -> None:
    """The callback of a call has an address of its own at the relying party's origin.

    Its token names the account. Only the token's digest is stored.
    """
    issue = issued(context())
    assert issue.delivery is not None
    address, _, token = issue.delivery.callback.rpartition("/")
    assert address == "https://app.example/mfa/hooks/voice"
    named = read_token(KEYRING, HOOK, token)
    assert named is not None
    assert named.key == SubjectKey("t", "ann")
    assert len(named.secret) >= 22
    assert named.secret not in str(issue.data)
    assert (issue.ttl, issue.live) == (CALL_LIFE, 1)


def test_a_short_life_of_codes_is_a_short_life_of_calls() -> None:
    """The policy's shorter time holds for calls that a key confirms."""
    assert issued(context(code=CodeRules(ttl=120))).ttl == 120  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "malformed"),
        ({"CallSid": ""}, "malformed"),
        ({"CallSid": "C" * 65}, "malformed"),
        ({"CallSid": "CA1", "Digits": "#"}, "nothing_sent"),
        ({"CallSid": "CA1", "Digits": ""}, "nothing_sent"),
    ],
)
def test_only_an_answered_call_begins(params: dict[str, str], reason: str) -> None:
    """Before the greeting every other callback is refused for free."""
    assert hear(context(), challenge(context()), params) == Rejected(reason=reason, free=True)


def test_the_longest_id_of_a_call() -> None:
    """An id of exactly the limit is one, and so is a response of that length.

    Refusals cost nothing.
    """
    mine = context()
    assert isinstance(hear(mine, challenge(mine), {"CallSid": "C" * 64}), Heard)
    assert VOICE.read("x" * 64, mine.rules) == COLLECT
    for refused in (
        hear(mine, greeted(mine), {"CallSid": "CA2"}),
        hear(mine, replace(greeted(mine), status="approved"), {"CallSid": "CA1"}),
    ):
        assert refused == Rejected(reason="code_already_used", free=True)


@pytest.mark.parametrize("status", ["approved", "denied"])
def test_what_is_answered_is_answered(status: str) -> None:
    """The state only ever moves on: after an answer nothing is heard."""
    mine = context()
    asked = replace(greeted(mine), status=status)
    assert isinstance(hear(mine, asked, {"CallSid": "CA1", "Digits": "#"}), Rejected)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"CallSid": "CA1", "Digits": "#"}, "approved"),
        ({"CallSid": "CA1", "Digits": "*"}, "pending"),
        ({"CallSid": "CA1", "Digits": "##"}, "pending"),
        ({"CallSid": "CA1", "Digits": ""}, "pending"),
        ({"CallSid": "CA1"}, "pending"),
        ({"CallSid": "CA2", "Digits": "#"}, "refused"),
        ({"CallSid": "CA2"}, "refused"),
    ],
)
def test_one_key_of_one_call_confirms(params: dict[str, str], status: str) -> None:
    """Exactly # in the very call that was greeted."""
    mine = context()
    heard = hear(mine, greeted(mine), params)
    assert (heard.status if isinstance(heard, Heard) else "refused") == status


def test_a_call_that_failed_on_its_way_can_still_be_answered() -> None:
    """F-21: the provider timed out, and yet the phone rang."""
    mine = context()
    asked = replace(greeted(mine), status="undelivered")
    heard = hear(mine, asked, {"CallSid": "CA1", "Digits": "#"})
    assert isinstance(heard, Heard)
    assert heard.status == "approved"


def test_a_code_is_read_and_approves_nothing() -> None:
    """The key # only has the code read, once, and the challenge stays pending.

    The code is the proof.
    """
    mine = context(confirm="code")
    asked = greeted(mine)
    heard = hear(mine, asked, {"CallSid": "CA1", "Digits": "#"})
    assert isinstance(heard, Heard)
    assert heard.status == "pending"
    assert isinstance(hear(mine, replace(asked, data=heard.data), {"CallSid": "CA1", "Digits": "#"}), Rejected)


@pytest.mark.parametrize("response", ["", " ", "123456", "answered"])
def test_a_response_to_a_call_only_asks(response: str) -> None:
    """Any response of the browser to a call only asks if the key was pressed.

    This is so in the mode in which a key confirms.
    """
    assert VOICE.read(response, context().rules) == COLLECT


@pytest.mark.parametrize("response", [None, {}, [], 1, True, "x" * 65])
def test_other_shapes_are_malformed(response: object) -> None:
    """S-38: no input raises."""
    assert VOICE.read(response, context().rules) is None
    assert VOICE.read(response, context(confirm="code").rules) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "approved"}, ""),
        ({"status": "pending"}, "pending"),
        ({"status": "undelivered"}, "pending"),
        ({"status": "denied"}, "denied"),
        ({"status": "approved", "spent_at": NOW}, "code_already_used"),
        ({"status": "approved", "expires_at": NOW}, "code_expired"),
        ({"expires_at": NOW - 1}, "code_expired"),
    ],
)
def test_only_a_live_approval_is_collected(change: dict[str, object], reason: str) -> None:
    """Everything else is refused for free, each with its own word."""
    mine = context()
    asked = replace(challenge(mine), **change)  # type: ignore[arg-type]
    outcome = VOICE.verify(mine, data={"to": "x"}, challenges=[asked], response=COLLECT)
    if reason:
        assert outcome == Rejected(reason=reason, free=True)
    else:
        assert outcome == Accepted(data={"to": "x"}, challenge="c")


def test_without_a_call_there_is_nothing_to_collect() -> None:
    """Nothing was sent."""
    assert VOICE.verify(context(), data={}, challenges=[], response=COLLECT) == Rejected(
        reason="nothing_sent", free=True
    )


def test_a_call_in_each_language_of_the_pages() -> None:
    """Each language of the pages is spoken, Arabic by a voice of its own."""
    assert {tag for tag in available() if tag != PSEUDO} <= set(SPOKEN)
    assert say("مرحبا", SPOKEN["ar"]) == '<Say language="arb" voice="Polly.Zeina">مرحبا</Say>'
    assert say("Hello", SPOKEN["en"]) == '<Say language="en-US">Hello</Say>'


def test_the_number_on_file_is_introduced() -> None:
    """The page shows the number on file, else the countries to choose from."""
    on_file = Rules(factors=FactorRules(options={"voice": VoiceRules(phone="on-file")}))
    contacts = Contacts(phone="+12025550100")
    assert Voice().introduction(on_file, contacts).destination == "+12025550100"
    typed = Rules(factors=FactorRules(options={"voice": VoiceRules(regions=("US", "DE"))}))
    assert Voice().introduction(typed, contacts).destination == ""
    assert len(Voice().introduction(typed, contacts).regions) == 2


def test_a_copy_keeps_the_number_before_it_for_a_while() -> None:
    """The earlier number is told until its time is over."""
    old, new = (context().seal("voice", number) for number in ("+12025550100", "+12025550101"))
    data = Voice().heir({"to": new}, {"to": old}, NOW + 1)
    assert data == {"to": new, "was": old, "was_until": NOW + 1}
    assert Voice().former(context(), data) == "+12025550100"
    assert Voice().former(replace(context(), now=NOW + 1), data) == ""
    assert Voice().former(context(), {"to": new}) == ""


@pytest.mark.parametrize(("lang", "kept"), [("en", None), ("de", "de"), ("xx", None)])
def test_the_language_of_a_call(lang: str, kept: str | None) -> None:
    """That of the page where it can be spoken, else English; the call goes on in it."""
    mine = replace(context(), lang=lang)
    issue = issued(mine)
    assert issue.data.get("lang") == kept
    heard = hear(mine, challenge(mine), {"CallSid": "CA1"})
    assert isinstance(heard, Heard)
    assert f'"{SPOKEN[kept or "en"].language}"' in heard.document


def test_what_a_caller_hears() -> None:
    """First the greeting and the question for a key, and after the key a goodbye.

    A call ends by hanging up.
    """
    mine = context()
    first = hear(mine, challenge(mine), {"CallSid": "CA1"})
    last = hear(mine, greeted(mine), {"CallSid": "CA1", "Digits": "#"})
    assert isinstance(first, Heard)
    assert isinstance(last, Heard)
    assert URL in first.document
    assert URL not in last.document
    for document in (first.document, last.document):
        assert document.startswith("<?xml")
        assert document.endswith("<Hangup/></Response>")


def test_a_code_that_was_heard_is_typed() -> None:
    """It is right once, and only in the mode in which it is read out."""
    mine = context(confirm="code")
    issue = issued(mine)
    assert issue.delivery is not None
    code = issue.delivery.code
    asked = challenge(mine)
    assert VOICE.read(f" {code} ", mine.rules) == code
    found = VOICE.verify(mine, data={}, challenges=[asked], response=code)
    assert isinstance(found, Accepted)
    assert found.challenge == asked.id
    assert VOICE.code(mine.rules) is not None
    assert VOICE.code(context().rules) is None
