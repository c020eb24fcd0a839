"""A token for automation: some rights of administrators, for a program, until a day.

The row lies in the settings of its tenant. It holds a keyed digest and no token.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, fields, replace

from .roles import RIGHTS, Right
from .rules import TenantSettings

PREFIX = "mgt_"
"""The beginning of every token, by which scanners for secrets know one."""
MAX_TOKENS = 50
MAX_NAME = 60
MIN_LIFE, MAX_LIFE = 60, 366 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """One token, without its secret. Times are UTC seconds.

    ``everywhere``: it acts in every tenant, not only in its own.
    """

    id: str
    name: str
    tenant: str
    rights: tuple[Right, ...]
    everywhere: bool
    digest: str
    created_at: int
    created_by: str
    expires_at: int

    @property
    def actor(self) -> str:
        """Return the name of the actor in the trail."""
        return f"token:{self.name}"

    @property
    def signed(self) -> tuple[str, ...]:
        """List the parts that the digest covers: nobody widens a token in the store."""
        return (self.tenant, self.id, self.name, " ".join(self.rights), str(self.everywhere), str(self.expires_at))


def text_of(tenant: str, id: str, secret: str) -> str:
    """Write a token: the tenant, the id and the secret in one word."""
    named = urlsafe_b64encode(tenant.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    return f"{PREFIX}{named}.{id}.{secret}"


def read_text(text: str) -> tuple[str, str, str] | None:
    """Read tenant, id and secret of a token, or return None for any other text."""
    parts = text.removeprefix(PREFIX).split(".")
    if not text.startswith(PREFIX) or len(parts) != 3 or not all(parts) or len(text) > 600:
        return None
    try:
        tenant = urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)).decode()
    except ValueError:
        return None
    return tenant, parts[1], parts[2]


def tokens_of(settings: TenantSettings) -> tuple[Automation, ...]:
    """Read the tokens of a tenant.

    A row that cannot be read is left out, and so opens nothing.
    """
    return tuple(found for row in settings.tokens if (found := _read(row, settings.tenant)) is not None)


def with_token(settings: TenantSettings, token: Automation) -> TenantSettings:
    """Return the settings with one token more."""
    row = {name: part for name, part in asdict(token).items() if name != "tenant"}
    return replace(settings, tokens=(*settings.tokens, json.dumps(row, separators=(",", ":"))))


def without_tokens(settings: TenantSettings, ids: frozenset[str]) -> TenantSettings:
    """Return the settings without the tokens of these ids."""
    kept = [row for row in settings.tokens if (found := _read(row, settings.tenant)) is None or found.id not in ids]
    return replace(settings, tokens=tuple(kept))


def _read(row: str, tenant: str) -> Automation | None:
    try:
        parts = json.loads(row)
        given = tuple(right for right in RIGHTS if right in parts["rights"])
        token = Automation(**{**parts, "tenant": tenant, "rights": given})
    except (ValueError, TypeError, KeyError):
        return None
    kinds = {"everywhere": bool, "created_at": int, "expires_at": int, "rights": tuple}
    good = all(type(getattr(token, item.name)) is kinds.get(item.name, str) for item in fields(Automation))
    return token if good else None
