"""What an integrator may have to catch; everything that is expected is a value, not an exception."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "MFAGateError",
    "MissingExtra",
    "SendFailed",
    "SettingsError",
    "StoreContention",
    "StoreMissing",
    "StoreUnavailable",
]


class MFAGateError(Exception):
    """The base of all of mfa_gate's exceptions."""


class SettingsError(MFAGateError):
    """Policy, keys, store, senders or wiring are wrong. ``faults`` lists every one found, each with its fix."""

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        count = len(self.faults)
        head = "" if count == 1 else f"{count} faults:\n"
        super().__init__(head + "\n".join(self.faults))


class MissingExtra(SettingsError):
    """A part is configured whose optional dependency is not installed; the message has the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs the extra "{extra}": pip install "mfa-gate[{extra}]"')


class StoreMissing(SettingsError):
    """There is no store yet at the place that was named, and none was to be made. Nothing was written."""

    def __init__(self, store: str, more: str = "") -> None:
        super().__init__(f"{store}: there is no store there yet; the application makes it at its first start{more}")


class StoreUnavailable(MFAGateError):
    """The store cannot be reached or refuses; nothing was decided. The only error that stores let out when they are gone."""


class StoreContention(MFAGateError):
    """A swap lost its race more often than is plausible; nothing was changed."""


class DamagedAccount(StoreUnavailable):
    """One account's record cannot be read; the store itself is there. ``version`` is what the store has of it."""

    def __init__(self, text: str, *, version: int) -> None:
        self.version = version
        super().__init__(text)


class SendFailed(MFAGateError):
    """A message was not delivered. ``transient`` says whether trying again later may help.

    ``reason`` is one stable word: ``timeout``, ``unreachable``, ``refused``, ``rejected-destination``, ``opted-out``.
    """

    def __init__(self, reason: str, *, transient: bool, detail: str = "") -> None:
        self.reason = reason
        self.transient = transient
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)
