"""The known ways round a second factor, each with the requirement that closes it.

A row is told as the attacker would tell it. The tests that hold a row are found by its requirement: their docstrings name it.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parent.parent
REQUIREMENT = re.compile(r"\b[SF]-\d{1,3}\b")
SHOWN = 3
"""Tests that a row of the table names at most."""


class Way(NamedTuple):
    """One way round, and where it was seen in the field ("" for one that we found ourselves).

    ``tests`` names tests of a way that no requirement closes.
    """

    way: str
    requirements: str
    seen: str = ""
    tests: tuple[str, ...] = ()


WAYS: dict[str, tuple[Way, ...]] = {
    "Past the gate": (
        Way(
            "A websocket that the middleware does not judge",
            "S-1",
            "GO-2022-0385; middleware built on `BaseHTTPMiddleware`",
        ),
        Way("A path that the router serves and the list of protected paths misses (`/admin%0a`)", "S-2 S-5"),
        Way("A `Host` header that changes which address is judged", "S-3", "CVE-2026-48710, PYSEC-2026-248"),
        Way("An exemption by a pattern that also matches the query", "S-4", "CVE-2025-54576"),
        Way(
            "Encoded, doubled or dotted segments that reach a guarded page by an exempt prefix",
            "S-5",
            "GHSA-3q34-rx83-r6mq, CVE-2021-32637",
        ),
        Way(
            "A header that says the request is internal, or names another path or method",
            "S-6",
            "CVE-2025-29927, CVE-2026-34457, CVE-2026-40575",
        ),
        Way("A root path of a proxy, or a mount, that moves the exemptions", "S-7"),
        Way("Documentation, static files or a mounted app that answer by themselves", "S-8", "CVE-2022-24857"),
        Way("HEAD, a lower-case method, or a preflight that is none", "S-9", "CVE-2026-94379"),
        Way("A route outside of the middleware, or a session layer inside of it", "S-10"),
        Way("A fault of identity, policy, store or clock that lets the request through", "S-11 F-1"),
        Way("Two cookies or two tokens of which the gate reads one and the app the other", "S-12 S-14"),
        Way("A bearer token, an API key or Basic beside the session, which nobody gates", "S-13", "CVE-2021-39890"),
        Way("A socket or a stream that stays open after the lock or the sign-out", "S-15"),
        Way("A cache on the way that hands a page or a refusal to somebody else", "S-18", "CVE-2023-30861"),
        Way("Early data of TLS that is sent a second time", "S-19", "RFC 8470"),
        Way(
            "An account with a passkey alone, which some paths take for one without a factor", "S-81", "CVE-2026-73278"
        ),
        Way(
            "A forged forwarding header that makes a strange network a known one",
            "S-108 S-109",
            "CVE-2025-59152, CVE-2026-76835",
        ),
        Way("An address in another spelling, or one that nobody can parse", "S-110 S-111"),
        Way("A refused form that the gate sends again by itself, as somebody wants it", "S-16 S-102"),
        Way("An exemption, or a route of the app, over the gate's own addresses", "S-107"),
        Way(
            "Bytes that make a reader fail, or a fault that opens",
            "S-80 F-1",
            "",
            ("fuzz/test_fuzz.py::test_any_bytes",),
        ),
    ),
    "With somebody's session": (
        Way(
            "The cookie of before, sent again after sign-out, lock or expiry",
            "S-20",
            "signed cookies of many frameworks",
        ),
        Way("Another person's session under a proof that was given before", "S-21", "GHSA-9phw-7h96-q3rv"),
        Way("A cookie that the attacker has planted before the proof", "S-22"),
        Way("Two cookies of the gate's name, one in another spelling, or one with foreign bytes behind it", "S-25"),
        Way("A cookie that a script, another site or plain HTTP reads", "S-24"),
        Way("Another address, which is to cost an attempt or lock its owner out", "S-111"),
        Way(
            "A text of a neighbour in the same database, after which the gate hears of no change any more",
            "S-26",
            "",
            ("stores/postgres/test_invalidation.py::test_any_text_ends_no_listening",),
        ),
        Way("A form or a call that names whose account it is for", "S-23 S-86", "GHSA-5vfx-8w6m-h3v4, CVE-2020-5240"),
        Way("An old session that lives on after a changed password, factor or lock", "S-26", "CVE-2023-31140"),
        Way("A sign-in that was left waiting, finished days later", "S-27"),
        Way("Activity that keeps a proof young", "S-29"),
        Way("The same person by another spelling of the name, with a counter of its own", "S-40"),
        Way("A clock that steps back and makes a dead code or proof good again", "S-118 F-15"),
        Way(
            "A link to a page elsewhere that begins like one of ours (`/\\evil`, `///evil`)",
            "S-101",
            "CVE-2021-32618, CVE-2026-82467",
        ),
    ),
    "By guessing": (
        Way(
            "A thousand guesses at once, of which many are compared before the counter is written",
            "S-31",
            "measured: 9 to 33 of 7 with read, then write",
        ),
        Way(
            "Another factor, tab, address, application or session, with guesses of its own",
            "S-32",
            "AuthQuake, CVE-2026-76213, GHSA-vfph-hjfv-cpv2",
        ),
        Way("A new code, a new sign-in or a restart that sets the counter back", "S-33"),
        Way("Waiting until the lock ends by itself", "S-34 S-35"),
        Way("A crash between comparing and counting", "S-37 F-10"),
        Way("An answer of another shape, which is compared and not counted", "S-38", "CVE-2025-12374"),
        Way("An empty code where none was ever sent", "S-45", "CVE-2025-12374"),
        Way("A tenant's administrator who unlocks an account alone, or one's own", "S-36", "CVE-2026-108066"),
        Way("A policy under which guessing pays", "S-42"),
        Way("Backup codes: guessed apart, as the only factor, or twice", "S-92 S-93"),
        Way("A code from a weak source, or one that lost its zeros", "S-43"),
        Way("A secret of an app that is short, or that the request brings", "S-63", "CVE-2024-8796"),
        Way("A wider window of time, or a code at the very end of its life", "S-62 S-47"),
        Way("Hanging up in the midst, or the same answer twice, for guesses without a charge", "F-11 F-12 F-13"),
    ),
    "With a code that somebody saw": (
        Way("One code twice, at the same moment", "S-44", "CVE-2026-107276"),
        Way(
            "One code of an app twice, in another spelling of its digits",
            "S-59 S-60 S-61",
            "CVE-2021-43177, CVE-2026-82470",
        ),
        Way("A code of one person, purpose or browser for another", "S-46"),
        Way("A code in a log, an address, an event or a page", "S-48 S-49"),
        Way("A message that goes to a number which the request names", "S-51"),
        Way("A mail scanner that opens the link first", "S-55"),
        Way("A mailbox of the telephone that records the code", "S-56"),
        Way("Text of a user that writes into the mail's head or body", "S-54"),
        Way("A restored copy of the store in which used codes are unused", "S-123 F-38"),
        Way("A page that shows where the code goes, to somebody with the password alone", "S-57"),
        Way("A page of a thief to which a phone offers the code of a text", "S-53"),
        Way("A message that comes late, or twice", "F-22"),
        Way("Two applications of which one lets a code live longer", "F-39"),
    ),
    "Through passkeys": (
        Way("An old challenge that is answered again", "S-67", "CVE-2022-42731"),
        Way("A key that was not asked for, or is another person's", "S-68 S-69", "CVE-2026-82466"),
        Way("A page in a frame of another origin that asks for the key", "S-70"),
        Way("A relying party's name taken from the request", "S-71", "PYSEC-2026-248"),
        Way("A fault of the library that counts as a success", "S-72", "CVE-2026-0723"),
        Way("A registration in the place of a proof", "S-73"),
        Way("A key without a fingerprint where the policy wants one", "S-74", "GHSA-h4fw-6r7f-w494"),
        Way("A copied key whose counter goes back", "S-75"),
        Way("A weak algorithm, or a kind of key that the policy leaves out", "S-76", "CVE-2026-8830"),
        Way("One key under two accounts", "S-77"),
        Way("A handle that tells a site whose key it is", "S-78"),
    ),
    "By setting up a factor of one's own": (
        Way(
            "Enrolling first, with the password alone, on an account that has a factor",
            "S-82 S-83",
            "CVE-2019-16766, CVE-2026-89080, CVE-2026-111949",
        ),
        Way("Adding or removing a factor with a proof of yesterday", "S-84", "CVE-2026-104106"),
        Way("A factor that counts before it was confirmed", "S-85"),
        Way("A new secret that replaces the old one before anybody confirmed it", "S-66", "CVE-2026-62232"),
        Way("The secret of an app read once more from a page", "S-65", "GHSA-fxq4-r6mr-9x64"),
        Way("A weaker method where the policy asks for a strong one", "S-89 S-90", "CVE-2026-18963"),
        Way("A change that its owner never hears of", "S-87"),
        Way("Removing the last factor", "S-88"),
        Way("A stolen copy of the store, with a row moved to another account", "S-64"),
    ),
    "Through those who help": (
        Way("An administrator's reset that sets a factor, or leaves the sessions", "S-94"),
        Way(
            "One administrator who lets somebody in alone, or lets in themselves",
            "",
            "",
            (
                "attacks/test_break_glass.py::test_one_administrator_is_not_two",
                "attacks/test_break_glass.py::test_nobody_asks_or_confirms_for_themselves",
                "attacks/test_break_glass.py::test_confirmations_at_once",
            ),
        ),
        Way(
            "A break-glass grant that outlives a lock, or that many browsers use",
            "",
            "",
            (
                "attacks/test_break_glass.py::test_it_ends_at_once",
                "attacks/test_break_glass.py::test_few_browsers_come_in_by_it",
            ),
        ),
        Way(
            "Asking for help with the password, and waiting until it opens",
            "",
            "",
            (
                "attacks/test_slow_recovery.py::test_every_contact_is_told_with_a_link_that_stops_it",
                "attacks/test_slow_recovery.py::test_a_proof_stops_it",
                "attacks/test_slow_recovery.py::test_changed_contacts_begin_the_wait_again_and_both_are_told",
            ),
        ),
        Way(
            "A signal of an identity provider that is forged, old, or meant for others",
            "",
            "",
            ("service/test_shared_signals.py::test_what_is_refused",),
        ),
        Way("An act of which nothing is written, or that its owner cannot report", "S-124 S-125 S-126"),
        Way("The last privileged administrator locked out", "F-37"),
    ),
    "By tiring people, and with their money": (
        Way("Pushing until somebody presses Yes", "S-95 S-97", "the MFA fatigue attacks of 2022"),
        Way("An approval that frees another browser than the one that asked", "S-96"),
        Way("Thousands of texts to numbers that cost, or to one person", "S-50 S-129 F-24 F-25"),
        Way("A forged report of a provider that counts as an answer", "S-128"),
        Way("A wrong number for free, or a waiting page that tells the number", "S-98"),
        Way("A provider that redirects, hangs or answers anything", "S-127 F-21"),
        Way("A jar of cookies that is full, so that the browser goes round in a circle", "F-31"),
    ),
    "From another site": (
        Way("A form of another site, without our token", "S-99", "CVE-2023-6520"),
        Way("A form that calls itself JSON", "S-100", "CVE-2021-32677, CVE-2026-82468"),
        Way("Our page in a frame, or a name that is a script", "S-103"),
        Way(
            "A body of a gigabyte, of a million fields, or one that never comes",
            "S-104",
            "CVE-2024-47874, PYSEC-2026-249",
        ),
        Way("A parameter that stands twice", "S-105"),
        Way("Words, sizes or times that tell who has a factor", "S-106"),
        Way("A tenant that counts, reads or locks in another one", "S-121"),
    ),
    "Through the store": (
        Way("Redis that throws the lock away when its memory is full", "S-112", "measured with `allkeys-lru`"),
        Way("A replica that has not heard of the lock", "S-113 S-114 F-3", "the Jepsen reports on Redis"),
        Way(
            "A request that is cancelled, and the next one reads its answer", "S-117", "CVE-2023-28858, CVE-2023-28859"
        ),
        Way("A lost or empty store, taken for one in which nobody has a factor", "F-6 F-8"),
        Way("A lost key, taken for a person without a factor", "F-19"),
        Way("Strangers who fill the caches", "S-122 F-30"),
        Way("A file of the store that others on the machine read, or a network disk that forgets", "S-116"),
        Way("A server that takes writes it will lose: a former primary, a moving slot, a power cut", "F-4 F-5 F-9"),
        Way("A store that is read and not written, while codes are taken", "F-2 F-7"),
        Way("A key that is taken for another purpose, or a new one that old workers do not know", "S-119 F-18"),
        Way("A clock that jumps ahead and locks everybody out", "F-16"),
        Way("Workers of two versions, of which the older one skips what it does not know", "F-20"),
        Way("A forked worker that shares a connection", "F-40"),
        Way("A default or repeated secret", "S-120"),
    ),
}
"""The ways by kind of attacker."""


@cache
def holding() -> dict[str, list[str]]:
    """Find the tests that name each requirement, as ``file::test``.

    Those of this folder come first.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py"), key=lambda path: (path.parent.name != "attacks", str(path))):
        text = path.read_text()
        if not REQUIREMENT.search(text):
            continue
        module = ast.parse(text)
        of_all = REQUIREMENT.findall(ast.get_docstring(module) or "")
        for node in module.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                for named in dict.fromkeys([*REQUIREMENT.findall(ast.get_docstring(node) or ""), *of_all]):
                    found.setdefault(named, []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


def ways_table() -> str:
    """Make the tables of the README: a row for each way, with its requirement and its tests."""
    tests, parts = holding(), []
    for kind, ways in WAYS.items():
        rows = [f"### {kind}", "", "| the way round | seen | requirement | held by |", "|---|---|---|---|"]
        for one in ways:
            by_id = (test for id in one.requirements.split() for test in tests.get(id, ()))
            named = list(dict.fromkeys((*one.tests, *by_id)))
            shown = ", ".join(f"`{test}`" for test in named[:SHOWN])
            rows.append(f"| {one.way} | {one.seen} | {one.requirements.replace(' ', ', ')} | {shown} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)
