"""Count what report-only sees: in memory by request, in the store a few times an hour.

A request costs no write and no wait. The rows of an hour are written when it ends, and before only where they tell of at
least two more people or rules than there were writes. So there is at most one write for each person, rule and hour.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import replace

from ..core.evidence import Evidence
from ..core.model import Caller
from ..core.policy import Demand, Facts, requirement_for
from ..core.report import HOUR, Part, Place, Row, Situation, situation_of
from ..core.report_codec import pack
from ..core.rules import Policy, TenantSettings, is_clean
from ..core.stops import Stop, stop_by, stop_of
from ..errors import MFAGateError
from ..storage import ReportParts
from .access import PASS_LIFE, Judgement
from .accounts import Engine
from .report_erasure import erased_at
from .report_hours import Cell, Hour

log = logging.getLogger("mfa_gate")

MAX_ROWS = 5_000
"""The most rows of one tenant and hour; a request that would need another one is counted as dropped."""
MAX_HOURS = 48
"""The most finished hours of one tenant that wait for a store that is away."""
MAX_TENANTS = 1_000
MAX_SPOTS = 5_000
MAX_PLACES = 64
MAX_TEXT = 200
"""Longest route and path that are kept. Visitors choose paths, and must not fill memory (S-122)."""
PAUSE = 60
"""Seconds between two rounds of writing."""


def _same(method: str, path: str) -> str:
    return path


class Spot:
    """A person in a situation, at places that a policy judges alike.

    ``hit`` counts a request of a remembered browser.
    """

    __slots__ = ("_cells", "_recorder", "groups", "situation", "stop")

    def __init__(self, recorder: ReportRecorder, situation: Situation, stop: Stop, facts: Facts) -> None:
        self._recorder = recorder
        self._cells: dict[tuple[str, str, tuple[Demand, ...]], Cell] = {}
        self.situation = situation
        self.stop = stop
        self.groups = facts.groups

    def hit(self, method: str, path: str, endpoint: tuple[Demand, ...] = ()) -> None:
        """Count a request at a path that the policy judges like the one before."""
        now = int(self._recorder.engine.wiring.clock.now())
        cell = self._cells.get((method, path, endpoint))
        if cell is None or now >= cell.ends:
            if len(self._cells) >= MAX_PLACES:
                self._cells.clear()
            facts = Facts(
                tenant=self.situation.tenant,
                groups=self.groups,
                method=method,
                path=path,
                clean=is_clean(path),
                acting=self.situation.acting,
            )
            cell = self._cells[method, path, endpoint] = self._recorder.cell(self, facts, endpoint, now)
        cell.hit(now)


class ReportRecorder:
    """Use cases of recording.

    ``route_of`` names the route of a method and a path; the web layer sets it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.route_of: Callable[[str, str], str] = _same
        self._now: OrderedDict[str, Hour] = OrderedDict()
        self._over: list[tuple[str, Hour]] = []
        self._spots: OrderedDict[tuple[object, ...], Spot] = OrderedDict()
        self._places: dict[tuple[Facts, tuple[Demand, ...]], Place] = {}
        self._places_of: Policy | None = None

    # -- a request -------------------------------------------------------------------------------------------------

    def note(
        self, judgement: Judgement, caller: Caller, facts: Facts, label: str, endpoint: tuple[Demand, ...] = ()
    ) -> Spot | None:
        """Count a judged request. Returns the spot at which the next ones like it are counted.

        ``label`` names the family of the browser, ``endpoint`` are the demands of the code that answers. None where nothing
        is demanded and no account was read.
        """
        if judgement.entry is None:
            return None
        settings = self.engine.known_settings(facts.tenant)
        version = 0 if settings is None else settings.version
        who = (judgement.entry, caller.subject, caller.handle, label, caller.address, version)
        # The rules that are not met may change by time alone, where the decision stays the same.
        key = (*who, facts, endpoint, judgement.decision, self.engine.now() // PASS_LIFE)
        spot = self._spots.get(key)
        if spot is None:
            spot = self._spots[key] = self._spot(judgement, judgement.looked_at, replace(caller, label=label), facts)
            if len(self._spots) > MAX_SPOTS:
                self._spots.popitem(last=False)
        spot.hit(facts.method, facts.path, endpoint)
        return spot

    def _spot(self, judgement: Judgement, evidence: Evidence, caller: Caller, facts: Facts) -> Spot:
        """Find out what would have happened, with rules that are only watched."""
        now = self.engine.now()
        if judgement.requirement.watched:
            stop, _, _ = stop_of(judgement.requirement, evidence, now)
        else:
            stop = stop_by(judgement.decision, judgement.requirement, evidence, now)
        settings = self.engine.known_settings(facts.tenant) or TenantSettings(tenant=facts.tenant)
        return Spot(self, situation_of(caller, facts, settings, evidence.account), stop, facts)

    def unjudged(self, tenant: str, why: str) -> None:
        """Count a request that passed without a look, with the reason.

        ``away``, ``slow`` or ``fault``.
        """
        self._hour(tenant, self.engine.now()).unjudged[why] += 1

    def cell(self, spot: Spot, facts: Facts, endpoint: tuple[Demand, ...], now: int) -> Cell:
        """Find the cell of a request's row; one that is thrown away where there is no room."""
        hour = self._hour(facts.tenant, now)
        key = (spot.situation, self._place(facts, endpoint, spot, now), spot.stop)
        cell = hour.rows.get(key)
        if cell is None:
            if hour.known >= MAX_ROWS:
                hour.dropped += 1
                return Cell(now, 0)
            cell = hour.rows[key] = Cell(now, (hour.hour + 1) * HOUR)
            hour.known += 1
            hour.pairs |= {(spot.situation.id, rule) for rule in spot.stop.rules or ("",)}
        return cell

    def _place(self, facts: Facts, endpoint: tuple[Demand, ...], spot: Spot, now: int) -> Place:
        """Name the route, with a path that the policy's rules see like the real one."""
        if self._places_of is not self.engine.policy or len(self._places) > MAX_SPOTS:
            self._places_of = self.engine.policy
            self._places.clear()
        known = self._places.get((facts, endpoint))
        if known is None:
            known = self._places[facts, endpoint] = self._named(facts, endpoint, spot, now)
        return known

    def _named(self, facts: Facts, endpoint: tuple[Demand, ...], spot: Spot, now: int) -> Place:
        route = self.route_of(facts.method, facts.path)[:MAX_TEXT]
        plain = route.replace("{", "").replace("}", "")
        like = replace(facts, path=plain, clean=facts.clean)
        policy, settings = self.engine.policy, spot.situation.settings
        alike = requirement_for(policy, like, settings, now) == requirement_for(policy, facts, settings, now)
        return Place(facts.method[:16], route, plain if alike else facts.path[:MAX_TEXT], facts.clean, endpoint)

    def _hour(self, tenant: str, now: int) -> Hour:
        number = now // HOUR
        hour = self._now.get(tenant)
        if hour is not None and hour.hour == number:
            return hour
        if hour is not None:
            self._finish(tenant)
        elif len(self._now) >= MAX_TENANTS:
            self._finish(next(iter(self._now)))
        hour = self._now[tenant] = Hour(number)
        return hour

    def _finish(self, tenant: str) -> None:
        hour = self._now.pop(tenant)
        if not hour.is_empty:
            self._over.append((tenant, hour))

    # -- the store -------------------------------------------------------------------------------------------------

    async def flush(self, *, all_hours: bool = False) -> None:
        """Write the hours that are over, and what may be written of the others.

        ``all_hours`` writes all of them.

        A store that is away gets them the next time.
        """
        if not (self._now or self._over):
            return None
        now = self.engine.now()
        for tenant, hour in list(self._now.items()):
            if all_hours or hour.hour != now // HOUR:
                self._finish(tenant)
        waiting, self._over = self._over, []
        waiting += [(tenant, hour) for tenant, hour in self._now.items() if not hour.is_empty and hour.may_write(now)]
        store = self.engine.store
        for number, (tenant, hour) in enumerate(waiting):
            if not isinstance(store, ReportParts):
                return self._keep_some(waiting)
            try:
                await self._forget_erased(tenant, hour)
            except MFAGateError:
                return self._keep_some(waiting[number:])
            body, taken = pack(self.part(hour)), hour.take()
            try:
                await store.add_report_part(tenant, hour.hour, body)
            except MFAGateError as error:
                log.warning("mfa_gate: records of report-only wait for the store: %s", error)
                hour.give_back(taken)
                return self._keep_some(waiting[number:])
            hour.writes += 1
            hour.written_at = now
        return None

    async def _forget_erased(self, tenant: str, hour: Hour) -> None:
        """Leave people out who were forgotten since they were counted."""
        gone = await erased_at(self.engine, tenant, {key[0].id for key in hour.rows})
        for key, cell in list(hour.rows.items()):
            if gone.get(key[0].id, -1) >= cell.last:
                del hour.rows[key]

    def _keep_some(self, waiting: list[tuple[str, Hour]]) -> None:
        over = [(tenant, hour) for tenant, hour in waiting if self._now.get(tenant) is not hour]
        self._over = [*over, *self._over]
        per_tenant = Counter(tenant for tenant, _ in self._over)
        for tenant, hour in list(self._over):
            if per_tenant[tenant] > MAX_HOURS:
                per_tenant[tenant] -= 1
                self._over.remove((tenant, hour))
                self._hour(tenant, self.engine.now()).dropped += hour.dropped + sum(
                    cell.count for cell in hour.rows.values()
                )

    def part(self, hour: Hour) -> Part:
        """Make the part of an hour's counts."""
        policy, engine = self.engine.policy, self.engine
        rows = [
            Row(*key, cell.count, cell.first, cell.last, cell.minutes) for key, cell in hour.rows.items() if cell.count
        ]
        exempt = [path.text for rule in policy.base.exempt if rule.expires_at is None for path in rule.paths]
        return Part(
            uid=engine.wiring.entropy(8).hex(),
            app=engine.wiring.app,
            policy=policy.digest,
            hour=hour.hour,
            rows=rows,
            dropped=hour.dropped,
            unjudged=dict(hour.unjudged),
            unseen=tuple(exempt),
        )

    def unwritten(self, tenant: str) -> list[Part]:
        """Return the counts of a tenant that no store has yet."""
        mine = [hour for name, hour in self._over if name == tenant]
        if tenant in self._now:
            mine.append(self._now[tenant])
        return [self.part(hour) for hour in mine if not hour.is_empty]
