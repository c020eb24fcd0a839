"""Import the app that ``--app`` names."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


class WrongUse(Exception):
    """Refuse a call that means nothing. The text says how to call the command."""


def app_for(args: argparse.Namespace) -> Any:
    """Import the app of ``--app`` once for a command, since a factory may not be called twice.

    Raises ``WrongUse``.
    """
    if not hasattr(args, "loaded_app"):
        args.loaded_app = app_of(args.app)
    return args.loaded_app


def app_of(name: str) -> Any:
    """Import the app ``module:attribute``, and call it if it is a factory.

    Raises ``WrongUse``.
    """
    import importlib
    import inspect

    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise WrongUse(f'--app {name!r}: write it like "shop.main:app"')
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise WrongUse(f"--app {name}: {error}") from None
    finally:
        sys.path.pop(0)
    return found() if inspect.isfunction(found) and not inspect.signature(found).parameters else found
