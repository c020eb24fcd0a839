"""Check the functions that a host gives, at start: can the gate call them, and await them?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import (
    Parameter,
    Signature,
    isasyncgenfunction,
    isawaitable,
    isclass,
    iscoroutinefunction,
    isfunction,
    isgeneratorfunction,
    ismethod,
    signature,
    unwrap,
)
from typing import Any

from .identity import FirstOf

HOOKS: Mapping[str, tuple[str, ...]] = {
    "on_event": ("event",),
    "on_lock": ("subject", "event"),
    "on_reset": ("subject", "event"),
    "before_send": ("send",),
    "contacts": ("subject",),
    "describe_network": ("network",),
    "directory": ("tenant",),
    "sign_in_again": ("connection", "wish"),
}
"""The functions that a host gives to the gate, with what each is called with."""
AWAITED = frozenset(("contacts", "directory", "identify"))
"""Functions whose answer the gate awaits."""
ITERATED = frozenset(("directory",))
"""Functions that may be async generators as well."""
AWAITABLE = re.compile(r"\b(Awaitable|Coroutine|Future|Task|Any)\b")
"""Words in the annotation of a plain function that says that its answer can be awaited."""
INJECTED = frozenset(("Depends", "Security"))
"""FastAPI's classes of parameters that only its own routes fill."""


def faults_of_hooks(**hooks: object) -> list[str]:
    """Find the host's functions (``HOOKS``) that cannot be called as the gate calls them.

    Each fault names the argument, its value, the reason and the fix. A function whose parameters Python does not tell
    passes; None is no function.
    """
    given = [(name, hook) for name, hook in hooks.items() if hook is not None]
    return [fault for name, hook in given for fault in _faults_of(name, hook, HOOKS[name])]


def faults_of_identify(identify: object) -> list[str]:
    """Find the faults of ``identify``: not async, or no function that the gate can call.

    The adapters inside of a ``FirstOf`` are looked at as well.
    """
    if isinstance(identify, FirstOf):
        return [fault for adapter in identify.adapters for fault in faults_of_identify(adapter)]
    return list(_faults_of("identify", identify, ("connection",)))


def _faults_of(name: str, hook: object, parameters: tuple[str, ...]) -> Iterator[str]:
    call = ", ".join(parameters)
    asynchronous = f"async def {name}({call})"
    fix = f"write {asynchronous}" if name in AWAITED else f"write def {name}({call}), or {asynchronous}"
    if name == "identify":
        fix += " that returns a Subject or None, or give an adapter of mfa_gate.identity"
    if isclass(hook) and name == "identify":
        yield f"identify={hook.__qualname__}: is a class, and the gate needs an object of it: write {hook.__qualname__}(...)"
        return
    if isawaitable(hook):
        yield f"{name}={hook!r}: was called already: give the function itself, without parentheses behind its name"
        return
    if not callable(hook):
        yield f"{name}={hook!r}: is of type {type(hook).__name__}, and cannot be called: {fix}"
        return
    try:
        found = signature(hook)
    except (TypeError, ValueError):
        return
    shown = f"{name}={_called(hook)}{found}"
    injected = [each.name for each in found.parameters.values() if _is_injected(each)]
    if injected:
        yield (
            f"{shown}: FastAPI fills {', '.join(injected)} only in its own routes, and the gate calls with ({call}): {fix}, "
            "and open there what it needs"
        )
        return
    try:
        found.bind(*parameters)
    except TypeError as error:
        yield f"{shown}: the gate calls it with ({call}), and that fails ({error}): {fix}"
        return
    yields = name in ITERATED and isasyncgenfunction(hook)
    if name in AWAITED and not yields and not _may_be_awaited(hook, found):
        yield f"{shown}: is a plain function, and the gate awaits its answer: {fix}"


def _is_injected(parameter: Parameter) -> bool:
    said = (parameter.default, *getattr(parameter.annotation, "__metadata__", ()))
    return any(type(each).__name__ in INJECTED for each in said)


def _may_be_awaited(hook: Callable[..., object], found: Signature) -> bool:
    """Tell if a call may give something to await.

    Of a lambda, and of a wrapper that takes any arguments, only the call shows it. A plain function may say it in its
    annotation.
    """
    inner: Any = hook
    while isinstance(inner, partial):
        inner = inner.func
    inner = unwrap(inner)
    if iscoroutinefunction(inner) or iscoroutinefunction(type(inner).__call__):
        return True
    if isasyncgenfunction(inner) or isgeneratorfunction(inner):
        return False
    kinds = {each.kind for each in found.parameters.values()}
    if getattr(inner, "__name__", "") == "<lambda>" or kinds == {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}:
        return True
    answer = found.return_annotation
    return answer is not Signature.empty and AWAITABLE.search(str(answer)) is not None


def _called(hook: Callable[..., object]) -> str:
    """Name a function, a method or a class as in its source, an object by its class."""
    return hook.__qualname__ if isfunction(hook) or ismethod(hook) or isclass(hook) else type(hook).__qualname__
