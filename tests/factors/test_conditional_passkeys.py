"""Passkeys that a password manager makes by itself, and answers that name their challenge."""

from __future__ import annotations

import pytest

from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Enrolled, OpenDraft, Verified

from .ceremony import Ceremony
from .softkey import UP, Answer, SoftKey
from .test_webauthn_service import Person, clock, service, shown, store

__all__ = ["clock", "service", "store"]


def untouched(answer: Answer) -> None:
    """Nobody touched the authenticator: neither presence nor verification."""
    answer.flags &= ~(UP | 4)


async def begun(person: Person, *, unasked: bool) -> tuple[OpenDraft, dict[str, object]]:
    """Begin to enroll a passkey."""
    draft = await person.service.enrollments.begin(person.caller, factor="webauthn", unasked=unasked)
    assert isinstance(draft, OpenDraft)
    assert draft.issued is not None
    return draft, shown(draft.issued)


@pytest.mark.parametrize("unasked", [True, False])
async def test_only_an_unasked_creation_may_go_untouched(service, unasked: bool) -> None:  # type: ignore[no-untyped-def]
    """A credential without a press is taken where the browser may make it by itself."""
    ann = Person(service=service)
    assert isinstance(await ann.enroll(SoftKey()), Enrolled)
    draft, options = await begun(ann, unasked=unasked)
    done = await ann.confirm(draft, SoftKey().create(options, untouched), label="Second")
    assert isinstance(done, Enrolled if unasked else Refusal)
    if isinstance(done, Enrolled):
        assert not any("unasked" in a.data for a in (await ann.account()).authenticators)


async def test_a_first_factor_is_never_made_unasked(service) -> None:  # type: ignore[no-untyped-def]
    """Nobody gets a first second factor without a press."""
    ann = Person(service=service)
    draft, options = await begun(ann, unasked=True)
    refused = await ann.confirm(draft, SoftKey().create(options, untouched))
    assert isinstance(refused, Refusal)
    assert refused.reason == "wrong_code"


async def test_where_the_person_must_be_verified_an_untouched_key_is_refused() -> None:
    """The policy's user verification holds for a passkey that the browser made by itself, too."""
    mine = Ceremony(user_verification="required")
    data = {**mine.draft(), "unasked": True}
    options = mine.ask("enroll", data)
    outcome = mine.judge("enroll", data, SoftKey().create(options, untouched))
    assert getattr(outcome, "reason", "") == "wrong_code"


async def test_an_answer_to_another_challenge_than_the_named_one_is_refused(service) -> None:  # type: ignore[no-untyped-def]
    """The call names one of two live challenges, and the answer must be for that one."""
    ann, key = Person(service=service), SoftKey()
    await ann.enroll(key)
    first, second = await ann.ask(), await ann.ask()
    refused = await ann.answer(first, key.get(shown(second)))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await ann.left()) == ("code_expired", 7)
    assert isinstance(await ann.answer(second, key.get(shown(second))), Verified)


def test_the_names_of_today_are_told() -> None:
    """U-47: password managers show the names that the host has now."""
    mine = Ceremony()
    from .ceremony import FACTOR

    told = FACTOR.details(mine.context("sign-in"), "abc")
    assert told == {"rpId": "app.example", "userId": "abc", "name": "alice@t.example", "displayName": "Alice Example"}
