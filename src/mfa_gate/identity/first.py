"""Ask several adapters, so that no way of signing in goes past the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.model import Subject
from ..errors import SettingsError
from ..ports import Identify, NamesSession, NeedsAuthentication, NeedsSession, ReadsSessions, SeesUsers
from .credentials import Unreadable


class TwoPeople(Unreadable):
    """Refuse a request that names two different people: the app may believe either."""


class FirstOf:
    """Find the person by any of several adapters (S-13).

    ``FirstOf(BearerJWT(verify), SessionUser("user_id"))``. Every adapter is asked. If two find somebody, it must be the same
    person in the same groups, or the request is refused: the app may believe either. The first answer counts. The word of an
    identity provider on the sign-in counts only if all say the same. Raises ``SettingsError`` without an adapter.
    """

    def __init__(self, *adapters: Identify) -> None:
        if not adapters:
            raise SettingsError("FirstOf: give at least one adapter")
        self._adapters: tuple[Any, ...] = adapters
        self.needs_session = any(isinstance(adapter, NeedsSession) and adapter.needs_session for adapter in adapters)
        self.needs_authentication = any(
            isinstance(adapter, NeedsAuthentication) and adapter.needs_authentication for adapter in adapters
        )

    @property
    def adapters(self) -> tuple[Identify, ...]:
        """The adapters in the order in which they are asked."""
        return self._adapters

    @property
    def names_session(self) -> bool:
        """Tell that no adapter is known to leave the sign-in session out."""
        adapters: tuple[object, ...] = self._adapters
        return all(adapter.names_session for adapter in adapters if isinstance(adapter, NamesSession))

    def __repr__(self) -> str:
        return f"FirstOf({', '.join(map(repr, self._adapters))})"

    async def __call__(self, connection: Any) -> Subject | None:
        """Find the person. Raises what the adapters raise, and ``TwoPeople``."""
        found = [subject for adapter in self._adapters if (subject := await adapter(connection)) is not None]
        return agreed(found)

    @property
    def unnamed(self) -> tuple[str, ...]:
        """List the keys of sessions in which no adapter has found anybody so far."""
        return tuple(key for adapter in self._adapters if isinstance(adapter, ReadsSessions) for key in adapter.unnamed)

    def sees_user(self, scope: Mapping[str, Any]) -> bool:
        """Say whether the app has found a user where the gate saw nobody (S-14)."""
        return any(adapter.sees_user(scope) for adapter in self._adapters if isinstance(adapter, SeesUsers))


def agreed(found: Sequence[Subject]) -> Subject | None:
    """Return the one answer of several; None for none.

    Raises ``TwoPeople`` if person or groups differ.
    """
    if not found:
        return None
    first = found[0]
    if any((subject.key, subject.actor) != (first.key, first.actor) for subject in found):
        raise TwoPeople("the request names different people in two ways")
    if any(subject.groups != first.groups for subject in found):
        raise TwoPeople("the request names one person in two ways, with different groups")
    if any(subject.upstream != first.upstream for subject in found):
        return replace(first, upstream=None)
    return first
