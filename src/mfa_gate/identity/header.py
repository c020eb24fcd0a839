"""Find the user that a proxy has authenticated and named in a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.model import Subject
from ..core.networks import UNIX, Proxy, is_everybody, is_proxy, parse_networks
from ..errors import SettingsError
from .credentials import Unreadable
from .values import Fold, check_names, folded, readable


class UntrustedHeader(Unreadable):
    """Refuse a request with the header from a peer that is not listed, or with two."""


class TrustedHeader:
    """Read the user's id from a header of a trusted proxy.

    ``TrustedHeader("X-Remote-User", from_=["10.0.0.5"])``. ``from_`` are the networks of the **socket's** peer, at least
    one; ``"unix"`` is a connection without an address. The server must not have replaced the peer by a forwarded address
    (uvicorn: ``--no-proxy-headers``). ``tenant``, ``groups`` and ``session`` name further headers of that proxy; groups are
    separated by ``separator``. A request without the header is anonymous. A request is refused if it has the header and
    comes from elsewhere, has it twice, or has it with an underscore in its name (which WSGI and CGI read as the same header):
    the app might believe it.

    Two spellings of a name are two people with a second factor each. If the proxy passes names on as they were typed, give
    ``fold=str.casefold``, or a function of your own that makes one id of them.

    Raises ``SettingsError`` for no network, or for one that holds every address.
    """

    def __init__(
        self,
        name: str,
        *,
        from_: Sequence[str],
        tenant: str = "",
        groups: str = "",
        session: str = "",
        separator: str = ",",
        fold: Fold | None = None,
    ) -> None:
        check_names("TrustedHeader", {"name": name}, tenant=tenant, groups=groups, session=session)
        if isinstance(from_, str) or not from_:
            raise SettingsError('TrustedHeader: from_ is a list of the proxy\'s networks, e.g. from_=["10.0.0.5"]')
        try:
            networks = parse_networks(text for text in from_ if text != UNIX)
        except ValueError as error:
            raise SettingsError(f"TrustedHeader: from_: {error}") from error
        self._from: tuple[Proxy, ...] = (*networks, UNIX) if UNIX in from_ else networks
        self._fold = fold
        if is_everybody(networks):
            raise SettingsError(
                "TrustedHeader: from_ holds every address, so anybody could name any user; list the proxy alone"
            )
        self._name = name
        self._key = name.lower().encode("ascii")
        self._tenant = tenant.lower().encode("ascii")
        self._groups = groups.lower().encode("ascii")
        self._session = session.lower().encode("ascii")
        self.names_session = bool(session)
        self._separator = separator

    def __repr__(self) -> str:
        return f"TrustedHeader({self._name!r})"

    @readable
    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Find the person.

        Raises ``UntrustedHeader``, or ``Unreadable`` for a name that cannot be one.
        """
        user = self._value(scope, self._key)
        if not user:
            return None
        client = scope.get("client")
        peer = client[0] if client else ""
        if not is_proxy(peer, self._from):
            raise UntrustedHeader(
                f"{self._name} came from {peer or 'a socket without an address'}, which is not in from_; "
                "the server may have put a forwarded address in its place (uvicorn: --no-proxy-headers)"
            )
        groups = self._value(scope, self._groups).split(self._separator) if self._groups else []
        return Subject(
            id=folded(user, self._fold),
            tenant=(self._value(scope, self._tenant) if self._tenant else "") or "default",
            groups=frozenset(group.strip() for group in groups if group.strip()),
            session=self._value(scope, self._session) if self._session else "",
        )

    async def __call__(self, connection: Any) -> Subject | None:
        """Find the person on an ``HTTPConnection``, as ``subject_of`` does."""
        return self.subject_of(connection.scope)

    def _value(self, scope: Mapping[str, Any], key: bytes) -> str:
        found = [(name, value) for name, value in scope["headers"] if name == key or _is_alias(name, key)]
        if len(found) > 1:
            raise UntrustedHeader(
                f"{key.decode()} was sent {len(found)} times; the proxy must replace what clients send"
            )
        if found and found[0][0] != key:
            raise UntrustedHeader(f"{key.decode()} was sent under another spelling of its name")
        # Only ASCII blanks are cut: an app that reads the header as it is takes any other blank for a part of the name.
        return found[0][1].strip(b" \t").decode("utf-8") if found else ""


def _is_alias(name: bytes, key: bytes) -> bool:
    """Tell if WSGI and CGI read two names of headers as one: a hyphen is an underscore."""
    return len(name) == len(key) and name.lower().replace(b"_", b"-") == key.replace(b"_", b"-")
