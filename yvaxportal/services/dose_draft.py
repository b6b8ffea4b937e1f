"""What is known of a dose before it is kept, and of the person and the other doses it is judged against."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Self

from yvaxportal.models.codes import (
    DeliveryCategory,
    DoseCategory,
    IdentityCheckMethod,
    IdentityDocument,
    IneligibilityJudgement,
    Judgement,
    PneumococcalType,
    ResidentCategory,
    VaccinationStatus,
)
from yvaxportal.programme.person import Circumstance
from yvaxportal.values.wareki import PartialDate


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseDraft:
    """One dose as staff enter it: the record items of the questionnaire, and the identity check (M01).

    ``institution_code`` and ``institution_name`` exclude each other. ``fee`` is in yen. From
    ``municipality_code`` to ``product_name`` are the items that only the COVID-19 record has (covid19 3, 4,
    6, 9, 11, 12).
    """

    vaccine: str
    given_on: date
    dose_number: int
    judgement: Judgement
    dose_category: DoseCategory
    delivery_category: DeliveryCategory | None = None
    ineligibility_judgement: IneligibilityJudgement | None = None
    institution_code: str | None = None
    institution_name: str | None = None
    physician: str | None = None
    lot_number: str | None = None
    fee: int | None = None
    remarks: str | None = None
    pneumococcal_type: PneumococcalType | None = None
    municipality_code: str | None = None
    ticket_number: str | None = None
    vaccination_status: VaccinationStatus | None = None
    manufacturer: str | None = None
    vaccine_kind: str | None = None
    product_name: str | None = None
    identity_method: IdentityCheckMethod | None = None
    identity_document: IdentityDocument | None = None

    def texts(self) -> dict[str, str]:
        """Return the free texts by item, those that are empty left out."""
        named = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: value for name, value in named if type(value) is str and value}

    def differences(self, other: Self) -> tuple[str, ...]:
        """Return the items in which two drafts differ, in the order of the questionnaire."""
        return tuple(
            item.name for item in fields(self) if getattr(self, item.name) != getattr(other, item.name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What of a resident decides whether a dose is possible.

    ``born`` is None when the register knows nothing of the birth date; ``left_on`` is the day on which a
    person ceased to be a resident, by death or by moving out.
    """

    born: PartialDate | None
    sex: str
    category: ResidentCategory
    became_resident_on: date | None = None
    left_on: date | None = None
    support_measure: bool = False
    circumstances: tuple[Circumstance, ...] = ()

    @property
    def birth_date(self) -> date | None:
        """Return the birth date, None unless all of it is known."""
        return self.born.exact if self.born else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDose:
    """Another active dose of the same person."""

    id: int
    vaccine: str
    dose_number: int
    given_on: date
    judgement: Judgement
    dose_category: DoseCategory = DoseCategory.ROUTINE


@dataclass(frozen=True, slots=True)
class Place:
    """A medical institution of the list: ten-digit code (None for schools and halls) and days it is open."""

    id: int
    code: str | None
    name: str
    valid_from: date
    valid_to: date | None

    def is_open(self, day: date) -> bool:
        """Tell whether the institution was on the list on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
