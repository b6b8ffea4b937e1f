"""Who the targets of a programme are on a day, as a selection that a database can make."""

from dataclasses import dataclass
from datetime import date

from yvaxportal.programme.schedule import Programme


@dataclass(frozen=True, slots=True)
class Cohort:
    """A superset of the targets of a programme.

    Born from ``birth_from`` to ``birth_to`` (inclusive), of ``sex`` (None: both); or born from
    ``risk_born_from`` to ``risk_born_to`` and in one of the groups ``risk``. ``needs``: circumstances (kind, or
    ``kind:subject``) without which nobody is a target. Both dates are None where no birth date decides.
    ``until``: the last day of the period that was asked about.
    """

    programme: str
    birth_from: date | None
    birth_to: date | None
    sex: str | None
    risk_born_from: date | None
    risk_born_to: date | None
    risk: frozenset[str]
    needs: frozenset[str]
    until: date


def targets(programme: Programme, day: date) -> Cohort:
    """Return who is a target on ``day`` or becomes one by the end of its fiscal year."""
    raise NotImplementedError
