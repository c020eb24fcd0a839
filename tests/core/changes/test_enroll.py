"""Enrollment: the right to bind an authenticator, first ones, and the moment one counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.assurance import Traits
from mfa_gate.core.changes import (
    Change,
    Granted,
    begin_enrollment,
    grant_leave,
    may_change,
    may_enroll,
    redeem_ticket,
    replace_backup,
    settle_enrollment,
    skip,
)
from mfa_gate.core.changes.enroll import ENROLLMENT_LIFE, free_label
from mfa_gate.core.changes.enroll_rights import CHANGE_AGE, LEAVE_LIFE
from mfa_gate.core.decision import Allow, StepUp
from mfa_gate.core.events import WRONG
from mfa_gate.core.evidence import skip_key
from mfa_gate.core.model import (
    MAX_AUTHENTICATORS,
    MAX_ENROLLMENTS,
    MAX_SKIPS,
    Account,
    Attempts,
    Enrollment,
    Leave,
    Lock,
    Subject,
    Ticket,
)
from mfa_gate.core.policy import Requirement
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import EnrollmentRules, FactorRules, Rules
from mfa_gate.core.text_safety import typed_line
from mfa_gate.factors.email import EmailRules
from mfa_gate.factors.phone import PhoneRules
from mfa_gate.factors.voice import VoiceRules

from ..builders import (
    ANN,
    APP,
    HANDLE,
    KEY,
    MAIL,
    NOW,
    PAPER,
    TEXT,
    account,
    authenticator,
    caller,
    challenge,
    evidence,
    factor_rules,
    judged,
    moment,
    proof,
    requirement,
    rules_with,
    taken_from,
)

RULES = rules_with()


def word(refusal: Refusal | None) -> str:
    return refusal.reason if refusal else ""


def allowed(of: Account, traits: Traits = APP, rules: Rules = RULES, *, now: int = NOW) -> str:
    """Return the reason word of ``may_enroll``, "" for yes."""
    asked = requirement(rules)
    return word(may_enroll(evidence(of, now=now), judged(of, asked, now=now), asked, traits, now))


def begin(of: Account, factor: str = "app", *, now: int = NOW, **parts: Any) -> Change[Enrollment | Refusal]:
    words: dict[str, Any] = {"data": {"secret": "s"}, "label": "App", "browser": HANDLE, "single": False, "nonce": b"e"}
    words |= parts
    return begin_enrollment(of, moment(now, words.pop("nonce") * 32), factor=factor, **words)


def draft_of(change: Change[Enrollment | Refusal]) -> Enrollment:
    assert isinstance(change.answer, Enrollment)
    return change.answer


def confirm(of: Account, seen: Enrollment, *, now: int = NOW, **parts: Any) -> Change[Granted | Refusal]:
    of, taken = taken_from(of, RULES, now=now)
    words: dict[str, Any] = {
        "data": {"secret": "s", "step": 1},
        "challenge": "",
        "label": "",
        "traits": APP,
        "user_verified": False,
        "new_handle": "new" + "h" * 19,
        "answer": "digest",
        "refusal": None,
        "nonce": b"c",
    }
    words |= parts
    nonce = words.pop("nonce") * 32
    return settle_enrollment(of, moment(now, nonce), RULES, caller(), taken=taken, seen=seen, **words)


FIRST: list[tuple[str, str, Account, Traits, str]] = [
    ("open", "open", account(), APP, ""),
    ("contact: another factor", "contact", account(), APP, "contact_required"),
    ("contact: the mail on file", "contact", account(), MAIL, ""),
    ("contact: a typed phone", "contact", account(), TEXT, "contact_required"),
    ("ticket: the mail on file", "ticket", account(), MAIL, "ticket_required"),
    ("ticket", "ticket", account(), APP, "ticket_required"),
    ("backup codes first", "open", account(), PAPER, "not_enrollable"),
    ("backup codes beside a factor", "open", account("app", proofs=(proof(),)), PAPER, ""),
    ("a factor and no proof", "open", account("app"), KEY, "proof_required"),
    ("a factor and a fresh proof", "open", account("app", proofs=(proof(),)), KEY, ""),
    ("only backup codes", "open", account("paper"), KEY, "proof_required"),
    ("an unheard-of factor", "open", account("unheard-of"), KEY, "proof_required"),
    ("locked", "open", account(lock=Lock(at=1, cause="attempts", ref="R")), APP, "locked"),
    ("all attempts taken", "open", account(attempts=Attempts(used=7)), APP, "proof_required"),
    ("frozen", "open", account(frozen_until=NOW + 1), APP, "frozen"),
    ("frozen until now", "open", account(frozen_until=NOW), APP, ""),
    ("frozen, and marked by a clock that ran ahead", "open", account(frozen_until=NOW + 1, seen_at=NOW + 9), APP, "frozen"),
    ("frozen and marked, with a factor", "open",
     account("app", proofs=(proof(),), frozen_until=NOW + 1, seen_at=NOW + 9), KEY, "frozen"),
    ("locked, with a factor", "open",
     account("app", proofs=(proof(),), lock=Lock(at=1, cause="attempts", ref="R")), KEY, "locked"),
    ("frozen, with a factor", "open", account("app", proofs=(proof(),), frozen_until=NOW + 1), KEY, "frozen"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "of", "traits", "reason"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_who_may_enroll(first: Any, of: Account, traits: Traits, reason: str) -> None:
    """A first enrollment needs the policy's condition, a further one a fresh proof.

    S-82, S-83, S-93, D-9. Never less.
    """
    assert allowed(of, traits, rules_with(enrollment=EnrollmentRules(first=first))) == reason


def test_nobody_enrolls_while_locked() -> None:
    """S-34: the refusal says that no attempt is left.

    It has the reference by which an administrator finds the lock.
    """
    of = account(lock=Lock(at=1, cause="attempts", ref="R"))
    refusal = may_enroll(evidence(of), judged(of), requirement(), APP, NOW)
    assert refusal is not None
    assert (refusal.reason, refusal.ref, refusal.attempts_remaining) == ("locked", "R", 0)


def test_only_what_the_policy_allows() -> None:
    """A factor that is not allowed cannot be enrolled, by whomever."""
    assert allowed(account(), KEY, rules_with(factors=factor_rules("app"))) == "not_enrollable"


@pytest.mark.parametrize(("age", "reason"), [(0, ""), (CHANGE_AGE - 1, ""), (CHANGE_AGE, "proof_required")])
def test_a_proof_of_five_minutes(age: int, reason: str) -> None:
    """A change of factors needs a proof of less than five minutes.

    S-84, D-10. A proof of exactly five minutes is too old.
    """
    refusal = may_change(evidence(account("app", proofs=(proof(age=age),))), requirement(), NOW)
    assert word(refusal) == reason
    assert refusal is None or refusal.max_age == CHANGE_AGE


@pytest.mark.parametrize(
    ("first", "leave", "reason"),
    [
        ("contact", Leave(kind="contact", browser=HANDLE, at=NOW - LEAVE_LIFE + 1), ""),
        ("contact", Leave(kind="contact", browser=HANDLE, at=NOW - LEAVE_LIFE), "contact_required"),
        ("contact", Leave(kind="contact", browser="x", at=NOW), "contact_required"),
        ("contact", Leave(kind="ticket", browser=HANDLE, at=NOW), ""),
        ("ticket", Leave(kind="ticket", browser=HANDLE, at=NOW), ""),
        ("ticket", Leave(kind="contact", browser=HANDLE, at=NOW), "ticket_required"),
        ("ticket", Leave(kind="ticket", browser="x", at=NOW), "ticket_required"),
    ],
)
def test_leave(first: Any, leave: Leave, reason: str) -> None:
    """A proven contact or a ticket opens a first enrollment for a quarter of an hour.

    D-9. It opens it in that browser alone.
    """
    assert allowed(account(leave=leave), APP, rules_with(enrollment=EnrollmentRules(first=first))) == reason


@pytest.mark.parametrize(
    ("kind", "sms", "voice", "reason"),
    [
        ("sms", "on-file", "typed", ""),
        ("sms", "typed", "on-file", "contact_required"),
        ("voice", "on-file", "typed", "contact_required"),
        ("voice", "typed", "on-file", ""),
        ("post-card", "on-file", "on-file", "contact_required"),
    ],
)
def test_a_phone_counts_as_on_file_by_its_own_section(kind: str, sms: Any, voice: Any, reason: str) -> None:
    """A phone number that the person types proves no contact.

    D-9. Only the factor's own section of the policy decides, never the section of another factor.
    """
    rules = rules_with(
        factors=FactorRules(
            allowed=(kind,),
            options={"sms": PhoneRules(phone=sms), "voice": VoiceRules(phone=voice), "email": EmailRules()},
        ),
        enrollment=EnrollmentRules(first="contact"),
    )
    assert allowed(account(), Traits(kind=kind, name="Phone", contact="phone"), rules) == reason


def test_a_draft_does_not_count() -> None:
    """A draft that is not confirmed neither satisfies a demand nor is asked for.

    S-85.
    """
    of = begin(account()).account
    assert (of.authenticators, draft_of(begin(account())).expires_at) == ((), NOW + ENROLLMENT_LIFE)
    assert not isinstance(judged(of), (Allow, StepUp))


def test_a_second_start_leaves_a_live_one_alone() -> None:
    """A new draft replaces the browser's earlier draft of the kind.

    S-66. It never replaces an enrolled authenticator.
    """
    of = account("app", challenges=(challenge("mine"),))
    first = begin(of, nonce=b"1")
    waiting = replace(
        first.account,
        challenges=(*of.challenges, challenge("c9", purpose="enroll", target=draft_of(first).id)),
    )
    second = begin(waiting, nonce=b"2")
    assert second.account.enrollments == (draft_of(second),)
    assert second.account.replaced == (draft_of(first),)
    assert [c.id for c in second.account.challenges] == ["mine", "c9"], "so that its code is told apart"
    assert second.account.authenticators == of.authenticators
    other = begin(second.account, nonce=b"3", browser="x")
    assert len(other.account.enrollments) == 2


def test_drafts_are_bounded_and_end() -> None:
    """At most three drafts wait, each for half an hour."""
    of = account()
    for n in range(5):
        of = begin(of, f"f{n}", nonce=bytes([n])).account
    assert [e.factor for e in of.enrollments] == ["f2", "f3", "f4"]
    assert len(of.enrollments) == MAX_ENROLLMENTS
    late = begin(of, nonce=b"9", now=NOW + ENROLLMENT_LIFE).account
    assert [e.factor for e in late.enrollments] == ["app"]


def test_a_confirmed_draft_counts_and_is_a_proof() -> None:
    """A draft counts from its confirmation on, and the confirmation is a proof.

    S-85, contract 3. The leave, the ticket, the skips and the codes of the draft are gone with it.
    """
    before = account(
        skips=((skip_key(ANN, HANDLE), NOW),),
        leave=Leave(kind="contact", browser=HANDLE, at=NOW),
        ticket=Ticket(digest="d", expires_at=NOW + 9, actor="boss", ref="R"),
        attempts=Attempts(used=2),
    )
    begun = begin(before)
    codes = (challenge("c1", purpose="enroll", target=draft_of(begun).id), challenge("c2", purpose="contact"))
    change = confirm(replace(begun.account, challenges=codes), draft_of(begun), challenge="c1", label="My phone")
    after = change.account
    assert isinstance(change.answer, Granted)
    mine = after.authenticators[0]
    assert (mine.factor, mine.label, mine.data, mine.created_at) == ("app", "My phone", {"secret": "s", "step": 1}, NOW)
    assert (after.default, after.enrollments, after.challenges) == (mine.id, (), ())
    assert (after.skips, after.leave, after.ticket, after.attempts.used) == ((), None, None, 0)
    assert (change.answer.proof.authenticator, change.answer.proof.session) == (mine.id, "")
    assert isinstance(judged(after, who=caller(handle="new" + "h" * 19)), Allow)
    assert [event.kind for event in change.events] == ["factor.enrolled", "proof.granted"]


@pytest.mark.parametrize(("held", "used"), [((), 0), (("key",), 4)])
def test_a_further_factor_gives_no_attempts_back(held: tuple[str, ...], used: int) -> None:
    """S-33: only the first factor does, or each new one would buy fresh guesses.

    The confirmation itself costs none.
    """
    begun = begin(account(*held, attempts=Attempts(used=4)))
    assert confirm(begun.account, draft_of(begun)).account.attempts.used == used


def test_confirming_twice_makes_one() -> None:
    """S-44: the second confirmation of one draft is a replay, free and without effect."""
    begun = begin(account())
    once = confirm(begun.account, draft_of(begun)).account
    twice = confirm(once, draft_of(begun), nonce=b"d")
    assert isinstance(twice.answer, Refusal)
    assert twice.answer.reason == "code_already_used"
    assert (twice.account.authenticators, twice.account.attempts.used) == (once.authenticators, 0)


@pytest.mark.parametrize(
    ("change", "parts", "reason"),
    [
        ({}, {"refusal": Refusal(reason="proof_required")}, "proof_required"),
        ({}, {"challenge": "none"}, "code_already_used"),
        ({"challenges": (challenge("c1", spent_at=NOW),)}, {"challenge": "c1"}, "code_already_used"),
        ({"enrollments": ()}, {}, "code_already_used"),
        ({}, {"now": NOW + ENROLLMENT_LIFE}, "code_already_used"),
        ({"authenticators": tuple(authenticator(id=f"a{n}") for n in range(MAX_AUTHENTICATORS))}, {}, "too_many"),
        ({"authenticators": (authenticator(),)}, {"traits": replace(APP, single=True)}, "already_enrolled"),
    ],
)
def test_what_is_judged_again_when_it_is_settled(change: dict[str, Any], parts: dict[str, Any], reason: str) -> None:
    """A confirmation is judged on the account of that moment, not of the draft's beginning.

    S-82, S-84. A right that was there at the beginning may be gone.
    """
    begun = begin(account())
    of = replace(begun.account, **change)
    after = confirm(of, draft_of(begun), **parts)
    assert isinstance(after.answer, Refusal)
    assert after.answer.reason == reason
    assert (after.account.authenticators, after.account.attempts.used) == (of.authenticators, 0)


def test_a_draft_that_ended_unnoticed() -> None:
    """S-27: at exactly its end a draft is dead, also where nothing was written since."""
    begun = begin(account())
    of, taken = taken_from(begun.account, RULES)
    late = settle_enrollment(
        of,
        moment(NOW + ENROLLMENT_LIFE),
        RULES,
        caller(),
        taken=taken,
        seen=draft_of(begun),
        data={},
        challenge="",
        label="",
        traits=APP,
        user_verified=False,
        new_handle="n",
        answer="a",
        refusal=None,
    )
    assert isinstance(late.answer, Refusal)
    assert late.answer.reason == "code_expired"


def test_a_new_phone_takes_the_place_of_the_old_one() -> None:
    """U-32: it keeps the name, and ends the proofs and codes of the old one.

    The person is told of a replacement.

    All other authenticators, proofs and drafts stay.
    """
    of = account("app", "key", proofs=(proof("app"), proof("key")), default="app-1")
    of = replace(of, challenges=(challenge("mine", target="app-1"), challenge("other", target="key-1")))
    begun = begin(of, replaces="app-1", single=True)
    beside = begin(begun.account, factor="text", nonce=b"o")
    before = replace(
        beside.account, replaced=(draft_of(begin(of, nonce=b"r")), draft_of(begin(of, "mail", nonce=b"m")))
    )
    change = confirm(before, draft_of(begun), replaces="app-1", traits=replace(APP, single=True))
    assert isinstance(change.answer, Granted)
    after, new = change.account, change.answer.proof.authenticator
    assert [(mine.id, mine.label) for mine in after.authenticators] == [("key-1", "key"), (new, "app")]
    assert after.default == new
    assert [c.id for c in after.challenges] == ["other"]
    assert {p.authenticator for b in after.browsers for p in b.proofs} == {"key-1", new}
    assert [e.factor for e in after.enrollments] == ["text"]
    assert [e.factor for e in after.replaced] == ["mail"]
    assert (change.events[0].kind, change.events[0].detail) == (
        "factor.replaced",
        {"authenticator": new, "replaces": "app-1"},
    )
    named = confirm(before, draft_of(begun), replaces="app-1", label="Pixel")
    assert named.account.authenticators[-1].label == "Pixel"


def test_an_authenticator_beside_the_others() -> None:
    """Nothing is replaced that was not named.

    The default, the codes and the proofs stay as they were.
    """
    of = account("key", proofs=(proof("key"),), default="key-1", challenges=(challenge("c9", target="key-1"),))
    begun = begin(of)
    change = confirm(begun.account, draft_of(begun))
    assert [mine.factor for mine in change.account.authenticators] == ["key", "app"]
    assert (change.account.default, [c.id for c in change.account.challenges]) == ("key-1", ["c9"])
    assert (change.events[0].kind, [*change.events[0].detail]) == ("factor.enrolled", ["authenticator"])


@pytest.mark.parametrize(("used", "wrong"), [(0, {}), (1, {WRONG: 1}), (3, {WRONG: 3})])
def test_wrong_answers_before_a_confirmation_are_told(used: int, wrong: dict[str, int]) -> None:
    """The person learns of guesses that went before, and a first right answer tells of none."""
    begun = begin(account(attempts=Attempts(used=used)))
    event = confirm(begun.account, draft_of(begun)).events[0]
    assert {name: value for name, value in event.detail.items() if name != "authenticator"} == wrong


def test_one_passkey_is_one_authenticator() -> None:
    """A key that is there already is not enrolled again, and another one is."""
    held = account(authenticators=(authenticator("key", data={"claim": "id-1"}), authenticator("app")))
    begun = begin(held)
    for claim, reason in (("id-1", "already_enrolled"), ("id-2", "")):
        answer = confirm(begun.account, draft_of(begun), data={"claim": claim}).answer
        assert (answer.reason if isinstance(answer, Refusal) else "") == reason
    assert isinstance(confirm(begun.account, draft_of(begun), data={"secret": "s"}).answer, Granted)


def test_a_code_of_a_draft_that_was_replaced() -> None:
    """A person who scanned the picture of before is told so, and not that the code was used."""
    first = begin(account(), nonce=b"1")
    second = begin(first.account, nonce=b"2")
    late = confirm(second.account, draft_of(first))
    assert isinstance(late.answer, Refusal)
    assert late.answer.reason == "draft_replaced"
    third = begin(second.account, nonce=b"3")
    codes = tuple(challenge(draft.id, purpose="enroll", target=draft.id) for draft in third.account.replaced)
    fourth = begin(replace(third.account, challenges=codes), nonce=b"4").account
    assert [draft.id for draft in fourth.replaced] == [draft_of(second).id, draft_of(third).id]
    assert [code.id for code in fourth.challenges] == [draft_of(second).id], "codes go with the draft that is forgotten"


def test_the_language_of_a_reader_who_is_new() -> None:
    """Mails to a person are in the language of the first page.

    A later page does not change it.
    """
    first = begin(account(), lang="de", zone="Europe/Berlin").account
    assert (first.lang, first.zone) == ("de", "Europe/Berlin")
    later = begin(first, lang="fr", zone="Europe/Paris").account
    assert (later.lang, later.zone) == ("de", "Europe/Berlin")


@pytest.mark.parametrize(
    ("held", "single", "reason"),
    [
        (MAX_AUTHENTICATORS, False, "too_many"),
        (MAX_AUTHENTICATORS - 1, False, ""),
        (1, True, "already_enrolled"),
        (0, True, ""),
    ],
)
def test_how_many(held: int, single: bool, reason: str) -> None:
    """A subject has at most twenty authenticators, and at most one of a single kind."""
    of = account(authenticators=tuple(authenticator(id=f"a{n}") for n in range(held)))
    answer = begin(of, single=single).answer
    assert (answer.reason if isinstance(answer, Refusal) else "") == reason


@pytest.mark.parametrize(
    ("label", "held", "found"),
    [
        ("Phone", (), "Phone"),
        ("Phone", ("phone",), "Phone 2"),
        ("Phone", ("Phone", "PHONE 2"), "Phone 3"),
        ("  My \n phone ", (), "My phone"),
        ("", (), "Authenticator"),
        ("\ud800\u202e\x00", (), "Authenticator"),
        ("Pho\u202ene", (), "Phone"),
        ("👩\u200d💻 \u200fهاتف", (), "👩\u200d💻 هاتف"),
        ("x" * 60, (), "x" * 40),
        ("x" * 60, ("x" * 40,), "x" * 37 + " 2"),
        (
            "Phone",
            ("Phone", *(f"Phone {n}" for n in range(2, MAX_AUTHENTICATORS + 1))),
            f"Phone {MAX_AUTHENTICATORS + 1}",
        ),
    ],
)
def test_labels(label: str, held: tuple[str, ...], found: str) -> None:
    """A label is one printable line of at most 40 characters, and unique.

    U-32. A label that is taken gets the next free number.
    """
    of = account(authenticators=tuple(authenticator(id=f"a{n}", label=name) for n, name in enumerate(held)))
    assert free_label(of, label) == found


@pytest.mark.parametrize("length", [38, 39, 40, 41])
def test_a_label_that_is_cut_in_a_joined_word(length: int) -> None:
    """A label is no longer than it may be, and its owner can save it as it stands."""
    label = "ک" * (length - 2) + "\u200cکک" * 9
    for held in ((), (free_label(account(), label),)):
        of = account(authenticators=tuple(authenticator(id=f"a{n}", label=name) for n, name in enumerate(held)))
        found = free_label(of, label)
        assert found not in held
        assert len(found) <= 40
        assert typed_line(found) == found


def test_the_label_of_a_draft_is_bounded() -> None:
    """A label of any length and with any character fits into a draft.

    The same holds for the host's name of the person.
    """
    change = begin(account(name="Ann"), label="\ud800" + "x" * 16_000, name="\ud800Ann" + "x" * 99)
    assert draft_of(change).label == "x" * 40
    assert change.account.name == ("Ann" + "x" * 99)[:80]
    assert begin(account(name="Ann"), name="").account.name == "Ann"


def test_backup_codes_replace_the_set() -> None:
    """S-92: a new set ends the old one at once, the factors beside it stay."""
    of = account("app", "paper")
    change = replace_backup(of, moment(), factor="paper", data={"left": ["1"]}, label="Backup codes")
    assert [a.factor for a in change.account.authenticators] == ["app", "paper"]
    assert change.account.authenticators[1].data == {"left": ["1"]}
    assert change.account.authenticators[1].id != "paper-1"
    assert [event.kind for event in change.events] == ["backup_codes.made"]


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (account(), "enrollment_required"),
        (account("paper"), "enrollment_required"),
        (account(authenticators=tuple(authenticator(id=f"a{n}") for n in range(20))), "too_many"),
    ],
)
def test_backup_codes_are_never_alone(of: Account, reason: str) -> None:
    """S-93: without a factor beside them there are no backup codes; they count for the bound."""
    change = replace_backup(of, moment(), factor="paper", data={}, label="Backup codes")
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.account) == (reason, of)


def optional() -> Requirement:
    return requirement(rules_with(enrollment=EnrollmentRules(stage="optional", first="open")))


def test_skipping() -> None:
    """A skip holds for this sign-in, is counted and told; the same sign-in skips once."""
    of = account()
    for count in (1, 2):
        change = skip(of, moment(), caller(), decision=judged(account(), optional()))
        of = change.account
        assert (len(of.skips), of.skip_count, change.answer) == (1, count, None)
        assert change.events[0].detail == {"count": count}
    assert isinstance(judged(of, optional()), Allow)


def test_skips_are_bounded() -> None:
    """However often somebody skips, twenty sign-ins are remembered and all are counted."""
    of = account()
    for n in range(MAX_SKIPS + 5):
        who = caller(Subject("ann", "clinic", session=f"s{n}"))
        of = skip(of, moment(), who, decision=judged(account(), optional())).account
    assert (len(of.skips), of.skip_count) == (MAX_SKIPS, MAX_SKIPS + 5)


@pytest.mark.parametrize("of", [account(), account("app"), account("app", proofs=(proof(),))])
def test_what_must_be_done_is_not_skipped(of: Account) -> None:
    """S-83: only an enrollment that is optional now can be skipped."""
    change = skip(of, moment(), caller(), decision=judged(of))
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.account) == ("not_allowed", of)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (account(challenges=(challenge(purpose="contact"),)), ""),
        (account("app", challenges=(challenge(purpose="contact"),)), "code_already_used"),
        (account(challenges=(challenge(purpose="contact", spent_at=NOW),)), "code_already_used"),
        (account(challenges=(challenge(purpose="contact", age=600),)), "code_already_used"),
        (account(), "code_already_used"),
    ],
)
def test_a_proven_contact(of: Account, reason: str) -> None:
    """A live code to the contact on file gives leave to enroll once.

    D-9, S-83. It never gives leave to an account that has a factor.
    """
    charged, taken = taken_from(of, RULES)
    change = grant_leave(charged, moment(), RULES, taken=taken, challenge="c1", browser=HANDLE, factor="mail")
    assert word(change.answer) == reason
    assert change.account.leave == (None if reason else Leave(kind="contact", browser=HANDLE, at=NOW))
    assert change.account.attempts.used == 0
    if not reason:
        assert [c.spent_at for c in change.account.challenges] == [NOW]


TICKET = Ticket(digest="d", expires_at=NOW + 60, actor="boss", ref="T-1")


@pytest.mark.parametrize(
    ("of", "matches", "now", "reason"),
    [
        (account(ticket=TICKET), True, NOW, ""),
        (account(ticket=TICKET), True, NOW + 59, ""),
        (account(ticket=TICKET), True, NOW + 60, "ticket_required"),
        (account(ticket=TICKET), False, NOW, "ticket_required"),
        (account(), True, NOW, "ticket_required"),
        (account("app", ticket=TICKET), True, NOW, "ticket_required"),
    ],
)
def test_a_ticket(of: Account, matches: bool, now: int, reason: str) -> None:
    """An administrator's ticket works once, until its end.

    S-94. It works only for an account with nothing enrolled.
    """
    change = redeem_ticket(of, moment(now), matches=matches, browser=HANDLE)
    assert word(change.answer) == reason
    if not reason:
        assert (change.account.ticket, change.account.leave) == (None, Leave(kind="ticket", browser=HANDLE, at=now))
        assert (change.events[0].ticket, change.events[0].reason) == ("T-1", "redeemed")
        assert redeem_ticket(change.account, moment(now), matches=True, browser=HANDLE).answer is not None
