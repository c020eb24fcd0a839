"""A phone call: confirmed with the # key, or reading a code after a key was pressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from ..core.assurance import Traits
from ..core.messages.calls import VoiceScript, voice_script
from ..core.model import Challenge, Contacts, Fields
from ..core.options import option, words
from ..core.rules import ResendRules, Rules
from .base import COLLECT, Accepted, CodeShape, Context, Delivery, Draft, Issue, Rejected, collect, options_in
from .codes import code_digest, code_shape, make_code, masked_phone, read_digits, verify_code
from .contact_copies import former_of, heir_of
from .optional_parts import Heard, Introduction, OptionFault
from .phone import (
    PhoneRules,
    draft_phone,
    number_to_send,
    phone_introduction,
    phone_on_file,
    region_faults,
    shown_phone,
)
from .tokens import digest_of, make_token, name_anew
from .twiml import Spoken, ask_for_key, say_and_hang_up

PURPOSE = "voice"
SAY = "voice-say"
HOOK = "hook"
SPOKEN: Mapping[str, Spoken] = {
    "en": Spoken("en-US"),
    "de": Spoken("de-DE"),
    "ar": Spoken("arb", "Polly.Zeina"),
    "es": Spoken("es-ES"),
    "fr": Spoken("fr-FR"),
    "it": Spoken("it-IT"),
    "nl": Spoken("nl-NL"),
    "pl": Spoken("pl-PL"),
    "pt": Spoken("pt-PT"),
    "pt-BR": Spoken("pt-BR"),
    "vi": Spoken("vi-VN", "Google.vi-VN-Standard-A"),
    "zh-Hans": Spoken("cmn-CN", "Polly.Zhiyu"),
}
"""Languages that calls can be read in; in all others the call is in English."""
KEY = "#"
CALL_LIFE = 300
"""Seconds in which a call that is confirmed by a key must be answered."""
MAX_SID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRules(PhoneRules):
    """Options of ``[factors.voice]``: those of text messages, and how a call is confirmed."""

    confirm: Literal["pound", "code"] = option(
        "pound",
        words("pound", "code"),
        'How a call is confirmed: "pound" by a key of the phone, "code" by a code that is typed on the page.',
    )


class Voice:
    """Check ``voice``, a phone call. Data: the sealed number in E.164.

    A challenge: ``hook`` (digest of the secret in the callback's address), ``step`` (``placed``, ``greeted``, ``read``),
    ``call`` (digest of the provider's id of the call), ``lang`` (where it is not read in English), and by how it is
    confirmed ``elsewhere``, or ``code`` (digest) and ``say`` (the code, sealed).
    """

    traits = Traits(
        kind="voice",
        quick=True,
        name="Phone call",
        needs_challenge=True,
        sends="voice",
        typed=False,
        contact="phone",
    )
    options = VoiceRules
    template = files("mfa_gate.factors").joinpath("voice.html")
    about = "Phone calls: the keys of [factors.sms], and how a call is confirmed."
    sealed: Mapping[str, str] = {"to": PURPOSE, "was": PURPOSE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe digits of the policy's length; None where a key confirms."""
        own = _rules(rules)
        return code_shape(own.code) if own.confirm == "code" else None

    def option_faults(self, rules: Rules, /) -> Sequence[OptionFault]:
        """Refuse regions that do not exist."""
        return region_faults(_rules(rules))

    def introduction(self, rules: Rules, contacts: Contacts, /) -> Introduction:
        """Show the number on file, or ask for one."""
        return phone_introduction(_rules(rules), contacts)

    def departures(self, rules: Rules, profile: str, /) -> Sequence[OptionFault]:
        """Find calls that a key alone confirms: nothing binds them to the browser that asked."""
        clause = {"nist-aal2": "SP 800-63B-4 3.1.3.1", "asvs-l2": "ASVS 5.0 6.6.2"}.get(profile)
        if clause is None or _rules(rules).confirm == "code":
            return ()
        text = '"pound": the call is confirmed by a key alone; "code" carries a secret from one channel to the other'
        return (OptionFault(key=("confirm",), text=text, clause=clause),)

    def without_callback(self, rules: Rules, /) -> tuple[str, str] | None:
        """Name ``confirm``: a pressed key comes by a callback, a code that is read out needs none."""
        return ('confirm = "pound"', 'confirm = "code"') if _rules(rules).confirm == "pound" else None

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Take the number as typed, or on file."""
        return draft_phone(context, _rules(context.rules), PURPOSE, phone, "Phone call", region=region)

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Show the number that is called."""
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
        """Read ``[factors.voice] resend``."""
        return _rules(rules).resend

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Place a call whose words are fetched from us.

        The address cannot be guessed, and serves this call only.
        """
        rules = _rules(context.rules)
        to = number_to_send(context, rules, PURPOSE, data)
        if isinstance(to, Rejected):
            return to
        by_key = rules.confirm == "pound"
        named = name_anew(context, HOOK)
        url = f"{context.public}/hooks/{self.traits.kind}/{make_token(context, HOOK, named)}"
        code = "" if by_key else make_code(context, rules.code.digits)
        kept: dict[str, object] = {HOOK: digest_of(HOOK, named), "step": "placed"}
        if by_key:
            kept["elsewhere"] = True
        else:
            kept |= {"code": code_digest(context, code), "say": context.seal(SAY, code)}
        lang = context.lang if context.lang in SPOKEN else "en"
        kept |= {"lang": lang} if lang != "en" else {}
        text = script_of(context, code, lang).greeting
        return Issue(
            data=kept,
            ttl=min(rules.code.ttl, CALL_LIFE) if by_key else rules.code.ttl,
            live=1 if by_key else rules.code.live,
            delivery=Delivery(channel="voice", to=to, text=text, code=code, callback=url),
        )

    def hear(
        self, context: Context, /, *, challenge: Challenge, url: str, params: Mapping[str, str]
    ) -> Heard | Rejected:
        """Answer the call, or take the key that was pressed.

        Each step happens once, in this order, and within one call. A callback that is late, doubled, or of another call changes
        nothing (S-128).
        """
        data, sid, key = challenge.data, params.get("CallSid", ""), params.get("Digits")
        if not sid or len(sid) > MAX_SID:
            return Rejected(reason="malformed", free=True)
        if challenge.status in ("approved", "denied") or data["step"] == "read":
            return Rejected(reason="code_already_used", free=True)
        lang = str(data.get("lang", "en"))
        script = script_of(context, "" if challenge.waits else context.open(SAY, data["say"]), lang)
        greeting = ask_for_key(
            (script.greeting, script.prompt), action=url, goodbye=script.goodbye, spoken=SPOKEN[lang]
        )
        parts = (context.key.tenant, context.key.id, challenge.id, sid)
        if data["step"] == "placed":
            if key is not None:
                return Rejected(reason="nothing_sent", free=True)
            call = context.keyring.digest("call", *parts)
            return Heard(status="pending", data={**data, "step": "greeted", "call": call}, document=greeting)
        if not context.keyring.matches("call", str(data["call"]), *parts):
            return Rejected(reason="code_already_used", free=True)
        if key != KEY:
            return Heard(status="pending", data=data, document=greeting)
        last = say_and_hang_up((script.confirmed, script.goodbye), spoken=SPOKEN[lang])
        if challenge.waits:
            return Heard(status="approved", data=data, document=last)
        return Heard(status="pending", data={**data, "step": "read"}, document=last)

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read the code that was heard; where a key confirms, any short text.

        Then the browser only asks if the key was pressed.
        """
        if _rules(rules).confirm == "code":
            return read_digits(response, _rules(rules).code.digits)
        return COLLECT if isinstance(response, str) and len(response) <= MAX_SID else None

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Accept a call that was confirmed, or any live code of this purpose."""
        if response == COLLECT:
            return collect(context, challenges, data)
        return verify_code(context, data, challenges, response)


def _rules(rules: Rules) -> VoiceRules:
    return options_in(rules, Voice.traits.kind, VoiceRules)


def script_of(context: Context, code: str, lang: str) -> VoiceScript:
    """Write the words of a call in a language.

    With a code the call reads it; without one a key confirms.
    """
    confirm: Literal["pound", "code"] = "code" if code else "pound"
    return voice_script(service=context.service, translate=context.words(lang), confirm=confirm, code=code)
