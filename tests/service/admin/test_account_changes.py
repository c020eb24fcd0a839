"""A ticket has 130 bits, and the claims of what was removed are free again."""

from __future__ import annotations

from dataclasses import replace

from mfa_gate.core.changes import Change
from mfa_gate.core.model import Account, Authenticator, SubjectKey
from mfa_gate.service.admin.account_changes import change_and_release, draw_ticket
from tests.harness import make_world, running

ANN, BOB = SubjectKey("alpha", "ann"), SubjectKey("alpha", "bob")


async def test_a_ticket_has_every_letter_of_its_bytes() -> None:
    """Each byte gives one of 32 letters.

    The digest is of the bare letters, for this person alone.
    """
    async with running(make_world()) as world:
        engine = world.engine
        drawn = list[int]()

        def entropy(size: int) -> bytes:
            drawn.append(size)
            return bytes(range(100, 100 + size))

        engine.wiring = replace(engine.wiring, entropy=entropy)
        text, digest = draw_ticket(engine, ANN)
        assert (text, drawn) == ("45678-9ABCD-EFGHJ-KMNPQ-RSTVW-X", [26])
        assert digest == engine.keyring.digest("ticket", "alpha", "ann", text.replace("-", ""))
        assert draw_ticket(engine, BOB)[1] != digest


async def test_only_what_an_account_has_lost_is_free_again() -> None:
    """A claim that stays in the account stays with it."""

    def key(name: str) -> Authenticator:
        return Authenticator(id=name, factor="webauthn", label="", created_at=1, data={"claim": f"claim-{name}"})

    async with running(make_world()) as world:
        kept = Authenticator(id="totp", factor="totp", label="", created_at=1)
        assert await world.store.swap(Account(key=ANN, authenticators=(key("a"), key("b"), kept)))
        for name in ("a", "b"):
            assert await world.store.claim(f"claim-{name}", ANN)

        def without_b(account: Account) -> Change[str]:
            return Change(account=replace(account, authenticators=(key("a"), kept)), events=(), answer="done")

        made = await change_and_release(world.engine, ANN, without_b)
        assert (made.answer, made.account.authenticators) == ("done", (key("a"), kept))
        assert not await world.store.claim("claim-a", BOB)
        assert await world.store.claim("claim-b", BOB)
