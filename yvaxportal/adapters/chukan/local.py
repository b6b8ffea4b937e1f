"""The intermediate server on the portal's own tables, where staff work at its terminal by hand.

Nothing leaves the machine: what is asked here waits until staff have done it at the terminal (接続端末) and
entered what it showed (``terminal``). There is nothing to encrypt, since nothing is sent.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Delete, delete, func, or_, select
from sqlalchemy.orm import Session
from zope.interface import implementer

from yvaxportal.adapters.chukan.checks import (
    MOST_COPIES,
    MOST_ITEMS,
    fault_of_items,
    fault_of_number,
    fault_of_subject,
    is_id,
    is_sub_copy,
)
from yvaxportal.adapters.chukan.terminal import ANSWERS_KEPT, Terminal, written_items
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.interfaces import IChukan
from yvaxportal.adapters.messages.chukan import (
    BatchState,
    CodeState,
    ExchangeRecord,
    ExpiredDeletion,
    InformationItem,
    InquiryAnswer,
    InquiryState,
    InquiryStatus,
    InquirySubject,
    LinkageCodeState,
    OperatorRights,
    PermittedInquiry,
    ProvisionRequest,
    ProvisionState,
    ServerStatistics,
    SubCopy,
    SubCopyOutcome,
)
from yvaxportal.adapters.messages.common import CallContext, Page
from yvaxportal.adapters.own_keys import MOST, cursor_after
from yvaxportal.models.chukan import (
    ChukanBatch,
    ChukanCode,
    ChukanExchangeRecord,
    ChukanInquiry,
    ChukanProvision,
    ChukanStatistic,
    ChukanSubCopy,
)
from yvaxportal.models.staff import GroupMembership, StaffAccount
from yvaxportal.values.clock import JST, jst_date

RECORDS_KEPT_YEARS: Final = 7
PROVISIONS_KEPT: Final = timedelta(days=30)
#: What every operator may do, and what administrators may do beside it.
FUNCTIONS: Final = frozenset({"inquiry", "provision", "sub_copy", "exchange_record"})
MANAGEMENT: Final = "management"

_ADMINISTRATOR = "administrator"
_OPEN = frozenset(
    {InquiryState.REQUESTED, InquiryState.ACCEPTED, InquiryState.PERMITTED, InquiryState.MANUAL_WAIT}
)
_WAITING = frozenset({ProvisionState.WAITING, ProvisionState.WITHHELD})
_COPY = ("record_id", "atena_number", "version", "published_from", "published_to")
_FLAGS = ("withheld", "not_disclosed", "deleted")


@implementer(IChukan)
class LocalChukan(Terminal):
    """Keeps what is asked and what staff entered."""

    def request_code(self, atena_number: str, idempotency_key: str, context: CallContext) -> LinkageCodeState:
        """See ``IChukan``."""
        del context
        self._check(fault_of_number(atena_number))

        def ask(session: Session) -> dict[str, Any]:
            if not self._people(session, [atena_number]):
                raise NotFound(self.system, "person")
            row = session.get(ChukanCode, atena_number)
            if row is None:
                row = ChukanCode(atena_number=atena_number, state=CodeState.REQUESTED, since=self.clock())
                session.add(row)
            elif row.state is CodeState.FAILED:
                row.state, row.since = CodeState.REQUESTED, self.clock()
            return {"state": row.state, "since": row.since.isoformat()}

        answer = self.once(idempotency_key, "request_code", atena_number, ask)
        return LinkageCodeState(
            atena_number, CodeState(answer["state"]), datetime.fromisoformat(answer["since"])
        )

    def code_states(self, atena_numbers: Sequence[str], context: CallContext) -> tuple[LinkageCodeState, ...]:
        """See ``IChukan``."""
        del context
        if len(atena_numbers) > MOST:
            raise Refused(self.system, "E0003")
        for number in atena_numbers:
            self._check(fault_of_number(number))
        with Session(self.engine) as session:
            wanted = select(ChukanCode).where(ChukanCode.atena_number.in_(atena_numbers))
            known = {row.atena_number: row for row in session.scalars(wanted)}
        now = self.clock()
        return tuple(
            LinkageCodeState(number, known[number].state, known[number].since)
            if number in known
            else LinkageCodeState(number, CodeState.NONE, now)
            for number in atena_numbers
        )

    def inquire(self, subject: InquirySubject, idempotency_key: str, context: CallContext) -> InquiryStatus:
        """See ``IChukan``: staff then ask at the terminal."""
        del context
        self._check(fault_of_subject(subject))

        def begin(session: Session) -> dict[str, Any]:
            self._may_inquire(session, subject)
            names = InquirySubject.__dataclass_fields__
            row = ChukanInquiry(
                inquiry_id=uuid4().hex,
                state=InquiryState.REQUESTED,
                changed_at=self.clock(),
                code="",
                **{name: getattr(subject, name) for name in names},
            )
            session.add(row)
            self._count(session, inquiries=1)
            return _kept(self._status(row))

        try:
            return _status_of(self.once(idempotency_key, "inquire", subject, begin))
        except Refused as refused:
            if refused.code in {"not_permitted", "no_code"}:
                # What was refused left nothing behind, and is counted all the same.
                with self.writing() as session:
                    self._count(session, refused=1)
            raise

    def inquiry_status(self, inquiry_id: str, context: CallContext) -> InquiryStatus:
        """See ``IChukan``."""
        del context
        with Session(self.engine) as session:
            return self._status(self._inquiry(session, inquiry_id))

    def inquiry_answer(self, inquiry_id: str, context: CallContext) -> InquiryAnswer:
        """See ``IChukan``."""
        del context
        with self.writing() as session:
            row = self._inquiry(session, inquiry_id)
            state = self._status(row).state
            if state in _OPEN:
                raise Refused(self.system, "not_answered")
            if state is InquiryState.ANSWERED:
                row.state, row.changed_at = InquiryState.FETCHED, self.clock()
            elif state is not InquiryState.FETCHED:
                # no_data, refused, failed, cancelled and expired are codes as well as states.
                raise Refused(self.system, state.value)
            return InquiryAnswer(
                inquiry_id=row.inquiry_id,
                processing_number=row.processing_number or "",
                provider_code=row.provider_code,
                answered_at=row.answered_at or row.changed_at,
                items=tuple(InformationItem(**item) for item in row.items or ()),
            )

    def cancel_inquiry(self, inquiry_id: str, idempotency_key: str, context: CallContext) -> InquiryStatus:
        """See ``IChukan``."""
        del context

        def cancel(session: Session) -> dict[str, Any]:
            row = self._inquiry(session, inquiry_id)
            if row.state in _OPEN:
                row.state, row.changed_at = InquiryState.CANCELLED, self.clock()
                row.expires_at = row.changed_at + ANSWERS_KEPT
            elif self._status(row).state is not InquiryState.CANCELLED:
                raise Refused(self.system, "answered")
            return _kept(self._status(row))

        return _status_of(self.once(idempotency_key, "cancel_inquiry", inquiry_id, cancel))

    def provision_requests(
        self, cursor: str | None, limit: int, context: CallContext
    ) -> Page[ProvisionRequest]:
        """See ``IChukan``."""
        del context
        after = self.place(cursor, limit)
        wanted = select(ChukanProvision).where(ChukanProvision.id > after).order_by(ChukanProvision.id)
        with Session(self.engine) as session:
            rows = session.scalars(wanted.limit(limit + 1)).all()
            shown = rows[:limit]
            return Page(
                items=tuple(self._request(row) for row in shown),
                next_cursor=cursor_after(shown[-1].id) if len(rows) > limit else None,
                as_of=self.clock(),
            )

    def answer_provision(
        self, request_id: str, items: Sequence[InformationItem], idempotency_key: str, context: CallContext
    ) -> ProvisionRequest:
        """See ``IChukan``: staff then type the answer at the terminal."""
        del context
        if len(items) > MOST_ITEMS:
            raise Refused(self.system, "E0003")
        self._check(fault_of_items(items))

        def answer(session: Session) -> dict[str, Any]:
            row = self._provision(session, request_id)
            if self._request(row).state not in _WAITING:
                raise Refused(self.system, "not_waiting")
            row.state, row.items = ProvisionState.ANSWERED, written_items(items)
            self._record_provision(session, row)
            return {"request_id": row.request_id}

        self.once(idempotency_key, "answer_provision", [request_id, list(items)], answer)
        with Session(self.engine) as session:
            return self._request(self._provision(session, request_id))

    def register_sub_copies(
        self, copies: Sequence[SubCopy], idempotency_key: str, context: CallContext
    ) -> tuple[SubCopyOutcome, ...]:
        """See ``IChukan``."""
        del context
        if len(copies) > MOST_COPIES:
            raise Refused(self.system, "E0003")

        def register(session: Session) -> dict[str, Any]:
            began = self.clock()
            codes = self._registered(session, copies)
            failed = sum(map(bool, codes))
            session.add(
                ChukanBatch(
                    name="副本登録",
                    rows=len(copies),
                    failed_rows=failed,
                    started_at=began,
                    ended_at=self.clock(),
                )
            )
            self._count(session, sub_copies=len(copies) - failed, refused=failed)
            return {"refused": {str(place): code for place, code in enumerate(codes) if code}}

        refused = self.once(idempotency_key, "register_sub_copies", list(copies), register)["refused"]
        return tuple(
            SubCopyOutcome(copy.record_id, copy.version, refused.get(str(place), ""))
            for place, copy in enumerate(copies)
        )

    def sub_copies(self, atena_number: str, context: CallContext) -> tuple[SubCopy, ...]:
        """See ``IChukan``."""
        del context
        self._check(fault_of_number(atena_number))
        wanted = select(ChukanSubCopy).where(
            ChukanSubCopy.atena_number == atena_number, ~ChukanSubCopy.deleted
        )
        with Session(self.engine) as session:
            return tuple(_copy(row) for row in session.scalars(wanted.order_by(ChukanSubCopy.id)))

    def exchange_records(
        self, first_day: date, last_day: date, cursor: str | None, limit: int, context: CallContext
    ) -> Page[ExchangeRecord]:
        """See ``IChukan``."""
        del context
        after = self.place(cursor, limit)
        if last_day < first_day:
            raise Refused(self.system, "E0004")
        table, names = ChukanExchangeRecord, ExchangeRecord.__dataclass_fields__
        wanted = select(table).where(table.id > after, *_within(table.recorded_at, first_day, last_day))
        with Session(self.engine) as session:
            rows = session.scalars(wanted.order_by(table.id).limit(limit + 1)).all()
        shown = rows[:limit]
        return Page(
            items=tuple(ExchangeRecord(**{name: getattr(row, name) for name in names}) for row in shown),
            next_cursor=cursor_after(shown[-1].id) if len(rows) > limit else None,
            as_of=self.clock(),
        )

    def permitted_inquiries(self, context: CallContext) -> tuple[PermittedInquiry, ...]:
        """See ``IChukan``: the list as staff entered it."""
        del context
        names = PermittedInquiry.__dataclass_fields__
        with Session(self.engine) as session:
            rows = self._permitted(session, jst_date(self.clock()), later=True)
            return tuple(PermittedInquiry(**{name: getattr(row, name) for name in names}) for row in rows)

    def operator_rights(self, operator_id: str, context: CallContext) -> OperatorRights:
        """See ``IChukan``: whoever has an account in force; the group of administrators manages as well."""
        del context
        today = jst_date(self.clock())
        with Session(self.engine) as session:
            account = session.scalars(
                select(StaffAccount).where(
                    StaffAccount.login == (operator_id if is_id(operator_id) else ""),
                    *_in_force(StaffAccount, today),
                    StaffAccount.revoked_at.is_(None),
                )
            ).one_or_none()
            if account is None:
                raise NotFound(self.system, "operator")
            manages = session.scalar(
                select(func.count())
                .select_from(GroupMembership)
                .where(
                    GroupMembership.staff_id == account.id,
                    GroupMembership.group_name == _ADMINISTRATOR,
                    *_in_force(GroupMembership, today),
                )
            )
            functions = FUNCTIONS | {MANAGEMENT} if manages else FUNCTIONS
            return OperatorRights(account.login, functions, account.valid_to)

    def batches(self, day: date, context: CallContext) -> tuple[BatchState, ...]:
        """See ``IChukan``: registrations and deletions, which are over when they are told."""
        del context
        wanted = (
            select(ChukanBatch).where(*_within(ChukanBatch.started_at, day, day)).order_by(ChukanBatch.id)
        )
        with Session(self.engine) as session:
            return tuple(
                BatchState(
                    batch_id=f"b{row.id}",
                    name=row.name,
                    state="ended",
                    rows=row.rows,
                    failed_rows=row.failed_rows,
                    started_at=row.started_at,
                    ended_at=row.ended_at,
                )
                for row in session.scalars(wanted)
            )

    def statistics(self, day: date, context: CallContext) -> ServerStatistics:
        """See ``IChukan``."""
        del context
        with Session(self.engine) as session:
            row = session.get(ChukanStatistic, day)
            if row is None:
                return ServerStatistics(day, 0, 0, 0, 0)
            return ServerStatistics(day, row.inquiries, row.provisions, row.sub_copies, row.refused)

    def is_running(self, context: CallContext) -> bool:
        """See ``IChukan``: the portal's own tables run as long as the portal does."""
        del context
        return True

    def delete_expired(self, idempotency_key: str, context: CallContext) -> ExpiredDeletion:
        """See ``IChukan``."""
        del context

        def remove(session: Session) -> dict[str, Any]:
            now = self.clock()
            counts = {
                "inquiries": _gone(session, delete(ChukanInquiry).where(ChukanInquiry.expires_at <= now)),
                "provisions": _gone(
                    session,
                    delete(ChukanProvision).where(ChukanProvision.answer_until <= now - PROVISIONS_KEPT),
                ),
                "exchange_records": _gone(
                    session,
                    delete(ChukanExchangeRecord).where(ChukanExchangeRecord.recorded_at < _years_before(now)),
                ),
            }
            session.add(
                ChukanBatch(
                    name="保管期限切れ情報の削除",
                    rows=sum(counts.values()),
                    failed_rows=0,
                    started_at=now,
                    ended_at=self.clock(),
                )
            )
            return counts | {"deleted_at": now.isoformat()}

        answer = self.once(idempotency_key, "delete_expired", None, remove)
        return ExpiredDeletion(
            deleted_at=datetime.fromisoformat(answer["deleted_at"]),
            inquiries=answer["inquiries"],
            provisions=answer["provisions"],
            exchange_records=answer["exchange_records"],
        )

    def _may_inquire(self, session: Session, subject: InquirySubject) -> None:
        if not self._people(session, [subject.atena_number]):
            raise NotFound(self.system, "person")
        asked = (subject.affair_code, subject.procedure_code, subject.information_name_code)
        if not any(
            (line.affair_code, line.procedure_code, line.information_name_code) == asked
            and subject.provider_code.startswith(line.provider_kind)
            for line in self._permitted(session, jst_date(self.clock()))
        ):
            raise Refused(self.system, "not_permitted")
        code = session.get(ChukanCode, subject.atena_number)
        if code is None or code.state is not CodeState.HELD:
            raise Refused(self.system, "no_code")

    def _status(self, row: ChukanInquiry) -> InquiryStatus:
        expired = row.expires_at is not None and row.expires_at <= self.clock()
        return InquiryStatus(
            inquiry_id=row.inquiry_id,
            state=InquiryState.EXPIRED if expired else row.state,
            changed_at=row.expires_at if expired and row.expires_at else row.changed_at,
            processing_number=row.processing_number,
            code=row.code,
            expires_at=row.expires_at,
        )

    def _provision(self, session: Session, request_id: str) -> ChukanProvision:
        found = select(ChukanProvision).where(ChukanProvision.request_id == request_id)
        row = session.scalars(found).one_or_none() if is_id(request_id) else None
        if row is None:
            raise NotFound(self.system, "request")
        return row

    def _registered(self, session: Session, copies: Sequence[SubCopy]) -> list[str]:
        """Take what can be taken; return the code of each, empty for one that was."""
        well = [copy for copy in copies if is_sub_copy(copy) and not fault_of_number(copy.atena_number)]
        people = self._people(session, [copy.atena_number for copy in well])
        ids = [copy.record_id for copy in well]
        held = session.scalars(select(ChukanSubCopy).where(ChukanSubCopy.record_id.in_(ids)))
        known = {row.record_id: row for row in held}
        codes = []
        for copy in copies:
            code = ""
            if not is_sub_copy(copy):
                code = "bad_layout"
            elif copy.atena_number not in people:
                code = "unknown_person"
            else:
                code = self._taken(session, known, copy)
            codes.append(code)
        return codes

    def _taken(self, session: Session, known: dict[str, ChukanSubCopy], copy: SubCopy) -> str:
        row, values = known.get(copy.record_id), _copy_values(copy)
        if row is None:
            row = ChukanSubCopy(**values, registered_at=self.clock())
            known[copy.record_id] = row
            session.add(row)
            return ""
        if row.atena_number != copy.atena_number:
            return "other_person"
        same = all(getattr(row, name) == value for name, value in values.items())
        if copy.version < row.version or (copy.version == row.version and not same):
            return "outdated"
        if not same:
            for name, value in values.items():
                setattr(row, name, value)
            row.registered_at = self.clock()
        return ""


def _copy_values(copy: SubCopy) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(copy, name) for name in (*_COPY, *_FLAGS)}
    return values | {
        "information_name_code": copy.item.information_name_code,
        "layout_version": copy.item.layout_version,
        "values": {} if copy.deleted else dict(copy.item.values),
    }


def _copy(row: ChukanSubCopy) -> SubCopy:
    said: dict[str, Any] = {name: getattr(row, name) for name in (*_COPY, *_FLAGS)}
    return SubCopy(item=InformationItem(row.information_name_code, row.layout_version, row.values), **said)


def _kept(status: InquiryStatus) -> dict[str, Any]:
    """Return a status as JSON has it."""
    values = {name: getattr(status, name) for name in InquiryStatus.__dataclass_fields__}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def _status_of(kept: dict[str, Any]) -> InquiryStatus:
    """Return the status that ``_kept`` wrote."""
    moments = {
        name: datetime.fromisoformat(kept[name]) for name in ("changed_at", "expires_at") if kept[name]
    }
    return InquiryStatus(**kept | moments | {"state": InquiryState(kept["state"])})


def _within(column: Any, first_day: date, last_day: date) -> tuple[Any, ...]:
    """Return the conditions of an instant on some days in Japan."""
    begin = datetime.combine(first_day, time(), JST)
    if last_day == date.max:
        return (column >= begin,)
    return (column >= begin, column < datetime.combine(last_day + timedelta(days=1), time(), JST))


def _in_force(table: Any, day: date) -> Iterable[Any]:
    return (table.valid_from <= day, or_(table.valid_to.is_(None), table.valid_to >= day))


def _gone(session: Session, statement: Delete) -> int:
    return session.connection().execute(statement).rowcount


def _years_before(moment: datetime) -> datetime:
    """Return the instant of the same day so many years ago; of a 29 February the day before."""
    year = moment.year - RECORDS_KEPT_YEARS
    try:
        return moment.replace(year=year)
    except ValueError:
        return moment.replace(year=year, day=28)
