"""Who a run is for, as they are now: a frozen list, what an earlier run left, or one reissued ticket."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import LetterRunState, LetterState, ResidentCategory, Sex
from yvaxportal.models.extraction import ExtractionMember
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.extraction.cohort import included
from yvaxportal.services.letters.reasons import PRINTED_AGAIN, TRIED_AGAIN
from yvaxportal.values.width import fold_digits

_MEMBER, _PERSON, _CONTACT = ExtractionMember.__table__.c, Resident.__table__.c, ResidentContact.__table__.c
_LETTER = Letter.__table__.c
_BATCH = 2_000
_LEADING_CODE = re.compile(r"\s*〒?\s*(\d{3})[-－‐ー]?(\d{4})\s*")
#: Sorts behind every postal code.
_LAST = "~"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person as the letter needs them. Names and addresses stand exactly as received.

    ``released``: a second person let the letter of somebody under a support measure be printed.
    ``ticket_id``: the ticket to be printed, where it exists already.
    """

    resident_id: int
    atena_number: str
    name: str
    name_kana: str | None
    date_of_birth_written: str
    date_of_birth: date | None
    sex: Sex
    is_foreign_national: bool
    category: ResidentCategory
    protected: bool
    released: bool
    dose_number: int | None
    ticket_id: int | None
    postal_code: str
    address: str

    @property
    def place_in_pile(self) -> tuple[str, str, str]:
        """Return what the pile is sorted by: postal code, address, atena number."""
        return (self.postal_code or _LAST, self.address, self.atena_number)


def recipients(session: Session, run: LetterRun) -> Iterator[Recipient]:
    """Yield everybody a run is for, in no order."""
    for row in session.execute(_query(run), execution_options={"yield_per": _BATCH}).mappings():
        postal, address = _goes_to(row)
        yield Recipient(
            **{name: row[name] for name in _PLAIN},
            released=bool(row["released"]),
            postal_code=postal,
            address=address,
        )


def count_recipients(session: Session, run: LetterRun) -> int:
    """Return how many people a run is for."""
    return session.scalar(select(func.count()).select_from(_query(run).subquery())) or 0


_PLAIN = (
    "resident_id",
    "atena_number",
    "name",
    "name_kana",
    "date_of_birth_written",
    "date_of_birth",
    "sex",
    "is_foreign_national",
    "category",
    "protected",
    "dose_number",
    "ticket_id",
)


def _query(run: LetterRun) -> Select[Any]:
    if run.supplement_of is not None:
        return _left_by(run.supplement_of)
    if run.extraction_id is not None:
        return _on_list(run.extraction_id)
    return _of_ticket(int(run.options["ticket"]))


def _on_list(extraction_id: int) -> Select[Any]:
    return (
        _people(
            protected=or_(_PERSON.support_measure_flag, _MEMBER.support_measure),
            released=literal(value=False),
            dose_number=_MEMBER.dose_number,
        )
        .join(ExtractionMember.__table__, _MEMBER.resident_id == _PERSON.id)
        .where(_MEMBER.extraction_id == extraction_id, included())
    )


def _left_by(run_id: int) -> Select[Any]:
    """Return whose letter of a run was held or spoiled and may be printed now, with the dose it is about."""
    extraction = select(LetterRun.extraction_id).where(LetterRun.id == run_id).scalar_subquery()
    invited_to = (
        select(_MEMBER.dose_number)
        .where(_MEMBER.extraction_id == extraction, _MEMBER.resident_id == _LETTER.resident_id)
        .scalar_subquery()
    )
    on_ticket = select(Ticket.dose_number).where(Ticket.id == _LETTER.ticket_id).scalar_subquery()
    printed_since = (
        select(Letter.resident_id)
        .join(LetterRun, LetterRun.id == Letter.run_id)
        .where(
            LetterRun.supplement_of == run_id,
            LetterRun.state != LetterRunState.CANCELLED,
            Letter.sequence.is_not(None),
        )
    )
    return (
        _people(
            protected=_PERSON.support_measure_flag,
            released=_LETTER.released_at.is_not(None),
            dose_number=func.coalesce(invited_to, on_ticket),
            ticket_id=_LETTER.ticket_id,
        )
        .join(Letter.__table__, _LETTER.resident_id == _PERSON.id)
        .where(
            _LETTER.run_id == run_id,
            or_(
                and_(
                    _LETTER.state == LetterState.HELD,
                    or_(_LETTER.released_at.is_not(None), _LETTER.reason.in_(TRIED_AGAIN)),
                ),
                and_(_LETTER.state == LetterState.SPOILED, _LETTER.reason.in_(PRINTED_AGAIN)),
            ),
            _LETTER.resident_id.not_in(printed_since),
        )
    )


def _of_ticket(ticket_id: int) -> Select[Any]:
    ticket = Ticket.__table__.c
    return (
        _people(
            protected=_PERSON.support_measure_flag,
            released=literal(value=False),
            dose_number=ticket.dose_number,
            ticket_id=ticket.id,
        )
        .join(Ticket.__table__, ticket.resident_id == _PERSON.id)
        .where(ticket.id == ticket_id)
    )


def _people(
    *,
    protected: ColumnElement[bool],
    released: ColumnElement[bool],
    dose_number: ColumnElement[Any],
    ticket_id: ColumnElement[Any] | None = None,
) -> Select[Any]:
    return (
        select(
            _PERSON.id.label("resident_id"),
            _PERSON.atena_number,
            _PERSON.name,
            _PERSON.name_kana,
            _PERSON.date_of_birth_written,
            _PERSON.date_of_birth,
            _PERSON.sex,
            _PERSON.is_foreign_national,
            _PERSON.resident_category.label("category"),
            protected.label("protected"),
            released.label("released"),
            dose_number.label("dose_number"),
            (literal(None) if ticket_id is None else ticket_id).label("ticket_id"),
            _CONTACT.postal_code,
            _CONTACT.current_address,
            _CONTACT.mailing_address,
            _CONTACT.has_mailing_address,
        )
        .select_from(Resident.__table__)
        .outerjoin(ResidentContact.__table__, _CONTACT.resident_id == _PERSON.id)
    )


def _goes_to(row: Any) -> tuple[str, str]:
    """Return postal code (7 digits or empty) and address (or empty) that the letter goes to.

    A mailing address goes before the address of the register. It carries its own postal code, if any.
    """
    if row["has_mailing_address"] and (row["mailing_address"] or "").strip():
        return split_postal_code(row["mailing_address"])
    return row["postal_code"] or "", (row["current_address"] or "").strip()


def split_postal_code(written: str) -> tuple[str, str]:
    """Return the postal code that an address begins with (empty when it does not) and the rest of it."""
    found = _LEADING_CODE.match(written)
    if found is None:
        return "", written.strip()
    return fold_digits(found[1] + found[2]), written[found.end() :].strip()


def in_order(people: Sequence[Recipient]) -> list[Recipient]:
    """Return people in the order in which their letters are printed and delivered."""
    return sorted(people, key=lambda one: one.place_in_pile)
