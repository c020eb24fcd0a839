"""Fork example apps from a process that has imported everything once.

Run as ``python -m tests.browser.warm``.

It reads one order a line, in JSON, and answers each with one line:
``{"arguments": […], "log": "…"}`` starts an app with these options and answers with its process id;
``{"stop": id}`` ends that app and answers with its exit code. It ends with its standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from uvicorn.lifespan import on  # noqa: F401 - uvicorn loads these by name, once a process
from uvicorn.loops import auto as loops  # noqa: F401
from uvicorn.protocols.http import auto as http  # noqa: F401
from uvicorn.protocols.websockets import auto as websockets  # noqa: F401

from example_app import accounts, data
from example_app.__main__ import main as serve
from example_app.app import create
from example_app.settings import Settings
from mfa_gate.web.message_forms import is_message
from mfa_gate.web.render import Renderer

PATIENCE = 10.0
"""Seconds that an app has to end by itself."""
LOOKS = ("/login", "/", "/mfa/enroll", "/mfa/enroll/totp", "/mfa", "/mfa/recovery", "/demo", "/public")


def warm_up() -> None:
    """Import the modules that requests import, and compile every template for all apps.

    A password is cheap to check in these apps: each story signs in several times.
    """
    accounts.COST = 2**4
    shared: dict[str, Any] = {}
    made = Renderer.__init__

    def make(renderer: Renderer, *, templates: Path | None = None, **given: Any) -> None:
        made(renderer, templates=templates, **given)
        if templates is None:
            renderer.__dict__["_environments"] = shared

    setattr(Renderer, "__init__", make)  # noqa: B010 - a method is not assigned to
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        data.prepare(settings.data)
        app = create(settings)
        with TestClient(app, base_url=settings.origin, client=("127.0.0.1", 50_000)) as client:
            client.post("/login", data={"username": "user@finance.example", "password": "demo-password"})
            for path in LOOKS:
                client.get(path)
    for environment in shared.values():
        for name in environment.list_templates():
            if not is_message(name):
                environment.get_template(name)
    assert threading.active_count() == 1, "a thread is lost in a fork"


def start(arguments: list[str], log: str) -> int:
    """Fork an app that writes to ``log``. Returns its process id."""
    if child := os.fork():
        return child
    code = 1
    try:
        nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = serve(arguments)
    except BaseException:  # noqa: BLE001 - a child that must end here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def stop(child: int) -> int:
    """End an app, by force where it does not listen. Returns its exit code."""
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGTERM)
        until = time.monotonic() + PATIENCE
        while not ended and time.monotonic() < until:
            time.sleep(0.01)
            ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Follow the orders on standard input."""
    warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        answer = stop(order["stop"]) if "stop" in order else start(order["arguments"], order["log"])
        print(answer, flush=True)


if __name__ == "__main__":
    main()
