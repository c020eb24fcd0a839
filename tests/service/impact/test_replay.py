"""Recorded requests under other policies.

Each policy has numbers of its own, and what is not known is said.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from mfa_gate.core.assurance import VERIFIED
from mfa_gate.core.codec import encode
from mfa_gate.core.model import Account, Authenticator, Browser, Contacts, Lock, Proof, SubjectKey
from mfa_gate.core.report import Part, Place, Row, Situation
from mfa_gate.core.stops import Stop
from mfa_gate.factors import BUILT_IN
from mfa_gate.service.impact import Replay, document, people, people_csv, replay, table, total, unknown
from mfa_gate.service.report_archive import export_lines, read_line
from tests.policyfile.kinds import policy

DAY, NINE = 86_400, 1_750_032_000 + 9 * 3600
ANY = Stop("passes", "verified")
OPEN = "[enrollment]\nfirst = 'open'\n"


def account(id: str, *kinds: str, proof: int | None = None, tenant: str = "t", locked: bool = False) -> Account:
    """Make an account with an authenticator of each kind, and a proof by the first one."""
    mine = tuple(
        Authenticator(id=f"{kind}{n}", factor=kind, label="", created_at=n, data={VERIFIED: True})
        for n, kind in enumerate(kinds)
    )
    proofs: tuple[Proof, ...] = ()
    if proof is not None:
        strong = kinds[0] == "webauthn"
        made = Proof(factor=kinds[0], authenticator=mine[0].id, at=NINE - proof, network="192.0.2.1", epoch=0)
        proofs = (replace(made, phishing_resistant=strong),)
    browsers = (Browser(id="", handle="h", label="", created_at=0, proofs=proofs),) if proofs else ()
    lock = Lock(at=1, cause="administrator", ref="r") if locked else None
    return Account(key=SubjectKey(tenant, id), authenticators=mine, browsers=browsers, lock=lock)


def situation(
    mine: Account, *, groups: tuple[str, ...] | None = (), session: str = "s", family: str = "Firefox"
) -> Situation:
    """Describe a person at an address, in a browser with a cookie where something was proven."""
    return Situation(
        tenant=mine.key.tenant,
        id=mine.key.id,
        groups=groups,
        acting=False,
        session=session,
        handle="h" if mine.browsers else "",
        family=family,
        kind="browser",
        address="192.0.2.1",
        login=None,
        enabled=True,
        chosen=(),
        account=encode(mine).decode(),
    )


def row(
    who: Situation, request: str = "GET /records", *, at: int = NINE, minutes: tuple[int, ...] = (0,), route: str = ""
) -> Row:
    """Record requests of one hour, in some of its minutes."""
    method, _, path = request.partition(" ")
    bits = sum(1 << (at % 3600 // 60 + minute) for minute in minutes)
    place = Place(method, route or path, (route or path).replace("{", "").replace("}", ""))
    return Row(who, place, ANY, len(minutes), at + 60 * minutes[0], at + 60 * minutes[-1], bits)


def judged(text: str, *rows: Row, **more: object) -> Replay:
    """Judge rows under a policy."""
    part = Part(uid="u", app="shop", policy="d", hour=NINE // 3600, rows=list(rows))
    return replay(policy(text), [part], factors=BUILT_IN, **more)  # type: ignore[arg-type]


WARD = "[[step_up]]\nname = 'ward'\npaths = ['/records/**']\nphishing_resistant = true\n"
STAFF = "[[exempt_subjects]]\nname = 'staff'\ngroups_any = ['staff']\nreason = 'x'\npermanent = true\n"
READING = "[[exempt]]\nname = 'reading'\npaths = ['/records/**']\nmethods = ['GET']\nreason = 'x'\npermanent = true\n"


def test_each_policy_has_numbers_of_its_own() -> None:
    """An exempt group, an exempt path and a strong rule change who is asked, and who enrolls."""
    rows = [
        row(situation(account("ann", "totp", proof=600)), "POST /records"),
        row(situation(account("bob", "totp"), groups=("staff",)), "GET /records"),
        row(situation(account("eve")), "GET /records"),
    ]
    seen = {}
    for name, text in {"plain": "", "group": STAFF, "path": READING, "strong": WARD}.items():
        found = total(judged(OPEN + text, *rows))
        seen[name] = (found.asked, found.enroll, found.stops, found.people, found.requests)
    assert seen == {
        "plain": (1, 1, 2, 3, 3),
        "group": (0, 1, 1, 3, 3),
        "path": (0, 0, 0, 3, 3),
        "strong": (1, 3, 4, 3, 3),
    }


def test_one_answer_covers_the_requests_that_follow() -> None:
    """Prompts are counted, not requests.

    A short step-up asks again when its age is over, to the minute.
    """
    vault = "[[step_up]]\nname = 'vault'\npaths = ['/vault/**']\nmax_age = '10m'\n"
    ann = situation(account("ann", "totp"))
    found = judged(vault, row(ann, minutes=(0, 1, 2, 30)), row(ann, "GET /vault", minutes=(5, 9, 12, 14, 16, 22, 23)))
    assert [((stop.at - NINE) // 60, stop.rules) for stop in found.stops] == [
        (0, ("freshness",)),
        (12, ("vault",)),
        (22, ("vault",)),
    ]
    assert total(found).requests == 11


def test_another_browser_and_another_address_ask_again() -> None:
    """Answers count in their browser and their network."""
    ann = situation(account("ann", "totp"))
    elsewhere = replace(ann, address="198.51.100.9")
    phone = replace(ann, family="Chrome on Android", session="s2")
    found = judged("", row(ann), row(ann, minutes=(1,)), row(elsewhere, minutes=(2,)), row(phone, minutes=(3,)))
    assert [stop.why for stop in found.stops] == ["no_proof", "ip_changed", "no_proof"]


def test_walled_out_people_and_what_helps() -> None:
    """Locked, no factor that meets the rule, no contact, no ticket: each with its help."""
    rows = [
        row(situation(account("locked", "totp", locked=True)), minutes=(0, 1, 2)),
        row(replace(situation(account("new")), chosen=("email",))),
    ]
    text = "[factors]\nallowed = ['webauthn', 'email']\norder = ['webauthn', 'email']\nchoice = 'tenant'\n" + WARD
    found = judged(OPEN + text, *rows)
    told = {line.id: (line.walled_out, line.helps) for line in people(found)}
    assert told["locked"] == ("locked", "an administrator unlocks the account")
    assert told["new"] == ("no_factor", "allow a factor that meets the rule, or demand less")
    assert total(found).held == 4
    found = judged("[enrollment]\nfirst = 'ticket'\n", *rows[1:])
    assert people(found)[0].helps == "an administrator gives an enrollment ticket"
    nobody = {SubjectKey("t", "new"): Contacts()}
    found = judged("", *rows[1:], contacts=nobody)
    assert people(found)[0].walled_out == "no_contact"
    found = judged("", *rows[1:], contacts={SubjectKey("t", "new"): Contacts(email="a@b.example")})
    assert [stop.kind for stop in found.stops] == ["enroll"]
    assert judged("", *rows[1:]).unknown == {
        "people of whom nobody knows here if a contact is on file": {SubjectKey("t", "new")}
    }


def test_what_is_not_known_is_counted() -> None:
    """Requests, routes, groups and browsers that the records leave open are counted."""
    ann = situation(account("ann", "totp"), groups=None)
    part = Part(
        uid="u",
        app="",
        policy="",
        hour=NINE // 3600,
        rows=[row(ann, "GET /r/1", route="/r/{id}"), row(replace(ann, session="other"), minutes=(7,))],
        dropped=3,
        unjudged={"away": 4},
        unseen=("=/login",),
    )
    text = "[[step_up]]\nname = 'x'\npaths = ['=/r/7']\nmax_age = '5m'\ngroups_any = ['staff']\n"
    found = replay(policy(text), [part], factors=BUILT_IN)
    assert dict(unknown(found)) == {
        "requests for which there was no room in the records": 3,
        "requests that passed without a look (away)": 4,
        "exempt paths whose requests are not recorded": 1,
        "people whose groups are not known: rules by groups were left out": 1,
        "people with several sign-ins at once in browsers of one family": 1,
        "routes of which a rule names some paths only": 1,
    }
    assert total(found).stops == 1
    apart = replay(policy(text), [part], factors=BUILT_IN, by_session=True)
    assert total(apart).stops == 2


def test_tables_and_csv() -> None:
    """Every table adds up, and no cell of the list is a formula."""
    rows = [
        row(situation(account("=1+1", "totp"), groups=("staff", "boss"))),
        row(situation(account("ann", "totp", tenant="u")), at=NINE + DAY, minutes=(0, 1, 2)),
    ]
    found = judged("", *rows)
    for name in ("rule", "tenant", "application", "route", "browser", "day"):
        lines = table(found, name)
        assert sum(line.stops for line in lines) == 2, name
        if name != "rule":
            assert (sum(line.people for line in lines), sum(line.requests for line in lines)) == (2, 4), name
    assert [line.name for line in table(found, "group")] == ["(no group)", "boss", "staff"]
    assert [line.name for line in table(found, "day")] == ["2025-06-16", "2025-06-17"]
    read = list(csv.reader(io.StringIO(people_csv(found))))
    assert [cells[1] for cells in read[1:]] == ["'=1+1", "ann"]
    whole = json.loads(json.dumps(document(policy(""), found, [])))
    assert (whole["people"], whole["stops"], len(whole["persons"])) == (2, 2, 2)


def test_an_export_reads_back() -> None:
    """Records that were written to a file say the same."""
    part = Part(
        "u", "shop", "d", NINE // 3600, [row(situation(account("ann", "totp", proof=9)))], 1, {"slow": 2}, ("=/x",)
    )
    (line,) = export_lines("t", [part])
    assert read_line(line) == ("t", part)
    for wrong in ("{}", '{"report": 2}', line.replace('"rows":[[0', '"rows":[[7'), line.replace('"hour":', '"hours":')):
        with pytest.raises(ValueError, match=r"no (part|row|situation)"):
            read_line(wrong)


def test_the_lines_of_each_table() -> None:
    """Each dimension names what is not known, and counts people once and requests each time."""
    plain = row(situation(account("ann", "totp"), family=""), "GET /records", minutes=(0, 1))
    known = row(situation(account("eve"), groups=("a", "b")), "GET /records/1", route="/records/{id}")
    never = row(situation(account("zoe", "totp"), groups=None), "GET /x", at=NINE + DAY)
    hour = NINE // 3600
    parts = [
        Part(uid="u", app="", policy="d", hour=hour, rows=[plain, known]),
        Part(uid="v", app="shop", policy="d", hour=hour + 24, rows=[never]),
    ]
    found = replay(policy(OPEN), parts, factors=BUILT_IN)

    def lines(dimension: str) -> dict[str, tuple[int, ...]]:
        return {
            line.name: (line.asked, line.enroll, line.stops, line.people, line.requests)
            for line in table(found, dimension)
        }

    assert lines("application") == {"-": (1, 1, 2, 2, 3), "shop": (1, 0, 1, 1, 1)}
    assert lines("browser") == {"-": (1, 0, 1, 1, 2), "Firefox": (1, 1, 2, 2, 2)}
    assert lines("tenant") == {"t": (2, 1, 3, 3, 4)}
    assert lines("group") == {
        "(no group)": (1, 0, 1, 1, 2),
        "a": (0, 1, 1, 1, 1),
        "b": (0, 1, 1, 1, 1),
        "(not known)": (1, 0, 1, 1, 1),
    }
    assert lines("route") == {
        "GET /records": (1, 0, 1, 1, 2),
        "GET /records/{id}": (0, 1, 1, 1, 1),
        "GET /x": (1, 0, 1, 1, 1),
    }
    assert lines("day") == {"2025-06-16": (1, 1, 2, 2, 3), "2025-06-17": (1, 0, 1, 1, 1)}
    assert [line.name for line in table(found, "day")] == ["2025-06-16", "2025-06-17"]
    assert [line.name for line in table(found, "application")] == ["-", "shop"]
    assert (found.first, found.last) == (NINE, NINE + DAY)


def test_the_people_who_would_be_stopped() -> None:
    """The walled out come first, then the most often asked, each with a help."""
    rows = [
        row(situation(account("ann", "totp"))),
        row(situation(account("eve")), minutes=(0, 1, 2)),
        row(situation(account("sue", "totp", locked=True)), minutes=(0, 1)),
    ]
    found = people(judged(OPEN, *rows))
    told = [
        (line.id, line.requests, line.asked, line.enrolls, bool(line.walled_out), bool(line.helps), line.first_at)
        for line in found
    ]
    assert told == [
        ("sue", 2, 0, False, True, True, NINE),
        ("ann", 1, 1, False, False, False, NINE),
        ("eve", 3, 1, True, False, False, NINE),
    ]


def test_what_no_gate_has_seen_is_counted() -> None:
    """Dropped requests, requests that passed without a look and exempt paths are all said."""
    part = Part(
        uid="u", app="shop", policy="d", hour=1, rows=[], dropped=3, unjudged={"away": 2}, unseen=("/health", "/x")
    )
    told = dict(unknown(replay(policy(OPEN), [part, part], factors=BUILT_IN)))
    assert told == {
        "requests for which there was no room in the records": 6,
        "requests that passed without a look (away)": 4,
        "exempt paths whose requests are not recorded": 2,
    }


def test_real_proofs_count_beside_the_answers_that_would_have_been_given() -> None:
    """A later real proof is known, and the same proof counts once."""
    mail = "[[step_up]]\nname = 'mail'\npaths = ['/mail/**']\nfactors_any = ['email']\n"
    text = "[factors]\nallowed = ['totp', 'email']\norder = ['totp', 'email']\n" + mail
    before = replace(situation(account("ann", "email", "totp")), handle="h")
    after = situation(account("ann", "email", "totp", proof=-60))
    found = judged(text, row(before), row(after, "GET /mail", minutes=(5,)))
    assert [((stop.at - NINE) // 60, stop.rules) for stop in found.stops] == [(0, ("freshness",))]
    found = judged(text, row(before), row(before, "GET /mail", minutes=(5,)))
    assert [((stop.at - NINE) // 60, stop.rules) for stop in found.stops] == [(0, ("freshness",)), (5, ("mail",))]


def test_a_second_authenticator_of_a_kind_that_is_held() -> None:
    """A person whose passkey verifies nobody enrolls another one, once, and is let in.

    The enrolled one would else be taken for the one that is held, and the person stopped again and again.
    """
    mine = account("ann", "webauthn")
    plain = replace(mine, authenticators=tuple(replace(one, data={}) for one in mine.authenticators))
    strict = (
        "[factors]\nallowed = ['webauthn', 'totp']\norder = ['webauthn', 'totp']\n"
        "[[step_up]]\nname = 'vault'\npaths = ['/vault/**']\nuser_verification = true\n"
    )
    found = judged(strict, row(situation(plain), "GET /vault/1", minutes=(0, 3)))
    assert [(stop.kind, (stop.at - NINE) // 60) for stop in found.stops] == [("asked", 0), ("enroll", 0)]
    assert (total(found).asked, total(found).enroll, total(found).stops) == (1, 1, 2)


def test_the_file_of_people_tells_who_enrolls() -> None:
    """A person who is only asked has a no."""
    rows = [row(situation(account("ann", "totp"))), row(situation(account("eve")))]
    read = list(csv.DictReader(io.StringIO(people_csv(judged(OPEN, *rows)))))
    assert {line["id"]: (line["enrolls"], line["stops"]) for line in read} == {"ann": ("no", "1"), "eve": ("yes", "1")}


def test_a_request_at_midnight_is_of_the_new_day() -> None:
    """Stops and traffic of one moment are on one line."""
    midnight = NINE - 9 * 3600
    found = judged("", row(situation(account("ann", "totp")), at=midnight))
    (line,) = table(found, "day")
    assert (line.name, line.stops, line.people, line.requests) == ("2025-06-16", 1, 1, 1)


def test_people_who_are_held_up_longest_come_first() -> None:
    """The requests of people who are walled out weigh as much as stops."""
    locked = row(situation(account("sue", "totp", locked=True)), minutes=(0, 1))
    parts = [
        Part(uid="u", app="a", policy="d", hour=NINE // 3600, rows=[row(situation(account("ann", "totp")))]),
        Part(uid="v", app="b", policy="d", hour=NINE // 3600, rows=[replace(locked, count=10)]),
    ]
    found = replay(policy(OPEN), parts, factors=BUILT_IN)
    assert [(line.name, line.stops, line.held) for line in table(found, "application")] == [("b", 0, 10), ("a", 1, 0)]
    assert [stop.requests for stop in found.stops if stop.kind == "walled-out"] == [9, 1]
