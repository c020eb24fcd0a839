"""The contrast of two colors."""

from __future__ import annotations

import pytest

from mfa_gate.core.luminance import BLACK, WHITE, Color, contrast


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [(WHITE, BLACK, 21.0), (WHITE, WHITE, 1.0), ((119, 119, 119), WHITE, 4.478)]
)
def test_contrast_is_that_of_the_standard(one: Color, other: Color, ratio: float) -> None:
    """Known ratios of WCAG's formula."""
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
