"""The user that a proxy in front has authenticated and named in a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.model import Subject
from ..core.networks import Network, lies_in, parse_networks
from ..errors import SettingsError

UNIX = "unix"


class UntrustedHeader(ValueError):
    """A request named its user by the header, and did not come from a listed peer, or named two. It is refused."""


class TrustedHeader:
    """``TrustedHeader("X-Remote-User", from_=["10.0.0.5/32"])``: the user's id as the proxy at those addresses tells it.

    ``from_`` are the networks of the **socket's** peer, at least one; ``"unix"`` is a connection without an address. The
    server must not have replaced the peer by a forwarded address (uvicorn: ``--no-proxy-headers``). ``tenant``, ``groups``
    and ``session`` name further headers of that proxy; groups are parted by ``separator``. A request without the header
    is nobody. One that has it and comes from elsewhere, or has it twice, is refused and not taken for anonymous: the app
    behind might believe it.

    Raises ``SettingsError`` for no network, or one that is everybody.
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
    ) -> None:
        if isinstance(from_, str) or not from_:
            raise SettingsError('TrustedHeader: from_ is a list of the proxy\'s networks, e.g. from_=["10.0.0.5/32"]')
        self._unix = UNIX in from_
        try:
            self._networks: tuple[Network, ...] = parse_networks(text for text in from_ if text != UNIX)
        except ValueError as error:
            raise SettingsError(f"TrustedHeader: from_: {error}") from error
        if any(not network.prefixlen for network in self._networks):
            raise SettingsError(
                "TrustedHeader: from_ is everybody, and anybody could say who they are; list the proxy alone"
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

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Who is signed in. Raises ``UntrustedHeader``, or ``ValueError`` for an id that cannot be one."""
        user = self._value(scope, self._key)
        if not user:
            return None
        client = scope.get("client")
        trusted = lies_in(client[0], self._networks) if client else self._unix
        if not trusted:
            raise UntrustedHeader(
                f"{self._name} came from {client[0] if client else 'a socket without an address'}, which is not in from_; "
                "the server may have put a forwarded address in its place (uvicorn: --no-proxy-headers)"
            )
        groups = self._value(scope, self._groups).split(self._separator) if self._groups else []
        return Subject(
            id=user,
            tenant=(self._value(scope, self._tenant) if self._tenant else "") or "default",
            groups=frozenset(group.strip() for group in groups if group.strip()),
            session=self._value(scope, self._session) if self._session else "",
        )

    async def __call__(self, connection: Any) -> Subject | None:
        """The same, for an ``HTTPConnection``."""
        return self.subject_of(connection.scope)

    def _value(self, scope: Mapping[str, Any], key: bytes) -> str:
        found = [value for name, value in scope["headers"] if name == key]
        if len(found) > 1:
            raise UntrustedHeader(
                f"{key.decode()} was sent {len(found)} times; the proxy must replace what clients send"
            )
        return found[0].decode("utf-8").strip() if found else ""
