"""Replay recorded requests under a policy.

Who is stopped, how often, and who cannot go on at all.

A stop is one request that is held up until the person has answered. One answer covers the requests that follow it, for as
long as its proof counts. Nothing is guessed: what the records do not say is counted as not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...core.changes.enroll_rights import is_on_file, needs_leave
from ...core.decision import Allow, Decision, Enroll, enrollable_kinds
from ...core.evidence import Evidence
from ...core.model import Contacts, SubjectKey
from ...core.policy import Facts, Requirement, requirement_for, with_endpoint
from ...core.report import Part, Row
from ...core.rules import MayBeOnFile, Policy
from ...core.stops import Stop, StopKind, stop_of
from ...factors import Registry
from .virtual_person import VirtualPerson

MOST_ANSWERS = 6
"""Answers that one request may need one after the other: a proof, an enrollment, an agreement."""
ContactsOn = Mapping[SubjectKey, Contacts]


@dataclass(frozen=True, slots=True)
class Stopped:
    """One stop of one person.

    ``requests`` counts the requests that it holds up: one, or for a person who is walled out all that come.
    """

    at: int
    key: SubjectKey
    groups: tuple[str, ...] | None
    kind: StopKind
    why: str
    rules: tuple[str, ...]
    app: str
    method: str
    route: str
    family: str
    requests: int = 1


@dataclass(slots=True)
class Seen:
    """The traffic of a person, stopped or not."""

    groups: tuple[str, ...] | None
    requests: int = 0


@dataclass(slots=True)
class Replay:
    """The result: every stop, everybody who was seen, and what could not be known.

    ``traffic`` counts the requests by application, method, route, family, day and person.
    """

    stops: list[Stopped] = field(default_factory=list)
    people: dict[SubjectKey, Seen] = field(default_factory=dict)
    traffic: dict[tuple[str, str, str, str, int, SubjectKey], int] = field(default_factory=lambda: defaultdict(int))
    unknown: dict[str, set[object]] = field(default_factory=lambda: defaultdict(set))
    counted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    first: int = 0
    last: int = 0


def replay(
    policy: Policy,
    parts: Iterable[Part],
    *,
    factors: Registry,
    contacts: ContactsOn | None = None,
    by_session: bool = False,
) -> Replay:
    """Judge the recorded requests as if ``policy`` enforced everything that it names.

    ``contacts`` are those on file, of the people whose are known. ``by_session`` takes each sign-in for a browser of its own
    where no cookie tells browsers apart.
    """
    found = Replay()
    of_people: dict[SubjectKey, list[tuple[str, Row]]] = defaultdict(list)
    for part in parts:
        if part.dropped:
            found.counted["requests for which there was no room in the records"] += part.dropped
        for why, count in (part.unjudged or {}).items():
            found.counted[f"requests that passed without a look ({why})"] += count
        for path in part.unseen:
            found.unknown["exempt paths whose requests are not recorded"].add(path)
        for row in part.rows:
            of_people[row.situation.key].append((part.app, row))
            _count(found, part.app, row)
    policy = factors.complete(policy)
    for key, rows in of_people.items():
        _Walk(policy, factors, contacts, found, VirtualPerson(factors, by_session)).walk(key, rows)
    found.stops.sort(key=lambda stop: (stop.at, str(stop.key)))
    return found


def _count(found: Replay, app: str, row: Row) -> None:
    """Count the requests of a row once.

    Those of an endpoint's own demand were counted at the gate.
    """
    key, place = row.situation.key, row.place
    seen = found.people.setdefault(key, Seen(row.situation.groups))
    seen.groups = row.situation.groups
    found.first = min(found.first or row.first, row.first)
    found.last = max(found.last, row.last)
    if not place.endpoint:
        seen.requests += row.count
        found.traffic[app, place.method, place.route, row.situation.family, row.first // 86_400, key] += row.count


@dataclass(slots=True)
class _Walk:
    """The walk through the requests of one person, in their order."""

    policy: Policy
    factors: Registry
    contacts: ContactsOn | None
    found: Replay
    person: VirtualPerson

    def walk(self, key: SubjectKey, rows: list[tuple[str, Row]]) -> None:
        moments = [
            (at, bool(row.place.endpoint), number, place, app, row)
            for number, (app, row) in enumerate(rows)
            for place, at in enumerate(row.moments())
        ]
        moments.sort(key=lambda moment: moment[:4])
        self._tell_unknown(key, [row for _, row in rows])
        walled: set[tuple[int, str, str]] = set()
        for at, is_endpoint, _, place, app, row in moments:
            here = (at, row.place.method, row.place.route)
            if is_endpoint and here in walled:
                continue  # the gate has held the request up already
            others = row.count - len(row.moments()) + 1 if place == 0 else 1
            if not self._meet(app, row, at, others):
                walled.add(here)

    def _meet(self, app: str, row: Row, now: int, requests: int) -> bool:
        """Let the person come with one request, and answer until it passes.

        Returns False if it never does.
        """
        situation, place = row.situation, row.place
        facts = Facts(
            tenant=situation.tenant,
            groups=frozenset(situation.groups or ()),
            method=place.method,
            path=place.path,
            clean=place.clean,
            acting=situation.acting,
        )
        requirement = requirement_for(self.policy, facts, situation.settings, now)
        if place.endpoint:
            requirement = with_endpoint(requirement, place.endpoint)
        for _ in range(MOST_ANSWERS):
            evidence = self.person.evidence(situation, requirement, now)
            stop, decision, strict = stop_of(requirement, evidence, now)
            if isinstance(decision, Allow):
                return True
            enrolls = ""
            if isinstance(decision, Enroll) and stop.kind == "enroll":
                stop, enrolls = self._enrollment(stop, decision, strict, evidence, now)
            self.found.stops.append(
                Stopped(
                    at=now,
                    key=situation.key,
                    groups=situation.groups,
                    kind=stop.kind,
                    why=stop.why,
                    rules=stop.rules,
                    app=app,
                    method=place.method,
                    route=place.route,
                    family=situation.family,
                    requests=requests if stop.kind == "walled-out" else 1,
                )
            )
            if stop.kind == "walled-out":
                return False
            self.person.answer(situation, decision, strict, evidence, now, enrolls=enrolls)
        return False

    def _enrollment(
        self, stop: Stop, decision: Decision, requirement: Requirement, evidence: Evidence, now: int
    ) -> tuple[Stop, str]:
        """Choose the factor that the person enrolls; without a contact on file there may be none."""
        kinds = enrollable_kinds(decision, requirement, evidence.account, evidence.traits)
        rules, traits = requirement.rules, evidence.traits

        def goes_on_file(kind: str) -> bool:
            options = rules.factors.options.get(kind)
            return traits[kind].contact == "email" or (isinstance(options, MayBeOnFile) and options.is_on_file)

        owes_contact = not evidence.holds and needs_leave(evidence, rules, traits[kinds[0]], now) is not None
        needs_contact = owes_contact or is_on_file(rules, traits[kinds[0]]) or all(map(goes_on_file, kinds))
        if self.contacts is None or evidence.subject.key not in self.contacts:
            if needs_contact:
                self.found.unknown["people of whom nobody knows here if a contact is on file"].add(evidence.subject.key)
            return stop, kinds[0]
        mine = self.contacts[evidence.subject.key]
        has = {"email": bool(mine.email), "phone": bool(mine.phone)}
        kinds = tuple(kind for kind in kinds if not goes_on_file(kind) or has.get(traits[kind].contact, True))
        if not kinds or (owes_contact and not any(has.values())):
            return Stop("walled-out", "no_contact", stop.rules), ""
        return stop, kinds[0]

    def _tell_unknown(self, key: SubjectKey, rows: list[Row]) -> None:
        """Note what the records do not say about this person."""
        rules = self.policy.rules_for(key.tenant)
        by_group = [*rules.exempt_subjects, *(rule for rule in rules.step_up if rule.groups_any or rule.groups_none)]
        if by_group and any(row.situation.groups is None for row in rows):
            self.found.unknown["people whose groups are not known: rules by groups were left out"].add(key)
        sessions: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for row in rows:
            if not row.situation.handle and row.situation.session:
                sessions[self.person.browser_of(row.situation, rules)].add((row.situation.session, row.first // 3600))
        for held in sessions.values():
            hours = defaultdict(set)
            for session, hour in held:
                hours[hour].add(session)
            if any(len(named) > 1 for named in hours.values()):
                self.found.unknown["people with several sign-ins at once in browsers of one family"].add(key)
        paths = [path for rule in rules.exempt for path in rule.paths]
        paths += [path for rule in rules.step_up for path in rule.paths]
        for row in rows:
            place = row.place
            is_made_up = place.path == place.route.replace("{", "").replace("}", "")
            if "{" in place.route and is_made_up and any(_splits(path.text, place.route) for path in paths):
                self.found.unknown["routes of which a rule names some paths only"].add((place.method, place.route))
            if not place.route:
                self.found.unknown["requests whose path is not known: rules by path were left out"].add(id(row))


def _splits(text: str, route: str) -> bool:
    """Tell if a rule's path names some paths of a route, and not others.

    It goes on where the route has a value.
    """
    rule = text.removeprefix("=").removesuffix("/**").split("/")
    parts = route.split("/")
    for mine, theirs in zip(rule, parts, strict=False):
        if theirs.startswith("{"):
            return True
        if mine != theirs:
            return False
    return False
