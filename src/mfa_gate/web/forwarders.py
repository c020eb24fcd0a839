"""Notice a server that believes everybody's ``X-Forwarded-For`` (S-109)."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Container, Iterator, Mapping
from ipaddress import ip_network
from types import FrameType
from typing import Any, Protocol, runtime_checkable

from ..core.networks import Network, hop_address, is_everybody

VARIABLES = ("FORWARDED_ALLOW_IPS", "UVICORN_FORWARDED_ALLOW_IPS")
"""Variables from which uvicorn and gunicorn read the option. The command line and the starting code can set it as well."""
PROBES = ("198.51.100.77", "2001:db8:ffff::77")
"""Addresses for documentation (RFC 5737, 3849). They are nobody's proxy."""
LISTS = ("_TrustedHosts", "_Forwarders")
"""Names of the classes by which uvicorn and granian list the proxies that they believe."""
DEPTH = 200
FAULT = (
    "the server believes every client's word for its address (forwarded-allow-ips=*), so a stolen proof works from everywhere. "
    "Name the proxies there, or turn the server's reading off (uvicorn: --no-proxy-headers) and give trusted_proxies=[...]; "
    "accept_any_forwarder=True only where nobody but one proxy can reach the server and it replaces the header"
)


@runtime_checkable
class ReadsForwarded(Protocol):
    """A layer that replaces the peer by a forwarded address.

    Uvicorn's ``ProxyHeadersMiddleware`` is one.
    """

    trusted_hosts: Container[str]


def fault_of_environment(environ: Mapping[str, str] = os.environ) -> str:
    """Return the fault of a variable that makes the server believe everybody, or ""."""
    for name in VARIABLES:
        if believes_everybody(environ.get(name, "")):
            return f"{name}={environ[name].strip()}: {FAULT}"
    return ""


def believes_everybody(option: str) -> bool:
    """Tell if the option's text names everybody: a star, or networks that are it together."""
    parts, networks = [part.strip() for part in option.split(",")], list[Network]()
    for part in parts:
        with contextlib.suppress(ValueError):  # a name of a host, or what the server itself will refuse
            networks.append(ip_network(part, strict=False))
    return "*" in parts or is_everybody(networks)


def is_forwarded(scope: Mapping[str, Any]) -> bool:
    """Say whether a layer of the server has replaced the peer.

    Then the peer's port is 0, or the peer is one of the forwarded addresses.
    """
    client = scope.get("client")
    if client is None:
        return False
    texts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return not client[1] or client[0] in {hop_address(hop) for text in texts for hop in text.split(",")}


def server_believes_everybody(*, replaced: bool) -> bool:
    """Look for the server's layer in the calls that led here, however the option was given.

    ``replaced`` says that the peer is a forwarded one (see ``is_forwarded``). Then this also looks at the lists of
    this process: a layer that runs the app in a task of its own is not among the calls. It is slow, so it is called
    once.
    """
    layers = list(_layers())
    if layers or not replaced:
        return any(_trusts_everybody(layer.trusted_hosts) for layer in layers)
    return any(_trusts_everybody(found) for found in gc.get_objects() if type(found).__name__ in LISTS)


def _layers() -> Iterator[ReadsForwarded]:
    frame: FrameType | None = sys._getframe(1)
    for _ in range(DEPTH):
        if frame is None:
            return
        layer = frame.f_locals.get("self")
        if type(layer).__name__ == "ProxyHeadersMiddleware" and isinstance(layer, ReadsForwarded):
            yield layer
        frame = frame.f_back


def _trusts_everybody(hosts: Container[str]) -> bool:
    return any(probe in hosts for probe in PROBES) or "*" in hosts
