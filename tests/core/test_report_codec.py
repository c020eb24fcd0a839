"""Records of report-only that cannot be read are refused whole."""

from __future__ import annotations

import json
import zlib

import pytest

from mfa_gate.core.report_codec import situation_from, unpack


@pytest.mark.parametrize("body", [b"", b"no zlib", zlib.compress(b"{"), zlib.compress(json.dumps({"v": 1}).encode())])
def test_a_damaged_part(body: bytes) -> None:
    """A part that is damaged anywhere is one ``ValueError``."""
    with pytest.raises(ValueError):
        unpack(body)


def test_a_situation_with_another_number_of_parts() -> None:
    """A situation of another release is refused, not half read."""
    with pytest.raises(ValueError, match="no situation"):
        situation_from([1, 2])
