"""Days between different vaccines (異なる種類のワクチンの接種間隔)."""

from collections.abc import Sequence
from datetime import date, timedelta

from yvaxportal.programme.bounds import NO_END
from yvaxportal.programme.person import GivenDose
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Schedule, Spacing
from yvaxportal.values.ages import earliest_after_days_between

_DAY = timedelta(days=1)


def too_close(
    schedule: Schedule, dose: GivenDose, before: Sequence[GivenDose]
) -> tuple[Spacing, Reason, int] | None:
    """Return which rule a dose broke that came too soon after another vaccine, why, and by how many days.

    The greatest shortage is told.

    :param before: doses in order, the last of them nearest.
    """
    worst: tuple[Spacing, Reason, int] | None = None
    for other in reversed(before):
        gap = (dose.given_on - other.given_on).days
        if gap > schedule.longest_spacing:
            break
        if gap == 0:
            continue
        for spacing in schedule.between(other.vaccine, dose.vaccine):
            if spacing.valid_from <= dose.given_on <= (spacing.valid_to or NO_END) and gap <= spacing.days:
                short = spacing.days + 1 - gap
                if worst is None or short > worst[2]:
                    worst = spacing, _reason(schedule, spacing, other, short), short
    return worst


def earliest_beside(
    schedule: Schedule, vaccine: str, doses: Sequence[GivenDose], day: date
) -> tuple[date, Reason | None]:
    """Return the first day from ``day`` on which a vaccine keeps its distance from doses of others."""
    longest = schedule.longest_spacing
    near = [other for other in doses if (day - other.given_on).days <= longest]
    first, why = day, None
    moved = bool(near)
    while moved:
        moved = False
        for other in near:
            for spacing in schedule.between(other.vaccine, vaccine):
                last = spacing.valid_to or NO_END
                allowed = earliest_after_days_between(other.given_on, spacing.days)
                if spacing.valid_from <= first <= last and other.given_on < first < allowed:
                    # Where the rule ends before the days have passed nothing stands against the next day.
                    first = min(allowed, last + _DAY if last < NO_END else NO_END)
                    why = _reason(schedule, spacing, other, (allowed - day).days)
                    moved = True
    return first, why


def _reason(schedule: Schedule, spacing: Spacing, other: GivenDose, short: int) -> Reason:
    vaccine = schedule.catalogue.vaccines[other.vaccine]
    return reason(
        "too_close",
        spacing.citations[0],
        days=short,
        needed=spacing.days,
        vaccine=vaccine.name_en,
        vaccine_ja=vaccine.name_ja,
        day=other.given_on,
    )
