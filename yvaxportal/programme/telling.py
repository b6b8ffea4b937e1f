"""Reading birth dates, doses and circumstances as they are typed on a command line or in a table of cases."""

from datetime import date
from typing import cast

from yvaxportal.programme.person import KINDS, Circumstance, CircumstanceKind, GivenDose
from yvaxportal.values.wareki import PartialDate

CATEGORIES = frozenset({"routine", "voluntary", "subsidised", "temporary"})
_UNKNOWN = "0000-00-00"


def read_birth(text: str) -> date | PartialDate | None:
    """Return a birth date, ``2024-00-00`` where parts are unknown, None for ``0000-00-00`` or nothing.

    :raises ValueError: it is no date; the text says how to write it.
    """
    if text in {"", _UNKNOWN}:
        return None
    try:
        year, month, day = (int(part) for part in text.split("-"))
        found = PartialDate(year, month or None, day or None)
    except ValueError:
        raise ValueError(f"{text!r} is no date: write 2024-01-15, or 2024-01-00 for an unknown day") from None
    return found.exact or found


def read_dose(text: str) -> GivenDose:
    """Return the dose ``VACCINE:DATE[:NUMBER][:CATEGORY]``; ValueError when it is none."""
    vaccine, *rest = text.split(":")
    if not vaccine or not rest:
        raise ValueError(f"{text!r} is no dose: write VACCINE:DATE[:NUMBER][:CATEGORY]")
    day = _day(rest[0])
    number, category = None, "routine"
    for part in rest[1:]:
        if part.isascii() and part.isdigit():
            number = int(part)
        elif part in CATEGORIES:
            category = part
        else:
            raise ValueError(f"{part!r} is neither a dose number nor one of {', '.join(sorted(CATEGORIES))}")
    return GivenDose(vaccine, day, number, category)


def read_circumstance(text: str) -> Circumstance:
    """Return the circumstance ``KIND[:SUBJECT][:FROM][:UNTIL]``; ValueError when it is none."""
    kind, *rest = text.split(":")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(sorted(KINDS))}")
    subject = rest.pop(0) if rest and rest[0] and not rest[0][0].isdigit() else ""
    if rest and not rest[0] and len(rest) > 2:  # noqa: PLR2004
        rest.pop(0)
    days = [_day(part) if part else None for part in rest[:2]]
    if len(rest) > 2:  # noqa: PLR2004
        raise ValueError(f"{text!r} is no circumstance: write KIND[:SUBJECT][:FROM][:UNTIL]")
    days += [None] * (2 - len(days))
    return Circumstance(cast("CircumstanceKind", kind), subject, days[0], days[1])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date: write 2026-11-23") from None


__all__ = ["CATEGORIES", "read_birth", "read_circumstance", "read_dose"]
