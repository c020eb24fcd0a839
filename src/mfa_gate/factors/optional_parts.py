"""The optional parts of a factor: a factor that has the methods of a protocol takes part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ..core.model import Challenge, Contacts, Fields
from ..core.rules import Rules
from .base import Context, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The effect of a provider's callback: the challenge's new status and data, and the reply."""

    status: Literal["pending", "approved", "denied"]
    data: Fields
    document: str = ""


@runtime_checkable
class Hears(Protocol):
    """A factor whose provider calls back.

    The caller has checked the provider's signature, and that the callback is not too late.
    """

    def without_callback(self, rules: Rules, /) -> tuple[str, str] | None:
        """Tell the option that makes callbacks needed, and the one that does without.

        Returns None if no callback is needed.
        """

    def hear(
        self, context: Context, /, *, challenge: Challenge, url: str, params: Mapping[str, str]
    ) -> Heard | Rejected:
        """Judge one callback to ``url`` with ``params`` for ``challenge``.

        Pure and quick: it runs inside the swap.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A draft's new data with a device's key, and the token by which the device names itself."""

    data: Fields
    device: str = field(repr=False)


@runtime_checkable
class Approves(Protocol):
    """A factor whose own device answers, and signs its answer."""

    def join(
        self, context: Context, /, *, data: Fields, token: str, key: str, signature: str, label: str
    ) -> Joined | Rejected:
        """Take a device that shows the token of a draft and a key that it can sign with.

        ``label`` names it for people.
        """

    def is_signed(self, context: Context, /, *, data: Fields, signature: str, words: Sequence[str]) -> bool:
        """Check that the device with ``data`` signed exactly ``words``."""

    def read_number(self, context: Context, /, *, challenge: Challenge, number: str) -> str | None:
        """Read the typed number in its canonical form; None: it is none, and no guess."""

    def is_number(self, context: Context, /, *, challenge: Challenge, number: str) -> bool:
        """Compare the typed number with the one that the browser shows."""

    def waking(self, context: Context, /, *, data: Fields, subscription: str) -> Fields:
        """Return ``data`` with the address that wakes the device; "" takes it out."""

    def naming(self, *, data: Fields, key_id: str) -> Fields:
        """Return ``data`` with the id of the key that seals the device's token.

        Only the id is kept.
        """

    def key_id_of(self, data: Fields, /) -> str:
        """Read the id that ``naming`` kept; "" for a device not opened since an earlier release."""


@runtime_checkable
class Faces(Protocol):
    """A factor whose waiting challenge shows something to the browser that asked."""

    def face(self, context: Context, challenge: Challenge, /) -> Mapping[str, str]:
        """Give the texts for that browser (``number``); nothing of it goes anywhere else."""


@runtime_checkable
class Prompts(Protocol):
    """A factor for which the browser may ask as soon as the page is there."""

    def prompts(self, rules: Rules, /) -> bool:
        """Tell if the policy wants that."""


@runtime_checkable
class Signals(Protocol):
    """A factor whose credentials a browser keeps, and is told of when one no longer counts."""

    def owner(self, data: Fields, /) -> str:
        """Name the owner of a credential, in the browser's own words."""

    def accepted(self, context: Context, owner: str, /) -> Mapping[str, object]:
        """Give the argument of ``PublicKeyCredential.signalAllAcceptedCredentials``.

        It lists the owner's credentials that still count.
        """

    def details(self, context: Context, owner: str, /) -> Mapping[str, object]:
        """Give the argument of ``PublicKeyCredential.signalCurrentUserDetails``."""


@runtime_checkable
class LivesOnDevice(Protocol):
    """A factor of which some authenticators are lost with their device."""

    def is_on_one_device(self, data: Fields, /) -> bool:
        """Tell if no other device has the authenticator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """The facts that the first page of an enrollment shows besides the template's own words.

    ``destination`` is the contact on file that is used ("": none, or the person types one), ``consent`` a text to agree
    to, ``regions`` code and name of the countries to choose from, ``apps`` names of programs to install.
    """

    destination: str = ""
    consent: str = ""
    regions: tuple[tuple[str, str], ...] = ()
    apps: tuple[str, ...] = ()


@runtime_checkable
class Introduces(Protocol):
    """A factor whose first page depends on the policy or on the person's contacts."""

    def introduction(self, rules: Rules, contacts: Contacts, /) -> Introduction:
        """Say what the first page shows."""


@runtime_checkable
class Reaches(Protocol):
    """A factor whose channel can carry a notice as well."""

    def number_of(self, context: Context, data: Fields, /) -> str:
        """Open the number of an authenticator. Raises ``keyring.Unopened``."""

    def number_on_file(self, rules: Rules, contacts: Contacts, /) -> str:
        """Read the host's number as the policy accepts it; "" where it does not."""


@runtime_checkable
class CopiesContact(Protocol):
    """A factor that keeps a copy of a contact that the host has on file."""

    def copy_of(self, context: Context, data: Fields, /) -> str:
        """Open the copy: an address or a number. Raises ``keyring.Unopened``."""

    def on_file(self, rules: Rules, contacts: Contacts, /) -> str | None:
        """Read the contact on file, written as the copy is.

        Returns "" where there is none or the policy does not accept it, and None where people type theirs.
        """

    def heir(self, data: Fields, old: Fields, until: int, /) -> Fields:
        """Add to the data of a new copy the contact of ``old``, whose place it takes.

        The earlier contact is told of what happens until ``until`` (UTC seconds).
        """

    def former(self, context: Context, data: Fields, /) -> str:
        """Open the earlier contact that is still told; "" for none. Raises ``keyring.Unopened``."""


def is_moved(part: CopiesContact, rules: Rules, contacts: Contacts, copy: str) -> bool:
    """Tell if the host's record has another contact than ``copy``, or none."""
    present = part.on_file(rules, contacts)
    return present is not None and present.casefold() != copy.casefold()


@runtime_checkable
class StandsIn(Protocol):
    """A factor of spare codes that stands in for another one."""

    def stock(self, rules: Rules, /) -> tuple[int, int]:
        """Tell how many codes a set has, and at how few of them the person is warned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFault:
    """A fault between options: the key, the other key that is involved, and the text.

    ``clause`` is that of the standard, "" for a fault of the policy itself.
    """

    key: tuple[str, ...]
    text: str
    other: tuple[str, ...] = ()
    clause: str = ""


@runtime_checkable
class ChecksOptions(Protocol):
    """A factor whose options can contradict each other."""

    def option_faults(self, rules: Rules, /) -> Sequence[OptionFault]:
        """List the contradictions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTrap:
    """A legal value of the policy with a known trap: the whole key, the trap and the way out."""

    key: tuple[str, ...]
    text: str
    fix: str


@runtime_checkable
class KnowsTraps(Protocol):
    """A factor some of whose options have legal values that common devices do not heed."""

    def option_traps(self, rules: Rules, /) -> Sequence[OptionTrap]:
        """List the values of the policy that have a trap."""


@runtime_checkable
class MeetsProfiles(Protocol):
    """A factor that knows where its options depart from a standard."""

    def departures(self, rules: Rules, profile: str, /) -> Sequence[OptionFault]:
        """List the departures from ``profile``, each with its clause."""
