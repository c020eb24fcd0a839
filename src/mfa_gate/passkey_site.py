"""Check at start that browsers make passkeys for the site (V-17)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from .core.public_suffixes import is_public_suffix, registrable
from .core.rules import Policy
from .factors import Registry
from .ports import RelyingParty


def faults_of_passkey_site(policy: Policy, party: RelyingParty, factors: Registry) -> list[str]:
    """Find the faults of the relying party for which every browser refuses passkeys.

    Without factors that are bound to the site (passkeys) in the policy there are none. The form of an id is checked in
    ``settings``.
    """
    tenants = {"": policy.base, **policy.tenants}
    bound = {kind for kind, traits in factors.traits.items() if traits.phishing_resistant}
    found = [(name, kind) for name, rules in tenants.items() for kind in rules.factors.allowed if kind in bound]
    if not found or isinstance(party.origins, str) or not isinstance(party.id, str):
        return []
    tenant, kind = found[0]
    section = f"tenants.{tenant}.factors.allowed" if tenant else "factors.allowed"
    return [f"{fault}, or take {kind!r} out of {section}" for fault in _faults(party)]


def _faults(party: RelyingParty) -> Iterator[str]:
    said = f"relying_party.id={party.id!r}"
    if _is_number(party.id):
        yield (
            f'{said}: is an address, and browsers make passkeys for names only: write a name, e.g. "localhost" on your own '
            "machine, here and in the origins"
        )
        return
    hosts = [urlsplit(origin).hostname or "" for origin in party.origins]
    below = next((host for host in hosts if host.endswith(f".{party.id}")), "")
    if below and party.id != "localhost" and is_public_suffix(party.id):
        yield (
            f"{said}: is a suffix that many owners share, and browsers make no passkeys for it: write the site's own name, "
            f"e.g. {registrable(below)!r}"
        )


def _is_number(host: str) -> bool:
    """Tell if browsers read ``host`` as an address: its last part is a number (WHATWG URL)."""
    last = host.rstrip(".").rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
