"""A dose as a schedule plans it, before the accidents of life and of the register."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yvaxportal.models.codes import DoseCategory

ROUTINE, VOLUNTARY = DoseCategory.ROUTINE, DoseCategory.VOLUNTARY
SUBSIDISED, TEMPORARY = DoseCategory.SUBSIDISED, DoseCategory.TEMPORARY


@dataclass(slots=True)
class Planned:
    """One dose: the vaccine's code, its number, the day, the legal category."""

    vaccine: str
    number: int
    day: date
    category: DoseCategory = ROUTINE


def later(rng: Random, day: date, days: int, spread: int) -> date:
    """Return a day ``days`` to ``days + spread`` after ``day``."""
    return day + timedelta(days=days + int(rng.random() * (spread + 1)))
