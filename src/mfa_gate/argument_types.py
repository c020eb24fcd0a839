"""Check the types of the arguments of ``MFAGate``, before anything is made of them.

A wrong type would fail later in a place that names no argument, or would be taken for something else: ``dev="no"`` is true.
Values are not shown, because keys and addresses may be secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import isclass
from typing import Any

from .core.rules import Policy
from .ports import CHANNELS, RelyingParty, Senders, SharedSignals

STORE = ("open", "aclose", "load", "swap", "append", "meta")
"""Methods by which a store is known."""
FACTOR = ("traits", "template", "verify")
"""Parts by which a factor is known."""


def faults_of_types(**given: object) -> list[str]:
    """Find the arguments of another type than the gate takes, each with its fix."""
    return [f"{name}: is {_kind(value)}; {fix}" for name, value in given.items() for fix in _fixes(name, value)]


def _fixes(name: str, value: object) -> Iterator[str]:
    fits, fix = TYPES[name]
    if not fits(value):
        yield fix


def _kind(value: object) -> str:
    if isclass(value):
        return f"the class {value.__qualname__}"
    inside = " with something in it that does not fit" if isinstance(value, (list, tuple, RelyingParty)) else ""
    return f"of type {type(value).__name__}{inside}"


def _has(value: object, parts: Iterable[str]) -> bool:
    return not isclass(value) and all(hasattr(value, part) for part in parts)


def _is_list(value: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and all(map(fits, value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_party(value: object) -> bool:
    return (
        isinstance(value, RelyingParty)
        and isinstance(value.name, str)
        and (isinstance(value.origins, str) or _is_list(value.origins, _is_text))
    )


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


SWITCH: tuple[Callable[[object], bool], str] = (_is_switch, "write True or False: any text counts as True")
TYPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "policy": (
        lambda value: isinstance(value, (str, os.PathLike, Policy)),
        'give the path of the policy file, e.g. "policy.toml", or a Policy',
    ),
    "store": (
        lambda value: isinstance(value, str) or _has(value, STORE),
        'give a URL, e.g. "sqlite:///mfa_gate.db", "postgresql://…" or "redis://localhost:6379/0", or a Store',
    ),
    "keys": (
        lambda value: value is None or isinstance(value, str) or _is_list(value, lambda key: True),
        "give a list of texts that mfa-gate keys new printed, newest first",
    ),
    "relying_party": (
        _is_party,
        'give RelyingParty(id="app.example", name="App", origins=["https://app.example"])',
    ),
    "factors": (
        lambda value: _is_list(value, lambda factor: _has(factor, FACTOR)),
        "give a list of factors, e.g. [*DEFAULT_FACTORS, Mine()]",
    ),
    "senders": (
        lambda value: value is None or isinstance(value, Senders),
        f"give Senders(email=...); its channels are {', '.join(CHANNELS)}",
    ),
    "signals": (
        lambda value: value is None or isinstance(value, SharedSignals),
        "give SharedSignals(issuer=..., audience=..., keys=..., subject_of=...), or leave it out",
    ),
    "trusted_proxies": (
        lambda value: isinstance(value, str) or _is_list(value, _is_text),
        'give a list of texts, e.g. ["10.0.0.5"], or [] for none',
    ),
    "clock": (
        lambda value: value is None or _has(value, ("now",)),
        "give an object whose now() returns UTC seconds, or leave it out",
    ),
    "entropy": (callable, "give a function of a number of bytes, or leave it out: secrets.token_bytes"),
    "accept_any_forwarder": SWITCH,
    "accept_refused_websockets": SWITCH,
    "keep_forms": SWITCH,
    "dev": SWITCH,
}
