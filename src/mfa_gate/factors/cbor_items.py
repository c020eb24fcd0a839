"""A reader of CBOR's outer form (RFC 8949): ends of items, and keys that stand twice.

The decoder of the library keeps one of two equal keys, and only some versions of it can refuse them.
"""

from __future__ import annotations

MOST_DEPTH = 16
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_KEYS = frozenset({_UNSIGNED, _NEGATIVE, _TEXT})
"""The kinds of key in COSE keys, attestations and extensions. Any other could equal one of them after decoding."""
_BREAK = 0xFF


class BadItem(ValueError):
    """Bytes that are no CBOR item, or a map in which a key stands twice."""


def end_of_item(raw: bytes, at: int = 0, *, depth: int = MOST_DEPTH) -> int:
    """Return the place behind the item that begins at ``at``.

    Raises ``BadItem`` for an item that is cut off or too deep, a number that is not in its shortest form, a map with
    a key twice or with a key that is neither an integer nor text, and a tag. No authenticator sends tags (CTAP 2.1, 8).
    By tags a decoder compiles a pattern, or takes a list for each item of ten others and writes it out again and again.
    """
    if not depth:
        raise BadItem("the items are too deep")
    major, value, at = _head(raw, at)
    if major in (_UNSIGNED, _NEGATIVE, _SIMPLE):
        return at
    if major == _TAG:
        raise BadItem("an item has a tag")
    if major in (_BYTES, _TEXT) and value is not None:
        if at + value > len(raw):
            raise BadItem("an item is cut off")
        return at + value
    keys: set[bytes] = set()
    while value is None or value > 0:
        if value is None and raw[at : at + 1] == bytes((_BREAK,)):
            return at + 1
        if major == _MAP:
            at = _key(raw, at, keys, depth)
        at = end_of_item(raw, at, depth=depth - 1)
        value = None if value is None else value - 1
    return at


def _key(raw: bytes, at: int, keys: set[bytes], depth: int) -> int:
    """Read a key of a map, and add it to those that were read. Returns the place behind it."""
    major, value, _ = _head(raw, at)
    end = end_of_item(raw, at, depth=depth - 1)
    key = raw[at:end]
    if major not in _KEYS or value is None or key in keys:
        raise BadItem("a map has a key twice, or one of another kind")
    keys.add(key)
    return end


def _head(raw: bytes, at: int) -> tuple[int, int | None, int]:
    """Read the head of an item: its kind, its number, the place behind.

    The number is None for an item without a length.
    """
    if at >= len(raw):
        raise BadItem("an item is cut off")
    major, info = raw[at] >> 5, raw[at] & 31
    at += 1
    if info < 24:
        return major, info, at
    if info == 31 and major in (_BYTES, _TEXT, _ARRAY, _MAP):
        return major, None, at
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    if not size or at + size > len(raw):
        raise BadItem("an item has no such head, or is cut off")
    value = int.from_bytes(raw[at : at + size])
    if major != _SIMPLE and value < (24 if size == 1 else 1 << (size * 4)):
        raise BadItem("a number is not in its shortest form")
    return major, value, at + size
