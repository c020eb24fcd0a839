"""Several ways to be signed in to one app, none of which may go past the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.model import Subject
from ..errors import SettingsError
from ..ports import Identify, NamesSession


class TwoPeople(ValueError):
    """One request names different people in two ways: which one the app would believe cannot be known. It is refused."""


class FirstOf:
    """``FirstOf(BearerJWT(verify), SessionUser("user_id"))``: everybody that any of the adapters finds (S-13).

    Every one is asked; where two find somebody it must be the same person, and the first one's answer counts.
    Raises ``SettingsError`` without an adapter.
    """

    def __init__(self, *adapters: Identify) -> None:
        if not adapters:
            raise SettingsError("FirstOf: give at least one adapter")
        self._adapters = adapters
        self.needs_session = any(getattr(adapter, "needs_session", False) for adapter in adapters)
        self.needs_authentication = any(getattr(adapter, "needs_authentication", False) for adapter in adapters)

    @property
    def names_session(self) -> bool:
        """Tell that no adapter is known to leave the sign-in session out."""
        adapters: tuple[object, ...] = self._adapters
        return all(adapter.names_session for adapter in adapters if isinstance(adapter, NamesSession))

    def __repr__(self) -> str:
        return f"FirstOf({', '.join(map(repr, self._adapters))})"

    async def __call__(self, connection: Any) -> Subject | None:
        """Who is signed in. Raises what the adapters raise, and ``TwoPeople``."""
        found = [subject for adapter in self._adapters if (subject := await adapter(connection)) is not None]
        if any(subject.key != found[0].key for subject in found):
            raise TwoPeople("the request names different people in two ways")
        return found[0] if found else None

    def sees_user(self, scope: Mapping[str, Any]) -> bool:
        """Whether somebody inside the gate has found a user where the gate saw nobody (S-14)."""
        watching = [getattr(adapter, "sees_user", None) for adapter in self._adapters]
        return any(sees(scope) for sees in watching if sees is not None)
