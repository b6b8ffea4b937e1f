"""What the tax register tells: whether a person, and their whole household, pays municipal tax."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TaxationState(StrEnum):
    """Municipal inhabitant's tax. ``unknown``: the register cannot say (moved in, not decided)."""

    EXEMPT = "exempt"
    TAXED = "taxed"
    NOT_FILED = "not_filed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Taxation:
    """One person's state for one fiscal year (April to March), as of an instant (record item 40)."""

    atena_number: str
    fiscal_year: int
    state: TaxationState
    as_of: datetime


@dataclass(frozen=True, slots=True)
class HouseholdTaxation:
    """The household as a whole: exempt only when every member is; in doubt when one of them is.

    :param members: state by atena number.
    """

    household_number: str
    fiscal_year: int
    state: TaxationState
    members: Mapping[str, TaxationState]
    as_of: datetime
