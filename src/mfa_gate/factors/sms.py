"""A code sent by text message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

from ..core.assurance import Traits
from ..core.messages.codes import sms_text
from ..core.model import Challenge, Contacts, Fields
from ..core.rules import ResendRules, Rules
from .base import Accepted, CodeShape, Context, Delivery, Draft, Issue, Rejected, options_in
from .codes import code_shape, issue_code, make_code, masked_phone, read_digits, verify_code
from .contact_copies import former_of, heir_of
from .optional_parts import Introduction, OptionFault
from .phone import (
    PhoneRules,
    draft_phone,
    number_to_send,
    phone_introduction,
    phone_on_file,
    read_phone,
    region_faults,
    shown_phone,
)

PURPOSE = "sms"


class Sms:
    """Send ``sms`` codes. Data: the sealed number in E.164."""

    traits = Traits(
        kind="sms",
        quick=True,
        name="Text message",
        needs_challenge=True,
        sends="sms",
        contact="phone",
    )
    options = PhoneRules
    template = files("mfa_gate.factors").joinpath("sms.html")
    about = "Codes by text message."
    sealed: Mapping[str, str] = {"to": PURPOSE, "was": PURPOSE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe digits of the policy's length."""
        return code_shape(_rules(rules).code)

    def option_faults(self, rules: Rules, /) -> Sequence[OptionFault]:
        """Refuse regions that do not exist."""
        return region_faults(_rules(rules))

    def introduction(self, rules: Rules, contacts: Contacts, /) -> Introduction:
        """Show the number on file, or ask for one."""
        return phone_introduction(_rules(rules), contacts)

    def number_of(self, context: Context, data: Fields, /) -> str:
        """Open the number of an authenticator. Raises ``keyring.Unopened``."""
        return context.open(PURPOSE, data["to"])

    def number_on_file(self, rules: Rules, contacts: Contacts, /) -> str:
        """Read the host's number as the policy accepts it; "" where it does not."""
        number = read_phone(contacts.phone, _rules(rules)) if contacts.phone else ""
        return number if isinstance(number, str) else ""

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Take the number as typed, or on file."""
        return draft_phone(context, _rules(context.rules), PURPOSE, phone, "Text message", region=region)

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Show the number that the code goes to."""
        return shown_phone(context, _rules(context.rules), PURPOSE, data, hint=self.hint(context, data))

    def hint(self, context: Context, data: Fields, /) -> str:
        """Mask the number."""
        number = context.open(PURPOSE, data["to"])
        return masked_phone(number) if context.rules.factors.mask else number

    def copy_of(self, context: Context, data: Fields, /) -> str:
        """Open the number. Raises ``keyring.Unopened``."""
        return context.open(PURPOSE, data["to"])

    def on_file(self, rules: Rules, contacts: Contacts, /) -> str | None:
        """Read the number on file, where the policy says ``phone = "on-file"``."""
        return phone_on_file(_rules(rules), contacts)

    def heir(self, data: Fields, old: Fields, until: int, /) -> Fields:
        """Keep the sealed contact of ``old``."""
        return heir_of(data, old, until)

    def former(self, context: Context, data: Fields, /) -> str:
        """Open the earlier contact while it is told."""
        return former_of(context, PURPOSE, data)

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """Read ``[factors.sms] resend``."""
        return _rules(rules).resend

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Write a code by text message.

        Its last line is bound to our own host (WICG origin-bound codes).
        """
        to = number_to_send(context, _rules(context.rules), PURPOSE, data)
        if isinstance(to, Rejected):
            return to
        rules = _rules(context.rules).code
        code = make_code(context, rules.digits)
        text = sms_text(
            code=code,
            service=context.service,
            minutes=rules.ttl // 60,
            host=context.host,
            translate=context.translate,
            form=context.own_text,
        )
        delivery = Delivery(channel="sms", to=to, text=text, code=code)
        return issue_code(context, code, rules, delivery)

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read digits of exactly the policy's length."""
        return read_digits(response, _rules(rules).code.digits)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Accept any live code of this purpose."""
        return verify_code(context, data, challenges, response)


def _rules(rules: Rules) -> PhoneRules:
    return options_in(rules, Sms.traits.kind, PhoneRules)
