"""Start the example app: read the options, prepare the data directory, print the accounts."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from pathlib import Path

import uvicorn

from mfa_gate import SettingsError
from mfa_gate.errors import StoreUnavailable

from . import data
from .accounts import ACCOUNTS, PASSWORD
from .app import create
from .settings import DEFAULT_DATA, Settings


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C. Returns the exit code: 0 served, 1 could not start, 2 wrong use."""
    options = _parser().parse_args(arguments)
    directory = Path(options.data).resolve()
    settings = Settings(data=directory, host=options.host, port=options.port, store=options.store, ready=options.ready)
    if fault := _cannot_listen(settings):
        print(fault, file=sys.stderr)
        return 1
    os.umask(0o077)
    try:
        if options.reset:
            data.reset(directory)
        data.prepare(directory)
        asyncio.run(_try_out(settings))
    except OSError as error:
        print(f"The data directory cannot be used: {error}. Choose another with --data.", file=sys.stderr)
        return 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    print(_welcome(settings), flush=True)
    os.environ.update(settings.to_environ())
    uvicorn.run(
        "example_app.app:from_environ",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=options.workers,
        log_level="warning",
        # The gate and the demo page judge the socket's own peer; uvicorn must not rewrite it from headers.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return 0


async def _try_out(settings: Settings) -> None:
    """Make the app and open its gate once, so that a fault is not told by every worker."""
    app = create(settings)
    try:
        async with app.state.gate.lifespan():
            return
    except StoreUnavailable:
        # It may come back. Until then a person who owes a proof gets 503, as in production.
        return
    finally:
        app.state.parts.database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="example_app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", default=8000, type=_port, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--store", default="", metavar="URL", help="the gate's store (default: SQLite in the data directory)"
    )
    parser.add_argument(
        "--workers", default=1, type=_count, metavar="N", help="processes that serve (default: %(default)s)"
    )
    parser.add_argument(
        "--data", default=str(DEFAULT_DATA), metavar="DIR", help="directory for all data (default: .data)"
    )
    parser.add_argument("--reset", action="store_true", help="remove the data first")
    parser.add_argument("--ready", action="store_true", help="start with practice and clinic turned on")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise argparse.ArgumentTypeError("a port is between 1 and 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one worker is needed")
    return count


def _cannot_listen(settings: Settings) -> str:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another with --port."
    return ""


def _welcome(settings: Settings) -> str:
    width = max(len(account.email) for account in ACCOUNTS)
    lines = [f"  {account.email:<{width}}  {account.tenant:<11}  {account.role}" for account in ACCOUNTS]
    return "\n".join(
        [
            "",
            f"  Example app       {settings.origin}",
            f"  Sent codes, time  {settings.origin}/demo",
            f"  Data              {settings.data}",
            "",
            *lines,
            "",
            f"  Everybody's password is {PASSWORD}. Ctrl-C stops the app.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
