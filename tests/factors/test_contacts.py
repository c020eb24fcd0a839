"""Factors that reach a person at an address or a number: they show, keep and send."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.model import Contacts, Seconds
from mfa_gate.core.rules import CodeRules, ResendRules, Rules
from mfa_gate.factors.base import Accepted, CodeShape, Draft, Issue, Rejected
from mfa_gate.factors.email import Email, EmailRules
from mfa_gate.factors.optional_parts import Introduction, is_moved
from mfa_gate.factors.phone import CONSENT, PhoneRules
from mfa_gate.factors.sms import Sms
from mfa_gate.factors.voice import CALL_LIFE, Voice, VoiceRules

from .builders import NOW, code_of, context, issued, rules

EMAIL, SMS, VOICE = Email(), Sms(), Voice()
NUMBER, MAIL = "+12025550100", "ann@clinic.example"
KNOWN = Contacts(name="Ann", email=MAIL, phone=NUMBER)
RESEND = ResendRules(wait=Seconds(7))
CODE = CodeRules(digits=8, ttl=Seconds(300), live=2)
OPTIONS: list[tuple[Any, Any]] = [(EMAIL, EmailRules), (SMS, PhoneRules), (VOICE, VoiceRules)]
ALL = pytest.mark.parametrize(("factor", "section"), OPTIONS, ids=["email", "sms", "voice"])


def with_section(factor: Any, section: Any, *, mask: bool = True, **parts: Any) -> Rules:
    return rules(**{factor.traits.kind: section(**parts), "mask": mask})


def drafted(factor: Any, mine: Any, phone: str = NUMBER) -> Any:
    draft = factor.draft(mine, phone=phone)
    assert isinstance(draft, Draft)
    return draft.data


@ALL
@pytest.mark.parametrize("mask", [True, False])
def test_the_place_where_a_code_goes(factor: Any, section: Any, mask: bool) -> None:
    """It is masked on a challenge as the policy says.

    It is opened whole only for the comparison with the record.
    """
    mine = context(rules=with_section(factor, section, mask=mask))
    data = drafted(factor, mine)
    whole = MAIL if factor is EMAIL else NUMBER
    masked = "a•••@c•••.example" if factor is EMAIL else "(•••) •••-••00"
    assert factor.hint(mine, data) == factor.show(mine, data)["hint"] == (masked if mask else whole)
    assert factor.copy_of(mine, data) == whole
    assert whole not in repr(data)


@ALL
def test_the_pace_of_sending_is_the_policys(factor: Any, section: Any) -> None:
    """Each has a table of its own."""
    assert factor.limits(with_section(factor, section, resend=RESEND)) == RESEND
    assert factor.limits(Rules()) == ResendRules()


@ALL
def test_the_shape_of_a_code(factor: Any, section: Any) -> None:
    """Length, life and the number of right ones, for the page and the checks of a policy."""
    parts: dict[str, Any] = {"confirm": "code"} if factor is VOICE else {}
    shape = CodeShape(length=8, valid=2, ttl=300, option=("code",))
    assert factor.code(with_section(factor, section, code=CODE, **parts)) == shape


@ALL
def test_the_contact_of_before(factor: Any, section: Any) -> None:
    """It is told of what happens until its time is over, to the second.

    Without one nobody is told.
    """
    mine = context(rules=with_section(factor, section))
    old, new = drafted(factor, mine), drafted(factor, mine, "+12025550123")
    both = factor.heir(new, old, NOW + 1)
    assert (both["was"], both["to"]) == (old["to"], new["to"])
    assert factor.former(mine, both) == (MAIL if factor is EMAIL else NUMBER)
    assert factor.former(mine, factor.heir(new, old, NOW)) == ""
    assert factor.former(mine, new) == ""


@pytest.mark.parametrize(
    ("factor", "section", "contacts", "present"),
    [
        (EMAIL, EmailRules(), KNOWN, MAIL),
        (EMAIL, EmailRules(), Contacts(), ""),
        *(
            (factor, section, contacts, present)
            for factor, made in OPTIONS[1:]
            for section, contacts, present in (
                (made(), KNOWN, None),
                (made(phone="on-file"), KNOWN, NUMBER),
                (made(phone="on-file"), Contacts(), ""),
                (made(phone="on-file"), Contacts(phone="no number"), ""),
                (made(phone="on-file", regions=("DE",)), KNOWN, ""),
            )
        ),
    ],
)
def test_the_contact_on_file(factor: Any, section: Any, contacts: Contacts, present: str | None) -> None:
    """The host's record in the form of the copy.

    Nothing of it counts where people type their own.
    """
    own = rules(**{factor.traits.kind: section})
    assert factor.on_file(own, contacts) == present
    assert is_moved(factor, own, contacts, NUMBER) is (present not in (None, NUMBER))
    assert is_moved(factor, own, contacts, (present or "x").upper()) is (present == "")


@pytest.mark.parametrize(
    ("factor", "section", "shown"),
    [
        (EMAIL, EmailRules(), Introduction(destination=MAIL)),
        *(
            (factor, made(**parts), Introduction(consent=CONSENT, **shown))
            for factor, made in OPTIONS[1:]
            for parts, shown in (
                ({}, {}),
                ({"phone": "on-file"}, {"destination": NUMBER}),
                ({"regions": ("US",)}, {}),
                ({"regions": ("US", "CA")}, {"regions": (("US", "United States"), ("CA", "Canada"))}),
            )
        ),
    ],
)
def test_the_page_before_a_set_up(factor: Any, section: Any, shown: Introduction) -> None:
    """The contact on file, or the countries to choose from where there is a choice."""
    assert factor.introduction(rules(**{factor.traits.kind: section}), KNOWN) == shown


@pytest.mark.parametrize("factor", [SMS, VOICE])
def test_a_number_that_the_policy_no_longer_accepts(factor: Any) -> None:
    """S-129: it was enrolled under another policy, and gets no message under this one."""
    section = dict(OPTIONS)[factor]
    data = drafted(factor, context())
    issue = factor.issue(context(rules=with_section(factor, section, regions=("DE",))), data)
    assert isinstance(issue, Rejected)
    assert (issue.reason, issue.free) == ("phone_region", True)


def test_a_text_for_an_administrator_goes_to_the_record() -> None:
    """The number of the host's record counts as the policy accepts it.

    So it does where people type their own.
    """
    assert SMS.number_on_file(Rules(), KNOWN) == NUMBER
    assert SMS.number_on_file(Rules(), Contacts()) == SMS.number_on_file(Rules(), Contacts(phone="x")) == ""
    assert SMS.number_of(context(), drafted(SMS, context())) == NUMBER


@pytest.mark.parametrize(("confirm", "named"), [("pound", ('confirm = "pound"', 'confirm = "code"')), ("code", None)])
def test_calls_that_need_a_callback(confirm: Any, named: tuple[str, str] | None) -> None:
    """The operator reads which option needs an address that the provider reaches.

    The words to write instead stand beside it.
    """
    assert VOICE.without_callback(rules(voice=VoiceRules(confirm=confirm))) == named


@pytest.mark.parametrize(
    ("confirm", "ttl", "life", "live"),
    [("pound", 60, 60, 1), ("pound", CALL_LIFE + 9, CALL_LIFE, 1), ("code", CALL_LIFE + 9, CALL_LIFE + 9, 4)],
)
def test_the_life_of_a_call(confirm: Any, ttl: int, life: int, live: int) -> None:
    """A call that a key confirms ends with the call.

    A code that was read out lives as the policy says.
    """
    section = VoiceRules(confirm=confirm, code=CodeRules(ttl=Seconds(ttl), live=4))
    mine = context(rules=rules(voice=section))
    issue = VOICE.issue(mine, drafted(VOICE, mine))
    assert isinstance(issue, Issue)
    assert (issue.ttl, issue.live) == (life, live)
    assert bool(issue.delivery and issue.delivery.code) is (confirm == "code")


def test_no_address_on_file() -> None:
    """The person is told so, and it costs no attempt."""
    draft = EMAIL.draft(context(contacts=Contacts()))
    assert isinstance(draft, Rejected)
    assert (draft.reason, draft.free) == ("no_contact", True)
    on_file = context(contacts=Contacts(), rules=rules(sms=PhoneRules(phone="on-file")))
    for refused in (SMS.draft(on_file), SMS.draft(on_file, phone=NUMBER)):
        assert isinstance(refused, Rejected)
        assert (refused.reason, refused.free) == ("no_contact", True)


@pytest.mark.parametrize(("ttl", "told"), [(600, "10 minutes"), (120, "2 minutes")])
@ALL
def test_a_message_says_how_long_its_code_lives(factor: Any, section: Any, ttl: int, told: str) -> None:
    """In whole minutes, as the policy says; a call that reads a code says nothing of it."""
    parts: dict[str, Any] = {"confirm": "code"} if factor is VOICE else {}
    mine = context(rules=with_section(factor, section, code=CodeRules(ttl=Seconds(ttl)), **parts))
    issue = factor.issue(mine, drafted(factor, mine))
    assert isinstance(issue, Issue)
    assert issue.delivery is not None
    assert (told in issue.delivery.text) is (factor is not VOICE)
    assert (issue.ttl, issue.delivery.to) == (ttl, MAIL if factor is EMAIL else NUMBER)


@pytest.mark.parametrize(("age", "right"), [(299, True), (300, False)])
def test_a_code_of_another_application_ends_by_the_stricter_policy(age: int, right: bool) -> None:
    """F-39: it was issued for ten minutes there, and counts for five here."""
    there = context()
    issue = EMAIL.issue(there, drafted(EMAIL, there))
    sent = issued(issue, at=NOW - age, factor="email")
    here = context(rules=with_section(EMAIL, EmailRules, code=CodeRules(ttl=Seconds(300))))
    found = EMAIL.verify(here, data={}, challenges=[sent], response=code_of(issue))
    assert isinstance(found, Accepted) is right
    assert right or found == Rejected(reason="code_expired", free=True)
