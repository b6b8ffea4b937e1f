"""The protocol of the vaccination record system (docs/protocols/vrs.md) as the portal's messages."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from zope.interface import implementer

from yvaxportal.adapters.errors import BadAnswerReason, NotFound, Refused
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
from yvaxportal.adapters.wire import Record, Stream, WireAdapter
from yvaxportal.models.codes import CertificateKind, VaccinationStatus

_STATUSES = {"1": VaccinationStatus.DONE, "2": VaccinationStatus.NOT_DONE}
_STATUS_CODES = {status: code for code, status in _STATUSES.items()}
_FLAG_CODES = {None: "0", VrsFlag.MOVED_OUT: "1", VrsFlag.DECEASED: "2"}
_KINDS = {"1": CertificateKind.DOMESTIC, "2": CertificateKind.TRAVEL}
_KIND_CODES = {kind: code for code, kind in _KINDS.items()}
#: Field of the message and item of the protocol, where both are plain text.
_ITEMS = {
    "municipality_code": "shikuchosonkodo",
    "ticket_number": "kenbango",
    "manufacturer": "meka",
    "lot_number": "rotto",
    "given_at": "kaijomei",
    "physician": "ishimei",
    "vaccine": "wakuchinshurui",
    "product_name": "seihinmei",
}
_TARGET = {
    "municipality_code": "shikuchosonkodo",
    "atena_number": "atenabango",
    "ticket_number": "kenbango",
    "name": "shimei",
    "date_of_birth_written": "seinengappi",
    "sex": "seibetsu",
    "name_kana": "shimei_furigana",
}
_PASSPORT = {
    "name_alphabet": "shimei_romaji",
    "passport_number": "ryokenbango",
    "passport_nationality": "kokuseki",
    "former_name": "kyusei",
    "other_name": "betsumei",
    "alphabet_of_other_name": "betsumei_romaji",
}


@implementer(IVrs)
class WireVrs(WireAdapter):
    """Asks the vaccination record system, or the gateway before it, whatever carries the questions."""

    def register_targets(
        self, targets: Sequence[VrsTarget], idempotency_key: str, context: CallContext
    ) -> tuple[RowOutcome, ...]:
        """See ``IVrs``; personal numbers travel in the body, here and nowhere else."""
        if len(targets) > MOST_TARGETS:
            raise Refused(self.system, "E0003")
        if not targets:
            return ()
        rows = [
            _written(target, _TARGET) | {"kojinbango": target.personal_number.reveal()} for target in targets
        ]
        answer = self.client.call(
            "register_targets", context, body={"taisho": rows}, idempotency_key=idempotency_key
        )
        if len(answer["result"]) != len(targets):
            raise self.bad(BadAnswerReason.INCOMPLETE, "/result")
        return tuple(self._outcome(row, place) for place, row in enumerate(answer["result"]))

    def records(self, ticket_number: str, context: CallContext) -> tuple[VrsRecord, ...]:
        """See ``IVrs``."""
        answer = self.client.call("records", context, path={"kenbango": ticket_number})
        return self._records_of(ticket_number, answer["result"])

    def list_records(self, cursor: str | None, limit: int, context: CallContext) -> Page[VrsRecord]:
        """See ``IVrs``."""
        answer = self.client.call("list_records", context, query={"ikou": cursor, "kensu": limit})
        if len(answer["result"]) > limit:
            raise self.bad(BadAnswerReason.TOO_LARGE, "/result")
        if answer["zoku"] and (not answer["result"] or answer["tsugi"] == cursor):
            # Going on from there would never end.
            raise self.bad(BadAnswerReason.OUT_OF_ORDER, "/tsugi")
        return Page(
            items=tuple(
                self._record(record, f"/result/{place}") for place, record in enumerate(answer["result"])
            ),
            next_cursor=answer["tsugi"] if answer["zoku"] else None,
            as_of=self.moment(answer, "kijunnichiji", ""),
        )

    def register_record(self, record: VrsRecord, idempotency_key: str, context: CallContext) -> VrsRecord:
        """See ``IVrs``."""
        body = _dose(record)
        answer = self.client.call("register_record", context, body=body, idempotency_key=idempotency_key)
        return self._echo(record, answer)

    def correct_record(self, record: VrsRecord, idempotency_key: str, context: CallContext) -> VrsRecord:
        """See ``IVrs``."""
        if record.record_id is None:
            raise NotFound(self.system, "record")
        answer = self.client.call(
            "correct_record",
            context,
            path={"kirokubango": record.record_id},
            body=_dose(record),
            idempotency_key=idempotency_key,
        )
        corrected = self._echo(record, answer)
        if corrected.record_id != record.record_id:
            raise self.bad(BadAnswerReason.WRONG_PERSON, "/result/0/kirokubango")
        return corrected

    def delete_record(self, record_id: str, idempotency_key: str, context: CallContext) -> None:
        """See ``IVrs``."""
        path = {"kirokubango": record_id}
        self.client.call("delete_record", context, path=path, idempotency_key=idempotency_key)

    def set_flag(
        self, ticket_number: str, flag: VrsFlag | None, idempotency_key: str, context: CallContext
    ) -> None:
        """See ``IVrs``."""
        self.client.call(
            "set_flag",
            context,
            path={"kenbango": ticket_number},
            body={"furagu": _FLAG_CODES[flag]},
            idempotency_key=idempotency_key,
        )

    def records_for_certificate(self, ticket_number: str, context: CallContext) -> tuple[VrsRecord, ...]:
        """See ``IVrs``."""
        answer = self.client.call("records_for_certificate", context, path={"kenbango": ticket_number})
        return self._certifiable(ticket_number, answer["result"])

    def issue_certificate(
        self, request: CertificateRequest, idempotency_key: str, context: CallContext
    ) -> IssuedCertificate:
        """See ``IVrs``; the passport travels in the body and does not come back."""
        said = {"kenbango": request.ticket_number, "shomeishokubun": _KIND_CODES[request.kind]}
        answer = self.client.call(
            "issue_certificate",
            context,
            body=_written(request, _PASSPORT) | said,
            idempotency_key=idempotency_key,
        )
        self.check_asked(answer, said, "")
        codes = (answer.get("nijigenkodo_shc"), answer.get("nijigenkodo_icao"))
        return IssuedCertificate(
            certificate_id=answer["shomeishoid"],
            issued_on=self.day(answer, "hakkobi", ""),
            kind=request.kind,
            records=self._certifiable(request.ticket_number, answer["result"]),
            codes=tuple(code for code in codes if code is not None),
        )

    def download(self, context: CallContext) -> Iterator[VrsRecord]:
        """See ``IVrs``; records come as the other side sends them, line by line."""
        lines = self.client.stream("download", context)
        records = self._downloaded(lines)
        # Begun here, so that closing it gives back the connection whether or not anything was read.
        next(records)
        return records

    def _downloaded(self, lines: Stream) -> Iterator[Any]:
        with lines:
            yield None
            for record in lines:
                yield self._record(record, f"line {lines.position + 1}: ")
            if lines.position != lines.begin["kensu"]:
                raise self.bad(BadAnswerReason.INCOMPLETE, f"line {lines.position + 2}")

    def _outcome(self, row: Record, place: int) -> RowOutcome:
        where = f"/result/{place}"
        if row["gyobango"] != place + 1:
            raise self.bad(BadAnswerReason.OUT_OF_ORDER, f"{where}/gyobango")
        code = row.get("riyu")
        if (row["kekka"] == "1") != (code is None):
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/riyu")
        return RowOutcome(place, code=code or "")

    def _records_of(self, ticket_number: str, answered: Sequence[Record]) -> tuple[VrsRecord, ...]:
        for place, record in enumerate(answered):
            self.check_asked(record, {"kenbango": ticket_number}, f"/result/{place}")
        records = tuple(self._record(record, f"/result/{place}") for place, record in enumerate(answered))
        for place, (earlier, later) in enumerate(pairwise(records), 1):
            if (later.dose_number, later.given_on) < (earlier.dose_number, earlier.given_on):
                raise self.bad(BadAnswerReason.OUT_OF_ORDER, f"/result/{place}/kaisu")
        return records

    def _certifiable(self, ticket_number: str, answered: Sequence[Record]) -> tuple[VrsRecord, ...]:
        records = self._records_of(ticket_number, answered)
        for place, record in enumerate(records):
            if record.given_on > LAST_CERTIFIED_DAY:
                raise self.bad(BadAnswerReason.MALFORMED, f"/result/{place}/sesshubi")
            if record.status is not VaccinationStatus.DONE:
                raise self.bad(BadAnswerReason.MALFORMED, f"/result/{place}/sesshujokyo")
        return records

    def _echo(self, sent: VrsRecord, answer: Record) -> VrsRecord:
        """Return the record of an answer, which must say what was sent."""
        (record,) = answer["result"]
        self.check_asked(record, {"kenbango": sent.ticket_number, "kaisu": sent.dose_number}, "/result/0")
        came = self._record(record, "/result/0")
        if replace(came, record_id=None, registered_at=None) != replace(
            sent, record_id=None, registered_at=None
        ):
            raise self.bad(BadAnswerReason.MALFORMED, "/result/0")
        return came

    def _record(self, record: Record, where: str) -> VrsRecord:
        self.check_municipality(record, where)
        texts: dict[str, Any] = {name: record.get(item) for name, item in _ITEMS.items()}
        return VrsRecord(
            dose_number=int(record["kaisu"]),
            status=_STATUSES[record["sesshujokyo"]],
            given_on=self.day(record, "sesshubi", where),
            record_id=record["kirokubango"],
            registered_at=self.moment(record, "torokunichiji", where),
            **texts,
        )


def _written(message: Any, items: dict[str, str]) -> dict[str, Any]:
    values = {item: getattr(message, name) for name, item in items.items()}
    return {item: value for item, value in values.items() if value is not None}


def _dose(record: VrsRecord) -> dict[str, Any]:
    return _written(record, _ITEMS) | {
        "kaisu": record.dose_number,
        "sesshujokyo": _STATUS_CODES[record.status],
        "sesshubi": record.given_on.isoformat(),
    }
