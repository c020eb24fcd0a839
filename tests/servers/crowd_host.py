"""A host for crowds of clients, in a process of its own.

It runs as ``uvicorn tests.servers.crowd_host:app``. ``CROWD_STORE`` is its store, ``CROWD_PROVIDER`` the port of its mail
server. ``/open/process`` tells its memory and its open files.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mfa_gate import Senders
from mfa_gate.senders import SMTPSender
from tests.harness import Outbox, make_world, routes


async def process(_: Request) -> Response:
    """Tell the bytes in memory, and the number of open files."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = len(os.listdir("/proc/self/fd"))
    return JSONResponse({"resident": pages * os.sysconf("SC_PAGE_SIZE"), "files": files})


mail = SMTPSender(
    "127.0.0.1", int(os.environ.get("CROWD_PROVIDER", "1")), sender="Gate <gate@app.example>", security="none"
)
app = make_world(
    store=os.environ["CROWD_STORE"],
    senders=Senders(email=mail, sms=Outbox()),
    app=Starlette(routes=[Route("/open/process", process), *routes()]),
).app
