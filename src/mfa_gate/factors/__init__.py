"""The factors there are: one file each, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.assurance import Traits
from .backup_code import BackupCode
from .base import Factor
from .email import Email
from .push import Push
from .sms import Sms
from .totp import Totp
from .voice import Voice
from .webauthn import WebAuthn

FACTORS: Mapping[str, Factor] = {
    factor.traits.kind: factor
    for factor in (
        Totp(),
        Email(),
        Sms(),
        BackupCode(),
        WebAuthn(),
        Voice(),
        Push(),
    )
}
"""Every factor by its kind."""

TRAITS: Mapping[str, Traits] = {kind: factor.traits for kind, factor in FACTORS.items()}
"""What the rest may know of each."""
