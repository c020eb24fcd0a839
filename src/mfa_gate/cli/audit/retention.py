"""Prune old lines of the audit trail: ``audit prune``."""

from __future__ import annotations

import argparse

from ...service import Service
from ...service.trail_signer import AlteredTrail
from ..context import DONE, NO, operator_name, tell
from ..hold_lines import hold_json, told


async def prune(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit prune``: exit 1 where the policy, or a legal hold, keeps every line.

    It is 1 as well for a trail that somebody has altered: such a line stays, and so do those behind it.
    """
    if await service.retention.keeps_all(args.tenant):
        tell(args, {"pruned": {}, "retention": None}, "the policy names no [audit] retention: every line is kept")
        return NO
    held = await (service.legal_holds.of(args.tenant) if args.tenant else service.legal_holds.all())
    try:
        found = await service.retention.prune(tenant=args.tenant, actor=operator_name(args))
    except AlteredTrail as error:
        text = f"lines that were altered are not removed: {error}. Look with: mfa-gate audit verify"
        tell(args, {"pruned": {}, "altered": str(error)}, text)
        return NO
    lines = [f"{tenant}: {count} lines removed" for tenant, count in found.items()]
    lines += [f"nothing is removed: a legal hold keeps {told(one)}" for one in held]
    holds: dict[str, object] = {"held": [hold_json(one) for one in held]} if held else {}
    tell(args, {"pruned": found, **holds}, "\n".join(lines) or "nothing is old enough")
    return NO if held and not found else DONE
