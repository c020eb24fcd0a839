"""Web addresses (``https://…``): split once, and built again from the checked parts.

Two libraries may read one text as two different hosts (a backslash, a user name, an odd digit). So no code passes on
the text that was given. It passes on ``WebAddress.url``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

MAX_LENGTH = 2048
PORTS = {"https": 443, "http": 80}

_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=:@%/-"
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    rf"(?P<path>/[{_PLAIN}]*)?(?P<query>\?[{_PLAIN}?]*)?"
)
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """One address.

    ``host`` is in lower case, an IPv6 host in brackets; ``rest`` is path and query.
    """

    scheme: str
    host: str
    port: int
    rest: str

    @property
    def url(self) -> str:
        """Build the address from its parts."""
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.rest or '/'}"

    @property
    def is_named(self) -> bool:
        """Tell if the host is a full name in the DNS, and not a number in any spelling."""
        return bool(_NAME.fullmatch(self.host))

    @property
    def is_local(self) -> bool:
        """Tell if the host is this machine, by its spelling alone; no name is looked up."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def read_address(text: str) -> WebAddress | None:
    """Split ``text`` into the parts of an address, or return None if it is not plainly one.

    These are refused: upper case in the host, a user name, a fragment, a backslash, a blank, a host that ends in a dot,
    a number in an unusual spelling.
    """
    found = _ADDRESS.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None or not _is_host(found["host"]):
        return None
    port, rest = int(found["port"] or PORTS[found["scheme"]]), (found["path"] or "") + (found["query"] or "")
    if not 0 < port < 65536 or rest.startswith("//"):
        return None
    return WebAddress(scheme=found["scheme"], host=found["host"], port=port, rest=rest)


def _is_host(host: str) -> bool:
    if host.startswith("[") or _NUMERIC.fullmatch(host):
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return host.startswith("[") == (":" in host)
    return ".." not in host and all(len(label) < 64 for label in host.split("."))
