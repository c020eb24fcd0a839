"""Check the optional parts of adapter, senders, store and factors at start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import isclass, iscoroutinefunction, signature, unwrap

from .factors import optional_parts as factors_parts
from .identity import FirstOf
from .ports import (
    CHANNELS,
    CallsBack,
    ChecksItself,
    Closes,
    HasPushKey,
    LeavesMark,
    NamesSession,
    NeedsAuthentication,
    NeedsSession,
    Pauses,
    ReadsScope,
    ReadsSessions,
    SeesUsers,
    Senders,
    TakesDestination,
)
from .storage import (
    Advises,
    ChecksColumns,
    Compacts,
    FindsLines,
    InFile,
    RemembersGeneration,
    ReportParts,
    TellsTime,
    Upgrades,
)


def faults_of_optional_parts(
    identify: object, senders: Senders, store: object = None, factors: Iterable[object] = ()
) -> list[str]:
    """Find optional parts of a shape that ``ports`` does not declare, or that are not seen.

    Each fault names the part, its shape, the reason why that cannot work, and the fix.
    """
    faults = list(_faults_of_adapter(identify))
    for channel in CHANNELS:
        faults += _faults_of_sender(f"senders: {channel}", senders.for_channel(channel))
    faults += _faults_of_proxy(f"store: {type(store).__name__}", store, STORE)
    for factor in factors:
        faults += _faults_of_proxy(f"factors: {type(factor).__name__}", factor, FACTOR)
    return faults


def _faults_of_proxy(part: str, given: object, kinds: Iterable[type]) -> Iterator[str]:
    """Find the parts that only ``__getattr__`` of ``given`` answers.

    Python 3.12 and later do not count them as there: a check would be left out without a word.
    """
    if not hasattr(type(given), "__getattr__"):
        return
    unseen: dict[str, None] = {}
    for kind in kinds:
        names = [name for name in (*vars(kind), *kind.__annotations__) if not name.startswith("_")]
        if not isinstance(given, kind) and all(getattr(given, name, None) is not None for name in names):
            unseen |= dict.fromkeys(names)
    if unseen:
        one = next(iter(unseen))
        yield (
            f"{part} answers {', '.join(unseen)} by __getattr__ alone, which Python since 3.12 does not count as having them: "
            f"write each into the class, e.g. {one} = property(lambda self: self.inner.{one})"
        )


def _faults_of_adapter(identify: object) -> Iterator[str]:
    part = f"identify: {type(identify).__name__}"
    yield from _faults_of_proxy(part, identify, ADAPTER)
    if isinstance(identify, FirstOf):
        for adapter in identify.adapters:
            yield from _faults_of_adapter(adapter)
    if isinstance(identify, ReadsScope) and not _is_plain(identify.subject_of):
        yield (
            f"{part}.subject_of is {_kind(identify.subject_of)}, but the gate asks it without waiting: write "
            "def subject_of(self, scope), or leave it out where finding the person takes waiting"
        )
    if isinstance(identify, SeesUsers) and not _is_plain(identify.sees_user):
        yield (
            f"{part}.sees_user is {_kind(identify.sees_user)}, but the gate asks it without waiting while an answer begins: "
            "write def sees_user(self, scope)"
        )
    if isinstance(identify, ReadsSessions) and not _is_texts(identify.unnamed):
        yield (
            f"{part}.unnamed is {_kind(identify.unnamed)}, but the gate names these keys of sessions in a warning: make it a "
            'tuple of texts, e.g. ("user_id",), or a property that returns one'
        )
    if isinstance(identify, NamesSession):
        yield from _faults_of_switch(
            f"{part}.names_session",
            identify.names_session,
            "the gate reads it to know if sign-in sessions can end a proof",
        )
    if isinstance(identify, NeedsSession):
        yield from _faults_of_switch(
            f"{part}.needs_session", identify.needs_session, "the order of the middleware is checked by it"
        )
    if isinstance(identify, NeedsAuthentication):
        yield from _faults_of_switch(
            f"{part}.needs_authentication",
            identify.needs_authentication,
            "the order of the middleware is checked by it",
        )


def _faults_of_sender(where: str, sender: object) -> Iterator[str]:
    if sender is None:
        return
    if isclass(sender):
        yield f"{where}: {sender.__qualname__} is a class: give an object of it, {sender.__qualname__}(...)"
        return
    part = f"{where}: {type(sender).__name__}"
    yield from _faults_of_proxy(part, sender, SENDER)
    yield from _faults_of_send(part, sender)
    if isinstance(sender, Closes) and not _is_async(sender.aclose):
        yield f"{part}.aclose is {_kind(sender.aclose)}, but the gate awaits it when it closes: write async def aclose(self)"
    if isinstance(sender, CallsBack) and not _is_plain(sender.verify_callback):
        yield (
            f"{part}.verify_callback is {_kind(sender.verify_callback)}, but the gate takes its answer without waiting, and "
            "would take every request for the provider's: write def verify_callback(self, url, params, headers)"
        )
    if isinstance(sender, TakesDestination) and not _is_plain(sender.takes):
        yield (
            f"{part}.takes is {_kind(sender.takes)}, but the gate takes its answer without waiting, and would take every "
            "destination for a good one: write def takes(self, to)"
        )
    if isinstance(sender, ChecksItself) and not _is_async(sender.check):
        yield f"{part}.check is {_kind(sender.check)}, but mfa-gate doctor awaits it: write async def check(self)"
    if isinstance(sender, Pauses):
        yield from _faults_of_switch(
            f"{part}.available", sender.available, "the gate reads it to know if other factors must be offered"
        )
    if isinstance(sender, HasPushKey) and not isinstance(sender.application_server_key, str):
        yield (
            f"{part}.application_server_key is {_kind(sender.application_server_key)}, but pages give it to browsers as text: "
            "make it a str, the public key in base64url"
        )


def _faults_of_send(part: str, sender: object) -> Iterator[str]:
    """Find the faults of the one method that each sender has."""
    fix = "write async def send(self, message)"
    send = getattr(sender, "send", None)
    if send is None:
        yield f"{part} has no send, so nothing could be sent: {fix}"
    elif not _is_async(send):
        yield f"{part}.send is {_kind(send)}, but the gate awaits it: {fix}"
    else:
        try:
            found = signature(send)
            found.bind("message")
        except ValueError:
            return
        except TypeError as error:
            yield f"{part}.send{found}: the gate calls it with (message), and that fails ({error}): {fix}"


def _faults_of_switch(part: str, value: object, reason: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{part} is {_kind(value)}, but {reason}: make it True or False, or a property that returns one of them"


def _is_plain(method: object) -> bool:
    return callable(method) and not iscoroutinefunction(method) and not iscoroutinefunction(type(method).__call__)


def _is_async(method: object) -> bool:
    """Tell whether a call gives something to await.

    A decorator that keeps the name does not hide an async method.
    """
    return callable(method) and (iscoroutinefunction(unwrap(method)) or not _is_plain(method))


def _is_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(text, str) for text in value)


def _kind(value: object) -> str:
    """Describe a value by its type; a method by how it is called."""
    if not callable(value):
        return f"of type {type(value).__name__}"
    return "a plain method" if _is_plain(value) else "an async method"


ADAPTER = (ReadsScope, SeesUsers, ReadsSessions, LeavesMark, NamesSession, NeedsSession, NeedsAuthentication)
SENDER = (Closes, CallsBack, TakesDestination, Pauses, ChecksItself, HasPushKey)
STORE = (FindsLines, TellsTime, InFile, ChecksColumns, ReportParts, RemembersGeneration, Advises, Compacts, Upgrades)
FACTOR = (
    *(factors_parts.Hears, factors_parts.Approves, factors_parts.Faces, factors_parts.Prompts, factors_parts.Signals),
    *(factors_parts.LivesOnDevice, factors_parts.Introduces, factors_parts.Reaches, factors_parts.CopiesContact),
    *(factors_parts.StandsIn, factors_parts.ChecksOptions, factors_parts.KnowsTraps, factors_parts.MeetsProfiles),
)
