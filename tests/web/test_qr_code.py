"""QR codes of pages and JSON are drawn beside the event loop.

So no other request waits for a picture.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
import segno

from mfa_gate.web.qr_code import draw, qr_svg
from tests.harness import make_world, running


async def test_no_picture_is_drawn_on_the_thread_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of an enrollment, the same page after a wrong code, and the JSON call."""
    threads: list[int] = []
    make = segno.make

    def watched(*given: Any, **more: Any) -> segno.QRCode:
        threads.append(threading.get_ident())
        return make(*given, **more)

    monkeypatch.setattr(segno, "make", watched)
    async with running(make_world()) as world:
        ann = await world.browser()
        assert (await ann.form("/mfa/enroll/totp", {"action": "start"})).status == 303
        assert 'class="qr"' in (await ann.page("/mfa/enroll/totp")).text
        wrong = await ann.form("/mfa/enroll/totp", {"action": "confirm", "code": "000000"})
        assert wrong.status == 422
        assert 'class="qr"' in wrong.text
        assert 'class="qr"' in (await ann.api("POST", "enroll", {"factor": "totp"})).json()["qr_svg"]
    assert len(threads) >= 3
    assert threading.get_ident() not in threads


def test_a_text_is_drawn_by_the_filter_as_before() -> None:
    """Templates of hosts give the text itself."""
    assert qr_svg("otpauth://totp/x", "QR") == qr_svg(draw("otpauth://totp/x"), "QR")
