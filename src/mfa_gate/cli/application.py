"""Import the app that ``--app`` names."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import sys
import traceback
from contextlib import redirect_stdout
from typing import Any

from ..errors import MFAGateError
from .terminal import one_line


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

    What the app prints goes to standard error: standard output is the command's. Raises ``WrongUse``, also for an app that
    fails or ends the program, and ``MFAGateError`` for the faults of a gate.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute or module.startswith("."):
        raise WrongUse(f'--app {name!r}: write it like "shop.main:app"')
    sys.path.insert(0, os.getcwd())
    try:
        with redirect_stdout(sys.stderr):
            return _made(module, attribute)
    except (MFAGateError, KeyboardInterrupt):
        raise
    except (ModuleNotFoundError, _NoSuchApp) as error:
        raise WrongUse(f"--app {name}: {error}") from None
    except BaseException as error:
        traceback.print_exc()
        raise WrongUse(f"--app {name}: {type(error).__name__}: {one_line(error)}") from None
    finally:
        sys.path.pop(0)


class _NoSuchApp(Exception):
    """Tell of a module that does not have the attribute."""


def _made(module: str, attribute: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise _NoSuchApp(str(error)) from None
    return found() if inspect.isfunction(found) and not inspect.signature(found).parameters else found
