"""A person's sheet is what each of its parts says alone, and holds no more than was asked."""

from dataclasses import astuple
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.doses import given as doses
from tests.people import NOW, TODAY, resident
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import (
    CircumstanceKind,
    DoubleState,
    EligibilityKind,
    EligibilityState,
    TicketState,
)
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.resident import Eligibility, Resident, ResidentNote
from yvaxportal.models.ticket import Ticket
from yvaxportal.programme.person import Circumstance
from yvaxportal.services.doubles.merges import NUMBERS
from yvaxportal.services.person_sheet import Part, person_sheet
from yvaxportal.services.resident_page import (
    DOSES,
    ELIGIBILITY,
    TICKETS,
    contact_of,
    latest_of_each,
    note_of,
)
from yvaxportal.services.residents import HOUSEHOLD, ResidentRow, find_by_atena_number

EVERYTHING = frozenset(Part)
CERTIFICATE = EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE


def row_of(db: Session, person: Resident) -> ResidentRow:
    found = find_by_atena_number(db, person.atena_number)
    assert found is not None
    return found


def furnish(db: Session, person: Resident, *, remarks: str = "要配慮") -> None:
    """Give a person something of everything."""
    staff = clerk(db, f"clerk-{person.id}")
    db.add_all(doses(person, ("mr", 1, "2021-06-01"), ("mr", 2, "2025-05-01")))
    db.add(ResidentNote(resident_id=person.id, personal_remarks=remarks, changed_at=NOW, revision=1))
    for state, begin, end in (
        (EligibilityState.NOT_HELD, date(2020, 4, 1), date(2022, 3, 31)),
        (EligibilityState.HELD, date(2022, 4, 1), None),
    ):
        db.add(
            Eligibility(
                resident_id=person.id,
                kind=CERTIFICATE,
                state=state,
                detail="1級（心臓機能障害）",
                valid_from=begin,
                valid_to=end,
                as_of=NOW,
                source="welfare",
            ),
        )
    for kind, subject, cancelled in (
        (CircumstanceKind.DISEASE_HISTORY, "measles", False),
        (CircumstanceKind.DISEASE_HISTORY, "rubella", True),
        (CircumstanceKind.NO_INVITATION, "", False),
    ):
        db.add(
            SpecialCircumstance(
                resident_id=person.id,
                kind=kind,
                subject=subject,
                starts_on=date(2021, 1, 1),
                recorded_by=staff,
                recorded_at=NOW,
                cancelled_at=NOW if cancelled else None,
                cancel_reason="誤入力" if cancelled else None,
            ),
        )
    db.add(
        ResidentDouble(
            first_id=person.id,
            second_id=resident(db).id,
            score=90,
            why=["birth_same"],
            state=DoubleState.OPEN,
            fingerprint="-",
            found_at=NOW,
            seen_at=NOW,
        )
    )
    db.add(
        Ticket(
            resident_id=person.id,
            programme="mr2",
            vaccine="mr",
            ticket_kind="1",
            dose_number=2,
            municipality_code="312029",
            ticket_number=f"{person.id:010}",
            issued_on=TODAY,
            state=TicketState.ISSUED,
        ),
    )
    db.flush()


def test_together_says_what_each_says_alone(db: Session) -> None:
    person = resident(db, household_number="0000000777", contact={"phone_number": "0859-00-0000"})
    other = resident(db, household_number="0000000777", name="見本　花子")
    furnish(db, person)

    sheet = person_sheet(db, row_of(db, person), EVERYTHING, TODAY)

    by_id = {"resident_id": person.id, "day": TODAY}
    assert sheet.contact == contact_of(db, person.id)
    assert sheet.note == note_of(db, person.id)
    assert sheet.eligibility == ELIGIBILITY.rows(db, by_id)
    assert sheet.doses == DOSES.rows(db, by_id)
    assert sheet.tickets == TICKETS.rows(db, by_id)
    household = {"household_number": "0000000777", "resident_id": person.id}
    assert sheet.household == HOUSEHOLD.rows(db, household)
    assert sheet.numbers == NUMBERS.rows(db, by_id)
    assert [one.kind for one in sheet.numbers] == ["pair"]
    assert [one.atena_number for one in sheet.household] == [other.atena_number]
    assert [one.dose_number for one in sheet.doses] == [2, 1]
    assert [one.state for one in latest_of_each(sheet.eligibility)] == [EligibilityState.HELD]
    assert sheet.circumstances == (
        Circumstance("disease_history", "measles", date(2021, 1, 1), None),
        Circumstance("risk_group", "heart", date(2022, 4, 1), None),
    )
    assert all(row.changed_at.tzinfo is not None for row in [sheet.note] if row)


@pytest.mark.parametrize("part", Part)
def test_nothing_is_read_that_was_not_asked(db: Session, part: Part) -> None:
    person = resident(db, household_number="0000000778")
    resident(db, household_number="0000000778")
    furnish(db, person)

    sheet = person_sheet(db, row_of(db, person), {part}, TODAY)

    filled = [name for name, value in zip(sheet.__dataclass_fields__, astuple(sheet), strict=True) if value]
    # A certificate stands for a risk group.
    assert filled == (["eligibility", "circumstances"] if part is Part.ELIGIBILITY else [part.value])


def test_a_person_of_whom_nothing_is_known(db: Session) -> None:
    person = resident(db)

    sheet = person_sheet(db, row_of(db, person), EVERYTHING - {Part.CONTACT}, TODAY)

    assert not any(astuple(sheet))


def test_nothing_is_joined_across_a_support_measure(db: Session) -> None:
    hidden = resident(db, household_number="0000000779", support_measure_flag=True)
    seen = resident(db, household_number="0000000779")

    assert person_sheet(db, row_of(db, hidden), EVERYTHING, TODAY).household == ()
    assert person_sheet(db, row_of(db, seen), EVERYTHING, TODAY).household == []


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_text_comes_back_exactly_as_it_is_stored(db: Session, text: str) -> None:
    person = resident(db, name="見本")
    db.add(ResidentNote(resident_id=person.id, personal_remarks=text, changed_at=NOW, revision=1))
    db.flush()

    note = person_sheet(db, row_of(db, person), {Part.NOTE}, TODAY).note

    assert note is not None
    assert note.personal_remarks == text
