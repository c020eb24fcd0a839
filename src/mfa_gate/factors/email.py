"""A code sent to the account's e-mail address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.assurance import Traits
from ..core.messages.codes import email_code
from ..core.model import Challenge, Fields
from ..core.rules import ResendRules, Rules
from .base import Accepted, Context, Delivery, Draft, Issue, Rejected
from .codes import issue_code, make_code, masked_email, read_digits, verify_code

PURPOSE = "email"


class Email:
    """``email``. Data: the sealed address, as the host had it when it was confirmed (a request never names one)."""

    traits = Traits(kind="email", name="Email", needs_challenge=True, sends="email", single=True, contact="email")
    sealed: Mapping[str, str] = {"to": PURPOSE}

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """The address on file, shown and not typed (U-29)."""
        if not context.contacts.email:
            return Rejected(reason="no_contact", free=True)
        return Draft(data={"to": context.seal(PURPOSE, context.contacts.email)}, label="Email")

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """The address that the code goes to."""
        return {"hint": self.hint(context, data)}

    def hint(self, context: Context, data: Fields, /) -> str:
        """The address, masked."""
        address = context.open(PURPOSE, data["to"])
        return masked_email(address) if context.rules.factors.mask else address

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """``[factors.email] resend``."""
        return rules.factors.email.resend

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """A code by e-mail: in the subject, and alone on a line of the text."""
        rules = context.rules.factors.email.code
        code = make_code(context, rules.digits)
        words = email_code(
            code=code,
            service=context.service,
            minutes=rules.ttl // 60,
            where=context.where,
            when_text=context.when,
            owner=context.rules.owner,
            purpose=context.purpose,
            translate=context.translate,
        )
        address = context.open(PURPOSE, data["to"])
        delivery = Delivery(
            channel="email", to=address, subject=words.subject, text=words.text, html=words.html, code=code
        )
        return issue_code(context, code, rules, delivery)

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Digits of exactly the policy's length."""
        return read_digits(response, rules.factors.email.code.digits)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Any live code of this purpose."""
        return verify_code(context, data, challenges, response)
