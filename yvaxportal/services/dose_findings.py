"""What can be wrong with a dose: errors, which cannot be saved, and alerts, which are saved with a reason.

A finding carries its code, the item it is about and the facts of the case. The words (cause and remedy) are
the forms' business.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

Fact = str | int | date

# Letters only, so that no key is ever taken for a personal number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class DoseError(StrEnum):
    """Impossible: cannot be saved."""

    UNKNOWN_VACCINE = "unknown_vaccine"
    VACCINE_NOT_YET = "vaccine_not_yet"
    BEFORE_BIRTH = "before_birth"
    AFTER_DEATH = "after_death"
    IN_FUTURE = "in_future"
    NUMBER_BEYOND_SERIES = "number_beyond_series"
    DOUBLE_DAY = "double_day"
    DOUBLE_NUMBER = "double_number"
    LOT_FORMAT = "lot_format"
    INSTITUTION_CODE = "institution_code"
    INSTITUTION_UNKNOWN = "institution_unknown"
    PNEUMOCOCCAL_TYPE = "pneumococcal_type"
    COVID_ITEMS = "covid_items"
    TICKET_NUMBER = "ticket_number"
    MUNICIPALITY_CODE = "municipality_code"
    STATUS_CONTRADICTS = "status_contradicts"
    IDENTITY_MISSING = "identity_missing"
    PERSONAL_NUMBER = "personal_number"
    ALREADY_CANCELLED = "already_cancelled"
    NOTHING_CHANGED = "nothing_changed"
    MERGED_AWAY = "merged_away"


class DoseAlert(StrEnum):
    """Possible but risky: saved when somebody says why (measure M01: an ineligible target has a reason)."""

    OUTSIDE_AGE = "outside_age"
    AGE_UNKNOWN = "age_unknown"
    LIVE_INTERVAL = "live_interval"
    NUMBER_GAP = "number_gap"
    NUMBER_ORDER = "number_order"
    AFTER_LEAVING = "after_leaving"
    LEAVING_DAY_UNKNOWN = "leaving_day_unknown"
    BEFORE_RESIDENCE = "before_residence"
    NOT_REGISTERED = "not_registered"
    SUPPORT_MEASURE = "support_measure"
    VACCINE_ENDED = "vaccine_ended"
    INELIGIBLE_ROUTINE = "ineligible_routine"
    LOT_MISSING = "lot_missing"
    INSTITUTION_MISSING = "institution_missing"
    INSTITUTION_NOT_YET = "institution_not_yet"
    INSTITUTION_CLOSED = "institution_closed"
    UNRESOLVED_DOUBLE = "unresolved_double"


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or alert; ``item`` is the item of the draft that staff should look at first."""

    code: DoseError | DoseAlert
    item: str
    facts: tuple[tuple[str, Fact], ...] = ()

    @property
    def key(self) -> str:
        """Return 16 letters for exactly this finding: a reason accepts it, not a graver one of its kind."""
        said = "|".join((self.code.value, *(f"{name}={value}" for name, value in self.facts)))
        return hashlib.sha256(said.encode()).hexdigest()[:16].translate(_LETTERS)

    @property
    def dose_id(self) -> int | None:
        """Return the id of the other dose that this is about, None when it is about none."""
        named = self.case.get("dose")
        return named if isinstance(named, int) else None

    @property
    def case(self) -> dict[str, Fact]:
        """Return the facts by name."""
        return dict(self.facts)


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found, in the order of the questionnaire."""

    errors: tuple[Finding, ...] = ()
    alerts: tuple[Finding, ...] = ()

    def find(self, code: DoseError | DoseAlert) -> Finding | None:
        """Return the finding with this code, None when there is none."""
        return next((one for one in (*self.errors, *self.alerts) if one.code is code), None)


@dataclass(slots=True)
class Collector:
    """Gathers findings while a draft is judged."""

    errors: list[Finding] = field(default_factory=list)
    alerts: list[Finding] = field(default_factory=list)

    def add(self, code: DoseError | DoseAlert, item: str, **facts: Fact) -> None:
        """Add a finding; facts are kept in the order of their names."""
        found = Finding(code, item, tuple(sorted(facts.items())))
        (self.errors if isinstance(code, DoseError) else self.alerts).append(found)

    def has(self, *codes: DoseError | DoseAlert) -> bool:
        """Tell whether one of these was found."""
        return any(one.code in codes for one in (*self.errors, *self.alerts))

    def findings(self) -> Findings:
        """Return what was gathered."""
        return Findings(tuple(self.errors), tuple(self.alerts))
