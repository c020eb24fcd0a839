"""Which addresses a sender may talk to, and which numbers it may be given."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ..errors import SettingsError

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_URL = re.compile(r"[!-~]+")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine, by its spelling alone; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_number(to: str) -> bool:
    """Whether ``to`` is a telephone number in E.164."""
    return bool(_E164.fullmatch(to))


def is_private_url(url: str) -> bool:
    """Whether what is sent to ``url`` stays between the two: https, or http to this machine."""
    if not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))


def provider_url(url: str, *, what: str) -> str:
    """``url`` itself. Raises ``SettingsError`` unless it is https (or http to this machine) without a user or fragment."""
    if not is_private_url(url):
        raise SettingsError(f"{what} must be an https:// address (http:// only for this machine)")
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise SettingsError(f"{what} must have neither user:password@ nor #fragment")
    return url
