"""The search in the audit trail.

Page, JSON call and command know the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from unicodedata import normalize

from .events import EVENTS, UNREADABLE, Event
from .events.categories import NAMES, category_of

WORDS = {
    "account": "the id of the person",
    "actor": "the id of the one who did it",
    "address": "an address, a network such as 192.0.2.0/24, or the name of a trusted network",
    "kind": "the event, the first part of its name such as account, or a category such as sign-ins",
    "factor": "the kind of factor",
    "browser": "the id of a browser",
    "ref": "the reference",
    "ticket": "the number of a ticket",
    "from": "the first day or moment, such as 2026-03-01 or 2026-03-01T08:30Z (UTC where no zone is named)",
    "to": "the last day or moment",
    "q": "text that is part of the line",
}
"""The filters, with their meaning. A word that is not here is refused, never ignored."""

MAX_WORD = 200
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NETWORK_NAME = re.compile(r"=?[a-z0-9][a-z0-9_-]*")
_KINDS = frozenset({UNREADABLE, *NAMES, *EVENTS, *(kind.partition(".")[0] for kind in EVENTS)})
_EXACT = ("account", "actor", "factor", "browser", "ticket")


class BadFilter(ValueError):
    """The error for a filter that is unknown, or whose value cannot be read.

    ``name`` is the filter.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The filters that a line must fit.

    An empty part fits every line. ``begin`` and ``end`` are UTC seconds, both included.
    """

    words: Mapping[str, str]
    begin: int = 0
    end: int = 0
    networks: IPv4Network | IPv6Network | None = None

    @property
    def account(self) -> str:
        """Return the account that is asked for.

        A store finds its lines without a look at the others.
        """
        return self.words.get("account", "")

    @property
    def kind(self) -> str:
        """Return the kind that is asked for, "" for none or for the first part of several."""
        kind = self.words.get("kind", "")
        return kind if "." in kind else ""

    @property
    def is_indexed(self) -> bool:
        """Tell if a store finds the lines by itself: nothing but account and kind is asked for."""
        return not (self.words.keys() - {"account", "kind"}) and ("kind" not in self.words or bool(self.kind))

    @property
    def exact(self) -> tuple[str, tuple[str, ...]] | None:
        """Return the part of a line, and the values of it, that fitting lines have at least.

        A store with an index finds them by it. None stands for no such part.
        """
        if ref := self.words.get("ref", ""):
            return "id", (ref, ref.upper())
        if browser := self.words.get("browser", ""):
            return "browser", (browser,)
        address = self.words.get("address", "")
        if not address or (self.networks is not None and self.networks.prefixlen < self.networks.max_prefixlen):
            return None
        plain = str(self.networks.network_address) if self.networks is not None else f"={address}"
        return "address", (address, plain)

    def fits(self, event: Event) -> bool:
        """Tell if a line fits all filters."""
        words = self.words
        if any(words[name] != normalize("NFC", getattr(event, name)) for name in _EXACT if name in words):
            return False
        if (self.begin and event.at < self.begin) or (self.end and event.at > self.end):
            return False
        if "ref" in words and event.id.casefold() != words["ref"].casefold():
            return False
        if "kind" in words and words["kind"] not in _kinds_of(event):
            return False
        if "address" in words and not self._is_from_there(event):
            return False
        return "q" not in words or words["q"].casefold() in _text_of(event)

    def is_before(self, event: Event) -> bool:
        """Tell if a line is older than the first moment that is asked for."""
        return bool(self.begin) and event.kind != UNREADABLE and 0 < event.at < self.begin

    def _is_from_there(self, event: Event) -> bool:
        wanted = self.words["address"]
        if wanted in (event.address, event.network, event.network.removeprefix("=")):
            return True
        if self.networks is None:
            return False
        found = _network_of(event.address or event.network)
        return found is not None and found.version == self.networks.version and found.subnet_of(self.networks)  # type: ignore[arg-type]


def read_words(words: Mapping[str, str], known: Mapping[str, str], *, free: str) -> dict[str, str]:
    """Return the filters that have a value, with composed letters.

    ``free`` is the one that may be long. Raises ``BadFilter`` for a filter that is not ``known``, and for a value that is too long.
    """
    for name in words:
        if name not in known:
            raise BadFilter(name, f"there is no such filter; there are: {', '.join(known)}")
    given = {name: normalize("NFC", value.strip()) for name, value in words.items() if value.strip()}
    for name, value in given.items():
        if len(value) > MAX_WORD and name != free:
            raise BadFilter(name, f"it has more than {MAX_WORD} characters")
    return given


def search_of(words: Mapping[str, str]) -> Search:
    """Read the filters. Empty values are left out. Raises ``BadFilter``."""
    given = read_words(words, WORDS, free="account")
    begin = _moment("from", given["from"], is_end=False) if "from" in given else 0
    end = _moment("to", given["to"], is_end=True) if "to" in given else 0
    if begin and end and end < begin:
        raise BadFilter("to", "it lies before from")
    kind, address = given.get("kind", ""), given.get("address", "")
    if kind and kind not in _KINDS:
        raise BadFilter("kind", f"there is no such event, and no such category; categories are {', '.join(NAMES)}")
    networks = _network_of(address)
    if address and networks is None and not _NETWORK_NAME.fullmatch(address):
        raise BadFilter(
            "address", "it is neither an address nor a network, such as 192.0.2.0/24, nor the name of a trusted network"
        )
    return Search(words=given, begin=begin, end=end, networks=networks)


def require_known_factor(words: Mapping[str, str], kinds: Iterable[str]) -> None:
    """Raise ``BadFilter`` for a kind of factor that is none of ``kinds``.

    Nobody has it, so a slip would look like a trail without such lines.
    """
    if (factor := words.get("factor", "")) and factor not in (names := tuple(kinds)):
        raise BadFilter("factor", f"there is no such factor; there are: {', '.join(names)}")


def last_moment(name: str, text: str) -> int:
    """Read a moment, or the last second of a day, as UTC seconds. Raises ``BadFilter``."""
    return _moment(name, text, is_end=True)


def _kinds_of(event: Event) -> tuple[str, ...]:
    return event.kind, event.kind.partition(".")[0], category_of(event.kind)


def _moment(name: str, text: str, *, is_end: bool) -> int:
    """Read a day or a moment as UTC seconds.

    A day that ends a span is meant with its last second. Python knows more spellings, weeks among them; those are refused.
    """
    try:
        if not _DAY.match(text):
            raise ValueError(text)
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=at.tzinfo or UTC)
        if is_end and _DAY.fullmatch(text):
            at += timedelta(days=1, seconds=-1)
        return int(at.timestamp())
    except (ValueError, OverflowError) as error:
        raise BadFilter(name, "it is no day or moment, such as 2026-03-01 or 2026-03-01T08:30Z") from error


def _network_of(text: str) -> IPv4Network | IPv6Network | None:
    """Read an address or a network.

    One of IPv4 in the spelling of IPv6 is that of IPv4, as events have it.
    """
    try:
        found = ip_network(text.partition("%")[0], strict=False) if text else None
    except ValueError:
        return None
    if isinstance(found, IPv6Network) and (mapped := found.network_address.ipv4_mapped) and found.prefixlen >= 96:
        return IPv4Network((int(mapped), found.prefixlen - 96))
    return found


def _text_of(event: Event) -> str:
    """Join all words of a line, in one case, with composed letters."""
    parts = [event.id, event.kind, event.account, event.actor, event.app, event.factor, event.address, event.network]
    parts += [event.reason, event.ticket, event.browser, event.agent, event.request, event.policy]
    parts += [f"{name} {value}" for name, value in event.detail.items()]
    return normalize("NFC", "\n".join(parts)).casefold()
