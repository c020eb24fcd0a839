"""The parts of the kit: clock, outbox, enrolled people, and the soft key for passkeys."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.testclient import TestClient
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, parse_attestation_object

from mfa_gate import testing
from mfa_gate.errors import SendFailed
from mfa_gate.ports import Message, Senders
from mfa_gate.testing import Enrolled, FixedClock, Kit, Outbox, enrolled
from mfa_gate.testing.softkey import SoftKey, b64, cose_of, make_key, raw

from .hosts import ANN, POLICY, gate_for, gated

ORIGIN = "http://localhost:8000"
HEADERS = {"X-MFA-Gate": "1", "Origin": ORIGIN}


def message(to: str, code: str = "", channel: Any = "email") -> Message:
    """Make one message."""
    return Message(channel=channel, to=to, tenant="t", text=f"Your code is {code}", key="k", code=code)


def test_time_passes_when_it_is_told_to() -> None:
    """The clock stands still, advances, steps back and can be set."""
    clock = FixedClock(100)
    assert clock.now() == clock.now() == 100
    assert clock.advance(2.5) == 102.5
    clock.advance(-100)
    assert clock.now() == 2.5
    clock.set(7)
    assert clock.now() == 7


async def test_the_outbox_remembers() -> None:
    """The newest code to somebody, in any spelling of their number.

    A notice without a code is no code.
    """
    outbox = Outbox()
    for sent in (
        message("Ann@x.example", "111111"),
        message("+12025550123", "222222", "sms"),
        message("ann@x.example"),
    ):
        await outbox.send(sent)
    assert outbox.last_code("ann@X.example") == "111111"
    assert outbox.last_code("+1 202-555-0123") == outbox.last_code() == "222222"
    assert outbox.last("ann@x.example").code == ""
    assert len(outbox.to("ann@x.example")) == 2
    with pytest.raises(LookupError, match="to nobody"):
        outbox.last_code("nobody@x.example")
    outbox.clear()
    with pytest.raises(LookupError):
        outbox.last()


async def test_the_outbox_fails_as_told() -> None:
    """While ``failure`` is set nothing is kept."""
    outbox = Outbox()
    outbox.failure = SendFailed("timeout", transient=True)
    with pytest.raises(SendFailed):
        await outbox.send(message("a@x.example"))
    assert outbox.messages == []


def ask(client: TestClient, kit: Enrolled) -> Any:
    """Answer the gate's question with the person's own factor."""
    body: dict[str, Any] = {"authenticator": kit.id}
    if kit.key is not None or kit.to:
        issued = client.post("/mfa/api/challenge", json=body, headers=HEADERS).json()
        body["challenge"] = issued["challenge"]
        body["response"] = kit.answer(issued["public_key"]) if kit.key else kit.code()
    else:
        body["response"] = kit.code()
    return client.post("/mfa/api/verify", json=body, headers=HEADERS)


@pytest.mark.parametrize("factor", ["totp", "email", "sms", "webauthn", "backup-code"])
def test_each_kind_answers_for_itself(factor: str) -> None:
    """The real pages accept the kit's answers, for each kind of factor."""
    app, gate = gated()
    if factor == "backup-code":
        Kit(gate).enroll(ANN, "totp")
    kit = Kit(gate).enroll(ANN, factor)
    client = TestClient(app, base_url=ORIGIN, client=("203.0.113.5", 5))
    client.post("/login", json={"name": "ann"})
    assert client.get("/v1/me").status_code == 403
    assert ask(client, kit).json()["state"] == "verified"
    assert client.get("/v1/me").json() == {"id": "ann"}


def test_arranging_tells_nobody() -> None:
    """No message goes out and no event is written for a test's arrangements."""
    _, gate = gated()
    Kit(gate).enroll(ANN, "email")
    Kit(gate).enroll(ANN, "totp")
    assert Kit(gate).outbox.messages == []
    assert Kit(gate).account(ANN).default


async def test_codes_of_an_app_are_never_the_same_twice() -> None:
    """A second code in the same step is the next step's, which the gate takes, too.

    A third says to advance the clock.
    """
    gate = gate_for()
    kit = await enrolled(gate, ANN)
    assert kit.code() != kit.code()
    with pytest.raises(LookupError, match="advance the clock by 30 s"):
        kit.code()

    Kit(gate).clock.advance(30)
    kit.code()


@pytest.mark.parametrize("factor", ["totp", "backup-code"])
async def test_a_secret_is_not_in_the_output_of_a_test(factor: str) -> None:
    """A failed assert writes the object: neither the secret nor a code is in it."""
    made = await enrolled(gate_for(), ANN, factor)
    hidden = [made.secret, *made.backup_codes]
    assert any(hidden)
    assert made.id in repr(made)
    assert not [secret for secret in hidden if secret and secret in repr(made)]


@pytest.mark.parametrize(
    ("factor", "more", "says"), [("retina", {}, "no kind"), ("sms", {"phone": "12"}, "phone_invalid")]
)
async def test_what_cannot_be_is_refused(factor: str, more: dict[str, str], says: str) -> None:
    """A wrong kind or a number that the policy refuses is named."""
    with pytest.raises(ValueError, match=says):
        await enrolled(gate_for(), ANN, factor, **more)


@pytest.mark.parametrize(
    ("algorithm", "kind"), [(-7, EllipticCurvePrivateKey), (-8, Ed25519PrivateKey), (-257, RSAPrivateKey)]
)
def test_a_soft_key_of_each_algorithm(algorithm: int, kind: type) -> None:
    """The library that the gate verifies with reads the same public key from it."""
    key = make_key(algorithm)
    cose = cbor2.dumps(cose_of(key))
    assert isinstance(key, kind)
    assert decoded_public_key_to_cryptography(decode_credential_public_key(cose)) == key.public_key()
    assert cose_of(key)[3] == algorithm


@pytest.mark.parametrize("verifies", [True, False])
@pytest.mark.parametrize("synced", [True, False])
def test_the_flags_of_a_soft_key(verifies: bool, synced: bool) -> None:
    """The library reads what the device is meant to say of itself."""
    asked = {"user": {"id": b64(b"ann")}, "rp": {"id": "localhost"}, "challenge": "c"}
    answer = SoftKey(origin=ORIGIN, verifies=verifies, synced=synced).create(asked)
    flags = parse_attestation_object(raw(answer["response"]["attestationObject"])).auth_data.flags
    assert (flags.up, flags.uv, flags.be, flags.bs, flags.at, flags.ed) == (True, verifies, synced, synced, True, False)


def test_a_name_that_the_kit_does_not_have() -> None:
    """A misspelled name is an error of Python, and each public one is there."""
    with pytest.raises(AttributeError, match="has no attribute 'Kitt'"):
        _ = testing.Kitt  # type: ignore[attr-defined]
    there = {name for name in testing.__all__ if getattr(testing, name, None) is not None}
    assert there == {*testing.__all__} >= {"Kit", "SoftKey"}


@pytest.mark.parametrize("size", range(6))
def test_bytes_of_any_length_are_written_and_read(size: int) -> None:
    """Without padding, as WebAuthn has it."""
    assert raw(b64(bytes(range(size)))) == bytes(range(size))
    assert "=" not in b64(bytes(size))


@pytest.mark.parametrize(
    ("sent", "asked", "found"),
    [
        ("ann@x.example", "Ann@X.example", True),
        ("ann@x.example", "bob@x.example", False),
        ("+1 202-555-0100", "+12025550100", True),
        ("+1 202-555-0100", "+12025550101", False),
        ("+1 202-555-0100", "ann", False),
        ("ann", "bob", False),
    ],
)
async def test_messages_are_found_by_address(sent: str, asked: str, found: bool) -> None:
    """Mail addresses without capitals, numbers by their digits."""
    outbox = Outbox()
    await outbox.send(message(sent))
    assert len(outbox.to(asked)) == found
    assert not outbox.verify_callback("https://x.example", {}, {})


async def test_a_soft_key_answers_only_what_asks_for_it() -> None:
    """A challenge for other credentials finds no key, as in a browser.

    An app has no passkey's answer.
    """
    gate = gate_for()
    kit = await enrolled(gate, ANN, "webauthn")
    with pytest.raises(LookupError):
        kit.answer({"challenge": "AA", "rpId": "localhost", "allowCredentials": [{"id": "AAAA"}]})
    with pytest.raises(LookupError):
        kit.code()
    with pytest.raises(LookupError):
        (await enrolled(gate, ANN)).answer({})


def test_the_policy_of_these_tests_is_whole() -> None:
    """The kit's own host has a rule of each sort."""
    assert POLICY.base.exempt
    assert POLICY.base.step_up


def test_a_sender_needs_nothing_but_send() -> None:
    """V-32: the app starts and ends with a sender that has no ``aclose``."""

    class Mine:
        """Sends, and holds no connection."""

        async def send(self, message: Message, /) -> None:
            """Do nothing."""

    app, _ = gated(senders=Senders(email=Mine(), sms=Mine()))
    with TestClient(app, base_url=ORIGIN) as client:
        assert client.get("/healthz").status_code == 200
