"""The keys of the audit trail.

One chains the lines and signs the store's notes, one signs heads for outsiders.

Both are derived from the gate's keys. Before a gate's key goes, its derived keys are kept in the store, sealed under the
newest: so lines of before stay verifiable after a rotation.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from ..core.trail import keyed_digest
from ..keyring import CHAIN, Keyring, Unopened, join
from ..ports import Entropy
from ..storage import Notes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HEADS = "trail/heads"
KEPT = "trail-keys"
DIGEST = 64
"""Characters of a line's digest. One of another length could pass for a digest and a part of a tenant's name."""
ID = 4
"""Characters of a key's id."""


class TrailKeys:
    """The chain's keys and the heads' keys, by the id of the gate's key that they come from."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._chain = {id: keyring.secret_of(CHAIN, id) for id in keyring.ids}
        self._public: dict[str, bytes] = {}

    @property
    def newest(self) -> str:
        """Give the id of the key that chains and signs."""
        return self._keyring.newest

    # -- the chain and the notes ----------------------------------------------------------------------------------

    def own(self, key: str, tenant: str, digest: str) -> str:
        """Return the keyed digest (hex) of a line, by its tenant and its own digest.

        It is "" for an unknown key.
        """
        secret = self._chain.get(key)
        return "" if secret is None or len(digest) != DIGEST else keyed_digest(secret, tenant, digest)

    def sign(self, purpose: str, text: str) -> str:
        """Sign a note of the store: the key's id, and 64 hex digits."""
        return self.newest + hmac.digest(self._chain[self.newest], join((purpose, text)), "sha256").hex()

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Tell if a note bears the signature of a known key."""
        secret = self._chain.get(signature[:ID])
        made = b"" if secret is None else hmac.digest(secret, join((purpose, text)), "sha256").hex().encode()
        return bool(made) and hmac.compare_digest(made, signature[ID:].encode("utf-8", "replace"))

    # -- heads for outsiders --------------------------------------------------------------------------------------

    def sign_head(self, text: bytes) -> bytes:
        """Sign with Ed25519 (64 bytes), under the newest key."""
        return self._private(self.newest).sign(text)

    def verify_key(self, key: str = "") -> bytes:
        """Return the public key (32 bytes) that verifies the heads of a key.

        It is b"" for an unknown one.
        """
        key = key or self.newest
        if key not in self._public and key in self._keyring.ids:
            self._public[key] = self._private(key).public_key().public_bytes_raw()
        return self._public.get(key, b"")

    @property
    def ids(self) -> tuple[str, ...]:
        """List the ids of all known keys, the newest first."""
        return (*self._keyring.ids, *(id for id in self._chain if id not in self._keyring.ids))

    def _private(self, key: str) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._keyring.secret_of(HEADS, key))

    # -- rotation -------------------------------------------------------------------------------------------------

    async def load(self, notes: Notes) -> None:
        """Read the keys that were kept from before a rotation.

        One that cannot be opened is left out.
        """
        for id, sealed in (await _kept(notes)).items():
            try:
                raw = self._keyring.open(KEPT, sealed, row=(KEPT, id))
            except Unopened:
                continue
            self._chain.setdefault(id, raw[:32])
            self._public.setdefault(id, raw[32:])

    async def keep(self, notes: Notes, entropy: Entropy) -> None:
        """Keep every known key but the newest in the store, sealed under the newest."""
        kept, older = await _kept(notes), [id for id in self.ids if id != self.newest]
        fresh = {
            id: self._keyring.seal(KEPT, self._chain[id] + self.verify_key(id), row=(KEPT, id), nonce=entropy(12))
            for id in older
            if self._keyring.key_of(kept.get(id, "")) != self.newest
        }
        if fresh:
            await notes.put_meta(KEPT, json.dumps({**kept, **fresh}, sort_keys=True).encode())


async def _kept(notes: Notes) -> dict[str, str]:
    try:
        found = json.loads(await notes.meta(KEPT) or b"{}")
    except ValueError:
        return {}
    return {str(id): str(sealed) for id, sealed in found.items()} if isinstance(found, dict) else {}


def b64(raw: bytes) -> str:
    """Write bytes as text."""
    return b64encode(raw, b"-_").rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Read bytes from text. Raises ``ValueError``."""
    return b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
