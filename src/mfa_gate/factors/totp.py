"""Codes of an authenticator app (RFC 6238): each time step counts once."""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..core.assurance import Traits
from ..core.durations import format_duration
from ..core.model import Challenge, Contacts, Fields, Seconds
from ..core.names_in_addresses import MAX_ACCOUNT, MAX_ISSUER, quoted_size, shortened
from ..core.options import Key, is_distinct, length, number, option
from ..core.rules import ResendRules, Rules
from .base import Accepted, CodeShape, Context, Draft, Issue, Rejected, options_in
from .codes import read_digits
from .optional_parts import Introduction, OptionFault, OptionTrap

SECRET_BYTES = 20
"""160 bits: RFC 4226 R6 recommends them, and every authenticator app takes them."""
LENGTHS = (6, 7, 8)
FAR_STEPS = 10
"""Steps that a clock may be off for its codes to be recognized, never accepted (decisions 42)."""
PURPOSE = "totp"
CLOCK_AHEAD = Rejected(reason="clock_ahead", free=True, alarm="clock_ahead")
"""The last accepted step or the store's clock is far from this clock: one of them is or was wrong."""


def _are_names(apps: Sequence[str]) -> bool:
    return is_distinct(apps) and all(app.isprintable() and 0 < len(app.strip()) <= 60 for app in apps)


APPS = ("Google Authenticator", "Microsoft Authenticator", "Authy", "1Password")
APP_NAMES = Key(says="it must be an array of names, each once and at most 60 characters", holds=_are_names)


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpRules:
    """Options of ``[factors.totp]`` (RFC 6238)."""

    digits: int = option(6, number(6, 8, "higher"), "Digits of a code.")
    period: Seconds = option(Seconds(30), length("15s", "2m", "lower"), "Time for which the app shows one code.")
    drift_steps: int = option(
        1, number(0, 1, "lower"), "Periods before and after the current one whose codes count, too."
    )
    apps: tuple[str, ...] = option(
        APPS, APP_NAMES, "Names of apps that the enrollment page recommends.", stricter="none"
    )


class Totp:
    """Check ``totp``, the codes of an authenticator app.

    Data: the sealed secret (base32), digits and period at enrollment, the last accepted step; ``algorithm`` where an app
    that was brought from elsewhere has another one than SHA-1.
    """

    traits = Traits(kind="totp", name="Authenticator app", quick=True)
    options = TotpRules
    template = files("mfa_gate.factors").joinpath("totp.html")
    about = "Codes of authenticator apps (RFC 6238)."
    sealed: Mapping[str, str] = {"secret": PURPOSE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe digits of the app's own length, else of the policy's.

        One code for each step of drift is right, and the current one.
        """
        own = _rules(rules)
        digits = int(str(data["digits"])) if data and "digits" in data else own.digits
        return CodeShape(length=digits, valid=2 * own.drift_steps + 1)

    def option_traps(self, rules: Rules, /) -> Sequence[OptionTrap]:
        """Name options that common apps leave aside, and a brand too long for them.

        With such options their codes would be wrong every time.
        """
        own, usual = _rules(rules), TotpRules()
        text = "several common apps leave this option aside, and their codes would never be right"
        traps = [
            OptionTrap(
                key=("factors", self.traits.kind, name), text=text, fix=f"write {written}, which every app takes"
            )
            for name, written in (("digits", "6"), ("period", f'"{format_duration(usual.period)}"'))
            if getattr(own, name) != getattr(usual, name)
        ]
        if quoted_size(rules.brand.name) > MAX_ISSUER:
            text = "it is too long for a QR code that every camera reads; authenticator apps show only its beginning"
            traps.append(OptionTrap(key=("brand", "name"), text=text, fix="write a shorter name"))
        return traps

    def introduction(self, rules: Rules, contacts: Contacts, /) -> Introduction:
        """Name apps to install."""
        return Introduction(apps=_rules(rules).apps)

    def departures(self, rules: Rules, profile: str, /) -> Sequence[OptionFault]:
        """Find a period over the 30 seconds that ASVS allows."""
        period = _rules(rules).period
        if profile != "asvs-l2" or period <= 30:
            return ()
        text = f'"{format_duration(period)}" is longer than 30 seconds'
        return (OptionFault(key=("period",), text=text, clause="ASVS 5.0 6.5.5"),)

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Make a secret here, never from a request (S-63), sealed for this subject (S-64)."""
        rules = _rules(context.rules)
        secret = b32encode(context.draw("totp", SECRET_BYTES)).decode()
        data = {"secret": context.seal(PURPOSE, secret), "digits": rules.digits, "period": rules.period, "step": 0}
        return Draft(data=data, label="Authenticator app")

    def adopt(
        self, context: Context, /, *, secret: bytes, digits: int, period: int, step: int = 0, algorithm: str = "sha1"
    ) -> Draft:
        """Take over a secret that an app has already, brought from elsewhere by the operator.

        ``step`` is the last one accepted there.
        """
        text = b32encode(secret).decode().rstrip("=")
        other = {} if algorithm == "sha1" else {"algorithm": algorithm}
        data = {"secret": context.seal(PURPOSE, text), "digits": digits, "period": period, "step": step, **other}
        return Draft(data=data, label="Authenticator app")

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Show the secret, and the ``otpauth:`` address for the app and its QR code."""
        import pyotp

        secret = context.open(PURPOSE, data["secret"])
        digits, period = int(str(data["digits"])), int(str(data["period"]))
        issuer = shortened(context.service or context.key.tenant, MAX_ISSUER)
        account = shortened(context.contacts.email or context.contacts.name or context.key.id, MAX_ACCOUNT)
        uri = pyotp.TOTP(secret, digits=digits, interval=period).provisioning_uri(name=account, issuer_name=issuer)
        return {"secret": secret, "uri": uri, "issuer": issuer, "account": account}

    def secret_of(self, context: Context, data: Fields, /) -> bytes:
        """Open the secret of an authenticator's app. Raises ``keyring.Unopened``."""
        return _secret_of(context, data)

    def has_secret(self, context: Context, data: Fields, /, *, secret: bytes) -> bool:
        """Check that an authenticator's app has this very secret."""
        return hmac.compare_digest(_secret_of(context, data), secret)

    def hint(self, context: Context, data: Fields, /) -> str:
        """Give no destination: nothing is sent."""
        return ""

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """Set no limit: nothing is sent."""
        return None

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Issue nothing: the app makes its codes alone."""
        return None

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read digits of the policy's length, or of another one.

        An app may have been enrolled under an earlier policy.
        """
        mine = _rules(rules).digits
        lengths = (mine, *(digits for digits in LENGTHS if digits != mine))
        return next(filter(None, (read_digits(response, digits) for digits in lengths)), None)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Accept at most one step of drift, and no step twice (RFC 6238 5.2, S-59).

        A step must be greater than the last accepted one. It is the wall clock's. A right code of another time is told apart
        from a wrong one, and is never accepted. Where our clock is far behind the last accepted step, or far from the
        store's clock, every code gets the same answer: a right one cannot be told from a wrong one, and a fault of ours
        costs nobody an attempt (D-41, F-14).
        """
        code, digits, period = str(response), int(str(data["digits"])), int(str(data["period"]))
        if len(code) != digits or not code.isascii() or not code.isdecimal():
            return Rejected(reason="malformed", free=True)
        secret, algorithm = _secret_of(context, data), str(data.get("algorithm", "sha1"))
        current, drift = context.now // period, _rules(context.rules).drift_steps
        last = _last_step(context, data, ahead=current + drift)

        def matching_within(steps: int) -> list[int]:
            around = range(max(0, current - steps), current + steps + 1)
            return [step for step in around if hmac.compare_digest(hotp(secret, step, digits, algorithm), code)]

        if last > current + FAR_STEPS or abs(context.clock_apart) > FAR_STEPS * period:
            return CLOCK_AHEAD  # no code of any near step could be accepted, nor a right one be recognized
        near = matching_within(drift)
        for step in near:
            if step > last and str(step) not in context.recognized:
                return Accepted(data={**data, "step": step})
        if near:
            return _not_yet(context, data, newest=near[-1], ahead=current + drift)
        matching = matching_within(FAR_STEPS)
        if any(step <= last for step in matching):
            return Rejected(reason="code_already_used", free=True)
        if matching:
            off = min((step - current for step in matching), key=abs)
            return Rejected(
                reason="clock_drift",
                free=True,
                detail=_drift_text(off * period),
                drift=off * period,
                mark=str(current + off),
            )
        return Rejected(reason="wrong_code")


def _rules(rules: Rules) -> TotpRules:
    return options_in(rules, Totp.traits.kind, TotpRules)


def _last_step(context: Context, data: Fields, *, ahead: int) -> int:
    """Give the last step that counts as used.

    Once a copy of the store was accepted, a step that is ahead of the clock is one that a wrong clock has left: the used
    steps are known without it.
    """
    last = int(str(data["step"]))
    if not context.used_until:
        return last
    until = context.used_until // int(str(data["period"]))
    return until if last > ahead else max(last, until)


def _not_yet(context: Context, data: Fields, *, newest: int, ahead: int) -> Rejected:
    """Say why a right code of this time is not accepted.

    Our clock was wrong, an accepted copy of the store voids it, or it was used.
    """
    if _last_step(context, data, ahead=ahead) > ahead:
        return CLOCK_AHEAD
    if context.purpose == "enroll" and int(str(data["step"])) < newest:
        return Rejected(reason="code_too_early", free=True)
    return Rejected(reason="code_already_used", free=True)


def _drift_text(seconds: int) -> str:
    """Say by how much a clock is off, and how to repair it.

    It is English: callers without pages read it.
    """
    way = "ahead of" if seconds > 0 else "behind"
    return (
        f"The clock of your authenticator app is about {abs(seconds)} seconds {way} ours. Turn on automatic time on your "
        "phone, then enter a new code. If its time is right, tell your administrator."
    )


def hotp(secret: bytes, step: int, digits: int, algorithm: str = "sha1") -> str:
    """Compute a code (RFC 4226 5.3; RFC 6238 1.2 for SHA-256 and SHA-512).

    pyotp's function refuses the 80 bits that apps enrolled elsewhere still have, so this one is ours.
    """
    digest = hmac.digest(secret, step.to_bytes(8), algorithm)
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4]) & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def _secret_of(context: Context, data: Fields) -> bytes:
    text = context.open(PURPOSE, data["secret"])
    return b32decode(text + "=" * (-len(text) % 8))
