"""What staff enter from the terminal of the real server (接続端末), where nothing connects the portal to it.

None of this is of ``IChukan``: pages call it. Each method takes what the terminal showed and checks that
nothing goes back.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from yvaxportal.adapters.chukan.checks import (
    MOST_ITEMS,
    fault_of_items,
    fault_of_number,
    is_code,
    is_id,
    is_organisation,
    is_reason,
)
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.messages.chukan import (
    CodeState,
    InformationItem,
    InquiryState,
    LinkageCodeState,
    PermittedInquiry,
    ProvisionRequest,
    ProvisionState,
)
from yvaxportal.adapters.own_keys import LocalExchange
from yvaxportal.models.atena import AtenaPerson
from yvaxportal.models.chukan import (
    ChukanCode,
    ChukanExchangeRecord,
    ChukanInquiry,
    ChukanPermittedInquiry,
    ChukanProvision,
    ChukanStatistic,
    ChukanSubCopy,
)
from yvaxportal.models.resident import Resident
from yvaxportal.values.clock import jst_date

#: Kind of municipalities, the first two characters of their codes (docs/protocols/chukan.md).
MUNICIPALITY: Final = "01"
#: How long an ended inquiry and its answer stay.
ANSWERS_KEPT: Final = timedelta(days=30)
#: How long others wait for an answer by hand, unless the terminal says another day.
ANSWER_WITHIN: Final = timedelta(days=30)

#: How far each state is; an inquiry only goes on to a later one.
_FAR: Mapping[InquiryState, int] = {
    InquiryState.REQUESTED: 0,
    InquiryState.ACCEPTED: 1,
    InquiryState.PERMITTED: 2,
    InquiryState.MANUAL_WAIT: 3,
}
_ENDS = frozenset({InquiryState.REFUSED, InquiryState.FAILED})
_REQUEST = tuple(ProvisionRequest.__dataclass_fields__)


class Terminal(LocalExchange):
    """The side of the portal's own tables that staff fill in."""

    @property
    def organisation_code(self) -> str:
        """Return the code of this municipality among organisations."""
        return MUNICIPALITY + self.municipality_code

    def enter_code(self, atena_number: str, *, held: bool) -> LinkageCodeState:
        """Enter that the linkage code of a person came, or that it could not be had.

        :raises NotFound: none was asked for.
        :raises Refused: ``held`` when there is one already.
        """
        with self.writing() as session:
            row = None if fault_of_number(atena_number) else session.get(ChukanCode, atena_number)
            if row is None:
                raise NotFound(self.system, "request for a code")
            if row.state is CodeState.HELD:
                raise Refused(self.system, "held")
            row.state = CodeState.HELD if held else CodeState.FAILED
            row.since = self.clock()
            return LinkageCodeState(atena_number, row.state, row.since)

    def enter_progress(
        self, inquiry_id: str, state: InquiryState, *, processing_number: str | None = None, code: str = ""
    ) -> None:
        """Enter how far an inquiry is that has no answer yet: accepted, permitted, refused, ...

        :param code: why it was refused or failed.
        :raises NotFound: there is no such inquiry.
        :raises Refused: ``E0002`` for a state that is entered otherwise and for what is no number or code,
            ``E0001`` for a permit without its number, ``answered`` when it has ended, ``goes_back`` for an
            earlier state.
        """
        well = is_reason(code) and (processing_number is None or is_id(processing_number))
        if not well or (state not in _FAR and state not in _ENDS):
            raise Refused(self.system, "E0002")
        with self.writing() as session:
            row = self._open_inquiry(session, inquiry_id)
            if _FAR.get(state, len(_FAR)) < _FAR[row.state]:
                raise Refused(self.system, "goes_back")
            row.processing_number = processing_number or row.processing_number
            if state in {InquiryState.PERMITTED, InquiryState.MANUAL_WAIT} and not row.processing_number:
                raise Refused(self.system, "E0001")
            row.state, row.changed_at, row.code = state, self.clock(), code
            if state in _ENDS:
                row.expires_at = row.changed_at + ANSWERS_KEPT
                self._count(session, refused=1)

    def enter_answer(
        self,
        inquiry_id: str,
        processing_number: str,
        items: Sequence[InformationItem],
        *,
        not_disclosed: bool = False,
    ) -> None:
        """Enter the answer to an inquiry; no items means that the other side has no data.

        :param not_disclosed: the record of it is hidden from the person's portal.
        :raises NotFound: there is no such inquiry.
        :raises Refused: ``answered`` when it has ended; ``E0001`` to ``E0003`` for what is no answer.
        """
        if not is_id(processing_number):
            raise Refused(self.system, "E0002" if processing_number else "E0001")
        self._check("E0003" if len(items) > MOST_ITEMS else fault_of_items(items))
        with self.writing() as session:
            row = self._open_inquiry(session, inquiry_id)
            now = self.clock()
            row.state = InquiryState.ANSWERED if items else InquiryState.NO_DATA
            row.processing_number, row.changed_at, row.answered_at = processing_number, now, now
            row.items = written_items(items) if items else None
            row.expires_at = now + ANSWERS_KEPT
            session.add(
                ChukanExchangeRecord(
                    processing_number=processing_number,
                    recorded_at=now,
                    requester_code=self.organisation_code,
                    provider_code=row.provider_code,
                    affair_code=row.affair_code,
                    information_name_code=row.information_name_code,
                    atena_number=row.atena_number,
                    not_disclosed=not_disclosed,
                )
            )

    def enter_provision_request(
        self,
        request_id: str,
        processing_number: str,
        atena_number: str,
        *,
        requester_code: str,
        affair_code: str,
        information_name_code: str,
        answer_until: datetime | None = None,
    ) -> ProvisionRequest:
        """Enter what another organisation asks; a sub-copy that may be answered from answers it at once.

        Entered again with the same values it is the same request.

        :raises NotFound: nobody has the number.
        :raises Refused: ``E0001`` to ``E0003`` for what is no request, ``request_known`` for other values.
        """
        self._check(fault_of_number(atena_number))
        codes_fit = (
            is_code(affair_code) and is_code(information_name_code) and is_organisation(requester_code)
        )
        if not codes_fit or not is_id(request_id) or not is_id(processing_number):
            raise Refused(self.system, "E0002")
        said = {
            "processing_number": processing_number,
            "atena_number": atena_number,
            "requester_code": requester_code,
            "affair_code": affair_code,
            "information_name_code": information_name_code,
        }
        with self.writing() as session:
            known = session.scalars(
                select(ChukanProvision).where(ChukanProvision.request_id == request_id)
            ).one_or_none()
            if known is not None:
                if any(getattr(known, name) != value for name, value in said.items()):
                    raise Refused(self.system, "request_known")
                return self._request(known)
            if not self._people(session, [atena_number]):
                raise NotFound(self.system, "person")
            now = self.clock()
            row = ChukanProvision(
                request_id=request_id,
                received_at=now,
                answer_until=answer_until or now + ANSWER_WITHIN,
                state=ProvisionState.WAITING,
                **said,
            )
            session.add(row)
            self._answer_from_copies(session, row)
            self._count(session, provisions=1)
            return self._request(row)

    def enter_permitted_inquiries(self, lines: Sequence[PermittedInquiry]) -> None:
        """Enter the permitted-inquiry list (照会許可用照会リスト) in place of the one that was known.

        :raises Refused: ``E0002`` for what is no line of it.
        """
        for line in lines:
            codes = (line.affair_code, line.procedure_code, line.information_name_code)
            if not all(map(is_code, codes)) or not is_organisation(f"{line.provider_kind}0"):
                raise Refused(self.system, "E0002")
        with self.writing() as session:
            session.execute(delete(ChukanPermittedInquiry))
            names = PermittedInquiry.__dataclass_fields__
            session.add_all(
                ChukanPermittedInquiry(**{name: getattr(line, name) for name in names}) for line in lines
            )

    def _check(self, fault: str) -> None:
        if fault:
            raise Refused(self.system, fault)

    def _people(self, session: Session, numbers: Sequence[str]) -> set[str]:
        """Return those of the numbers that somebody has."""
        found = set(session.scalars(select(Resident.atena_number).where(Resident.atena_number.in_(numbers))))
        others = select(AtenaPerson.atena_number).where(AtenaPerson.atena_number.in_(numbers))
        return found | set(session.scalars(others))

    def _inquiry(self, session: Session, inquiry_id: str) -> ChukanInquiry:
        found = select(ChukanInquiry).where(ChukanInquiry.inquiry_id == inquiry_id)
        row = session.scalars(found).one_or_none() if is_id(inquiry_id) else None
        if row is None:
            raise NotFound(self.system, "inquiry")
        return row

    def _open_inquiry(self, session: Session, inquiry_id: str) -> ChukanInquiry:
        row = self._inquiry(session, inquiry_id)
        if row.state not in _FAR:
            raise Refused(self.system, "answered")
        return row

    def _answer_from_copies(self, session: Session, row: ChukanProvision) -> None:
        today = jst_date(row.received_at)
        valid = [
            copy
            for copy in self._copies(session, row)
            if copy.published_from <= today and (copy.published_to is None or today <= copy.published_to)
        ]
        if any(copy.withheld for copy in valid):
            row.state = ProvisionState.WITHHELD
        elif valid:
            row.state = ProvisionState.ANSWERED_BY_COPY
            self._record_provision(session, row)

    def _copies(self, session: Session, row: ChukanProvision) -> Sequence[ChukanSubCopy]:
        """Return the sub-copies of what is asked."""
        return session.scalars(
            select(ChukanSubCopy).where(
                ChukanSubCopy.atena_number == row.atena_number,
                ChukanSubCopy.information_name_code == row.information_name_code,
                ~ChukanSubCopy.deleted,
            )
        ).all()

    def _record_provision(self, session: Session, row: ChukanProvision) -> None:
        session.add(
            ChukanExchangeRecord(
                processing_number=row.processing_number,
                recorded_at=self.clock(),
                requester_code=row.requester_code,
                provider_code=self.organisation_code,
                affair_code=row.affair_code,
                information_name_code=row.information_name_code,
                atena_number=row.atena_number,
                not_disclosed=any(copy.not_disclosed for copy in self._copies(session, row)),
            )
        )

    def _request(self, row: ChukanProvision) -> ProvisionRequest:
        values: dict[str, Any] = {name: getattr(row, name) for name in _REQUEST}
        waits = row.state in {ProvisionState.WAITING, ProvisionState.WITHHELD}
        if waits and row.answer_until <= self.clock():
            values["state"] = ProvisionState.EXPIRED
        return ProvisionRequest(**values)

    def _count(self, session: Session, **more: int) -> None:
        """Add to the counts of today."""
        day: date = jst_date(self.clock())
        none = {"inquiries": 0, "provisions": 0, "sub_copies": 0, "refused": 0}
        statement = insert(ChukanStatistic).values(day=day, **(none | more))
        columns = ChukanStatistic.__table__.c
        raised = {name: columns[name] + count for name, count in more.items()}
        session.execute(statement.on_conflict_do_update(index_elements=["day"], set_=raised))

    def _permitted(
        self, session: Session, day: date, *, later: bool = False
    ) -> Sequence[ChukanPermittedInquiry]:
        """Return the lines of the list in force on a day, or from that day on."""
        table = ChukanPermittedInquiry
        wanted = select(table).where(or_(table.valid_to.is_(None), table.valid_to >= day)).order_by(table.id)
        return session.scalars(wanted if later else wanted.where(table.valid_from <= day)).all()


def written_items(items: Sequence[InformationItem]) -> list[dict[str, Any]]:
    """Return items as JSON has them."""
    return [
        {
            "information_name_code": item.information_name_code,
            "layout_version": item.layout_version,
            "values": dict(item.values),
        }
        for item in items
    ]
