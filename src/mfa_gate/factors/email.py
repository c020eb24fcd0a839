"""A code sent to the account's e-mail address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..core.assurance import Traits
from ..core.messages.codes import email_code
from ..core.model import Challenge, Contacts, Fields
from ..core.options import PLAIN, option
from ..core.rules import CodeRules, ResendRules, Rules
from .base import Accepted, CodeShape, Context, Delivery, Draft, Issue, Rejected, options_in
from .codes import code_shape, issue_code, make_code, masked_email, read_digits, verify_code
from .contact_copies import former_of, heir_of
from .optional_parts import Introduction

PURPOSE = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailRules:
    """``[factors.email]``."""

    code: CodeRules = option(CodeRules(), PLAIN, "The code that is sent.")
    resend: ResendRules = option(ResendRules(), PLAIN, "How often a code may be sent to one person.")


class Email:
    """Send ``email`` codes. Data: the sealed address.

    It is the host's address at the confirmation; a request never names one.
    """

    traits = Traits(
        kind="email",
        quick=True,
        name="Email",
        needs_challenge=True,
        sends="email",
        single=True,
        contact="email",
    )
    options = EmailRules
    template = files("mfa_gate.factors").joinpath("email.html")
    about = "Codes by e-mail, to the address that the host has on file."
    sealed: Mapping[str, str] = {"to": PURPOSE, "was": PURPOSE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe digits of the policy's length."""
        return code_shape(_rules(rules).code)

    def introduction(self, rules: Rules, contacts: Contacts, /) -> Introduction:
        """Show the address on file."""
        return Introduction(destination=contacts.email)

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Take the address on file; it is shown and not typed (U-29)."""
        if not context.contacts.email:
            return Rejected(reason="no_contact", free=True)
        return Draft(data={"to": context.seal(PURPOSE, context.contacts.email)}, label="Email")

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Show the address that the code goes to."""
        return {"hint": self.hint(context, data)}

    def hint(self, context: Context, data: Fields, /) -> str:
        """Mask the address."""
        address = context.open(PURPOSE, data["to"])
        return masked_email(address) if context.rules.factors.mask else address

    def copy_of(self, context: Context, data: Fields, /) -> str:
        """Open the address. Raises ``keyring.Unopened``."""
        return context.open(PURPOSE, data["to"])

    def on_file(self, rules: Rules, contacts: Contacts, /) -> str | None:
        """Read the address on file."""
        return contacts.email

    def heir(self, data: Fields, old: Fields, until: int, /) -> Fields:
        """Keep the sealed contact of ``old``."""
        return heir_of(data, old, until)

    def former(self, context: Context, data: Fields, /) -> str:
        """Open the earlier contact while it is told."""
        return former_of(context, PURPOSE, data)

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """Read ``[factors.email] resend``."""
        return _rules(rules).resend

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Write a code by e-mail: in the subject, and alone on a line of the text."""
        rules = _rules(context.rules).code
        code = make_code(context, rules.digits)
        letter = email_code(
            code=code,
            service=context.service,
            minutes=rules.ttl // 60,
            where=context.where,
            when_text=context.when,
            agent=context.agent,
            owner=context.rules.owner,
            purpose=context.purpose,
            translate=context.translate,
        )
        words = context.mail(letter)
        address = context.open(PURPOSE, data["to"])
        delivery = Delivery(
            channel="email", to=address, subject=words.subject, text=words.text, html=words.html, code=code
        )
        return issue_code(context, code, rules, delivery)

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read digits of exactly the policy's length."""
        return read_digits(response, _rules(rules).code.digits)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Accept any live code of this purpose."""
        return verify_code(context, data, challenges, response)


def _rules(rules: Rules) -> EmailRules:
    return options_in(rules, Email.traits.kind, EmailRules)
