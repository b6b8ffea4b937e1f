"""Everything the resident page shows, in a handful of queries, each only when the reader may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import (
    DoseCategory,
    DoseState,
    EligibilityKind,
    EligibilityState,
    Judgement,
    TicketState,
)
from yvaxportal.models.dose import Dose, MedicalInstitution
from yvaxportal.models.resident import Eligibility, ResidentContact, ResidentNote, SupportMeasure
from yvaxportal.models.ticket import Ticket

DOSES_SHOWN = 300


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Where a person lives and is reached (items 9 to 15, 25, 26, 34, 35)."""

    postal_code: str | None
    current_address: str | None
    address_code: str | None
    address_town_code: str | None
    neighbourhood_association: str | None
    elementary_school_district: str | None
    junior_high_school_district: str | None
    phone_number: str | None
    address_before_moving_in: str | None
    address_after_moving_out: str | None
    mailing_address: str | None
    has_mailing_address: bool
    revision: int


@dataclass(frozen=True, slots=True)
class NoteRow:
    """Personal remarks and follow-up (items 32 and 36)."""

    personal_remarks: str | None
    follow_up: str | None
    changed_at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class EligibilityRow:
    """One eligibility as it stands, and when its source said so."""

    kind: EligibilityKind
    state: EligibilityState
    detail: str | None
    valid_from: date
    valid_to: date | None
    as_of: datetime
    source: str


@dataclass(frozen=True, slots=True)
class DoseRow:
    """One dose as the table on the page shows it."""

    id: int
    vaccine: str
    dose_number: int
    given_on: date
    judgement: Judgement
    dose_category: DoseCategory
    institution: str | None
    lot_number: str | None
    remarks: str | None
    age_when_given: int | None
    alerts: list[str]
    state: DoseState
    revision: int


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket."""

    vaccine: str
    ticket_kind: str
    dose_number: int
    municipality_code: str
    ticket_number: str
    issued_on: date
    state: TicketState


def contact_of(session: Session, resident_id: int) -> ContactRow | None:
    """Return the contact of a resident, None when nothing is known."""
    columns = [getattr(ResidentContact, name) for name in ContactRow.__dataclass_fields__]
    row = session.execute(select(*columns).where(ResidentContact.resident_id == resident_id)).one_or_none()
    return ContactRow(*row) if row else None


def note_of(session: Session, resident_id: int) -> NoteRow | None:
    """Return the remarks on a resident, None when there are none."""
    columns = [getattr(ResidentNote, name) for name in NoteRow.__dataclass_fields__]
    row = session.execute(select(*columns).where(ResidentNote.resident_id == resident_id)).one_or_none()
    return NoteRow(*row) if row else None


def eligibility_on(session: Session, resident_id: int, day: date) -> Sequence[EligibilityRow]:
    """Return the eligibilities in force on ``day``, in the order of the record items."""
    columns = [getattr(Eligibility, name) for name in EligibilityRow.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(
            Eligibility.resident_id == resident_id,
            Eligibility.valid_from <= day,
            or_(Eligibility.valid_to.is_(None), Eligibility.valid_to >= day),
        )
        .order_by(Eligibility.valid_from),
    )
    latest = {row.kind: EligibilityRow(*row) for row in rows}
    return [latest[kind] for kind in EligibilityKind if kind in latest]


def doses_of(session: Session, resident_id: int, *, limit: int = DOSES_SHOWN) -> Sequence[DoseRow]:
    """Return the doses of a resident, newest first, cancelled ones included."""
    rows: Sequence[Sequence[Any]] = session.execute(
        select(
            Dose.id,
            Dose.vaccine,
            Dose.dose_number,
            Dose.given_on,
            Dose.judgement,
            Dose.dose_category,
            func.coalesce(MedicalInstitution.name, Dose.medical_institution_name),
            Dose.lot_number,
            Dose.remarks,
            Dose.age_when_given,
            Dose.alerts,
            Dose.state,
            Dose.revision,
        )
        .outerjoin(MedicalInstitution, MedicalInstitution.id == Dose.medical_institution_id)
        .where(Dose.resident_id == resident_id)
        .order_by(Dose.given_on.desc(), Dose.id.desc())
        .limit(limit),
    ).all()
    return [DoseRow(*row) for row in rows]


def tickets_of(session: Session, resident_id: int) -> Sequence[TicketRow]:
    """Return the tickets of a resident, newest first."""
    columns = [getattr(Ticket, name) for name in TicketRow.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(Ticket.resident_id == resident_id)
        .order_by(Ticket.issued_on.desc(), Ticket.id.desc())
        .limit(100),
    )
    return [TicketRow(*row) for row in rows]


def support_measure_until(session: Session, resident_id: int) -> date | None:
    """Return until when the support measure was asked for; it does not lift by itself (None: no dates)."""
    return session.scalar(
        select(func.max(SupportMeasure.ends_on)).where(
            SupportMeasure.resident_id == resident_id,
            SupportMeasure.lifted_at.is_(None),
        ),
    )
