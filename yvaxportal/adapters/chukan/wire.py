"""The protocol of the intermediate server (docs/protocols/chukan.md) as the portal's messages."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from zope.interface import implementer

from yvaxportal.adapters.chukan.checks import (
    MOST_COPIES,
    MOST_ITEMS,
    fault_of_items,
    fault_of_number,
    is_sub_copy,
)
from yvaxportal.adapters.chukan.denbun import denbuns
from yvaxportal.adapters.chukan.payload import Payload, PayloadError
from yvaxportal.adapters.errors import BadAnswerReason, NotFound, Refused, TimedOut
from yvaxportal.adapters.http.deadline import Deadline, DeadlinePassed
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
from yvaxportal.adapters.wire import Client, Record, WireAdapter

#: Of one message: more copies, or more lines of values, go into the next one.
_COPIES, _LINES = 1_000, 10_000
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SEALED = "/result/0/denbun"

_CODES = {"0": CodeState.NONE, "1": CodeState.REQUESTED, "2": CodeState.HELD, "3": CodeState.FAILED}
_STATES = {f"{place:02}": state for place, state in enumerate(InquiryState, 1)}
_PROVISIONS = {
    "1": ProvisionState.WAITING,
    "2": ProvisionState.ANSWERED_BY_COPY,
    "3": ProvisionState.ANSWERED,
    "4": ProvisionState.WITHHELD,
    "5": ProvisionState.EXPIRED,
}
_BATCHES = {"1": "running", "2": "ended", "3": "failed"}


@implementer(IChukan)
class WireChukan(WireAdapter):
    """Asks the intermediate server, whatever carries the messages; what they say is sealed on its way."""

    def __init__(self, client: Client, system: str, municipality_code: str, payload: Payload) -> None:
        super().__init__(client, system, municipality_code)
        self.payload = payload

    def request_code(self, atena_number: str, idempotency_key: str, context: CallContext) -> LinkageCodeState:
        """See ``IChukan``."""
        asked = {"atenabango": atena_number}
        answer = self._asked("request_code", asked, context, idempotency_key)
        self.check_asked(answer, asked, _SEALED)
        return self._code(answer, _SEALED)

    def code_states(self, atena_numbers: Sequence[str], context: CallContext) -> tuple[LinkageCodeState, ...]:
        """See ``IChukan``."""
        if not atena_numbers:
            return ()
        asked = {"taisho": [{"atenabango": number} for number in atena_numbers]}
        records = self._asked("code_states", asked, context)["fugo"]
        if [record["atenabango"] for record in records] != list(atena_numbers):
            raise self.bad(BadAnswerReason.WRONG_PERSON, f"{_SEALED}/fugo")
        return tuple(self._code(record, f"{_SEALED}/fugo/{place}") for place, record in enumerate(records))

    def inquire(self, subject: InquirySubject, idempotency_key: str, context: CallContext) -> InquiryStatus:
        """See ``IChukan``."""
        asked = {
            "atenabango": subject.atena_number,
            "jimu_kodo": subject.affair_code,
            "jimutetsuzuki_kodo": subject.procedure_code,
            "tokuteikojinjohomei_kodo": subject.information_name_code,
            "teikyokikan_kodo": subject.provider_code,
            "kaishibi": _written(subject.first_day),
            "shuryobi": _written(subject.last_day),
        }
        return self._status(self._asked("inquire", asked, context, idempotency_key))

    def inquiry_status(self, inquiry_id: str, context: CallContext) -> InquiryStatus:
        """See ``IChukan``."""
        asked = {"shokaibango": inquiry_id}
        answer = self._asked("inquiry_status", asked, context)
        self.check_asked(answer, asked, _SEALED)
        return self._status(answer)

    def inquiry_answer(self, inquiry_id: str, context: CallContext) -> InquiryAnswer:
        """See ``IChukan``."""
        asked = {"shokaibango": inquiry_id}
        answer = self._asked("inquiry_answer", asked, context)
        self.check_asked(answer, asked, _SEALED)
        return InquiryAnswer(
            inquiry_id=answer["shokaibango"],
            processing_number=answer["shoritsuban"],
            provider_code=answer["teikyokikan_kodo"],
            answered_at=self.moment(answer, "kaitonichiji", _SEALED),
            items=self._items(answer["komoku"]),
        )

    def cancel_inquiry(self, inquiry_id: str, idempotency_key: str, context: CallContext) -> InquiryStatus:
        """See ``IChukan``."""
        asked = {"shokaibango": inquiry_id}
        answer = self._asked("cancel_inquiry", asked, context, idempotency_key)
        self.check_asked(answer, asked, _SEALED)
        return self._status(answer)

    def provision_requests(
        self, cursor: str | None, limit: int, context: CallContext
    ) -> Page[ProvisionRequest]:
        """See ``IChukan``."""
        answer = self._asked("provision_requests", {"ikou": cursor, "kensu": limit}, context)
        records = self._at_most(limit, answer, "teikyoirai")
        return Page(
            items=tuple(
                self._request(record, f"{_SEALED}/teikyoirai/{place}") for place, record in enumerate(records)
            ),
            next_cursor=answer["tsugi"],
            as_of=self.moment(answer, "kijunnichiji", _SEALED),
        )

    def answer_provision(
        self, request_id: str, items: Sequence[InformationItem], idempotency_key: str, context: CallContext
    ) -> ProvisionRequest:
        """See ``IChukan``."""
        if len(items) > MOST_ITEMS:
            raise Refused(self.system, "E0003")
        fault = fault_of_items(items)
        if fault:
            raise Refused(self.system, fault)
        lines = [
            {
                "gyo": place,
                "tokuteikojinjohomei_kodo": item.information_name_code,
                "reiautohan": item.layout_version,
                "komoku_kodo": code,
                "atai": value,
            }
            for place, item in enumerate(items, 1)
            for code, value in item.values.items()
        ]
        asked = {"teikyobango": request_id}
        answer = self._asked("answer_provision", asked | {"komoku": lines}, context, idempotency_key)
        self.check_asked(answer, asked, _SEALED)
        return self._request(answer, _SEALED)

    def register_sub_copies(
        self, copies: Sequence[SubCopy], idempotency_key: str, context: CallContext
    ) -> tuple[SubCopyOutcome, ...]:
        """See ``IChukan``; what is no sub-copy is not sent. Many go in several messages."""
        if len(copies) > MOST_COPIES:
            raise Refused(self.system, "E0003")
        codes = ["" if is_sub_copy(copy) else "bad_layout" for copy in copies]
        for place, copy in enumerate(copies):
            if not codes[place] and fault_of_number(copy.atena_number):
                codes[place] = "unknown_person"
        deadline = Deadline(context.time_limit)
        good = [place for place, code in enumerate(codes) if not code]
        for part, places in enumerate(_parts(good, copies)):
            try:
                left = replace(context, time_limit=timedelta(seconds=deadline.left()))
            except DeadlinePassed:
                raise TimedOut(self.system, "no answer within the time limit") from None
            told = self._registered([copies[place] for place in places], _key_of(idempotency_key, part), left)
            for place, code in zip(places, told, strict=True):
                codes[place] = code
        return tuple(
            SubCopyOutcome(copy.record_id, copy.version, code)
            for copy, code in zip(copies, codes, strict=True)
        )

    def sub_copies(self, atena_number: str, context: CallContext) -> tuple[SubCopy, ...]:
        """See ``IChukan``."""
        try:
            answer = self._asked("sub_copies", {"atenabango": atena_number}, context)
        except NotFound:
            return ()
        values: dict[int, dict[str, str]] = {}
        for place, line in enumerate(answer["komoku"]):
            self._add(values.setdefault(line["gyo"], {}), line, f"{_SEALED}/komoku/{place}")
        return tuple(
            self._copy(record, atena_number, values.get(record["gyo"], {}), f"{_SEALED}/fukuhon/{place}")
            for place, record in enumerate(answer["fukuhon"])
        )

    def exchange_records(
        self, first_day: date, last_day: date, cursor: str | None, limit: int, context: CallContext
    ) -> Page[ExchangeRecord]:
        """See ``IChukan``."""
        asked = {
            "kaishibi": first_day.isoformat(),
            "shuryobi": last_day.isoformat(),
            "ikou": cursor,
            "kensu": limit,
        }
        answer = self._asked("exchange_records", asked, context)
        records = self._at_most(limit, answer, "kiroku")
        return Page(
            items=tuple(
                ExchangeRecord(
                    processing_number=record["shoritsuban"],
                    recorded_at=self.moment(record, "kirokunichiji", f"{_SEALED}/kiroku/{place}"),
                    requester_code=record["shokaikikan_kodo"],
                    provider_code=record["teikyokikan_kodo"],
                    affair_code=record["jimu_kodo"],
                    information_name_code=record["tokuteikojinjohomei_kodo"],
                    atena_number=record["atenabango"],
                    not_disclosed=record["fukaiji"],
                )
                for place, record in enumerate(records)
            ),
            next_cursor=answer["tsugi"],
            as_of=self.moment(answer, "kijunnichiji", _SEALED),
        )

    def permitted_inquiries(self, context: CallContext) -> tuple[PermittedInquiry, ...]:
        """See ``IChukan``."""
        records = self._asked("permitted_inquiries", {}, context)["kyoka"]
        return tuple(
            PermittedInquiry(
                affair_code=record["jimu_kodo"],
                procedure_code=record["jimutetsuzuki_kodo"],
                information_name_code=record["tokuteikojinjohomei_kodo"],
                provider_kind=record["teikyokikanshubetsu"],
                valid_from=self.day(record, "yukokaishibi", f"{_SEALED}/kyoka/{place}"),
                valid_to=self.day_if_any(record, "yukoshuryobi", f"{_SEALED}/kyoka/{place}"),
            )
            for place, record in enumerate(records)
        )

    def operator_rights(self, operator_id: str, context: CallContext) -> OperatorRights:
        """See ``IChukan``."""
        asked = {"sosashaid": operator_id}
        answer = self._asked("operator_rights", asked, context)
        self.check_asked(answer, asked, _SEALED)
        return OperatorRights(
            operator_id=answer["sosashaid"],
            functions=frozenset(record["kino"] for record in answer["kengen"]),
            valid_to=self.day_if_any(answer, "yukoshuryobi", _SEALED),
        )

    def batches(self, day: date, context: CallContext) -> tuple[BatchState, ...]:
        """See ``IChukan``."""
        records = self._asked("batches", {"hizuke": day.isoformat()}, context)["batchi"]
        return tuple(self._batch(record, f"{_SEALED}/batchi/{place}") for place, record in enumerate(records))

    def statistics(self, day: date, context: CallContext) -> ServerStatistics:
        """See ``IChukan``."""
        asked = {"hizuke": day.isoformat()}
        answer = self._asked("statistics", asked, context)
        self.check_asked(answer, asked, _SEALED)
        return ServerStatistics(
            day=day,
            inquiries=answer["shokaikensu"],
            provisions=answer["teikyokensu"],
            sub_copies=answer["fukuhonkensu"],
            refused=answer["kyohikensu"],
        )

    def is_running(self, context: CallContext) -> bool:
        """See ``IChukan``."""
        running: bool = self._asked("is_running", {}, context)["kadojotai"]
        return running

    def delete_expired(self, idempotency_key: str, context: CallContext) -> ExpiredDeletion:
        """See ``IChukan``."""
        answer = self._asked("delete_expired", {}, context, idempotency_key)
        return ExpiredDeletion(
            deleted_at=self.moment(answer, "sakujonichiji", _SEALED),
            inquiries=answer["shokaikensu"],
            provisions=answer["teikyokensu"],
            exchange_records=answer["kirokukensu"],
        )

    def _asked(
        self, operation: str, denbun: Mapping[str, Any], context: CallContext, key: str | None = None
    ) -> Record:
        """Send one message and return what was sealed in its answer."""
        if key is not None and not _KEY.fullmatch(key):
            raise Refused(self.system, "E0002")
        chosen = denbuns()[operation]
        message_id = key or uuid4().hex
        sealed = self.payload.seal(chosen.written(self.system, denbun), chosen.if_id, message_id)
        envelope = {"if_id": chosen.if_id, "denbunbango": message_id}
        person = denbun.get("atenabango")
        if person is not None:
            envelope["atenabango"] = person
        body = envelope | {"denbun": base64.b64encode(sealed).decode("ascii")}
        (record,) = self.client.call(operation, context, body=body, idempotency_key=key)["result"]
        for name in ("if_id", "denbunbango", "atenabango"):
            if record.get(name) != envelope.get(name):
                raise self.bad(BadAnswerReason.WRONG_PERSON, f"/result/0/{name}")
        try:
            answer = base64.b64decode(record["denbun"], validate=True)
            opened = self.payload.open(answer, chosen.if_id, message_id)
        except (binascii.Error, ValueError, PayloadError):
            raise self.bad(BadAnswerReason.MALFORMED, _SEALED) from None
        told: Record = chosen.read(self.system, opened)
        return told

    def _at_most(self, limit: int, answer: Record, name: str) -> Sequence[Record]:
        records: Sequence[Record] = answer[name]
        if len(records) > limit:
            raise self.bad(BadAnswerReason.TOO_LARGE, f"{_SEALED}/{name}")
        return records

    def _code(self, record: Record, where: str) -> LinkageCodeState:
        since = self.moment(record, "henkonichiji", where)
        return LinkageCodeState(record["atenabango"], _CODES[record["fugojotai"]], since)

    def _status(self, record: Record) -> InquiryStatus:
        ends = record["kigennichiji"] is not None
        return InquiryStatus(
            inquiry_id=record["shokaibango"],
            state=_STATES[record["jotai"]],
            changed_at=self.moment(record, "henkonichiji", _SEALED),
            processing_number=record["shoritsuban"],
            code=record["riyu"],
            expires_at=self.moment(record, "kigennichiji", _SEALED) if ends else None,
        )

    def _items(self, lines: Sequence[Record]) -> tuple[InformationItem, ...]:
        """Return the records that lines belong to; those of one record stand together."""
        items: list[tuple[int, str, str, dict[str, str]]] = []
        for place, line in enumerate(lines):
            record = (line["gyo"], line["tokuteikojinjohomei_kodo"], line["reiautohan"])
            if not items or items[-1][:3] != record:
                if line["gyo"] != len(items) + 1:
                    raise self.bad(BadAnswerReason.OUT_OF_ORDER, f"{_SEALED}/komoku/{place}/gyo")
                items.append((*record, {}))
            self._add(items[-1][3], line, f"{_SEALED}/komoku/{place}")
        return tuple(InformationItem(name, layout, values) for _, name, layout, values in items)

    def _add(self, values: dict[str, str], line: Record, where: str) -> None:
        if line["komoku_kodo"] in values:
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/komoku_kodo")
        values[line["komoku_kodo"]] = line["atai"]

    def _request(self, record: Record, where: str) -> ProvisionRequest:
        return ProvisionRequest(
            request_id=record["teikyobango"],
            processing_number=record["shoritsuban"],
            atena_number=record["atenabango"],
            requester_code=record["shokaikikan_kodo"],
            affair_code=record["jimu_kodo"],
            information_name_code=record["tokuteikojinjohomei_kodo"],
            received_at=self.moment(record, "uketsukenichiji", where),
            answer_until=self.moment(record, "kaitokigen", where),
            state=_PROVISIONS[record["jotai"]],
        )

    def _registered(self, copies: Sequence[SubCopy], key: str, context: CallContext) -> Iterator[str]:
        asked = {
            "fukuhon": [_record(place, copy) for place, copy in enumerate(copies, 1)],
            "komoku": [
                {"gyo": place, "komoku_kodo": code, "atai": value}
                for place, copy in enumerate(copies, 1)
                if not copy.deleted
                for code, value in copy.item.values.items()
            ],
        }
        records = self._asked("register_sub_copies", asked, context, key)["kekka"]
        if len(records) != len(copies):
            raise self.bad(BadAnswerReason.INCOMPLETE, f"{_SEALED}/kekka")
        for place, (record, copy) in enumerate(zip(records, copies, strict=True)):
            said = {"gyo": place + 1, "rekodobango": copy.record_id, "rekodohan": copy.version}
            self.check_asked(record, said, f"{_SEALED}/kekka/{place}")
        return (record["kekka"] for record in records)

    def _copy(self, record: Record, atena_number: str, values: dict[str, str], where: str) -> SubCopy:
        self.check_asked(record, {"atenabango": atena_number}, where)
        return SubCopy(
            record_id=record["rekodobango"],
            atena_number=record["atenabango"],
            version=record["rekodohan"],
            item=InformationItem(record["tokuteikojinjohomei_kodo"], record["reiautohan"], values),
            published_from=self.day(record, "kokaikaishibi", where),
            published_to=self.day_if_any(record, "kokaishuryobi", where),
            withheld=record["jidootofuka"],
            not_disclosed=record["fukaiji"],
            deleted=record["sakujo"],
        )

    def _batch(self, record: Record, where: str) -> BatchState:
        ended = record["shuryonichiji"] is not None
        return BatchState(
            batch_id=record["batchibango"],
            name=record["batchimei"],
            state=_BATCHES[record["jotai"]],
            rows=record["kensu"],
            failed_rows=record["fuseikensu"],
            started_at=self.moment(record, "kaishinichiji", where),
            ended_at=self.moment(record, "shuryonichiji", where) if ended else None,
        )


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _record(place: int, copy: SubCopy) -> dict[str, Any]:
    return {
        "gyo": place,
        "rekodobango": copy.record_id,
        "atenabango": copy.atena_number,
        "rekodohan": copy.version,
        "tokuteikojinjohomei_kodo": copy.item.information_name_code,
        "reiautohan": copy.item.layout_version,
        "kokaikaishibi": copy.published_from.isoformat(),
        "kokaishuryobi": _written(copy.published_to),
        "jidootofuka": copy.withheld,
        "fukaiji": copy.not_disclosed,
        "sakujo": copy.deleted,
    }


def _parts(places: Sequence[int], copies: Sequence[SubCopy]) -> Iterator[list[int]]:
    """Yield the places of the copies that go in one message."""
    part: list[int] = []
    lines = 0
    for place in places:
        more = len(copies[place].item.values)
        if part and (len(part) == _COPIES or lines + more > _LINES):
            yield part
            part, lines = [], 0
        part.append(place)
        lines += more
    if part:
        yield part


def _key_of(key: str, part: int) -> str:
    """Return the key of one of several messages of a call, the same whenever the call is repeated."""
    return key if part == 0 else hashlib.sha256(f"{key}/{part}".encode()).hexdigest()
