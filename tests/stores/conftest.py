"""What the stores' tests share."""

from __future__ import annotations

import pytest

from tests.stores.patience import be_patient


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer limits; the tests of faults keep the real ones."""
    be_patient(monkeypatch.setattr)
