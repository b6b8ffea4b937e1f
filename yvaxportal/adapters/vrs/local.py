"""The vaccination record system on tables of the portal, where there is no connection to it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.interfaces import IVrs
from yvaxportal.adapters.messages.common import CallContext, Page
from yvaxportal.adapters.messages.vrs import (
    LAST_CERTIFIED_DAY,
    MOST_TARGETS,
    CertificateRequest,
    IssuedCertificate,
    RowOutcome,
    VrsFlag,
    VrsRecord,
    VrsTarget,
)
from yvaxportal.adapters.own_keys import LocalExchange, cursor_after
from yvaxportal.models.codes import CertificateKind, VaccinationStatus
from yvaxportal.models.vrs import VrsCertificate, VrsDeletedDose, VrsDose, VrsTicket
from yvaxportal.values.checkdigits import is_personal_number
from yvaxportal.values.clock import jst_date

_CHUNK = 1_000
_TICKET = re.compile(r"[0-9]{10}", re.ASCII)
_ATENA = re.compile(r"[0-9]{1,15}", re.ASCII)
_RECORD_ID = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
_DOSES = range(1, 10)
#: Most characters of each text, as the columns of the ledger download have them where those are published.
_LENGTHS = {
    "manufacturer": 20,
    "lot_number": 20,
    "given_at": 30,
    "physician": 20,
    "vaccine": 100,
    "product_name": 100,
}
_MAY_BE_EMPTY = frozenset({"manufacturer", "lot_number"})
_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_NAMES = tuple(VrsRecord.__dataclass_fields__)
_SAID = tuple(name for name in _NAMES if name not in {"record_id", "registered_at"})


@implementer(IVrs)
class LocalVrs(LocalExchange):
    """Keeps tickets, doses and certificates apart from the portal's own.

    A personal number is checked and forgotten; nothing here is looked up by it. Names, birth dates and
    passports are the portal's already and are not kept a second time.
    """

    def register_targets(
        self, targets: Sequence[VrsTarget], idempotency_key: str, context: CallContext
    ) -> tuple[RowOutcome, ...]:
        """See ``IVrs``."""
        del context
        if len(targets) > MOST_TARGETS:
            raise Refused(self.system, "E0003")

        def register(session: Session) -> dict[str, Any]:
            codes = self._register(session, targets)
            return {"refused": {str(place): code for place, code in enumerate(codes) if code}}

        refused = self.once(idempotency_key, "register_targets", list(targets), register)["refused"]
        return tuple(RowOutcome(place, code=refused.get(str(place), "")) for place in range(len(targets)))

    def records(self, ticket_number: str, context: CallContext) -> tuple[VrsRecord, ...]:
        """See ``IVrs``."""
        del context
        with Session(self.engine) as session:
            self._ticket(session, ticket_number)
            return self._doses_of(session, ticket_number)

    def list_records(self, cursor: str | None, limit: int, context: CallContext) -> Page[VrsRecord]:
        """See ``IVrs``."""
        del context
        after = self.place(cursor, limit)
        own = (
            select(VrsDose)
            .where(VrsDose.municipality_code == self.municipality_code, VrsDose.id > after)
            .order_by(VrsDose.id)
            .limit(limit + 1)
        )
        with Session(self.engine) as session:
            rows = session.scalars(own).all()
        shown = rows[:limit]
        return Page(
            items=tuple(_record(row) for row in shown),
            next_cursor=cursor_after(shown[-1].id) if len(rows) > limit else None,
            as_of=self.clock(),
        )

    def register_record(self, record: VrsRecord, idempotency_key: str, context: CallContext) -> VrsRecord:
        """See ``IVrs``."""
        del context

        def register(session: Session) -> dict[str, Any]:
            self._check(session, record)
            row = _dose(session, record)
            if row is None:
                row = VrsDose(registered_at=self.clock(), record_id=uuid4().hex, **_values(record))
                session.add(row)
            elif _values(_record(row)) != _values(record):
                raise Refused(self.system, "already_recorded")
            return {"record_id": row.record_id, "registered_at": row.registered_at.isoformat()}

        said = replace(record, record_id=None, registered_at=None)
        return _told(record, self.once(idempotency_key, "register_record", said, register))

    def correct_record(self, record: VrsRecord, idempotency_key: str, context: CallContext) -> VrsRecord:
        """See ``IVrs``."""
        del context

        def correct(session: Session) -> dict[str, Any]:
            row = self._own(session, record.record_id)
            self._check(session, record)
            other = _dose(session, record)
            if other is not None and other is not row:
                raise Refused(self.system, "already_recorded")
            for name, value in _values(record).items():
                setattr(row, name, value)
            return {"record_id": row.record_id, "registered_at": row.registered_at.isoformat()}

        said = replace(record, registered_at=None)
        return _told(record, self.once(idempotency_key, "correct_record", said, correct))

    def delete_record(self, record_id: str, idempotency_key: str, context: CallContext) -> None:
        """See ``IVrs``."""
        del context

        def delete(session: Session) -> dict[str, Any]:
            known = _RECORD_ID.fullmatch(record_id)
            if not known or session.get(VrsDeletedDose, record_id) is None:
                session.delete(self._own(session, record_id))
                session.add(VrsDeletedDose(record_id=record_id, deleted_at=self.clock()))
            return {}

        self.once(idempotency_key, "delete_record", record_id, delete)

    def set_flag(
        self, ticket_number: str, flag: VrsFlag | None, idempotency_key: str, context: CallContext
    ) -> None:
        """See ``IVrs``."""
        del context

        def change(session: Session) -> dict[str, Any]:
            self._ticket(session, ticket_number).flag = flag
            return {}

        self.once(idempotency_key, "set_flag", [ticket_number, flag], change)

    def records_for_certificate(self, ticket_number: str, context: CallContext) -> tuple[VrsRecord, ...]:
        """See ``IVrs``."""
        return _certifiable(self.records(ticket_number, context))

    def issue_certificate(
        self, request: CertificateRequest, idempotency_key: str, context: CallContext
    ) -> IssuedCertificate:
        """See ``IVrs``; without two-dimensional codes, which only the Digital Agency can sign."""
        del context

        def issue(session: Session) -> dict[str, Any]:
            self._ticket(session, request.ticket_number)
            doses = _certifiable(self._doses_of(session, request.ticket_number))
            if not doses:
                raise Refused(self.system, "no_records")
            if request.kind is CertificateKind.DOMESTIC and _passport_details(request):
                raise Refused(self.system, "E0004")
            passport = (request.name_alphabet, request.passport_number, request.passport_nationality)
            if request.kind is CertificateKind.TRAVEL and not all(passport):
                raise Refused(self.system, "passport_missing")
            return {"certificate_id": self._issued(session, request, doses)}

        # A passport leaves no trace here, not even in the digest of what was asked.
        asked = [request.ticket_number, request.kind]
        issued = self.once(idempotency_key, "issue_certificate", asked, issue)["certificate_id"]
        with Session(self.engine) as session:
            row = session.scalars(select(VrsCertificate).where(VrsCertificate.certificate_id == issued)).one()
            return IssuedCertificate(
                certificate_id=row.certificate_id,
                issued_on=row.issued_on,
                kind=row.kind,
                records=tuple(_read(written) for written in row.records),
            )

    def download(self, context: CallContext) -> Iterator[VrsRecord]:
        """See ``IVrs``."""
        del context
        own = (
            select(VrsDose)
            .where(VrsDose.municipality_code == self.municipality_code)
            .order_by(VrsDose.id)
            .execution_options(yield_per=_CHUNK)
        )
        with Session(self.engine) as session, session.execute(own) as rows:
            for row in rows.scalars():
                yield _record(row)

    def _register(self, session: Session, targets: Sequence[VrsTarget]) -> list[str]:
        codes = [self._fault(target) for target in targets]
        sound = [target for target, code in zip(targets, codes, strict=True) if not code]
        asked = select(VrsTicket).where(VrsTicket.ticket_number.in_({one.ticket_number for one in sound}))
        holders = {ticket.ticket_number: ticket.atena_number for ticket in session.scalars(asked)}
        new = []
        for place, target in enumerate(targets):
            if codes[place]:
                continue
            if holders.setdefault(target.ticket_number, target.atena_number) != target.atena_number:
                codes[place] = "ticket_taken"
            else:
                new.append({"ticket_number": target.ticket_number, "atena_number": target.atena_number})
        if new:
            # What is there already, or twice among these, stays as it is.
            statement = insert(VrsTicket).values([row | {"registered_at": self.clock()} for row in new])
            session.execute(statement.on_conflict_do_nothing())
        return codes

    def _fault(self, target: VrsTarget) -> str:
        if target.municipality_code != self.municipality_code:
            return "wrong_municipality"
        numbers = _TICKET.fullmatch(target.ticket_number) and _ATENA.fullmatch(target.atena_number)
        if not numbers or not is_personal_number(target.personal_number.reveal()):
            return "bad_number"
        return ""

    def _ticket(self, session: Session, ticket_number: str) -> VrsTicket:
        found = session.get(VrsTicket, ticket_number) if _TICKET.fullmatch(ticket_number) else None
        if found is None:
            raise NotFound(self.system, "ticket")
        return found

    def _doses_of(self, session: Session, ticket_number: str) -> tuple[VrsRecord, ...]:
        rows = session.scalars(
            select(VrsDose)
            .where(
                VrsDose.ticket_number == ticket_number,
                VrsDose.municipality_code == self.municipality_code,
            )
            .order_by(VrsDose.dose_number, VrsDose.given_on)
        )
        return tuple(_record(row) for row in rows)

    def _own(self, session: Session, record_id: str | None) -> VrsDose:
        row = None
        if record_id is not None and _RECORD_ID.fullmatch(record_id):
            row = session.scalars(select(VrsDose).where(VrsDose.record_id == record_id)).one_or_none()
        if row is None:
            raise NotFound(self.system, "record")
        if row.municipality_code != self.municipality_code:
            raise Refused(self.system, "not_own")
        return row

    def _check(self, session: Session, record: VrsRecord) -> None:
        self._ticket(session, record.ticket_number)
        if record.municipality_code != self.municipality_code:
            raise Refused(self.system, "not_own")
        if record.dose_number not in _DOSES:
            raise Refused(self.system, "E0003")
        done = record.status is VaccinationStatus.DONE
        for name, longest in _LENGTHS.items():
            text = getattr(record, name)
            if text == "" and done and name in _MAY_BE_EMPTY:
                raise Refused(self.system, "E0001")
            if text is not None and (len(text) > longest or not (text or name in _MAY_BE_EMPTY)):
                raise Refused(self.system, "E0003")
            if text is not None and _UNWRITABLE.search(text):
                raise Refused(self.system, "E0002")

    def _issued(self, session: Session, request: CertificateRequest, doses: Sequence[VrsRecord]) -> str:
        issued_on = jst_date(self.clock())
        # One at a time, and none is ever deleted: the next serial is free.
        serial = (session.scalar(select(func.max(VrsCertificate.id))) or 0) + 1
        # Twelve characters, as an international certificate has at most, and not twelve digits.
        certificate_id = f"{issued_on:%Y%m}V{serial:05}"
        session.add(
            VrsCertificate(
                certificate_id=certificate_id,
                ticket_number=request.ticket_number,
                kind=request.kind,
                issued_on=issued_on,
                records=[_written(dose) for dose in doses],
            )
        )
        return certificate_id


def _dose(session: Session, record: VrsRecord) -> VrsDose | None:
    """Return what is recorded for the same dose number of the same ticket."""
    return session.scalars(
        select(VrsDose).where(
            VrsDose.ticket_number == record.ticket_number, VrsDose.dose_number == record.dose_number
        )
    ).one_or_none()


def _certifiable(doses: Sequence[VrsRecord]) -> tuple[VrsRecord, ...]:
    return tuple(
        dose
        for dose in doses
        if dose.given_on <= LAST_CERTIFIED_DAY and dose.status is VaccinationStatus.DONE
    )


def _passport_details(request: CertificateRequest) -> bool:
    """Tell whether a request says anything but whose certificate it is, and for what."""
    return request != CertificateRequest(request.ticket_number, request.kind)


def _values(record: VrsRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _SAID}


def _record(row: VrsDose) -> VrsRecord:
    return VrsRecord(**{name: getattr(row, name) for name in _NAMES})


def _told(record: VrsRecord, answer: dict[str, Any]) -> VrsRecord:
    registered_at = datetime.fromisoformat(answer["registered_at"])
    return replace(record, record_id=answer["record_id"], registered_at=registered_at)


def _written(record: VrsRecord) -> dict[str, Any]:
    """Return a record as JSON has it."""
    values = {name: getattr(record, name) for name in _NAMES}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if value is not None
    }


def _read(written: dict[str, Any]) -> VrsRecord:
    """Return the record that ``_written`` wrote."""
    return VrsRecord(
        **written
        | {
            "status": VaccinationStatus(written["status"]),
            "given_on": date.fromisoformat(written["given_on"]),
            "registered_at": datetime.fromisoformat(written["registered_at"]),
        }
    )
