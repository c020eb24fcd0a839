"""The end of a CBOR item, and keys that stand twice, with any version of cbor2."""

from __future__ import annotations

import contextlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.factors.cbor_items import BadItem, end_of_item

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.binary(max_size=300)
    | st.text(max_size=300)
    | st.floats()
)
items = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.dictionaries(st.integers(-70_000, 70_000) | st.text(max_size=30), inner, max_size=30)
    ),
    max_leaves=40,
)


@given(items, st.binary(max_size=4))
def test_the_end_is_that_of_the_encoder(item: object, behind: bytes) -> None:
    """An item that cbor2 wrote ends where it ends, and one byte less is no item."""
    raw = cbor2.dumps(item)
    assert end_of_item(raw + behind) == len(raw)
    with pytest.raises(BadItem):
        end_of_item(raw[:-1])


@given(st.binary(max_size=60))
def test_any_bytes(raw: bytes) -> None:
    """Any bytes are an item with an end within them, or a ``BadItem``."""
    with contextlib.suppress(BadItem):
        assert 0 < end_of_item(raw) <= len(raw)


@pytest.mark.parametrize(
    ("raw", "end"),
    [
        ("a201020103", 0),  # {1: 2, 1: 3}
        ("a2616101616102", 0),  # {"a": 1, "a": 2}
        ("a201021801 03", 0),  # 1 again, in a longer form
        ("a2 20 01 38 00 02", 0),  # -1 again, in a longer form
        ("a1 f5 01", 0),  # true, which equals 1
        ("a1 f93c00 01", 0),  # 1.0, which equals 1
        ("a1 4161 01", 0),  # bytes
        ("a1 01 a2 02 03 02 03", 0),  # in a map within
        ("81 a2 02 03 02 03", 0),  # in a list
        ("c1 01", 0),  # a tag
        ("81 d81c 80", 0),  # a list that is marked, to stand elsewhere too
        ("a1 01 d823 6161", 0),  # a pattern
        ("bf 01 02 01 03 ff", 0),  # in a map without a length
        ("bf 01 02 03 04 ff", 6),
        ("9f 01 02 ff 00", 4),
        ("5f 4161 4162 ff", 6),
        ("a2 01 02 20 03", 5),
        ("1818", 2),
        ("1817", 0),
        ("fe", 0),
        ("ff", 0),
        ("1c", 0),
        ("", 0),
        ("81" * 15 + "01", 16),
        ("81" * 16 + "01", 0),
    ],
)
def test_forms(raw: str, end: int) -> None:
    """Tags, and keys that are equal or would be after decoding, are refused at every depth.

    0 stands for refused.
    """
    content = bytes.fromhex(raw)
    if end:
        assert end_of_item(content) == end
    else:
        with pytest.raises(BadItem):
            end_of_item(content)
