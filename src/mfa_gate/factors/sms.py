"""A code sent by text message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.assurance import Traits
from ..core.messages.codes import sms_text
from ..core.model import Challenge, Fields
from ..core.rules import ResendRules, Rules
from .base import Accepted, Context, Delivery, Draft, Issue, Rejected
from .codes import issue_code, make_code, masked_phone, read_digits, verify_code
from .phone import draft_phone, number_to_send

PURPOSE = "sms"


class Sms:
    """``sms``. Data: the sealed number in E.164."""

    traits = Traits(
        kind="sms",
        name="Text message",
        needs_challenge=True,
        sends="sms",
        contact="phone",
    )
    sealed: Mapping[str, str] = {"to": PURPOSE}

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """The number as typed, or on file."""
        return draft_phone(context, context.rules.factors.sms, PURPOSE, phone, "Text message", region=region)

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """The number that the code goes to."""
        return {"hint": self.hint(context, data), "phone": context.open(PURPOSE, data["to"])}

    def hint(self, context: Context, data: Fields, /) -> str:
        """The number, masked."""
        number = context.open(PURPOSE, data["to"])
        return masked_phone(number) if context.rules.factors.mask else number

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """``[factors.sms] resend``."""
        return rules.factors.sms.resend

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """A code by text message, its last line bound to our own host (WICG origin-bound codes)."""
        to = number_to_send(context, context.rules.factors.sms, PURPOSE, data)
        if isinstance(to, Rejected):
            return to
        rules = context.rules.factors.sms.code
        code = make_code(context, rules.digits)
        text = sms_text(
            code=code,
            service=context.service,
            minutes=rules.ttl // 60,
            host=context.host,
            translate=context.translate,
        )
        delivery = Delivery(channel="sms", to=to, text=text, code=code)
        return issue_code(context, code, rules, delivery)

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Digits of exactly the policy's length."""
        return read_digits(response, rules.factors.sms.code.digits)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Any live code of this purpose."""
        return verify_code(context, data, challenges, response)
