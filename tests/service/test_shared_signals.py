"""Signals of an identity provider end proofs here, and give nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mfa_gate import Subject
from mfa_gate.errors import SettingsError
from mfa_gate.identity import subject_by_sub
from mfa_gate.ports import SharedSignals
from mfa_gate.service.shared_signals import SignalRefused
from tests.harness import START, Browser, Reply, World, make_world, running

ISSUER, AUDIENCE = "https://idp.example.com/", "https://sp.example.com/caep"
TOKEN = "shown by the transmitter"
SECRET = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
KEYS = {"keys": [{**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(SECRET.public_key())), "kid": "one", "alg": "ES256"}]}
ANN = {"format": "iss_sub", "iss": ISSUER, "sub": "ann"}
CAEP, RISC = (f"https://schemas.openid.net/secevent/{name}/event-type/" for name in ("caep", "risc"))
REVOKED = f"{CAEP}session-revoked"
PUBLISHED_KEYS = {
    "keys": [
        {
            "alg": "ES256",
            "crv": "P-256",
            "kid": "transmitter-ES256-001",
            "kty": "EC",
            "x": "YJ0AaXbOH8wcB1FLXiqXj2zGSfciIb_-x-i9B5Ica7Q",
            "y": "bll4Myk4oui5P8kCzaMzgxlEV9q7tECVcpcVACJzWNU",
        }
    ]
}
"""The key that sharedsignals.guide publishes with its example token."""
PUBLISHED = (
    "eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6InRyYW5zbWl0dGVyLUVTMjU2LTAwMSJ9.eyJqdGkiOiIxNzY3YjEwNDQzZTUx"
    "MWVjYTc3NDAyNDJhYzEyMDAwMiIsImlhdCI6MTYzNjc0MTE3NiwiaXNzIjoiaHR0cHM6Ly9tb3N0LXNlY3VyZS5jb20vIiwiYXVkIjoiaHR0cHM6Ly9wb3"
    "B1bGFyLWFwcC5jb20iLCJldmVudHMiOnsiaHR0cHM6Ly9zY2hlbWFzLm9wZW5pZC5uZXQvc2VjZXZlbnQvc3NlL2V2ZW50LXR5cGUvdmVyaWZpY2F0aW9u"
    "Ijp7InN0YXRlIjoiVkdocGN5QnBjeUJoYmlCbGVHIn19fQ.eNBqxZ5YmUrWMzDxBJa2_AMMh7aiUp4-35Ipc4_q2B3kIjwWZk7Qh1nDNmw_i06u11SOYJn"
    "xM9iN6xfi752cLg"
)


def settings(**more: Any) -> SharedSignals:
    """Make the settings of a host with these keys."""
    plain = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "keys": KEYS,
        "subject_of": partial(subject_by_sub, "alpha", ISSUER),
        "token": TOKEN,
    }
    return SharedSignals(**{**plain, **more})


def signed(
    kind: str = REVOKED, event: Mapping[str, Any] | None = None, *, key: Any = SECRET, head: Any = None, **claims: Any
) -> str:
    """Sign a token as the transmitter does."""
    whole = {"iss": ISSUER, "aud": AUDIENCE, "iat": START, "jti": "1", "sub_id": ANN, "events": {kind: event or {}}}
    whole = {name: part for name, part in {**whole, **claims}.items() if part is not None}
    return jwt.encode(whole, key, algorithm="ES256", headers={"typ": "secevent+jwt", "kid": "one", **(head or {})})


async def push(
    world: World, token: str, *, authorization: str = f"Bearer {TOKEN}", media: str = "application/secevent+jwt"
) -> Reply:
    """Push a token as a transmitter does."""
    headers = [("content-type", media), ("accept", "application/json")]
    headers += [("authorization", authorization)] if authorization else []
    return await Browser(world).ask("POST", "/mfa/hooks/signals", headers=headers, body=token.encode())


@pytest.mark.parametrize(
    ("kind", "event", "reason"),
    [
        (REVOKED, {"initiating_entity": "policy", "event_timestamp": START}, "session-revoked"),
        (
            f"{CAEP}credential-change",
            {"credential_type": "fido2-roaming", "change_type": "revoke"},
            "credential-change",
        ),
        (f"{CAEP}credential-change", {"credential_type": "password", "change_type": "update"}, "credential-change"),
        (f"{CAEP}credential-change", {"credential_type": "fido2-roaming", "change_type": "create"}, ""),
        (f"{RISC}sessions-revoked", {}, "session-revoked"),
        (f"{RISC}account-credential-change-required", {}, "credential-change"),
        (f"{RISC}credential-compromise", {"credential_type": "password"}, "credential-change"),
        (f"{RISC}account-disabled", {"reason": "hijacking"}, "account-disabled"),
        (f"{RISC}account-purged", {}, "account-disabled"),
        (f"{RISC}account-enabled", {}, ""),
        (f"{RISC}opt-in", {}, ""),
        ("https://schemas.openid.net/secevent/ssf/event-type/verification", {"state": "x"}, ""),
    ],
)
async def test_what_ends_proofs(kind: str, event: dict[str, Any], reason: str) -> None:
    """Some kinds of events end proofs, and every other one is taken and does nothing."""
    async with running(make_world(signals=settings())) as world:
        ann, bob = await world.enrolled("ann"), await world.enrolled("bob")
        assert (await push(world, signed(kind, event))).status == 202
        assert (await ann.is_in(), await bob.is_in()) == (not reason, True)
        told = [(line.actor, line.reason) for line in world.kinds("proofs.revoked")]
        assert told == ([(f"signals:{ISSUER}", reason)] if reason else [])


async def test_the_number_of_people_whose_proofs_ended() -> None:
    """Several events of one token count together.

    Somebody unknown, and a subject of nobody, count as none.
    """

    def subject_of(identifier: Mapping[str, Any]) -> Subject | None:
        return None if identifier["sub"] == "nobody" else Subject(identifier["sub"], "alpha")

    async with running(make_world(signals=settings(subject_of=subject_of))) as world:
        for id in ("ann", "bob"):
            await world.enrolled(id)
        take = partial(world.gate.service.signals.take, authorization=f"Bearer {TOKEN}")
        for sub, ended in (("ann", 1), ("nobody", 0), ("stranger", 0)):
            token = signed(jti=sub, sub_id={**ANN, "sub": sub})
            assert (await take(token), await take(token)) == (ended, 0), sub
        people = {REVOKED: "ann", f"{RISC}account-disabled": "bob"}
        events = {kind: {"subject": {**ANN, "sub": sub}} for kind, sub in people.items()}
        assert await take(signed(jti="both", sub_id=None, events=events)) == 2
        told = [(line.account, line.reason) for line in world.kinds("proofs.revoked")]
        assert told == [("ann", "session-revoked"), ("ann", "session-revoked"), ("bob", "account-disabled")]


@pytest.mark.parametrize(("age", "known"), [(7 * 86_400 + 60 - 1, True), (7 * 86_400 + 60, False)])
async def test_a_token_is_known_as_long_as_it_could_be_taken(age: int, known: bool) -> None:
    """Its id is forgotten only when its age refuses it."""
    async with running(make_world(signals=settings())) as world:
        await world.enrolled("ann")
        assert (await push(world, signed())).status == 202
        world.clock.advance(age)
        buckets = [name for name in world.store._contents.taken if name.startswith("signal:")]  # type: ignore[attr-defined]
        assert len(buckets) == 1
        total = await world.store.total(buckets[0], window=7 * 86_400 + 60, now=world.engine.now())
        assert bool(total) == known


async def test_switched_off_there_is_no_receiver() -> None:
    """The use case refuses by itself, whoever calls it."""
    async with running(make_world()) as world:
        with pytest.raises(SignalRefused) as refused:
            await world.gate.service.signals.take("x", authorization="Bearer x")
        assert refused.value.err == "access_denied"


async def test_a_signal_counts_once() -> None:
    """A transmitter that repeats a token does not end the proofs that came after it."""
    async with running(make_world(signals=settings())) as world:
        ann = await world.enrolled("ann")
        assert (await push(world, signed())).status == 202
        world.clock.advance(60)
        await ann.prove()
        assert (await push(world, signed())).status == 202
        assert await ann.is_in()
        assert (await push(world, signed(jti="2"))).status == 202
        assert not await ann.is_in()


@pytest.mark.parametrize(
    ("token", "err"),
    [
        (partial(signed, key=OTHER), "invalid_key"),
        (partial(signed, head={"kid": "two"}), "invalid_key"),
        (partial(signed, iss="https://elsewhere.example/"), "invalid_issuer"),
        (partial(signed, aud="https://somebody-else.example"), "invalid_audience"),
        (partial(signed, head={"typ": "JWT"}), "invalid_request"),
        (partial(signed, jti=None), "invalid_request"),
        (partial(signed, iat=START - 7 * 86_400 - 1), "invalid_request"),
        (partial(signed, iat=START + 3600), "invalid_request"),
        (partial(signed, events={}), "invalid_request"),
        (partial(signed, sub_id=None), "invalid_request"),
        (lambda: "no.token.at all", "invalid_request"),
        (lambda: jwt.encode({"iss": ISSUER}, "", algorithm="none", headers={"typ": "secevent+jwt"}), "invalid_key"),
        (
            lambda: jwt.encode({}, "x" * 40, algorithm="HS256", headers={"typ": "secevent+jwt", "kid": "one"}),
            "invalid_key",
        ),
    ],
)
async def test_what_is_refused(token: Callable[[], str], err: str) -> None:
    """A token of somebody else, for somebody else, too old or of another kind ends nothing."""
    async with running(make_world(signals=settings())) as world:
        ann = await world.enrolled("ann")
        refused = await push(world, token())
        assert (refused.status, refused.json()["err"]) == (400, err)
        assert await ann.is_in()


async def test_a_published_example() -> None:
    """The token that sharedsignals.guide publishes verifies by its published key.

    It does not when a byte is changed.
    """
    clock_at, shown = 1_636_741_200, f"Bearer {TOKEN}"
    given = settings(issuer="https://most-secure.com/", audience="https://popular-app.com", keys=lambda: PUBLISHED_KEYS)
    async with running(make_world(signals=given)) as world:
        world.clock.advance(clock_at - START)
        assert await world.gate.service.signals.take(PUBLISHED, authorization=shown) == 0
        with pytest.raises(SignalRefused):
            await world.gate.service.signals.take(PUBLISHED[:-5] + "AAAAA", authorization=shown)


async def test_switched_off_and_guarded() -> None:
    """Without settings the address is not there; with a token the transmitter shows it."""
    async with running(make_world()) as world:
        assert (await push(world, signed())).status == 404
    async with running(make_world(signals=settings(token="s3cret"))) as world:
        ann = await world.enrolled("ann")
        assert [(await push(world, signed(), authorization=shown)).status for shown in ("", "Bearer other")] == [
            401,
            401,
        ]
        assert (await push(world, signed(), media="application/json", authorization="Bearer s3cret")).status == 400
        assert await ann.is_in()
        assert (await push(world, signed(), authorization="Bearer s3cret")).status == 202
        assert not await ann.is_in()


@pytest.mark.parametrize("token", ["", "  "])
def test_signals_need_a_token(token: str) -> None:
    """Without one, anybody's push would make the host fetch keys."""
    with pytest.raises(SettingsError, match=r"signals: SharedSignals\(token='.*'\): .*token=os.environ"):
        make_world(signals=settings(token=token))


async def test_a_push_without_the_token_reads_no_keys() -> None:
    """The token comes before the keys."""
    read: list[bool] = []

    def keys() -> dict[str, Any]:
        read.append(True)
        return KEYS

    async with running(make_world(signals=settings(keys=keys))) as world:
        assert (await push(world, signed(), authorization="")).status == 401
        assert read == []
        assert (await push(world, signed())).status == 202
        assert read == [True]


async def _away() -> dict[str, Any]:
    raise OSError("the issuer is away")


@pytest.mark.parametrize("keys", [_away, lambda: None, lambda: {"keys": []}, {"keys": [{"kty": "?"}]}, {"jwks": []}])
async def test_a_broken_key_set_is_asked_for_again(keys: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The fault is not the token's, so the transmitter pushes it again (RFC 8935, 2.3)."""
    async with running(make_world(signals=settings(keys=keys))) as world:
        ann = await world.enrolled("ann")
        told = await push(world, signed())
        assert (told.status, told.header("retry-after")) == (503, "60")
        assert "signals: keys= gave no key set" in caplog.text
        assert await ann.is_in()


async def test_an_id_in_odd_letters_is_an_id() -> None:
    """Half of a pair of UTF-16 is no fault of ours."""
    async with running(make_world(signals=settings())) as world:
        await world.enrolled("ann")
        assert (await push(world, signed(jti="\ud800"))).status == 202
        assert len(world.kinds("proofs.revoked")) == 1


@pytest.mark.parametrize(("at", "claims"), [(4_000_000_000, {"iat": 4_000_000_000}), (START, {"exp": START - 86_400})])
async def test_the_age_of_a_token_is_judged_by_our_own_clock(at: int, claims: dict[str, Any]) -> None:
    """The library's clock decides nothing.

    An event that has happened does not expire: RFC 8417 advises against ``exp``.
    """
    async with running(make_world(signals=settings())) as world:
        world.clock.at = at
        ann = await world.enrolled("ann")
        assert (await push(world, signed(**claims))).status == 202
        assert not await ann.is_in()
