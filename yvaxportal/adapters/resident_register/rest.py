"""The resident register over HTTPS (docs/protocols/resident_register.md)."""

import re
from itertools import pairwise
from typing import Any, ClassVar

from zope.interface import implementer

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.http.adapter import Record, RestAdapter
from yvaxportal.adapters.interfaces import IResidentRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import (
    ChangeKind,
    ChangePage,
    ForeignDetails,
    RegisterChange,
    RegisteredContact,
    RegisteredMeasure,
    RegisteredPerson,
    Residency,
    Snapshot,
    Unusable,
)
from yvaxportal.adapters.wire import Stream
from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory, Sex
from yvaxportal.values.personal_number import PersonalNumber

_CATEGORIES = {
    "1": ResidentCategory.RESIDENT,
    "2": ResidentCategory.MOVED_OUT,
    "3": ResidentCategory.DECEASED,
    "4": ResidentCategory.REMOVED,
}
_FOREIGN_CATEGORIES = {
    "1": ForeignResidentCategory.MID_TO_LONG_TERM,
    "2": ForeignResidentCategory.SPECIAL_PERMANENT,
    "3": ForeignResidentCategory.TEMPORARY_REFUGE,
    "4": ForeignResidentCategory.PROVISIONAL_STAY,
    "5": ForeignResidentCategory.TRANSITIONAL,
}
_CHANGES = {
    "11": ChangeKind.BIRTH,
    "12": ChangeKind.MOVED_IN,
    "21": ChangeKind.DEATH,
    "22": ChangeKind.MOVED_OUT,
    "31": ChangeKind.MOVED_WITHIN,
    "41": ChangeKind.CORRECTED,
    "51": ChangeKind.SUPPORT_MEASURE_STARTED,
    "52": ChangeKind.SUPPORT_MEASURE_ENDED,
    "61": ChangeKind.MERGED,
    "62": ChangeKind.SPLIT,
    "71": ChangeKind.REMOVED,
}
_CHANGE_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_ATENA = re.compile(r"[0-9]{1,15}")
_CONTACT = {
    "postal_code": "jusho_yubinbango",
    "current_address": "jusho",
    "address_code": "jusho_kodo",
    "address_town_code": "jusho_choazakodo",
    "neighbourhood_association": "jichikai",
    "elementary_school_district": "shogakkoku",
    "junior_high_school_district": "chugakkoku",
    "address_before_moving_in": "tennyumae_jusho",
    "address_after_moving_out": "tenshutsugo_jusho",
}
_FOREIGN = {
    "nationality": "kokuseki",
    "residence_status": "zairyushikaku",
    "period_of_stay": "zairyukikan",
    "residence_card_number": "zairyukadobango",
}


@implementer(IResidentRegister)
class RestResidentRegister(RestAdapter):
    """Asks the resident register."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.resident_register"

    def resident(self, atena_number: str, context: CallContext) -> RegisteredPerson:
        """See ``IResidentRegister``."""
        (record,) = self.client.call("resident", context, path={"atenabango": atena_number})["result"]
        self.check_asked(record, {"atenabango": atena_number}, "/result/0")
        return self._without_number(record, "/result/0")

    def resident_by_personal_number(self, number: PersonalNumber, context: CallContext) -> RegisteredPerson:
        """See ``IResidentRegister``; the number travels in the body."""
        body = {"kojinbango": number.reveal()}
        (record,) = self.client.call("resident_by_personal_number", context, body=body)["result"]
        if record.get("kojinbango") != number.reveal():
            raise self.bad(BadAnswerReason.WRONG_PERSON, "/result/0/kojinbango")
        self.check_municipality(record, "/result/0")
        return self._person(record, "/result/0")

    def household(self, household_number: str, context: CallContext) -> tuple[RegisteredPerson, ...]:
        """See ``IResidentRegister``."""
        people = []
        answer = self.client.call("household", context, path={"setaibango": household_number})
        for place, record in enumerate(answer["result"]):
            where = f"/result/{place}"
            self.check_asked(record, {"setaibango": household_number}, where)
            person = self._without_number(record, where)
            if person.resident_category is not ResidentCategory.RESIDENT:
                raise self.bad(BadAnswerReason.WRONG_PERSON, f"{where}/juminkubun")
            people.append(person)
        return tuple(people)

    def changes(self, after: str | None, limit: int, context: CallContext) -> ChangePage:
        """See ``IResidentRegister``."""
        answer = self.client.call("changes", context, query={"ikou": after, "kensu": limit})
        if len(answer["result"]) > limit:
            raise self.bad(BadAnswerReason.TOO_LARGE, "/result")
        changes, unusable = [], []
        for place, record in enumerate(answer["result"]):
            try:
                self.client.check_item("changes", record)
                changes.append(self._change(record, f"/result/{place}"))
            except BadAnswer as error:
                unusable.append(_unusable(record, error))
        for place, (earlier, later) in enumerate(pairwise(changes), 1):
            if later.processed_at < earlier.processed_at:
                raise self.bad(BadAnswerReason.OUT_OF_ORDER, f"/result/{place}/shorinichiji")
        return ChangePage(
            changes=tuple(changes),
            next_cursor=answer["tsugi"],
            more=answer["zoku"],
            as_of=self.moment(answer, "kijunnichiji", ""),
            unusable=tuple(unusable),
        )

    def snapshot(self, resume: tuple[str, str] | None, context: CallContext) -> Snapshot:
        """See ``IResidentRegister``; people come as the other side sends them, line by line."""
        snapshot_id, last = resume or (None, "")
        query = {"zenkenbango": snapshot_id, "ikou": last or None}
        lines = self.client.stream("snapshot", context, query=query)
        begin = lines.begin
        unusable: list[Unusable] = []
        people = self._people(lines, None if resume else begin["kensu"], last, unusable)
        # Begun here, so that closing it gives back the connection whether or not anybody was read.
        next(people)
        if snapshot_id not in {None, begin["zenkenbango"]}:
            people.close()
            raise self.bad(BadAnswerReason.OUTDATED, "/_begin/zenkenbango")
        return Snapshot(
            snapshot_id=begin["zenkenbango"],
            as_of=self.moment(begin, "kijunnichiji", "/_begin"),
            expected=begin["kensu"],
            change_cursor=begin["tsugi"],
            people=people,
            unusable=unusable,
        )

    def _people(self, lines: Stream, expected: int | None, last: str, unusable: list[Unusable]) -> Any:
        with lines:
            yield None
            for record in lines:
                where = f"line {lines.position + 1}: "
                try:
                    self.client.check_item("snapshot", record)
                    person = self._person(record, where)
                except BadAnswer as error:
                    unusable.append(_unusable(record, error))
                    continue
                if person.atena_number <= last:
                    raise self.bad(BadAnswerReason.OUT_OF_ORDER, f"{where}/atenabango")
                last = person.atena_number
                yield person
            if expected is not None and lines.position != expected:
                raise self.bad(BadAnswerReason.INCOMPLETE, f"line {lines.position + 2}")

    def _change(self, record: Record, where: str) -> RegisterChange:
        kind, subject = _CHANGES[record["idokubun"]], record.get("jumin")
        other = record.get("aite_atenabango")
        if (other is None) == (kind in {ChangeKind.MERGED, ChangeKind.SPLIT}):
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/aite_atenabango")
        if (subject is None) != (kind in {ChangeKind.MERGED, ChangeKind.REMOVED}):
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/jumin")
        if subject is not None:
            self.check_asked(subject, {"atenabango": record["atenabango"]}, f"{where}/jumin")
        return RegisterChange(
            change_id=record["idobango"],
            kind=kind,
            atena_number=record["atenabango"],
            occurred_on=self.day(record, "idobi", where),
            processed_at=self.moment(record, "shorinichiji", where),
            person=None if subject is None else self._person(subject, f"{where}/jumin"),
            other_atena_number=other,
        )

    def _without_number(self, record: Record, where: str) -> RegisteredPerson:
        self.check_municipality(record, where)
        if record.get("kojinbango") is not None:
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/kojinbango")
        return self._person(record, where)

    def _person(self, record: Record, where: str) -> RegisteredPerson:
        number = record.get("kojinbango")
        return RegisteredPerson(
            atena_number=record["atenabango"],
            household_number=record["setaibango"],
            name=record["shimei"],
            date_of_birth_written=record["seinengappi"],
            sex=Sex(record["seibetsu"]),
            resident_category=_CATEGORIES[record["juminkubun"]],
            version=record["rirekibango"],
            as_of=self.moment(record, "kijunnichiji", where),
            municipality_code=record["shikuchosonkodo"],
            name_kana=record.get("shimei_furigana"),
            name_alphabet=record.get("shimei_gaikokujinromaji"),
            alias_name=record.get("tsusho"),
            former_name=record.get("kyuji"),
            relationship_to_head=record.get("zokugara"),
            residency=self._residency(record, where),
            contact=RegisteredContact(**{name: record.get(wire) for name, wire in _CONTACT.items()}),
            foreign=_foreign(record),
            support_measure=self._measure(record.get("shiensochi"), f"{where}/shiensochi"),
            personal_number=None if number is None else PersonalNumber(number),
        )

    def _residency(self, record: Record, where: str) -> Residency:
        return Residency(
            became_reason=record.get("jumin_jiyu"),
            became_on=self.day_if_any(record, "jumin_idobi", where),
            became_notified_on=self.day_if_any(record, "jumin_todokedebi", where),
            ceased_reason=record.get("hijumin_jiyu"),
            ceased_on=self.day_if_any(record, "hijumin_idobi", where),
            ceased_notified_on=self.day_if_any(record, "hijumin_todokedebi", where),
        )

    def _measure(self, record: Record | None, where: str) -> RegisteredMeasure | None:
        if record is None:
            return None
        first, last = self.day(record, "kaishibi", where), self.day(record, "shuryobi", where)
        if last < first:
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/shuryobi")
        return RegisteredMeasure(first, last, bool(record.get("kari")))


def _unusable(record: Any, error: BadAnswer) -> Unusable:
    """Return what is told of a bad record: the place, and whose it is where that is legible."""
    fields = record if isinstance(record, dict) else {}
    change, number = fields.get("idobango"), fields.get("atenabango")
    return Unusable(
        where=error.where,
        record_id=change if isinstance(change, str) and _CHANGE_ID.fullmatch(change) else None,
        atena_number=number if isinstance(number, str) and _ATENA.fullmatch(number) else None,
    )


def _foreign(record: Record) -> ForeignDetails | None:
    values = {name: record.get(wire) for name, wire in _FOREIGN.items()}
    category = record.get("dai30jo45kubun")
    if category is None and not any(values.values()):
        return None
    return ForeignDetails(**values, article_30_45_category=_FOREIGN_CATEGORIES.get(category or ""))
