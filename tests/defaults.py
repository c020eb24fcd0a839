"""The defaults of the dataclasses and of the functions of a room."""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

EMPTY: tuple[object, ...] = (0, 0.0, "", (), frozenset(), None, False)


def modules_of(room: str) -> Iterator[ModuleType]:
    """Yield the modules of a room."""
    package = import_module(f"mfa_gate.{room}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield import_module(module.name)


def filled_in(room: str) -> dict[str, Any]:
    """Return the plain defaults that are not empty, by class and field."""
    found: dict[str, Any] = {}
    for module in modules_of(room):
        for name, value in vars(module).items():
            if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__:
                for field in dataclasses.fields(value):
                    is_plain = isinstance(field.default, (bool, int, float, str))
                    if is_plain and field.default not in EMPTY:
                        found[f"{name}.{field.name}"] = field.default
    return found


def given(room: str) -> dict[str, Any]:
    """Return the plain defaults of parameters that are not empty, by function and parameter.

    The methods that dataclasses make are left out.
    """
    found: dict[str, Any] = {}
    for module in modules_of(room):
        classes = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
        for owner in (module, *classes):
            made = {"__init__", "__replace__"} if dataclasses.is_dataclass(owner) else set()
            for one in vars(owner).values():
                function = getattr(one, "__func__", one)
                if (
                    not inspect.isfunction(function)
                    or function.__module__ != module.__name__
                    or function.__name__ in made
                ):
                    continue
                for name, parameter in inspect.signature(function).parameters.items():
                    is_plain = isinstance(parameter.default, (bool, int, float, str))
                    if is_plain and parameter.default not in EMPTY:
                        found[f"{function.__qualname__}.{name}"] = parameter.default
    return found
