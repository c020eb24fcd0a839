"""A factor of another package: codes that a small device counts (RFC 4226).

It is one file, with ``hotp.html`` next to it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mfa_gate.core.assurance import Traits
from mfa_gate.core.model import Challenge, Fields
from mfa_gate.core.options import number, option
from mfa_gate.core.rules import Rules
from mfa_gate.factors.base import Accepted, CodeShape, Context, Draft, Issue, Rejected, options_in
from mfa_gate.factors.codes import read_digits
from mfa_gate.factors.totp import hotp


@dataclass(frozen=True, slots=True, kw_only=True)
class HotpRules:
    """``[factors.hotp]``."""

    digits: int = option(8, number(6, 8, "higher"), "How many digits a code has.")
    look_ahead: int = option(3, number(0, 10, "lower"), "How many codes the device may be ahead.")


class Hotp:
    """``hotp``. Data: the sealed secret, its digits, and the next counter."""

    traits = Traits(kind="hotp", name="Code device")
    about = "Codes of a counter (RFC 4226)."
    options = HotpRules
    template = Path(__file__).with_suffix(".html")
    sealed: Mapping[str, str] = {"secret": "hotp"}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        own = options_in(rules, "hotp", HotpRules)
        return CodeShape(length=int(str(data["digits"])) if data else own.digits, valid=1 + own.look_ahead)

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        secret = context.seal("hotp", context.draw("hotp", 20).hex())
        digits = options_in(context.rules, "hotp", HotpRules).digits
        return Draft(data={"secret": secret, "digits": digits, "next": 0}, label="Code device")

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        return {"secret": context.open("hotp", data["secret"])}

    def hint(self, context: Context, data: Fields, /) -> str:
        return ""

    def limits(self, rules: Rules, /) -> None:
        return None

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        return None

    def read(self, response: object, rules: Rules, /) -> object | None:
        return next(filter(None, (read_digits(response, digits) for digits in (6, 7, 8))), None)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        first, digits = int(str(data["next"])), int(str(data["digits"]))
        if len(str(response)) != digits:
            return Rejected(reason="malformed", free=True)
        secret = bytes.fromhex(context.open("hotp", data["secret"]))
        ahead = options_in(context.rules, "hotp", HotpRules).look_ahead
        for counter in range(first, first + ahead + 1):
            if hmac.compare_digest(hotp(secret, counter, digits), str(response)):
                return Accepted(data={**data, "next": counter + 1})
        return Rejected(reason="wrong_code")
