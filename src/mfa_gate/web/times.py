"""Put points in time and lengths of time into words.

The text is static and right without a script (U-14). Times are UTC seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .i18n import Words

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def iso(at: int) -> str:
    """Write a time as RFC 3339, for ``<time datetime>``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(at: int, words: Words) -> str:
    """Write the clock time in UTC, and say that it is UTC.

    The script puts it into the reader's zone.
    """
    return words.gettext("%(hour)02d:%(minute)02d UTC") % _parts(at, words)


def day(at: int, words: Words) -> str:
    """Write the date in UTC."""
    return words.gettext("%(month)s %(day)d, %(year)d") % _parts(at, words)


def moment(at: int, words: Words) -> str:
    """Write the date and the clock time in UTC."""
    return words.gettext("%(month)s %(day)d, %(year)d, %(hour)02d:%(minute)02d UTC") % _parts(at, words)


def whole(at: int, words: Words) -> str:
    """Write the date and the clock time with its seconds, in UTC: for evidence."""
    return words.gettext("%(month)s %(day)d, %(year)d, %(hour)02d:%(minute)02d:%(second)02d UTC") % _parts(at, words)


def length(seconds: int, words: Words) -> str:
    """Write a length in its largest whole unit, rounded: "7 days", "20 seconds"."""
    n = words.ngettext
    seconds = max(0, seconds)
    if seconds >= 2 * DAY or (seconds >= DAY and seconds % DAY == 0):
        count = round(seconds / DAY)
        return n("%(count)d day", "%(count)d days", count) % {"count": count}
    if seconds >= 2 * HOUR or (seconds >= HOUR and seconds % HOUR == 0):
        count = round(seconds / HOUR)
        return n("%(count)d hour", "%(count)d hours", count) % {"count": count}
    if seconds >= 90 or seconds == MINUTE:
        count = round(seconds / MINUTE)
        return n("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    return n("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}


def ago(at: int, now: int, words: Words) -> str:
    """Say how long ago a moment was, for a list that is read at a glance.

    A moment more than 30 days ago is written as its date.
    """
    passed = now - at
    if passed < 90:
        return words.gettext("just now")
    if passed > 30 * DAY:
        return day(at, words)
    n = words.ngettext
    if passed >= DAY:
        return n("%(count)d day ago", "%(count)d days ago", passed // DAY) % {"count": passed // DAY}
    if passed >= HOUR:
        return n("%(count)d hour ago", "%(count)d hours ago", passed // HOUR) % {"count": passed // HOUR}
    count = round(passed / MINUTE)
    return n("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}


def _parts(at: int, words: Words) -> dict[str, int | str]:
    when = datetime.fromtimestamp(at, UTC)
    month = _months(words)[when.month - 1]
    return {
        "year": when.year,
        "month": month,
        "day": when.day,
        "hour": when.hour,
        "minute": when.minute,
        "second": when.second,
    }


def _months(words: Words) -> tuple[str, ...]:
    _ = words.gettext
    return (
        _("January"),
        _("February"),
        _("March"),
        _("April"),
        _("May"),
        _("June"),
        _("July"),
        _("August"),
        _("September"),
        _("October"),
        _("November"),
        _("December"),
    )
