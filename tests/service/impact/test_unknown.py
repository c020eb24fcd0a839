"""A replay tells of each thing that it cannot know, where it is so, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.report import Row
from mfa_gate.service.impact import unknown
from mfa_gate.service.impact.replay import _splits

from .test_replay import NINE, account, judged, row, situation

NO_GROUPS = "people whose groups are not known: rules by groups were left out"
AT_ONCE = "people with several sign-ins at once in browsers of one family"
SOME_PATHS = "routes of which a rule names some paths only"
NO_PATH = "requests whose path is not known: rules by path were left out"
HOUR = 3600

PLAIN = situation(account("ann", "totp"))
UNGROUPED = replace(PLAIN, groups=None)
EXEMPT_GROUP = "[[exempt_subjects]]\nname = 'staff'\ngroups_any = ['staff']\nreason = 'x'\npermanent = true\n"
ANY_GROUP = "[[step_up]]\nname = 'x'\npaths = ['/vault/**']\nmax_age = '5m'\ngroups_any = ['staff']\n"
NO_GROUP = "[[step_up]]\nname = 'x'\npaths = ['/vault/**']\nmax_age = '5m'\ngroups_none = ['staff']\n"
ONE_FILE = "[[step_up]]\nname = 'x'\npaths = ['=/r/7']\nmax_age = '5m'\n"
EXEMPT_FILE = "[[exempt]]\nname = 'x'\npaths = ['=/r/7']\nreason = 'x'\npermanent = true\n"


def told(text: str, *rows: Row) -> dict[str, int]:
    return dict(unknown(judged(text, *rows)))


@pytest.mark.parametrize(
    ("text", "rows", "count"),
    [
        (EXEMPT_GROUP, [row(UNGROUPED)], 1),
        (ANY_GROUP, [row(UNGROUPED)], 1),
        (NO_GROUP, [row(UNGROUPED)], 1),
        (EXEMPT_GROUP, [row(UNGROUPED), row(PLAIN, minutes=(1,))], 1),
        (EXEMPT_GROUP, [row(PLAIN)], 0),
        (ONE_FILE, [row(UNGROUPED)], 0),
    ],
)
def test_groups_matter_where_a_rule_names_groups(text: str, rows: list[Row], count: int) -> None:
    """A person without recorded groups is told of where a rule looks at groups, and else not."""
    assert told(text, *rows).get(NO_GROUPS, 0) == count


def signed_in(session: str, at: int = NINE, **more: Any) -> Row:
    return row(replace(PLAIN, session=session, **more), at=at)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([signed_in("a"), signed_in("b", NINE + HOUR - 60)], 1),
        ([signed_in("a"), signed_in("b", NINE + HOUR - 1)], 1),
        ([signed_in("a"), signed_in("b", NINE + HOUR)], 0),
        ([signed_in("a"), signed_in("a")], 0),
        ([signed_in("a"), signed_in("", NINE + 60)], 0),
        ([signed_in("a"), signed_in("b", family="Chrome")], 0),
        ([signed_in("a", handle="h"), signed_in("b", handle="h")], 0),
        ([signed_in("a"), signed_in("b", handle="h")], 0),
    ],
)
def test_two_sign_ins_of_one_hour_may_be_two_browsers(rows: list[Row], count: int) -> None:
    """Sign-ins of one hour without a cookie may be one browser or two.

    They are of one family of browsers.
    """
    assert told("", *rows).get(AT_ONCE, 0) == count


def test_sign_ins_are_apart_where_proofs_end_with_them() -> None:
    """Each sign-in is known to be asked if a proof is remembered for it alone."""
    rows = signed_in("a"), signed_in("b", NINE + 60)
    assert told("[freshness]\nremember = 'session'\n", *rows).get(AT_ONCE, 0) == 0
    assert told("", *rows)[AT_ONCE] == 1


def routed(route: str, path: str) -> Row:
    made = row(PLAIN, f"GET {path}", route=route)
    return replace(made, place=replace(made.place, path=path))


@pytest.mark.parametrize(
    ("text", "rows", "count"),
    [
        (ONE_FILE, [routed("/r/{id}", "/r/id")], 1),
        (EXEMPT_FILE, [routed("/r/{id}", "/r/id")], 1),
        (ONE_FILE, [routed("/r/{id}", "/r/id"), routed("/r/{id}", "/r/id")], 1),
        (ONE_FILE, [routed("/r/{id}", "/r/7")], 0),
        (ONE_FILE, [routed("/s/{id}", "/s/id")], 0),
        (ONE_FILE, [routed("/r/id", "/r/id")], 0),
        ("", [routed("/r/{id}", "/r/id")], 0),
    ],
)
def test_a_rule_may_name_some_paths_of_a_route(text: str, rows: list[Row], count: int) -> None:
    """A route that was recorded without its value is told of if a rule names some paths."""
    assert told(text, *rows).get(SOME_PATHS, 0) == count


def test_requests_without_a_path_are_counted_one_by_one() -> None:
    """Each record without a route counts: no rule by path could be looked at."""
    rows = [replace(one, place=replace(one.place, route="")) for one in (row(PLAIN), row(PLAIN, minutes=(1,)))]
    assert told("", *rows, row(PLAIN, minutes=(2,))).get(NO_PATH, 0) == 2


@pytest.mark.parametrize(
    ("rule", "route", "splits"),
    [
        ("=/r/7", "/r/{id}", True),
        ("/r/7/**", "/r/{id}/x", True),
        ("/r/**", "/r/{id}", False),
        ("=/r", "/r/{id}", False),
        ("=/s/7", "/r/{id}", False),
        ("=/r/7", "/r/7", False),
    ],
)
def test_a_rule_splits_a_route_at_its_value(rule: str, route: str, splits: bool) -> None:
    """A rule that ends before the value of a route names all of its paths or none."""
    assert _splits(rule, route) is splits
