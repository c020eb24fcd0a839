"""The exceptions that an integrator may have to catch.

Every expected result is a value, not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "MFAGateError",
    "MissingExtra",
    "Refused",
    "SendFailed",
    "SettingsError",
    "StoreContention",
    "StoreMissing",
    "StoreUnavailable",
]


class MFAGateError(Exception):
    """The base of all exceptions of mfa_gate."""


class SettingsError(MFAGateError):
    """Faults in policy, keys, store, senders or wiring.

    ``faults`` lists every fault that was found, each with its fix.
    """

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        count = len(self.faults)
        head = "" if count == 1 else f"{count} faults:\n"
        super().__init__(head + "\n".join(self.faults))


class FaultyPolicy(SettingsError):
    """Faults in the text of a policy file.

    For the commands about policies they are the answer, and no wrong use.
    """


class MissingExtra(SettingsError):
    """A configured part whose optional dependency is not installed.

    The message has the command that installs it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs the extra "{extra}": pip install "mfa-gate[{extra}]"')


class StoreMissing(SettingsError):
    """A named place without a store, where none was to be made. Nothing was written."""

    def __init__(self, store: str, more: str = "") -> None:
        super().__init__(f"{store}: there is no store there yet; the application makes it at its first start{more}")


class StoreUnavailable(MFAGateError):
    """A store that cannot be reached, or that refuses. Nothing was decided.

    If its backend is gone, a store raises this error and no other.
    """


class StoreContention(MFAGateError):
    """A swap that lost its race more often than is plausible. Nothing was changed."""


class DamagedAccount(StoreUnavailable):
    """An account whose record cannot be read, in a store that works.

    ``version`` is the stored version.
    """

    def __init__(self, text: str, *, version: int) -> None:
        self.version = version
        super().__init__(text)


class NewerAccount(DamagedAccount):
    """An account that a newer release wrote. It is sound, and that release reads it."""


class Refused(MFAGateError):
    """An act on a person that the rules do not allow now. Nothing was changed.

    ``reason`` is one stable word of the table of reasons, e.g. ``already_enrolled`` or ``too_soon``. ``retry_after`` is in
    seconds, 0 where waiting does not help.
    """

    def __init__(self, reason: str, *, detail: str = "", retry_after: int = 0) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(f"{reason}: {detail}" if detail else reason)


class SendFailed(MFAGateError):
    """A message that was not delivered. ``transient`` says whether a later try may help.

    ``reason`` is one stable word: ``timeout``, ``unreachable``, ``refused``, ``rejected-destination``, ``opted-out``.
    """

    def __init__(self, reason: str, *, transient: bool, detail: str = "") -> None:
        self.reason = reason
        self.transient = transient
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)
