"""The name of a browser, made from its user agent, which its owner recognizes.

It is only a label: no decision depends on it. It is stored in English and shown in the reader's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_PLATFORMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
UNKNOWN = "Unknown client"
"""The name of a browser that says nothing of itself."""
UNKNOWN_BROWSER = "Unknown browser"
BROWSER_ON = "%(browser)s on %(system)s"
BROWSERS, PLATFORMS = (frozenset(name for _, name in marks) for marks in (_BROWSERS, _PLATFORMS))


def browser_name(agent: str) -> str:
    """Make the name of a browser from its user agent, such as "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    platform = next((name for mark, name in _PLATFORMS if mark in agent), "")
    if browser and platform:
        return f"{browser} on {platform}"
    first = re.match(r"[A-Za-z][A-Za-z0-9_.\-]{0,30}", agent)
    return browser or platform or (first.group(0) if first else UNKNOWN)


def own_browser_name(name: str, translate: Callable[[str], str]) -> str:
    """Say a name that ``browser_name`` has made in the reader's words. Any other name stays."""
    if name == UNKNOWN:
        return translate(UNKNOWN_BROWSER)
    browser, on, system = name.partition(" on ")
    if on and browser in BROWSERS and system in PLATFORMS:
        return translate(BROWSER_ON) % {"browser": browser, "system": system}
    return name
