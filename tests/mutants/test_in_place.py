"""A fault in a loaded function is the same as one that was imported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants.in_place import AtImportError, exchange, loaded

SOURCE = """
import functools

LIMIT = 7

def at_once(function):
    def counted(x):
        return function(x) + 10
    return counted

def below(x):
    return x < LIMIT

@functools.cache
def kept(x):
    return x + 1

@at_once
def wrapped(x):
    return x + 1

def outer(x):
    return [y + 1 for y in (x, x)], (lambda z: z + 2)(x)

def with_default(x=3):
    return x

class Box:
    size: int = 4

    @property
    def half(self):
        return self.size // 2
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """The source above, imported."""
    path = tmp_path / "boxes.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("boxes", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def put(module: ModuleType, old: str, new: str) -> list[str]:
    """Put a fault in. Returns the names of the changed functions."""
    assert SOURCE.count(old) == 1
    path = Path(str(module.__file__))
    changed = exchange(loaded(path.parent), path, SOURCE.encode(), SOURCE.replace(old, new).encode())
    return [code.co_qualname for code in changed]


@pytest.mark.parametrize(
    ("old", "new", "call", "before", "after"),
    [
        ("x < LIMIT", "(x) <= (LIMIT)", "below(7)", False, True),
        ("    return x + 1\n\n@at", "    return x - 1\n\n@at", "kept(5)", 6, 4),
        ("return x + 1\n\ndef outer", "return None\n\ndef outer", "wrapped.__closure__[0].cell_contents(1)", 2, None),
        ("function(x) + 10", "function(x) - 10", "wrapped(1)", 12, -8),
        ("y + 1", "y + 2", "outer(1)", ([2, 2], 3), ([3, 3], 3)),
        ("z + 2", "z - 2", "outer(1)", ([2, 2], 3), ([2, 2], -1)),
        ("self.size // 2", "(\nself.size) * 2", "Box().half", 2, 8),
    ],
)
def test_the_body_of_a_function(
    module: ModuleType, old: str, new: str, call: str, before: object, after: object
) -> None:
    """A function may be plain, cached, wrapped, inside of another, or belong to a class."""
    assert eval(call, vars(module)) == before
    module.kept.cache_clear()
    put(module, old, new)
    assert eval(call, vars(module)) == after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 7", "LIMIT = 8"),
        ("x=3", "x=4"),
        ("size: int = 4", "size: int = 5"),
        ("@functools.cache\n", ""),
        ("return function(x) + 10", "pass"),  # it closes over nothing then
    ],
)
def test_what_works_at_the_import(module: ModuleType, old: str, new: str) -> None:
    """Constants, defaults and decorators cannot be changed in place, and this is said."""
    with pytest.raises(AtImportError):
        put(module, old, new)


def test_the_changed_functions_are_named(module: ModuleType) -> None:
    """The function and those inside of it that differ, and no other.

    From Python 3.12 on a list comprehension is no function of its own.
    """
    inside = ["outer.<locals>.<listcomp>"] if sys.version_info < (3, 12) else []
    assert put(module, "y + 1", "y + 2") == ["outer", *inside]
