"""Print the result of a rotation: sealed anew, lost, and what still needs the older keys."""

from __future__ import annotations

import argparse

from ..factors import Registry
from ..factors.optional_parts import Approves
from ..keyring import Keyring
from ..service import Service
from ..service.maintenance.rotation import Tally, rotate_keys
from .context import DONE, NO, operator_name, tell
from .progress import Progress


async def rotate(args: argparse.Namespace, service: Service) -> int:
    """Run ``keys rotate``. Returns 1 if a value was lost or an account could not be read."""
    keyring = service.engine.keyring
    actor = operator_name(args, optional=True)
    with Progress("sealing anew") as progress:
        tally = await rotate_keys(service, actor=actor, reason=args.reason, step=progress.step)
    document = {
        "ok": not (tally.lost or tally.failed),
        "newest": keyring.newest,
        "accounts": tally.accounts,
        "resealed": tally.resealed,
        "left": dict(tally.left),
        "lost": tally.lost,
        "failed": tally.failed,
    }
    tell(args, document, _told(tally, keyring, service.engine.factors))
    return NO if tally.lost or tally.failed else DONE


def _told(tally: Tally, keyring: Keyring, factors: Registry) -> str:
    lines = [f"{tally.resealed} of {tally.accounts} accounts sealed anew under {keyring.newest}"]
    lines += [f"lost: {what} was sealed with a key that is not listed" for what in tally.lost]
    lines += [f"passed over: {what}" for what in tally.failed]
    for kind, count in sorted(tally.left.items()):
        ends = "the phone is opened" if isinstance(factors.get(kind), Approves) else "they are made anew"
        lines.append(f"{kind}: {count} accounts still need an older key; it ends when {ends}")
    if not (tally.lost or tally.failed or tally.left) and len(keyring.ids) > 1:
        older = ", ".join(keyring.ids[1:])
        lines.append(
            f"nothing that is stored needs {older} any more. Browsers may: keep it listed for as long as a "
            "proof lives (max_age), then take it out"
        )
    return "\n".join(lines)
