"""``[factors]``: which kinds may be used, and the options of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..model import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRules:
    """A sent code: how many digits, how long it lives, how many may be outstanding."""

    digits: int = 6
    ttl: Seconds = Seconds(600)
    live: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendRules:
    """The bounds on codes sent to one subject: how soon, and how often."""

    wait: Seconds = Seconds(30)
    per_hour: int = 5
    per_day: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailRules:
    """``[factors.email]``."""

    code: CodeRules = CodeRules()
    resend: ResendRules = ResendRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRules:
    """``[factors.sms]``. ``regions`` are the numbers' own regions (ISO 3166), None for any."""

    code: CodeRules = CodeRules()
    resend: ResendRules = ResendRules()
    phone: Literal["typed", "on-file"] = "typed"
    regions: tuple[str, ...] | None = None
    refuse_types: tuple[str, ...] = ("premium-rate", "toll-free", "shared-cost", "pager")
    consent_text: str = "Message and data rates may apply. Reply STOP to opt out."


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRules(PhoneRules):
    """``[factors.voice]``: as for text messages, and how a call is confirmed."""

    confirm: Literal["pound", "code"] = "pound"


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpRules:
    """``[factors.totp]`` (RFC 6238)."""

    digits: int = 6
    period: Seconds = Seconds(30)
    drift_steps: int = 1
    apps: tuple[str, ...] = ("Google Authenticator", "Microsoft Authenticator", "Authy", "1Password")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRules:
    """At most ``count`` in ``window``, as close together as one likes."""

    count: int = 3
    window: Seconds = Seconds(900)

    @property
    def wait(self) -> Seconds:
        """Seconds between two: none."""
        return Seconds(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRules:
    """``[factors.push]``: number matching."""

    digits: int = 2
    ttl: Seconds = Seconds(60)
    max_per: CountRules = CountRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAuthnRules:
    """``[factors.webauthn]``."""

    user_verification: Literal["required", "preferred", "discouraged"] = "preferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCodeRules:
    """``[factors.backup-code]``."""

    count: int = 10
    warn_at: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRules:
    """``[factors]``."""

    allowed: tuple[str, ...] = ("webauthn", "totp", "push", "sms", "voice", "email", "backup-code")
    order: tuple[str, ...] = ("webauthn", "push", "totp", "sms", "voice", "email")
    choice: Literal["user", "tenant"] = "user"
    first_offer: Literal["strongest", "last-used"] = "last-used"
    auto_send: bool = True
    mask: bool = True
    email: EmailRules = EmailRules()
    sms: PhoneRules = PhoneRules()
    voice: VoiceRules = VoiceRules()
    totp: TotpRules = TotpRules()
    push: PushRules = PushRules()
    webauthn: WebAuthnRules = WebAuthnRules()
    backup_code: BackupCodeRules = BackupCodeRules()
