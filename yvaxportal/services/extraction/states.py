"""How old the insurance, tax and welfare states are that a list goes by."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from yvaxportal.models.resident import EligibilityAnswer, Resident
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.sync.eligibility import TAX, WELFARE

#: Which register each rule goes by.
REGISTERS: Mapping[Rule, str] = {
    Rule.NATIONAL_HEALTH_INSURANCE: WELFARE,
    Rule.LATE_ELDERLY_INSURANCE: WELFARE,
    Rule.TAXATION: TAX,
    Rule.PUBLIC_ASSISTANCE: WELFARE,
}


@dataclass(frozen=True, slots=True)
class Freshness:
    """What counts as old.

    :param connected: the registers that have another side; of the others what staff entered is all there is.
    :param days: an answer from before so many days is old.
    :param insists: nothing is saved by states that are missing or old, but on somebody's explicit word.
    """

    connected: Collection[str]
    days: int
    insists: bool = False

    def before(self, now: datetime) -> datetime:
        """Return the moment before which an answer is old."""
        return now - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class StatesAge:
    """How old what one register said is, of the people whose states the rules look at.

    :param people: how many these are.
    :param never: of how many of them the register never said anything.
    :param old: of how many it last did so more than ``days`` days ago.
    :param oldest: when it last spoke of the one about whom it has been silent longest.
    """

    system: str
    connected: bool
    days: int
    people: int
    never: int
    old: int
    oldest: datetime | None

    @property
    def wanting(self) -> bool:
        """Tell whether the register could be asked and should."""
        return self.connected and bool(self.never or self.old)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept with a saved list; ``from_json`` gives it back."""
        return {
            "system": self.system,
            "connected": self.connected,
            "days": self.days,
            "people": self.people,
            "never": self.never,
            "old": self.old,
            "oldest": self.oldest.isoformat() if self.oldest else None,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "StatesAge":
        """Return what ``as_json`` wrote."""
        oldest = said["oldest"]
        return cls(**{**said, "oldest": datetime.fromisoformat(oldest) if oldest else None})


def systems_of(criteria: Criteria) -> tuple[str, ...]:
    """Return the registers that the criteria go by, in alphabetical order; empty for most lists."""
    return tuple(sorted({REGISTERS[rule] for rule in criteria.rules if rule in REGISTERS}))


def ages_of(
    session: Session, ids: Sequence[int], systems: Iterable[str], freshness: Freshness, now: datetime
) -> tuple[StatesAge, ...]:
    """Return how old what each register said of some residents is."""
    answer = EligibilityAnswer.__table__.c
    found = []
    for system in systems:
        known, old, oldest = session.execute(
            select(
                func.count(),
                func.count().filter(answer.as_of < freshness.before(now)),
                func.min(answer.as_of),
            ).where(answer.system == system, answer.resident_id == func.any(list(ids)))
        ).one()
        found.append(
            StatesAge(
                system=system,
                connected=system in freshness.connected,
                days=freshness.days,
                people=len(ids),
                never=len(ids) - known,
                old=old,
                oldest=oldest,
            )
        )
    return tuple(found)


def silent_about(session: Session, ids: Sequence[int], system: str, since: datetime) -> Sequence[str]:
    """Return the atena numbers of those residents of whom a register said nothing since a moment, by id."""
    person, answer = Resident.__table__.c, EligibilityAnswer.__table__.c
    return session.scalars(
        select(person.atena_number)
        .select_from(
            Resident.__table__.outerjoin(
                EligibilityAnswer.__table__,
                (answer.resident_id == person.id) & (answer.system == system),
            )
        )
        .where(person.id == func.any(list(ids)), func.coalesce(answer.as_of < since, True))
        .order_by(person.id)
    ).all()
