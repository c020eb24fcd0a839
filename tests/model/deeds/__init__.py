"""Everything that happens in the model, a file for each kind.

To add a deed: a function that does it to the gate and to the reference, and its row in ``DEEDS`` of its file.
"""

from __future__ import annotations

from ..deed import Deed
from . import (
    apps,
    backup_codes,
    break_glass,
    browsers,
    clocks,
    desk,
    disputes,
    help_requests,
    jobs,
    keys,
    policies,
    sent_codes,
    skips,
    stores,
    tenants,
    tickets,
    workers,
)

ALL: tuple[Deed, ...] = tuple(
    deed
    for part in (
        apps, backup_codes, break_glass, browsers, clocks, desk, disputes, help_requests, jobs, keys, policies, sent_codes,
        skips, stores, tenants, tickets, workers,
    )
    for deed in part.DEEDS
)  # fmt: skip
