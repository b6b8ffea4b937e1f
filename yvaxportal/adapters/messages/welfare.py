"""What the welfare registers tell: insurance, public assistance, disability (record items 37 to 39, 41)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class WelfareKind(StrEnum):
    """Which register."""

    NATIONAL_HEALTH_INSURANCE = "national_health_insurance"
    LATE_ELDERLY_INSURANCE = "late_elderly_insurance"
    PUBLIC_ASSISTANCE = "public_assistance"
    PHYSICAL_DISABILITY_CERTIFICATE = "physical_disability_certificate"


class WelfareState(StrEnum):
    """Held, not held, or the register cannot say."""

    HELD = "held"
    NOT_HELD = "not_held"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WelfarePeriod:
    """One period of one state. ``valid_to`` is the last day, None while it goes on.

    :param detail: for the disability certificate its grade (``1`` to ``6``) and kind; as received.
    """

    kind: WelfareKind
    state: WelfareState
    valid_from: date
    valid_to: date | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class WelfareHistory:
    """All periods of one person, oldest first, never overlapping within a kind."""

    atena_number: str
    periods: tuple[WelfarePeriod, ...]
    as_of: datetime

    def on(self, kind: WelfareKind, day: date) -> WelfareState:
        """Return the state on ``day``; ``unknown`` where no period says anything."""
        for period in self.periods:
            if period.kind is kind and period.valid_from <= day <= (period.valid_to or date.max):
                return period.state
        return WelfareState.UNKNOWN
