"""Everything that the page of one resident tells, read in one statement, and only what the reader may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from yvaxportal.models.readings import Reading, rows_of, statement_of
from yvaxportal.programme.person import Circumstance
from yvaxportal.services.circumstances import CIRCUMSTANCES, certified
from yvaxportal.services.doubles.merges import NUMBERS, Standing
from yvaxportal.services.resident_page import (
    CONTACT,
    DOSES,
    ELIGIBILITY,
    NOTE,
    TICKETS,
    ContactRow,
    DoseRow,
    EligibilityRow,
    NoteRow,
    TicketRow,
)
from yvaxportal.services.residents import HOUSEHOLD, HouseholdMember, ResidentRow


class Part(StrEnum):
    """What can be asked about a person."""

    CONTACT = "contact"
    NOTE = "note"
    ELIGIBILITY = "eligibility"
    CIRCUMSTANCES = "circumstances"
    DOSES = "doses"
    TICKETS = "tickets"
    HOUSEHOLD = "household"
    NUMBERS = "numbers"


_READINGS: Mapping[Part, Reading[Any]] = {
    Part.CONTACT: CONTACT,
    Part.NOTE: NOTE,
    Part.ELIGIBILITY: ELIGIBILITY,
    Part.CIRCUMSTANCES: CIRCUMSTANCES,
    Part.DOSES: DOSES,
    Part.TICKETS: TICKETS,
    Part.HOUSEHOLD: HOUSEHOLD,
    Part.NUMBERS: NUMBERS,
}


@dataclass(frozen=True, slots=True)
class PersonSheet:
    """What was asked about a person; empty where nothing is known or nothing was asked.

    ``eligibility``: every period in force. ``circumstances``: with those that a certificate stands for, where
    eligibility was asked too.
    """

    contact: ContactRow | None
    note: NoteRow | None
    eligibility: Sequence[EligibilityRow]
    circumstances: tuple[Circumstance, ...]
    doses: Sequence[DoseRow]
    tickets: Sequence[TicketRow]
    household: Sequence[HouseholdMember]
    numbers: Sequence[Standing]


def person_sheet(session: Session, resident: ResidentRow, parts: Collection[Part], day: date) -> PersonSheet:
    """Return some parts of what is known about a person.

    :param day: on which eligibility holds.
    """
    # Nothing is joined across a support measure: the page of a protected person does not lead to the others.
    asked = frozenset(parts) - ({Part.HOUSEHOLD} if resident.support_measure_flag else set())
    found: Mapping[str, list[Any]] = {}
    if asked:
        values = {"resident_id": resident.id, "day": day, "household_number": resident.household_number}
        # Asked of the connection: what a session adds is for mapped objects, and there are none.
        row = session.connection().execute(_statement(asked), values).one()
        found = rows_of(_readings(asked), row)
    contacts, notes = found.get(Part.CONTACT), found.get(Part.NOTE)
    eligibility = found.get(Part.ELIGIBILITY, ())
    return PersonSheet(
        contact=contacts[0] if contacts else None,
        note=notes[0] if notes else None,
        eligibility=eligibility,
        circumstances=(*found.get(Part.CIRCUMSTANCES, ()), *certified(eligibility)),
        doses=found.get(Part.DOSES, ()),
        tickets=found.get(Part.TICKETS, ()),
        household=found.get(Part.HOUSEHOLD, ()),
        numbers=found.get(Part.NUMBERS, ()),
    )


def _readings(asked: frozenset[Part]) -> Mapping[str, Reading[Any]]:
    return {part: reading for part, reading in _READINGS.items() if part in asked}


@lru_cache(maxsize=2 ** len(Part))
def _statement(asked: frozenset[Part]) -> Select[*tuple[Any, ...]]:
    """Return the statement for some parts; readers of the same groups ask the same ones."""
    return statement_of(_readings(asked))
