"""Find the factors of a command: those of ``--app``, else ours and the installed ones."""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..factors import DEFAULT_FACTORS, Registry
from ..factors.base import Factor

if TYPE_CHECKING:
    from ..gate import MFAGate

GROUP = "mfa_gate.factors"
"""The entry-point group by which a package announces a factor: ``mine = "package.module:Mine"``."""


def add_app(
    parser: argparse.ArgumentParser, *, help: str = "take the factors and the directory of this app's gate"
) -> None:
    """Add ``--app``, for factors that only the application knows."""
    parser.add_argument("--app", metavar="MODULE:NAME", help=help)


def registry_of(args: argparse.Namespace) -> Registry:
    """Find the factors of a command, once.

    Raises ``WrongUse`` for an ``--app`` that cannot be loaded, ``SettingsError`` for a package's factor that cannot.
    """
    known = getattr(args, "registry", None)
    if not isinstance(known, Registry):
        known = args.registry = _of_app(args) or installed()
    return known


def prefix_of(args: argparse.Namespace) -> str:
    """Find the path of the gate's own pages: that of the ``--app``, else the usual one."""
    from ..policyfile.tools.findings import GATE_PREFIX

    gate = gate_for(args)
    return gate.service.engine.wiring.prefix if gate is not None else GATE_PREFIX


def installed() -> Registry:
    """Join our factors with those of the entry points.

    Raises ``SettingsError`` for one that cannot be loaded.
    """
    found: list[Factor] = []
    for entry in entry_points(group=GROUP):
        try:
            loaded = entry.load()
            found.append(loaded() if isinstance(loaded, type) else loaded)
        except Exception as error:
            raise SettingsError(f"factors: {entry.value} (entry point {GROUP}) cannot be loaded: {error}") from error
    try:
        return Registry([*DEFAULT_FACTORS, *found])
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _of_app(args: argparse.Namespace) -> Registry | None:
    """Take the factors of the gate around an app; None where there is no gate."""
    gate = gate_for(args)
    return gate.service.engine.factors if gate is not None else None


def gate_for(args: argparse.Namespace) -> MFAGate | None:
    """Find the gate around the app of ``--app``; None where there is none."""
    if not getattr(args, "app", None):
        return None
    from .application import app_for
    from .doctor.app_stack import gate_of

    return gate_of(app_for(args))
