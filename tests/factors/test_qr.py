"""The QR code of an enrollment, read back by a decoder that is not ours."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from mfa_gate.core.model import Contacts
from mfa_gate.factors.base import Draft
from mfa_gate.factors.totp import Totp
from mfa_gate.web.qr_code import qr_svg

from .builders import context

SCALE = 8


def rasterized(svg: str) -> np.ndarray:
    """The picture that a browser paints of the symbol's runs: white paper, black rectangles."""
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert box is not None
    size = int(box.group(1))
    assert f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/>' in svg
    picture = np.full((size * SCALE, size * SCALE), 255, np.uint8)
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", svg)
    assert runs
    for x, y, width, back in (map(int, run) for run in runs):
        assert width == back
        picture[y * SCALE : (y + 1) * SCALE, x * SCALE : (x + width) * SCALE] = 0
    return picture


@pytest.mark.parametrize(
    ("service", "email"),
    [
        ("Clinic", "ann@clinic.example"),
        ("Café & Söhne?", "a+b@clinic.example"),
        ("A long name of an organization that people know", f"{'x' * 60}@{'y' * 40}.example"),
    ],
)
def test_the_code_is_read_back(service: str, email: str) -> None:
    """An independent decoder reads the app's exact address from the picture.

    Mission 5.
    """
    within = context(service, service=service, contacts=Contacts(email=email))
    draft = Totp().draft(within)
    assert isinstance(draft, Draft)
    uri = Totp().show(within, draft.data)["uri"]
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(rasterized(str(qr_svg(uri, "QR code"))))
    assert text == uri


def test_the_name_of_the_picture_is_only_a_name() -> None:
    """S-54: a label from anywhere cannot leave its attribute."""
    svg = str(qr_svg("otpauth://totp/x", '"><script>'))
    assert "<script>" not in svg
    assert 'role="img"' in svg


def test_a_quiet_zone_of_four() -> None:
    """U-30, ISO 18004: four white modules around the symbol, so that every phone finds it."""
    picture = rasterized(str(qr_svg("otpauth://totp/x", "QR")))
    edge = 4 * SCALE
    dark = np.argwhere(picture == 0)
    assert dark.min() == edge
    assert dark.max() == picture.shape[0] - edge - 1
