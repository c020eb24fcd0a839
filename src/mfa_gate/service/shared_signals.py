"""The receiver of Shared Signals, by which an identity provider ends proofs here.

A signal is a Security Event Token (RFC 8417), pushed by the transmitter (RFC 8935). It ends proofs and gives nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import isawaitable
from typing import Any

from ..core.changes.life import end_all_proofs
from ..core.model import Subject
from ..core.text_safety import stated
from ..ports import SharedSignals
from ..storage import take_one
from .accounts import Engine
from .admin.account_changes import change_and_release
from .kept_forms import drop_forms

log = logging.getLogger("mfa_gate")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones alone: a public key must not become a shared secret."""
TYPE = "secevent+jwt"
KEPT = 7 * 86_400
"""Seconds for which a signal is taken after it was issued, and its id is known."""
SKEW = 60
KEYS_WITHIN = 5.0
"""Seconds for which an async ``keys`` is waited for."""
EVENTS = "https://schemas.openid.net/secevent/"
ENDS = {
    f"{EVENTS}caep/event-type/session-revoked": "session-revoked",
    f"{EVENTS}caep/event-type/credential-change": "credential-change",
    f"{EVENTS}risc/event-type/sessions-revoked": "session-revoked",
    f"{EVENTS}risc/event-type/account-credential-change-required": "credential-change",
    f"{EVENTS}risc/event-type/credential-compromise": "credential-change",
    f"{EVENTS}risc/event-type/account-disabled": "account-disabled",
    f"{EVENTS}risc/event-type/account-purged": "account-disabled",
}
"""The events that end the proofs of their subject, with the reason in the trail.

Of RISC (Risk Incident Sharing and Coordination 1.0, 2) they are those after which the account or what it proves with is no
longer what it was.
"""
HARMLESS = "create"
"""The change of a credential that ends nothing: one more was added."""


@dataclass(frozen=True, slots=True)
class SignalRefused(Exception):
    """A token that is not taken. ``err`` is the code of RFC 8935, 2.4."""

    err: str
    description: str


class KeysUnreadable(Exception):
    """The error for a key set of the issuer that cannot be read now.

    The token may be sound, so the transmitter should push it again."""


def faults_of_signals(settings: SharedSignals) -> list[str]:
    """Return what is wrong with the host's settings, each with its fix."""
    faults = []
    if find_spec("jwt") is None:
        faults.append("signals: PyJWT is missing: pip install mfa-gate[signals]")
    if not settings.token.strip():
        faults.append(
            f"signals: SharedSignals(token={settings.token!r}): without a token anybody's push makes this application read its "
            'keys; give the bearer token that the transmitter shows, e.g. token=os.environ["SIGNALS_TOKEN"]'
        )
    return faults


class SignalReceiver:
    """The use case of one pushed token. Without ``SharedSignals`` there is none."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def settings(self) -> SharedSignals | None:
        """Return what the host has set, None where signals are off."""
        return self.engine.wiring.signals

    async def take(self, token: str, *, authorization: str) -> int:
        """Verify a token, and end what it says has ended.

        Returns the number of events that ended somebody's proofs. A token that was taken before does nothing. Raises
        ``SignalRefused``, ``KeysUnreadable``, ``StoreUnavailable``.
        """
        settings = self.settings
        if settings is None:
            raise SignalRefused("access_denied", "Signals are not switched on.")
        wanted = f"Bearer {settings.token}"
        if not settings.token or not hmac.compare_digest(authorization.encode(), wanted.encode()):
            raise SignalRefused("authentication_failed", "The transmitter has not shown its token.")
        claims = await self._claims(settings, token)
        named = hashlib.blake2b(
            f"{claims['iss']}\0{claims['jti']}".encode(errors="surrogatepass"), digest_size=16
        ).hexdigest()
        bucket, now = f"signal:{named}", self.engine.now()
        if await self.engine.store.total(bucket, window=KEPT + SKEW, now=now):
            return 0
        ended = 0
        for kind, event in claims["events"].items():
            word = ENDS.get(kind, "")
            if not word or not isinstance(event, dict) or event.get("change_type") == HARMLESS:
                log.info("mfa_gate: a signal of the kind %s was taken and ends nothing", stated(kind)[:120])
                continue
            ended += await self._end(settings, claims.get("sub_id") or event.get("subject"), word)
        await take_one(self.engine.store, bucket, limit=1, window=KEPT + SKEW, now=now)
        return ended

    async def _end(self, settings: SharedSignals, subject_id: object, word: str) -> int:
        """End the proofs of the person whom the signal names.

        Returns 0 for somebody who is not known here.
        """
        if not isinstance(subject_id, dict):
            raise SignalRefused("invalid_request", "The event names no subject.")
        found = settings.subject_of(subject_id)
        subject = await found if isawaitable(found) else found
        if not isinstance(subject, Subject):
            return 0
        moment = self.engine.moment(actor=f"signals:{settings.issuer}")
        made = await change_and_release(
            self.engine, subject.key, lambda account: end_all_proofs(account, moment, reason=word)
        )
        await drop_forms(self.engine, subject.key)
        return 1 if made.events else 0

    async def _claims(self, settings: SharedSignals, token: str) -> dict[str, Any]:
        """Verify signature, type, issuer, audience and age. Raises ``SignalRefused``."""
        import jwt

        try:
            head = jwt.get_unverified_header(token)
            if str(head.get("typ", "")).lower().removeprefix("application/") != TYPE:
                raise SignalRefused("invalid_request", f"The token is not of the type {TYPE}.")
            claims: dict[str, Any] = jwt.decode(
                token,
                _key_of(await _keys_of(settings), head.get("kid")),
                algorithms=list(ALGORITHMS),
                audience=settings.audience,
                issuer=settings.issuer,
                options={"require": ["iss", "aud", "iat", "jti"], "verify_iat": False, "verify_exp": False},
            )
        except jwt.InvalidIssuerError as error:
            raise SignalRefused("invalid_issuer", "The issuer is another one.") from error
        except jwt.InvalidAudienceError as error:
            raise SignalRefused("invalid_audience", "The token is for somebody else.") from error
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError) as error:
            raise SignalRefused("invalid_key", "No key of the issuer has signed this.") from error
        except jwt.PyJWTError as error:
            raise SignalRefused("invalid_request", "This is no Security Event Token.") from error
        issued, events, now = claims["iat"], claims.get("events"), self.engine.now()
        if type(issued) not in (int, float) or not now - KEPT <= issued <= now + SKEW:
            raise SignalRefused("invalid_request", "The token is too old, or from the future.")
        if not isinstance(events, dict) or not events or type(claims["jti"]) is not str:
            raise SignalRefused("invalid_request", "The token holds no event.")
        return claims


async def _keys_of(settings: SharedSignals) -> list[Any]:
    """Read the keys of the issuer. Raises ``KeysUnreadable``: the fault is not the token's."""
    import jwt

    try:
        async with asyncio.timeout(KEYS_WITHIN):
            keys = settings.keys() if callable(settings.keys) else settings.keys
            found = await keys if isawaitable(keys) else keys
        return list(jwt.PyJWKSet.from_dict(dict(found)).keys)
    except Exception as error:
        log.exception("signals: keys= gave no key set of %s, so its signals are not taken now", settings.issuer)
        raise KeysUnreadable from error


def _key_of(keys: list[Any], kid: object) -> Any:
    """Choose the key that a token names; the only one, where it names none.

    Raises ``SignalRefused``.
    """
    mine = [key for key in keys if key.key_id == kid] if kid is not None else keys
    if len(mine) != 1:
        raise SignalRefused("invalid_key", "The token names no key of the issuer.")
    return mine[0]
