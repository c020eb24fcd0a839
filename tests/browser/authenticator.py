"""An authenticator for passkeys that Chromium itself plays, plugged into one page.

It uses the DevTools protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """One virtual authenticator of Chromium."""

    session: CDPSession
    id: str

    @classmethod
    def plug(
        cls, page: Page, *, transport: str = "internal", verifies: bool = True, synced: bool = False
    ) -> Authenticator:
        """Plug an authenticator in beside ``page``.

        It is ``internal`` or ``usb``, with or without user verification, synced or not.
        """
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": transport,
            "hasResidentKey": verifies,
            "hasUserVerification": verifies,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
            "defaultBackupEligibility": synced,
            "defaultBackupState": synced,
        }
        made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session=session, id=made["authenticatorId"])

    def credentials(self) -> list[dict[str, Any]]:
        """Return the credentials that the authenticator holds."""
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        credentials: list[dict[str, Any]] = found["credentials"]
        return credentials

    def forget(self) -> list[dict[str, Any]]:
        """Remove all credentials, and return them."""
        held = self.credentials()
        for credential in held:
            named = {"authenticatorId": self.id, "credentialId": credential["credentialId"]}
            self.session.send("WebAuthn.removeCredential", named)
        return held

    def learn(self, credentials: list[dict[str, Any]]) -> None:
        """Add these credentials."""
        for credential in credentials:
            self.session.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})

    def unplug(self) -> None:
        """Take the authenticator away."""
        self.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
