"""Who the targets of a programme are, as a selection that a database can make."""

from dataclasses import dataclass
from datetime import date

from yvaxportal.programme.births import Births, births, joined
from yvaxportal.programme.schedule import Programme
from yvaxportal.values.fiscal import fiscal_year_end


@dataclass(frozen=True, slots=True)
class Cohort:
    """A superset of the targets of a programme from ``day`` to ``until``; ``forecast`` decides about each.

    Born within one of ``born`` (inclusive, in order), of ``sex`` (None: both); or within one of ``extended``,
    to whom the time was extended because they missed it; or within one of ``risk_born`` and in one of the
    groups ``risk``. ``birth_from``/``birth_to`` and the same with ``risk_`` span them all, None where there
    are none. ``needs``: circumstances (kind, or ``kind:subject``) without one
    of which nobody is a target, empty where somebody is without. ``pregnancies``: pregnant women, whatever
    their age. Not in it: who is a target only by the exception for a long illness.
    """

    programme: str
    day: date
    until: date
    sex: str | None
    born: tuple[Births, ...]
    extended: tuple[Births, ...]
    risk_born: tuple[Births, ...]
    risk: frozenset[str]
    needs: frozenset[str]
    pregnancies: bool
    long_illness: bool

    @property
    def birth_from(self) -> date | None:
        """The earliest birth date of those who need no risk group."""
        return self.born[0][0] if self.born else None

    @property
    def birth_to(self) -> date | None:
        """The latest birth date of those who need no risk group."""
        return self.born[-1][1] if self.born else None

    @property
    def risk_born_from(self) -> date | None:
        """The earliest birth date of those who need a risk group."""
        return self.risk_born[0][0] if self.risk_born else None

    @property
    def risk_born_to(self) -> date | None:
        """The latest birth date of those who need a risk group."""
        return self.risk_born[-1][1] if self.risk_born else None


def targets(programme: Programme, day: date, until: date | None = None) -> Cohort:
    """Return who is a target on ``day`` or becomes one by ``until``.

    :param until: by default the end of the current period: of the season under way or next, else of the
        fiscal year.
    """
    if until is None:
        until = _period_end(programme, day)
    plain: list[Births] = []
    risky: list[Births] = []
    extended: list[Births] = []
    risk: frozenset[str] = frozenset()
    needs: list[frozenset[str]] = []
    pregnancies = False
    for rule in programme.rules:
        if rule.valid_from > until or (rule.valid_to is not None and rule.valid_to < day):
            continue
        for target in rule.targets:
            pregnancies = pregnancies or target.pregnancy is not None
            found = list(births(rule, target, day, until))
            if found:
                needs.append(target.needs)
            if target.risk:
                risky += found
                risk |= target.risk if found else frozenset()
            elif target.late:
                extended += found
            else:
                plain += found
    asked = frozenset().union(*needs) if needs and all(needs) else frozenset()
    illness = any(rule.long_illness for rule in programme.rules)
    return Cohort(
        programme=programme.code,
        day=day,
        until=until,
        sex=programme.sex,
        born=tuple(joined(plain)),
        extended=tuple(joined(extended)),
        risk_born=tuple(joined(risky)),
        risk=risk,
        needs=asked,
        pregnancies=pregnancies,
        long_illness=illness,
    )


def _period_end(programme: Programme, day: date) -> date:
    season = next((rule.season for rule in reversed(programme.rules) if rule.season), None)
    if season is None:
        return fiscal_year_end(day)
    ends = (season.of_year(year)[1] for year in (day.year - 1, day.year, day.year + 1))
    return next(end for end in ends if end >= day)
