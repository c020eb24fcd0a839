"""Prune old lines of the audit trail: ``audit prune``."""

from __future__ import annotations

import argparse

from ...service import Service
from ..context import DONE, NO, operator_name, tell


async def prune(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit prune``: exit 1 where the policy keeps every line for good."""
    if await service.retention.keeps_all(args.tenant):
        tell(args, {"pruned": {}, "retention": None}, "the policy names no [audit] retention: every line is kept")
        return NO
    found = await service.retention.prune(tenant=args.tenant, actor=operator_name(args))
    text = "\n".join(f"{tenant}: {count} lines removed" for tenant, count in found.items()) or "nothing is old enough"
    tell(args, {"pruned": found}, text)
    return DONE
