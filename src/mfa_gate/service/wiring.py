"""Parts that the developer's code gives to a gate: store, keys, senders, passkey site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..core.messages.letter import LetterForm, plain_form
from ..core.messages.texts import Text
from ..core.networks import Proxy
from ..factors import BUILT_IN, Registry
from ..keyring import Keyring
from ..ports import (
    BeforeSend,
    Clock,
    ContactsOf,
    DescribeNetwork,
    DirectoryOf,
    Entropy,
    RelyingParty,
    Senders,
    SharedSignals,
)
from ..storage import Store
from .effects import OnEvent, SubjectHook


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The parts, keys and providers that the developer's code gives. It holds no rule.

    ``origin`` and ``prefix`` belong to the address of our own pages as seen from outside; mails, providers and phones use
    it. ``origin`` is "" where it is not known. ``root`` is the quoted path between the two that the developer named, or
    None: then visits tell it (``own_address.py``). ``words`` returns the translation function of a language, for
    everything that people read or hear. ``letter_form`` gives a mail its form, ``text_form`` a text message in a language
    the host's own words.
    """

    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    senders: Senders
    relying_party: RelyingParty
    contacts: ContactsOf | None = None
    on_event: OnEvent | None = None
    on_reset: SubjectHook | None = None
    on_lock: SubjectHook | None = None
    before_send: BeforeSend | None = None
    directory: DirectoryOf | None = None
    describe_network: DescribeNetwork | None = None
    signals: SharedSignals | None = None
    trusted_proxies: tuple[Proxy, ...] = ()
    origin: str = ""
    prefix: str = ""
    root: str | None = None
    app: str = ""
    factors: Registry = BUILT_IN
    words: Callable[[str], Callable[[str], str]] = lambda lang: str
    letter_form: LetterForm = plain_form
    text_form: Callable[[Text, str], str] = lambda text, lang: ""
