"""What the engine is told about a person. Plain tuples: millions of them are made in one run."""

from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from yvaxportal.values.wareki import PartialDate

CircumstanceKind: TypeAlias = Literal[
    "disease_history",
    "risk_group",
    "long_illness",
    "pregnancy",
    "antibody_low",
    "contraindication",
    "hbv_mother",
]
KINDS: frozenset[str] = frozenset(
    {
        "disease_history",
        "risk_group",
        "long_illness",
        "pregnancy",
        "antibody_low",
        "contraindication",
        "hbv_mother",
    }
)


class Circumstance(NamedTuple):
    """Something about a person that a rule asks for.

    - ``disease_history``: subject is the disease; ``starts_on`` when it was had, if known.
    - ``risk_group``: subject is ``heart``, ``kidney``, ``respiratory`` or ``hiv``; while it is known to hold.
    - ``long_illness``: subject is a programme, "" for all; ``ends_on`` is the day the reason ended.
    - ``pregnancy``: ``ends_on`` is the expected day of delivery.
    - ``antibody_low``: subject is the disease; ``starts_on`` is the day of the test.
    - ``contraindication``: subject is a vaccine, a programme or a condition; while it holds.
    - ``hbv_mother``: born to a mother who carries hepatitis B.

    An absent day leaves that side open. ``detail`` is free text and decides nothing.
    """

    kind: CircumstanceKind
    subject: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    detail: str = ""

    def holds_on(self, day: date) -> bool:
        """Tell whether the circumstance is known to hold on a day."""
        return (self.starts_on is None or self.starts_on <= day) and (
            self.ends_on is None or day <= self.ends_on
        )


class Person(NamedTuple):
    """Who is judged. ``sex`` is "1" male, "2" female, anything else unknown, as ``models.codes.Sex``."""

    birth: date | PartialDate | None
    sex: str
    circumstances: tuple[Circumstance, ...] = ()


class GivenDose(NamedTuple):
    """An active dose that was really given.

    ``vaccine`` is a code of the catalogue, ``category`` a value of ``models.codes.DoseCategory``; a dose
    given abroad counts as voluntary. ``dose_number`` is what the record says, None if it says nothing.
    """

    vaccine: str
    given_on: date
    dose_number: int | None = None
    category: str = "routine"
