"""Hold a trail for a legal matter, and release it: ``audit hold|release|holds``."""

from __future__ import annotations

import argparse

from ...policyfile.faults import nearest
from ...service import Service
from ..context import DONE, NO, operator_name, tell
from ..hold_lines import hold_json, told


async def hold(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit hold``.

    Returns 1 for a tenant that has no trail: a mistyped name would hold nothing.
    """
    trails = await service.trail_reader.tenants()
    if args.tenant not in trails:
        text = f'there is no trail of "{args.tenant}"{nearest(args.tenant, trails)}; nothing is held'
        tell(args, {"ok": False, "reason": text}, text)
        return NO
    made = await service.legal_holds.begin(args.tenant, by=operator_name(args), reason=args.reason)
    tell(args, {"ok": True, **hold_json(made)}, f"held: {told(made)}")
    return DONE


async def release(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit release``.

    Returns 1 where there is no such hold, or where several need a reference.
    """
    held = await service.legal_holds.of(args.tenant)
    meant = [one for one in held if not args.ref or one.ref.casefold() == args.ref.casefold()]
    if len(meant) != 1:
        known = "; ".join(told(one) for one in held) or "none"
        text = f"name one hold of {args.tenant} with --ref; there are: {known}"
        tell(args, {"ok": False, "reason": text, "holds": [hold_json(one) for one in held]}, text)
        return NO
    await service.legal_holds.end(meant[0], by=operator_name(args), reason=args.reason)
    left = len(held) - 1
    more = f"; {left} more still hold the trail" if left else ""
    tell(args, {"ok": True, **hold_json(meant[0]), "left": left}, f"released: {told(meant[0])}{more}")
    return DONE


async def list_holds(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit holds``."""
    held = await (service.legal_holds.of(args.tenant) if args.tenant else service.legal_holds.all())
    text = "\n".join(told(one) for one in held) or "no trail is held"
    tell(args, {"holds": [hold_json(one) for one in held]}, text)
    return DONE
