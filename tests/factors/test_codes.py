"""Codes that are sent and typed: made, stored, read and matched."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.entropy import expand
from mfa_gate.core.model import Contacts, Fields, Seconds
from mfa_gate.core.rules import CodeRules, FactorRules, ResendRules, Rules
from mfa_gate.factors.base import Accepted, Draft, Factor, Issue, Rejected
from mfa_gate.factors.codes import make_code, masked_email, masked_phone, read_digits, verify_code
from mfa_gate.factors.email import Email, EmailRules
from mfa_gate.factors.phone import PhoneRules
from mfa_gate.factors.sms import Sms
from mfa_gate.keyring import Keyring, Unopened, make_key

from .builders import BOB, ELSEWHERE, HOSTILE, NOW, code_of, context, issued, rules

EMAIL, SMS = Email(), Sms()
SENT = pytest.mark.parametrize("factor", [EMAIL, SMS], ids=["email", "sms"])


def drafted(factor: Factor, **parts: Any) -> Draft:
    draft = factor.draft(context(**parts), phone="(202) 555-0100")
    assert isinstance(draft, Draft)
    return draft


def sent(factor: Factor, nonce: str = "code", **parts: Any) -> Issue:
    made = factor.issue(context(nonce, **parts), drafted(factor).data)
    assert isinstance(made, Issue)
    return made


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123456 ", "123456"),
        ("123 456", "123456"),
        ("123-456", "123456"),
        ("123\u2011456", "123456"),
        ("123\u00a0456", "123456"),
        ("1.2.3.4.5.6", "123456"),
        ("#123456", "123456"),
        ("000000", "000000"),
        ("１２３４５６", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("123４５٦", "123456"),
        ("123456 is your code for Clinic", "123456"),
        ("@app.example #123456", "123456"),
        ("Use 123456 by 10:15", "123456"),
        ("123\u200b456", "123456"),
        ("\ufeff123456\u200e", "123456"),
        ("123\u2009456", "123456"),
        ("123\u2014456", "123456"),
        ("123456 is your security code. Do not share it.\n@app.example #123456", "123456"),
        ("Code 123456 " + "x" * 200, "123456"),
        ("123456 is your security code for Summit 202612.\n@app.example #123456", "123456"),
        ("1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e3456", "123456"),
        ("123456\ufe0e", "123456"),
        ("(123456)", "123456"),
        ("“123456”,", "123456"),
        ("123456, 123456", None),
        ("(123456) 7", None),
        ("+123456", None),
        ("Code 123456 " + "x" * 300, None),
        ("123456 is your code.\n@app.example #654321", None),
        ("code 123456 or 654321", None),
        ("code 1234567", None),
        ("call 12 34 56 now", None),
        ("123456 654321", None),
        ("12345", None),
        ("1234567", None),
        ("½23456", None),
        ("12345²", None),
        ("١٢٣٤٥", None),
    ],
)
def test_what_a_person_means(typed: str, code: str | None) -> None:
    """A code is read from the digits of any script, with spaces, hyphens or a pasted message.

    D-30, U-9. A text that does not contain exactly one code gives none.
    """
    assert read_digits(typed, 6) == code


def test_our_own_text_message_is_read() -> None:
    """The whole message that we sent can be pasted into the field.

    Whatever its language and names (U-3).
    """
    for service in (
        "Clinic",
        "Ärzte 2000",
        "Summit 202612",
        "A very long name of a service that has to be cut somewhere",
    ):
        made = sent(SMS, service=service)
        assert made.delivery is not None
        assert read_digits(made.delivery.text, 6) == made.delivery.code


@pytest.mark.parametrize("response", HOSTILE, ids=lambda r: repr(r)[:20])
def test_garbage_is_no_code(response: object) -> None:
    """An entry that is no code is malformed before anything is looked up.

    S-38, S-45. Examples are empty, null, lists, a megabyte, signs and look-alikes.
    """
    assert read_digits(response, 6) is None
    assert EMAIL.read(response, rules()) is None
    assert SMS.read(response, rules()) is None


@given(st.text(max_size=80), st.integers(6, 10))
def test_only_ascii_digits_of_the_length_come_out(text: str, digits: int) -> None:
    """Any entry becomes ASCII digits of the right number, or nothing, before the comparison.

    S-61.
    """
    read = read_digits(text, digits)
    assert read is None or (len(read) == digits and read.isascii() and read.isdecimal())


@given(st.integers(0, 10**6 - 1), st.sampled_from("0０٠०"), st.sampled_from(["", " ", "-", "\u00a0"]))
def test_every_code_can_be_typed(number: int, zero: str, between: str) -> None:
    """S-43: each of the million codes, leading zeros too, is read in every script and spacing."""
    code = f"{number:06}"
    assert read_digits(between.join(chr(ord(zero) + int(digit)) for digit in code), 6) == code


def test_codes_are_uniform_and_keep_their_zeros() -> None:
    """Each first digit of a code comes equally often, zero as well.

    S-43. The length is always six.
    """
    codes = [make_code(context(f"n{n}"), 6) for n in range(3000)]
    assert {len(code) for code in codes} == {6}
    first = Counter(code[0] for code in codes)
    assert set(first) == set("0123456789")
    assert all(220 <= count <= 380 for count in first.values())
    assert len(make_code(context(), 10)) == 10


@SENT
def test_a_code_is_stored_as_a_digest_of_its_place(factor: Factor) -> None:
    """The stored data contains neither the code nor the destination.

    S-48, S-49. The sender alone gets them.
    """
    made = sent(factor)
    assert made.delivery is not None
    assert made.delivery.code not in repr(made.data)
    assert made.delivery.to not in repr(drafted(factor).data)
    assert made.delivery.code in made.delivery.text
    assert set(made.data) == {"code"}


@SENT
def test_any_live_code_works(factor: Factor) -> None:
    """Each of several live codes counts, the oldest too.

    D-2, U-18. The outcome names the challenge of the code.
    """
    made = [sent(factor, f"n{n}") for n in range(5)]
    waiting = [issued(one, at=NOW - n) for n, one in enumerate(made)]
    for one, challenge in zip(made, waiting, strict=True):
        outcome = factor.verify(context(), data={"to": "x"}, challenges=waiting, response=code_of(one))
        assert outcome == Accepted(data={"to": "x"}, target="a-1", challenge=challenge.id)


@SENT
@pytest.mark.parametrize(
    ("parts", "reason", "free"),
    [
        ({}, "", False),
        ({"now": NOW + 599}, "", False),
        ({"now": NOW + 600}, "code_expired", True),
        ({"purpose": "enroll"}, "wrong_code", False),
        ({"purpose": "contact"}, "wrong_code", False),
        ({"key": BOB}, "wrong_code", False),
        ({"key": ELSEWHERE}, "wrong_code", False),
    ],
)
def test_a_code_is_for_its_person_purpose_and_time(
    factor: Factor, parts: dict[str, Any], reason: str, free: bool
) -> None:
    """A code matches only for its person, tenant and purpose, until exactly its end.

    S-46, S-47. A code that is over costs nothing.
    """
    made = sent(factor)
    outcome = factor.verify(context(**parts), data={}, challenges=[issued(made)], response=code_of(made))
    if reason:
        assert outcome == Rejected(reason=reason, free=free)
    else:
        assert isinstance(outcome, Accepted)


@SENT
def test_ended_codes_are_known(factor: Factor) -> None:
    """A spent code is reported as used, and an expired one as expired.

    D-34, U-10. A wrong code costs an attempt. A live code wins over both.
    """
    made = sent(factor)
    code, live = code_of(made), issued(made)
    spent = replace(live, id="s", spent_at=NOW - 1)
    old = replace(live, id="o", expires_at=NOW)
    wrong = "000000" if code != "000000" else "111111"
    for challenges, reason in (
        ([spent], "code_already_used"),
        ([old], "code_expired"),
        ([old, spent], "code_already_used"),
    ):
        outcome = factor.verify(context(), data={}, challenges=challenges, response=code)
        assert outcome == Rejected(reason=reason, free=True)
        assert factor.verify(context(), data={}, challenges=challenges, response=wrong) == Rejected(reason="wrong_code")
    assert isinstance(factor.verify(context(), data={}, challenges=[old, spent, live], response=code), Accepted)


@pytest.mark.parametrize("response", [*HOSTILE, "000000", "123456"], ids=lambda r: repr(r)[:20])
def test_where_nothing_was_sent_nothing_matches(response: object) -> None:
    """No answer is right while no code was issued.

    S-45. An entry that is no code matches nothing either.
    """
    made = issued(sent(EMAIL))
    stored: list[Fields] = [{}, {"code": ""}, {"code": None}, {"code": []}, {"challenge": "x"}]
    for data in stored:
        challenges = [replace(made, data=data)]
        for waiting in ([], challenges):
            assert verify_code(context(), {}, waiting, response) == Rejected(reason="wrong_code")


@SENT
def test_the_policy_rules_a_code(factor: Factor) -> None:
    """Digits, life and number of outstanding codes are the tenant's."""
    code = CodeRules(digits=8, ttl=Seconds(900), live=2)
    own = Rules(factors=FactorRules(options={"email": EmailRules(code=code), "sms": PhoneRules(code=code)}))
    made = sent(factor, rules=own)
    assert (made.ttl, made.live, len(code_of(made))) == (900, 2, 8)
    assert factor.read(code_of(made), own) == code_of(made)
    assert factor.read("123456", own) is None
    assert factor.limits(own) == ResendRules()


def test_the_text_message_ends_with_the_bound_line() -> None:
    """S-53: the last line binds the code to our own host, in one message."""
    made = sent(SMS)
    assert made.delivery is not None
    assert made.delivery.text.splitlines()[-1] == f"@app.example #{code_of(made)}"
    assert (made.delivery.channel, made.delivery.to) == ("sms", "+12025550100")


def test_the_e_mail_goes_to_the_address_on_file() -> None:
    """S-51: the address is the host's; a request that types one changes nothing."""
    draft = EMAIL.draft(context(), phone="evil@example.net")
    assert isinstance(draft, Draft)
    made = EMAIL.issue(context(), draft.data)
    assert isinstance(made, Issue)
    assert made.delivery is not None
    assert (made.delivery.channel, made.delivery.to) == ("email", "ann@clinic.example")
    assert made.delivery.code in made.delivery.subject
    assert EMAIL.draft(context(contacts=Contacts())) == Rejected(reason="no_contact", free=True)


@SENT
def test_a_destination_is_sealed_for_its_person(factor: Factor) -> None:
    """S-64: a row that is moved to another person sends nowhere."""
    for key in (BOB, ELSEWHERE):
        with pytest.raises(Unopened):
            factor.issue(context(key=key), drafted(factor).data)


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("user@example.com", "u•••@e•••.com"),
        ("u@e.com", "u•••@e•••.com"),
        ("user@mail.example.co.uk", "u•••@m•••.uk"),
        ("user@localhost", "u•••@l•••"),
        ('"a@b"@example.com', '"•••@e•••.com'),
        ("no address", "•••@•••"),
        ("", "•••@•••"),
    ],
)
def test_masked_addresses(address: str, masked: str) -> None:
    """S-57, D-21: the first letter of mailbox and domain is shown, and the last label."""
    assert masked_email(address) == masked


@given(st.emails())
def test_a_mask_shows_two_letters_at_most(address: str) -> None:
    """S-57: of no address is more shown than two letters and the last label."""
    shown = masked_email(address)
    mailbox, _, domain = address.rpartition("@")
    assert shown == f"{mailbox[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"


def test_masked_numbers() -> None:
    """S-57, D-21: the last two digits of a number are shown and no others."""
    assert masked_phone("+12025550142") == "(•••) •••-••42"


@SENT
def test_masks_are_the_policys(factor: Factor) -> None:
    """The hint is masked unless the policy shows it whole; a draft's page shows the hint."""
    data = drafted(factor).data
    masked, whole = factor.hint(context(), data), factor.hint(context(rules=rules(mask=False)), data)
    assert "•" in masked
    assert whole in ("ann@clinic.example", "+12025550100")
    assert factor.show(context(), data)["hint"] == masked


@pytest.mark.parametrize(("length", "read"), [(256, "123456"), (257, None)])
def test_the_longest_message_that_is_pasted(length: int, read: str | None) -> None:
    """U-3: a whole text message of ours fits, to the character."""
    text = "123456 is your security code. "
    assert read_digits(text + "x" * (length - len(text)), 6) == read


def test_codes_of_a_key_that_is_gone_are_no_wrong_codes() -> None:
    """F-18: nobody can judge by them, which is a fault of ours and costs no attempt."""
    old = context(keyring=Keyring(make_key(expand(b"seed", "old", 32))))
    sent = issued(Email().issue(old, {"to": old.seal("email", "a@b.example")}))
    with pytest.raises(Unopened, match="not listed"):
        verify_code(context(), {}, [sent], "123456")
    assert verify_code(context(), {}, [], "123456") == Rejected(reason="wrong_code")


def test_a_factor_without_options_lives_as_it_was_issued() -> None:
    """The life of a code of another package's factor is its own."""
    mine = context()
    issue = Email().issue(mine, {"to": mine.seal("email", "a@b.example")})
    for age, right in ((599, True), (600, False)):
        found = verify_code(mine, {}, [issued(issue, at=NOW - age, factor="outside")], code_of(issue))
        assert isinstance(found, Accepted) is right
