"""Safari's engine and Firefox, driven by WebDriver.

WebKit has the program of WebKitGTK, in a window of a screen that nobody sees. Firefox needs no program beside it: it speaks
the same commands on a socket of its own (Marionette).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.web.serving import free_port

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

MINI_BROWSER = "/usr/lib/*/webkit2gtk-4.1/MiniBrowser"
SMALL = "* { font-size: 1px; min-width: 0; min-height: 0; padding: 0; margin: 0; -gtk-icon-transform: scale(0.1); }"
"""The style of the window's own buttons: they would keep it wider than a phone."""
NARROW = ":root, body, #browser, #navigator-toolbox, #nav-bar, #urlbar-container { min-width: 0 !important; }"
PATIENCE = 60
"""Seconds for the start of a browser on a busy machine."""
COMMANDS = {
    "newSession": "NewSession",
    "deleteSession": "DeleteSession",
    "get": "Navigate",
    "getCurrentUrl": "GetCurrentURL",
    "getTitle": "GetTitle",
    "goBack": "Back",
    "refresh": "Refresh",
    "findElement": "FindElement",
    "findElements": "FindElements",
    "findChildElements": "FindElements",
    "clickElement": "ElementClick",
    "clearElement": "ElementClear",
    "sendKeysToElement": "ElementSendKeys",
    "getElementText": "GetElementText",
    "getElementTagName": "GetElementTagName",
    "getElementAttribute": "GetElementAttribute",
    "isElementSelected": "IsElementSelected",
    "w3cExecuteScript": "ExecuteScript",
    "w3cExecuteScriptAsync": "ExecuteAsyncScript",
    "setWindowRect": "SetWindowRect",
    "screenshot": "TakeScreenshot",
}
"""Selenium's names, and those of Firefox."""


@contextmanager
def screen() -> Iterator[str]:
    """Run a screen that nobody sees. Yields its name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x2000x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as named:
                yield f":{named.readline().strip()}"
        finally:
            process.terminate()


@contextmanager
def webkit(folder: Path, display: str, *, script: bool = True, dark: bool = False) -> Iterator[WebDriver]:
    """Run a fresh WebKit whose files lie in ``folder``."""
    from selenium.webdriver.webkitgtk.options import Options
    from selenium.webdriver.webkitgtk.service import Service
    from selenium.webdriver.webkitgtk.webdriver import WebDriver

    style = folder / "gtk-3.0" / "gtk.css"
    style.parent.mkdir(parents=True, exist_ok=True)
    style.write_text(SMALL)
    options = Options()
    options.binary_location = str(next(Path("/").glob(MINI_BROWSER.removeprefix("/"))))
    for argument in ("--automation", f"--enable-javascript={str(script).lower()}", *(["--dark-mode"] if dark else [])):
        options.add_argument(argument)
    own = {"DISPLAY": display, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder), "GDK_BACKEND": "x11"}
    service = Service(shutil.which("WebKitWebDriver"), env={**os.environ, **own})
    driver = WebDriver(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def firefox(folder: Path, *, script: bool = True, dark: bool = False) -> Iterator[WebDriver]:
    """Run a fresh Firefox whose profile lies in ``folder``."""
    from selenium.webdriver.firefox.options import Options
    from selenium.webdriver.remote.webdriver import WebDriver

    port = free_port()
    preferences = {
        "marionette.port": port,
        "javascript.enabled": script,
        "layout.css.prefers-color-scheme.content-override": 0 if dark else 1,
        "ui.prefersReducedMotion": 1,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.update.enabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "services.settings.server": "",
        "toolkit.legacyUserProfileCustomizations.stylesheets": True,
    }
    (folder / "chrome").mkdir(parents=True, exist_ok=True)
    (folder / "chrome" / "userChrome.css").write_text(NARROW)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (folder / "user.js").write_text("".join(lines))
    command = [
        shutil.which("firefox-esr") or "firefox",
        "--headless",
        "--marionette",
        "--no-remote",
        "--profile",
        str(folder),
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        try:
            with Marionette(port) as connection:
                options = Options()
                options._ignore_local_proxy = True
                yield WebDriver(command_executor=connection, options=options)  # type: ignore[arg-type]
        finally:
            process.terminate()


class Marionette:
    """Firefox's socket, in the place of Selenium's connection to a driver program."""

    client_config = None

    def __init__(self, port: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(ConnectionRefusedError):
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                break
            assert time.monotonic() < deadline, "Firefox did not start"
            time.sleep(0.1)
        self._file = self._socket.makefile("rb")
        self._read()  # its greeting
        self._count = 0

    def __enter__(self) -> Marionette:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def execute(self, command: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Send one of Selenium's commands. Returns its answer in Selenium's form."""
        from selenium.common.exceptions import WebDriverException

        self._count += 1
        given = {name: value for name, value in parameters.items() if name != "sessionId"}
        if command == "newSession":
            given = {"capabilities": {"alwaysMatch": {}}}
        if command == "findChildElements":
            given["element"] = given.pop("id")
        said = json.dumps([0, self._count, f"WebDriver:{COMMANDS[command]}", given]).encode()
        self._socket.sendall(b"%d:%s" % (len(said), said))
        _, _, fault, found = self._read()
        if fault:
            raise WebDriverException(f"{fault['error']}: {fault['message']}")
        only = isinstance(found, dict) and set(found) == {"value"}
        return {"value": found["value"] if only else found}

    def _read(self) -> Any:
        """Read one message: its length, a colon, and JSON."""
        size = b""
        while (byte := self._file.read(1)) != b":":
            assert byte, "Firefox has ended"
            size += byte
        return json.loads(self._file.read(int(size)))
