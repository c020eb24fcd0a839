"""Approving on the phone as a factor alone.

The subjects are numbers, signatures, the one phone of a picture, and the collected answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mfa_gate.core.model import Challenge, SubjectKey
from mfa_gate.core.rules import CountRules, FactorRules, Rules
from mfa_gate.factors.base import COLLECT, Accepted, Context, Draft, Issue, Rejected
from mfa_gate.factors.device_key import is_key
from mfa_gate.factors.optional_parts import Joined
from mfa_gate.factors.push import DEVICE, JOIN, JOIN_LIFE, MAX_COLLECT, ONLY_DRAFTS, Push, PushRules
from mfa_gate.factors.tokens import digest_of, is_digest_of, make_token, name_anew, read_token
from mfa_gate.keyring import Keyring, make_key
from tests.harness import make_world
from tests.web.phones import Phone, b64

NOW = 1_750_000_000
KEYRING = Keyring([make_key(bytes(range(32)))])
PUSH = Push()
KEY = ec.generate_private_key(ec.SECP256R1())


def context(*, now: int = NOW, purpose: str = "sign-in", nonce: bytes = b"n" * 32, **rules: Any) -> Context:
    """Ann's."""
    base = Rules()
    return Context(
        key=SubjectKey("t", "ann"),
        now=now,
        nonce=nonce,
        keyring=KEYRING,
        rules=replace(base, factors=replace(base.factors, options={"push": replace(PushRules(), **rules)})),
        purpose=purpose,
        service="Example",
        host="localhost",
        where="198.51.100.7",
        agent="Firefox on Windows",
        public="https://app.example/mfa",
    )


def phone() -> Phone:
    """A phone with a key; nothing is asked of its world."""
    return Phone(make_world(), key=KEY)


def drafted(mine: Context) -> Draft:
    """A draft before the scan."""
    draft = PUSH.draft(mine)
    assert isinstance(draft, Draft)
    return draft


def joined(mine: Context) -> Joined:
    """The phone has scanned."""
    draft, my_phone = drafted(mine), phone()
    token = PUSH.show(mine, draft.data)["uri"].partition("#e=")[2]
    signature = my_phone.sign("join", token, my_phone.public)
    result = PUSH.join(mine, data=draft.data, token=token, key=my_phone.public, signature=signature, label="iPhone")
    assert isinstance(result, Joined)
    return result


def asked(mine: Context, **more: Any) -> tuple[Challenge, str]:
    """A request and its number."""
    issue = PUSH.issue(mine, joined(mine).data)
    assert isinstance(issue, Issue)
    challenge = Challenge(
        id="c",
        factor="push",
        purpose=mine.purpose,
        target="a",
        browser="b",
        issued_at=NOW,
        expires_at=NOW + issue.ttl,
        data=issue.data,
    )
    return replace(challenge, **more), str(issue.show["number"])


def test_the_picture_holds_a_token_that_is_sent_to_nobody() -> None:
    """The token of the picture stands behind the # of our address, so no server gets it.

    The token names the account, sealed. Only its digest and its seal are stored.
    """
    mine = context(purpose="enroll")
    draft = drafted(mine)
    address, _, token = PUSH.show(mine, draft.data)["uri"].partition("#e=")
    assert address == "https://app.example/mfa/approve"
    named = read_token(KEYRING, JOIN, token)
    assert named is not None
    assert is_digest_of(JOIN, draft.data[JOIN], named)
    assert token not in str(draft.data)
    assert read_token(KEYRING, DEVICE, token) is None


def test_after_the_scan_the_picture_is_gone() -> None:
    """The draft has the phone's key and name. Only the same key may join once more."""
    mine = context(purpose="enroll")
    result = joined(mine)
    token, second = make_token(mine, JOIN, name_anew(mine, JOIN)), phone()
    signature, data = second.sign("join", token, second.public), {**result.data, "key": "A" * 87}
    again = PUSH.join(mine, data=data, token=token, key=second.public, signature=signature, label="iPad")
    assert again == Rejected(reason="code_expired", free=True)
    assert PUSH.show(mine, result.data) == {"device": "iPhone"}
    assert result.device not in str(result.data)


def test_late_scans_are_refused() -> None:
    """To the second."""
    mine = context()
    draft, my_phone = drafted(mine), phone()
    token = PUSH.show(mine, draft.data)["uri"].partition("#e=")[2]
    signature = my_phone.sign("join", token, my_phone.public)
    late = context(now=NOW + JOIN_LIFE)
    result = PUSH.join(late, data=draft.data, token=token, key=my_phone.public, signature=signature, label="x")
    assert result == Rejected(reason="code_expired", free=True)


@pytest.mark.parametrize("digits", [2, 6])
def test_numbers_have_their_length_and_are_sealed(digits: int) -> None:
    """A number keeps its leading zeros and its length.

    The challenge holds the number in no readable form. The face shows it.
    """
    numbers = set()
    for number in range(64):
        mine = context(nonce=bytes([number]) * 32, digits=digits)
        challenge, shown = asked(mine)
        assert len(shown) == digits
        assert digits < 6 or shown not in str(challenge.data)
        assert PUSH.face(mine, challenge) == {"number": shown}
        numbers.add(shown)
    assert len(numbers) > 20


def test_an_answered_request_shows_no_number() -> None:
    """After the approval the number is of no use to anybody."""
    mine = context()
    challenge, _ = asked(mine, status="approved")
    assert PUSH.face(mine, challenge) == {}


def test_requests_count_and_try_outs_do_not() -> None:
    """A request is held to the limits, although nothing is handed over to a provider.

    The try-out of an enrollment is not.
    """
    mine, trying = context(), context(purpose="enroll")
    data = joined(mine).data
    request, trial = PUSH.issue(mine, data), PUSH.issue(trying, data)
    assert isinstance(request, Issue)
    assert isinstance(trial, Issue)
    assert (request.counts, request.ttl, request.live, request.delivery) == (True, 60, 1, None)
    assert (trial.counts, trial.ttl) == (False, JOIN_LIFE)


def test_what_wakes_a_phone_is_sealed_and_says_nothing() -> None:
    """Only the sender can read the phone's address at the push service.

    The text of the message has no number and no place.
    """
    mine = context(digits=6)
    data = PUSH.waking(mine, data=joined(mine).data, subscription='{"endpoint": "https://push.example"}')
    assert "push.example" not in str(data)
    issue = PUSH.issue(mine, data)
    assert isinstance(issue, Issue)
    assert issue.delivery is not None
    assert issue.delivery.to == '{"endpoint": "https://push.example"}'
    assert str(issue.show["number"]) not in issue.delivery.text
    assert mine.where not in issue.delivery.text
    assert "wake" not in PUSH.waking(mine, data=data, subscription="")


@pytest.mark.parametrize(
    "signature", ["", "A" * 86, "A" * 85, "A" * 88, "é", "=", b64(b"\x00" * 64), b64(b"\xff" * 64)]
)
def test_broken_signatures_are_none_and_raise_nothing(signature: str) -> None:
    """Zero, too large, too short, no base64url: False."""
    mine = context()
    assert not PUSH.is_signed(mine, data=joined(mine).data, signature=signature, words=("x",))
    assert not PUSH.is_signed(mine, data={}, signature=signature, words=("x",))


def test_a_signature_is_for_its_words_and_site() -> None:
    """Exactly these words in this order, for this relying party."""
    mine, my_phone = context(), phone()
    data, signature = joined(mine).data, my_phone.sign("approve", "c", "47")
    assert PUSH.is_signed(mine, data=data, signature=signature, words=("approve", "c", "47"))
    for words in (("approve", "c", "48"), ("approve", "c47", ""), ("deny", "c", "47"), ("approve", "c")):
        assert not PUSH.is_signed(mine, data=data, signature=signature, words=words)
    elsewhere = replace(mine, host="evil.example")
    assert not PUSH.is_signed(elsewhere, data=data, signature=signature, words=("approve", "c", "47"))


@pytest.mark.parametrize("response", [None, {}, [], 1, True, "x" * 65])
def test_other_shapes_are_malformed(response: object) -> None:
    """S-38: no input raises."""
    assert PUSH.read(response, context().rules) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "approved"}, ""),
        ({"status": "pending"}, "pending"),
        ({"status": "denied", "spent_at": NOW}, "denied"),
        ({"status": "approved", "spent_at": NOW}, "code_already_used"),
        ({"status": "approved", "expires_at": NOW}, "code_expired"),
    ],
)
def test_only_a_live_approval_is_collected(change: dict[str, Any], reason: str) -> None:
    """Everything else is refused for free; an approval without an enrolled key is none."""
    mine = context()
    challenge, _ = asked(mine, **change)
    data = joined(mine).data
    kept = {name: value for name, value in data.items() if name not in ONLY_DRAFTS}
    outcome = PUSH.verify(mine, data=data, challenges=[challenge], response=COLLECT)
    if reason:
        assert outcome == Rejected(reason=reason, free=True)
    else:
        assert outcome == Accepted(data=kept, challenge="c", label="iPhone")
    keyless = PUSH.verify(mine, data=drafted(mine).data, challenges=[challenge], response=COLLECT)
    assert keyless == Rejected(reason="pending", free=True)


def test_the_question_of_the_browser_at_its_bound() -> None:
    """Any text of up to 64 characters asks if the phone has answered."""
    assert Push().read("x" * MAX_COLLECT, Rules()) == COLLECT
    assert Push().read("", Rules()) == COLLECT
    assert Push().read("x" * (MAX_COLLECT + 1), Rules()) is None
    assert MAX_COLLECT == 64


def test_the_requests_of_one_phone() -> None:
    """The limit is the policy's, and the key of a token is written beside its digest."""
    limit = CountRules(count=9)
    under = Rules(factors=FactorRules(options={"push": PushRules(max_per=limit)}))
    assert Push().limits(under) == limit
    data = Push().naming(data={"key": "k"}, key_id="k1")
    assert data == {"key": "k", "token_key": "k1"}
    assert Push().key_id_of(data) == "k1"
    assert Push().key_id_of({}) == ""


@pytest.mark.parametrize(
    ("now", "key", "signed", "reason"),
    [
        (NOW + JOIN_LIFE - 1, "", True, ""),
        (NOW, "A" * 87, True, "malformed"),
        (NOW, b64(b"\x04" + b"\xff" * 64), True, "malformed"),
        (NOW, "", False, "not_allowed"),
    ],
)
def test_who_joins_by_a_picture(now: int, key: str, signed: bool, reason: str) -> None:
    """A phone joins with a key on the curve that has signed this very picture.

    It can do so up to the last second.
    """
    draft, my_phone = drafted(context()), phone()
    token = PUSH.show(context(), draft.data)["uri"].partition("#e=")[2]
    signature = my_phone.sign("join", token if signed else "another", my_phone.public)
    result = PUSH.join(
        context(now=now), data=draft.data, token=token, key=key or my_phone.public, signature=signature, label="x"
    )
    assert result == Rejected(reason=reason, free=True) if reason else isinstance(result, Joined)


def test_the_number_that_is_typed_on_the_phone() -> None:
    """S-95: digits of its length are read, and only the shown number is right."""
    mine = context(digits=6)
    challenge, number = asked(mine)
    assert PUSH.read_number(mine, challenge=challenge, number=f" {number[:3]} {number[3:]} ") == number
    assert PUSH.read_number(mine, challenge=challenge, number=number[1:]) is None
    assert PUSH.is_number(mine, challenge=challenge, number=number)
    wrong = str((int(number) + 1) % 10**6).zfill(6)
    assert not PUSH.is_number(mine, challenge=challenge, number=wrong)


def test_a_phone_has_no_destination_and_keeps_the_key_of_its_token() -> None:
    """F-18: the operator sees which key a phone still needs.

    The challenge names no number.
    """
    mine = context()
    data = joined(mine).data
    assert PUSH.hint(mine, data) == ""
    assert PUSH.key_id_of(data) == KEYRING.newest
    assert PUSH.key_id_of(PUSH.naming(data=data, key_id="newer")) == "newer"
    assert PUSH.key_id_of({}) == ""


@pytest.mark.parametrize("token", ["", "é", "x" * 3000, "garbage"])
def test_what_is_no_token(token: str) -> None:
    """S-45: an address that we did not make names nobody."""
    assert read_token(KEYRING, JOIN, token) is None


@pytest.mark.parametrize(("public", "page"), [("https://app.example/mfa", "https://app.example/mfa/approve"), ("", "")])
def test_a_push_opens_our_page(public: str, page: str) -> None:
    """The page is named where our own address is known."""
    mine = replace(context(), public=public)
    data = PUSH.waking(context(), data=joined(context()).data, subscription="{}")
    issue = PUSH.issue(mine, data)
    assert isinstance(issue, Issue)
    assert issue.delivery is not None
    assert (issue.delivery.url, issue.delivery.subject) == (page, "Example")


def test_the_digest_of_a_token() -> None:
    """It fits its own token, and a damaged row fits none."""
    named, other = (name_anew(context(nonce=nonce * 32), JOIN) for nonce in (b"1", b"2"))
    assert is_digest_of(JOIN, digest_of(JOIN, named), named)
    for wrong in (digest_of(JOIN, other), digest_of(DEVICE, named), None, 7, ""):
        assert not is_digest_of(JOIN, wrong, named)


@pytest.mark.parametrize("key", ["", "é", "=", "A" * 86, b64(b"\x04" + b"\x00" * 63), b64(b"\x02" + b"\x00" * 64)])
def test_what_is_no_key(key: str) -> None:
    """S-45: another length or form, or no base64url, is none, and raises nothing."""
    assert not is_key(key)
    assert is_key(phone().public)
