"""Until when doses that a long illness kept from are caught up (長期療養特例, 施行令3条2項)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yvaxportal.programme.schedule import Schedule
from yvaxportal.values.ages import day_age_is_reached


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day for some programmes."""

    programmes: tuple[str, ...]
    last: date


def deadlines(
    schedule: Schedule, birth: date | None, subject: str, ended_on: date, today: date
) -> Sequence[Deadline]:
    """Return the last days, the latest first, programmes of the same day together.

    Years are counted from the day on which the reason ended; an upper age of a programme can end it earlier.
    Whether the illness fell into a programme's ordinary time is the forecast's to say, not this list's.

    :param subject: the programme that the illness was entered for, "" for all.
    :param today: the day whose rules are asked; rules of then where that is earlier than the end.
    """
    found: dict[date, list[str]] = {}
    for code, programme in schedule.programmes.items():
        rule = programme.rule_on(max(today, ended_on))
        if rule is None or rule.long_illness is None or subject not in {"", code}:
            continue
        last = day_age_is_reached(ended_on, rule.long_illness.years)
        if rule.long_illness.until is not None:
            if birth is None:
                continue
            last = min(last, rule.long_illness.until.day(birth, last=True))
        if last >= ended_on:
            found.setdefault(last, []).append(code)
    return [Deadline(tuple(found[last]), last) for last in sorted(found, reverse=True)]
