"""The doors, a row each. To add one: a file with its ``Target``, and its row here."""

from __future__ import annotations

from ..target import Target
from . import (
    account_records,
    app_lists,
    callbacks,
    exports,
    passkeys,
    policies,
    postgres_notices,
    provider_replies,
    redis_replies,
    requests,
    signals,
    smtp_replies,
    trail_exports,
)

TARGETS: tuple[Target, ...] = (
    requests.HEADERS,
    requests.BODIES,
    requests.PAGES,
    passkeys.TARGET,
    callbacks.TARGET,
    signals.PUSHED,
    signals.SIGNED,
    policies.TARGET,
    exports.SEALED,
    exports.OPENED,
    trail_exports.TARGET,
    trail_exports.HEADS,
    app_lists.TARGET,
    account_records.TARGET,
    redis_replies.TARGET,
    postgres_notices.TARGET,
    smtp_replies.TARGET,
    provider_replies.TARGET,
)
