"""A rule for a verified user is met only by a passkey that checked its user."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.decision import Allow, Decision, Enroll, StepUp
from mfa_gate.core.policy import Facts
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import PathRule, StepUpRule
from mfa_gate.service import Service
from mfa_gate.service.challenges import Issued
from mfa_gate.service.enrollment import Enrolled
from mfa_gate.service.verification import Verified

from .softkey import UV, Answer, SoftKey
from .test_webauthn_service import Person, clock, service, shown, store  # noqa: F401 - fixtures


def unverified(answer: Answer) -> None:
    """Take the flag of the verified user out of an answer.

    A key without a PIN would leave it out.
    """
    answer.flags &= ~UV


@pytest.fixture
def alice(service: Service) -> Person:  # noqa: F811
    """Somebody in an app of which one path asks for a verified user."""
    policy = service.engine.policy
    rule = StepUpRule(name="pay", paths=(PathRule(text="=/pay"),), user_verification=True)
    service.engine.use_policy(replace(policy, base=replace(policy.base, step_up=(rule,))))
    return Person(service=service)


async def at(person: Person, path: str) -> Decision:
    """Decide on a request of this person."""
    facts = Facts(tenant="t", groups=frozenset(), method="GET", path=path)
    return (await person.service.access.judge(person.caller, facts)).decision


async def asked(person: Person, *, user_verification: bool) -> Issued:
    id = (await person.account()).authenticators[0].id
    issued = await person.service.challenges.begin(person.caller, id, user_verification=user_verification)
    assert isinstance(issued, Issued)
    return issued


async def test_a_verified_user_passes(alice: Person) -> None:
    """A browser that is asked to verify its user gives an answer that meets the rule."""
    key = SoftKey()
    assert isinstance(await alice.enroll(key), Enrolled)
    assert isinstance(await at(alice, "/pay"), Allow)
    issued = await asked(alice, user_verification=True)
    assert shown(issued)["userVerification"] == "required"
    assert isinstance(await alice.answer(issued, key.get(shown(issued))), Verified)
    assert isinstance(await at(alice, "/pay"), Allow)


async def test_an_answer_without_it_is_wrong_where_it_was_asked_for(alice: Person) -> None:
    """An answer without the flag is wrong for a challenge that asked for it.

    The server keeps the challenge. So the answer to another challenge meets no such rule.
    """
    key = SoftKey()
    assert isinstance(await alice.enroll(key), Enrolled)
    issued = await asked(alice, user_verification=True)
    refused = await alice.answer(issued, key.get(shown(issued), unverified))
    assert isinstance(refused, Refusal)
    assert refused.reason == "wrong_code"


async def test_a_proof_without_it_leads_to_the_key_that_can(alice: Person) -> None:
    """A sign-in by a key that did not verify opens the app, but not the path of the rule.

    The same key is asked again.
    """
    key = SoftKey()
    assert isinstance(await alice.enroll(key), Enrolled)
    elsewhere = Person(service=alice.service)
    issued = await asked(elsewhere, user_verification=False)
    assert shown(issued)["userVerification"] == "preferred"
    assert isinstance(await elsewhere.answer(issued, key.get(shown(issued), unverified)), Verified)
    assert isinstance(await at(elsewhere, "/"), Allow)
    decision = await at(elsewhere, "/pay")
    assert isinstance(decision, StepUp)
    assert decision.demand.user_verification
    assert len(decision.authenticators) == 1


async def test_the_owner_of_a_key_that_cannot_enrolls_another(alice: Person) -> None:
    """A person is not asked for something that their key cannot give.

    The proof by that key is enough to add a better one.
    """
    plain = SoftKey()
    assert isinstance(await alice.enroll(plain, unverified), Enrolled)
    decision = await at(alice, "/pay")
    assert isinstance(decision, Enroll)
    assert decision.factors == ("webauthn",)
    assert isinstance(await alice.enroll(SoftKey()), Enrolled)
    assert isinstance(await at(alice, "/pay"), Allow)


async def test_a_key_that_learns_to_verify_is_asked(alice: Person) -> None:
    """A PIN that was set later is seen at the next sign-in."""
    key = SoftKey()
    assert isinstance(await alice.enroll(key, unverified), Enrolled)
    assert (await alice.account()).authenticators[0].data["uv"] is False
    assert isinstance(await alice.prove(key), Verified)
    assert (await alice.account()).authenticators[0].data["uv"] is True
