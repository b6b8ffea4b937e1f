"""What a list of targets is asked by: typed, checked, and the same after a round trip through JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from yvaxportal.models.codes import EligibilityState
from yvaxportal.services.extraction.rules import Rule


class CriteriaError(ValueError):
    """Criteria that cannot be: ``item`` names the field, ``problem`` is a code of ours."""

    def __init__(self, item: str, problem: str) -> None:
        super().__init__(f"{item}: {problem}")
        self.item = item
        self.problem = problem


class Wanted(StrEnum):
    """Who shall stay, of an insurance or of public assistance."""

    ANY = "any"
    HELD = "held"
    NOT_HELD = "not_held"


TAX_STATES = (
    EligibilityState.EXEMPT,
    EligibilityState.TAXED,
    EligibilityState.NOT_FILED,
    EligibilityState.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Criteria:
    """The programme, the day the rules are asked on, and the rules that are chosen.

    ``due_until``: who becomes old enough, or whose interval is over, by this day counts as due.
    ``extended``: also to whom the time was extended because they missed it (経過措置).
    ``towns`` are town codes of the address, ``schools`` names of districts as received; empty: every one.
    ``taxation``: the states that stay; empty: every one. ``doses``: take out who is done or not yet due.
    ``circumstances``: take out who has had the disease or may not be vaccinated. ``moved_in_since``: only who
    moved in (not who was born) since that day. ``still_resident``: take out who left or died by now.
    ``not_on``: take out who is on that earlier list.
    """

    programme: str
    reference_date: date
    due_until: date
    extended: bool = False
    towns: tuple[str, ...] = ()
    schools: tuple[str, ...] = ()
    national_health_insurance: Wanted = Wanted.ANY
    late_elderly_insurance: Wanted = Wanted.ANY
    taxation: tuple[EligibilityState, ...] = ()
    public_assistance: Wanted = Wanted.ANY
    doses: bool = True
    circumstances: bool = True
    no_invitation: bool = True
    moved_in_since: date | None = None
    still_resident: bool = True
    not_on: int | None = None

    def __post_init__(self) -> None:
        if self.due_until < self.reference_date:
            raise CriteriaError("due_until", "before_reference_date")
        if self.moved_in_since is not None and self.moved_in_since > self.reference_date:
            raise CriteriaError("moved_in_since", "after_reference_date")
        if not set(self.taxation) <= set(TAX_STATES):
            raise CriteriaError("taxation", "no_such_state")

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that are asked, in their order."""
        asked = {
            Rule.AREA: self.towns,
            Rule.SCHOOL: self.schools,
            Rule.NATIONAL_HEALTH_INSURANCE: self.national_health_insurance is not Wanted.ANY,
            Rule.LATE_ELDERLY_INSURANCE: self.late_elderly_insurance is not Wanted.ANY,
            Rule.TAXATION: self.taxation,
            Rule.PUBLIC_ASSISTANCE: self.public_assistance is not Wanted.ANY,
            Rule.DONE: self.doses,
            Rule.NOT_YET_DUE: self.doses,
            Rule.CIRCUMSTANCES: self.circumstances,
            Rule.NO_INVITATION: self.no_invitation,
            Rule.MOVED_IN: self.moved_in_since is not None,
            Rule.GONE: self.still_resident,
            Rule.EARLIER_LIST: self.not_on is not None,
        }
        return tuple(rule for rule in Rule if asked.get(rule, True))

    def as_json(self) -> dict[str, Any]:
        """Return the criteria as JSON holds them; ``from_json`` gives them back."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Criteria":
        """Return the criteria of a saved list.

        :raises CriteriaError: a field is missing, unknown or of the wrong kind.
        """
        unknown = said.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise CriteriaError(min(unknown), "unknown")
        values: dict[str, Any] = {}
        for name, value in said.items():
            try:
                values[name] = _READ[name](value)
            except (TypeError, ValueError):
                raise CriteriaError(name, "cannot_be_read") from None
        try:
            return cls(**values)
        except TypeError:
            raise CriteriaError("programme", "missing") from None


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError
    return tuple(_text(item) for item in value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number_or_none(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError
    return value


def _day(value: object) -> date:
    return date.fromisoformat(_text(value))


_READ = {
    "programme": _text,
    "reference_date": _day,
    "due_until": _day,
    "extended": _flag,
    "towns": _texts,
    "schools": _texts,
    "national_health_insurance": Wanted,
    "late_elderly_insurance": Wanted,
    "taxation": lambda value: tuple(EligibilityState(item) for item in _texts(value)),
    "public_assistance": Wanted,
    "doses": _flag,
    "circumstances": _flag,
    "no_invitation": _flag,
    "moved_in_since": lambda value: None if value is None else _day(value),
    "still_resident": _flag,
    "not_on": _number_or_none,
}
