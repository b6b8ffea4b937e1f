"""What the resident page shows of a person: rows as they are shown, and how each is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, Date, bindparam, func, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.base import columns_for
from yvaxportal.models.codes import (
    DoseCategory,
    DoseState,
    EligibilityKind,
    EligibilityState,
    Judgement,
    TicketState,
)
from yvaxportal.models.dose import Dose, MedicalInstitution
from yvaxportal.models.readings import Reading
from yvaxportal.models.resident import Eligibility, ResidentContact, ResidentNote, SupportMeasure
from yvaxportal.models.ticket import Ticket

DOSES_SHOWN = 300
TICKETS_SHOWN = 100


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
    """One ticket. ``programme`` is empty for one of another system; ``void_reason`` says why it is void."""

    id: int
    programme: str

    vaccine: str
    ticket_kind: str
    dose_number: int
    municipality_code: str
    ticket_number: str
    issued_on: date
    state: TicketState
    void_reason: str | None


# Built once, on the tables: a statement costs more to put together than to send.
_contact, _note, _eligibility = ResidentContact.__table__.c, ResidentNote.__table__.c, Eligibility.__table__.c
_dose, _institution, _ticket = Dose.__table__.c, MedicalInstitution.__table__.c, Ticket.__table__.c
_measure = SupportMeasure.__table__.c
_RESIDENT = bindparam("resident_id", type_=BigInteger)
_DAY = bindparam("day", type_=Date)
_PLACE = func.coalesce(_institution.name, _dose.medical_institution_name).label("institution")

CONTACT = Reading(
    ContactRow, select(*columns_for(ResidentContact, ContactRow)).where(_contact.resident_id == _RESIDENT)
)
NOTE = Reading(NoteRow, select(*columns_for(ResidentNote, NoteRow)).where(_note.resident_id == _RESIDENT))
#: Every period in force on a day, the one that began last at the end.
ELIGIBILITY = Reading(
    EligibilityRow,
    select(*columns_for(Eligibility, EligibilityRow))
    .where(
        _eligibility.resident_id == _RESIDENT,
        _eligibility.valid_from <= _DAY,
        or_(_eligibility.valid_to.is_(None), _eligibility.valid_to >= _DAY),
    )
    .order_by(_eligibility.valid_from),
)
#: Doses, newest first, cancelled ones included.
DOSES = Reading(
    DoseRow,
    select(*(_PLACE if name == "institution" else _dose[name] for name in DoseRow.__dataclass_fields__))
    .select_from(Dose.__table__)
    .outerjoin(MedicalInstitution.__table__, _institution.id == _dose.medical_institution_id)
    .where(_dose.resident_id == _RESIDENT)
    .order_by(_dose.given_on.desc(), _dose.id.desc())
    .limit(DOSES_SHOWN),
)
#: Tickets, newest first.
TICKETS = Reading(
    TicketRow,
    select(*columns_for(Ticket, TicketRow))
    .where(_ticket.resident_id == _RESIDENT)
    .order_by(_ticket.issued_on.desc(), _ticket.id.desc())
    .limit(TICKETS_SHOWN),
)
_MEASURE_ENDS = select(func.max(_measure.ends_on)).where(
    _measure.resident_id == _RESIDENT, _measure.lifted_at.is_(None)
)


def contact_of(session: Session, resident_id: int) -> ContactRow | None:
    """Return the contact of a resident, None when nothing is known."""
    return CONTACT.row(session, {"resident_id": resident_id})


def note_of(session: Session, resident_id: int) -> NoteRow | None:
    """Return the remarks on a resident, None when there are none."""
    return NOTE.row(session, {"resident_id": resident_id})


def tickets_of(session: Session, resident_id: int) -> Sequence[TicketRow]:
    """Return the tickets of a resident, newest first."""
    return TICKETS.rows(session, {"resident_id": resident_id})


def latest_of_each(rows: Iterable[EligibilityRow]) -> Sequence[EligibilityRow]:
    """Return of each kind the period that began last, in the order of the record items."""
    latest = {row.kind: row for row in rows}
    return [latest[kind] for kind in EligibilityKind if kind in latest]


def support_measure_until(session: Session, resident_id: int) -> date | None:
    """Return until when the support measure was asked for; it does not lift by itself (None: no dates)."""
    until: date | None = session.scalar(_MEASURE_ENDS, {"resident_id": resident_id})
    return until
