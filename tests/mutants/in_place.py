"""Put a fault into functions that are loaded already, by exchanging their code.

That costs nothing beside importing everything anew. It can be done where the fault changes the body of a function: a constant
of a module and a default of a parameter are computed at the import.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

Key = tuple[str, str, CodeType]
"""The file, the qualified name and the code: two files may hold the same function."""
Loaded = dict[Key, list[FunctionType]]


class AtImportError(Exception):
    """The fault changes something that ran when its module was imported."""


def loaded(folder: Path) -> Loaded:
    """Find the functions that live in this process and come from files in a folder."""
    gc.unfreeze()  # what is frozen is not listed
    found: Loaded = {}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename.startswith(str(folder)):
            found.setdefault(_key(one.__code__), []).append(one)
    gc.freeze()
    return found


def exchange(functions: Loaded, path: Path, sound: bytes, faulty: bytes) -> list[CodeType]:
    """Give the functions of a file the code of its faulty source.

    Returns the sound code of those that changed. Raises ``AtImportError``, having changed nothing that matters to a
    process that ends then, where the fault is not in the body of a living function.
    """
    pairs = list(_differing(*(compile(source, path, "exec", dont_inherit=True) for source in (sound, faulty))))
    for before, after, is_outermost in pairs:
        living = functions.get(_key(before), [])
        if is_outermost and not living:
            raise AtImportError(path.name)
        for function in living:
            try:
                function.__code__ = after
            except ValueError as error:  # it closes over other names than before
                raise AtImportError(path.name) from error
    return [before for before, _, _ in pairs]


def _differing(
    sound: CodeType, faulty: CodeType, *, is_outermost: bool = True
) -> Iterator[tuple[CodeType, CodeType, bool]]:
    """Pair the codes of the functions that differ, each with the functions inside of it."""
    if _same(sound, faulty):
        return
    is_function = bool(sound.co_flags & inspect.CO_OPTIMIZED)
    if not is_function and _own(sound) != _own(faulty):
        raise AtImportError(sound.co_qualname)
    if is_function:
        yield sound, faulty, is_outermost
    if len(_parts(sound)) == len(_parts(faulty)):
        for one, other in zip(_parts(sound), _parts(faulty), strict=True):
            yield from _differing(one, other, is_outermost=is_outermost and not is_function)


def _same(sound: CodeType, faulty: CodeType) -> bool:
    """Tell if two codes do the same, whatever the lines that they stand in."""
    parts = _parts(sound), _parts(faulty)
    return (
        _own(sound) == _own(faulty)
        and len(parts[0]) == len(parts[1])
        and all(_same(one, other) for one, other in zip(*parts, strict=True))
    )


def _own(code: CodeType) -> tuple[object, ...]:
    """Return what a code does itself, without its lines and the functions inside of it."""
    constants = [repr(one) for one in code.co_consts if not isinstance(one, CodeType)]  # 1 == True, their texts differ
    return (code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable)


def _parts(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code
