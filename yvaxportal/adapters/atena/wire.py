"""The protocol of the integrated atena system (docs/protocols/atena.md) as the portal's messages."""

import base64
import binascii
from typing import Any

from zope.interface import implementer

from yvaxportal.adapters.errors import BadAnswerReason
from yvaxportal.adapters.interfaces import IAtena
from yvaxportal.adapters.messages.atena import (
    Assignment,
    AssignmentKind,
    Envelope,
    NameInformation,
    NewPerson,
    NoticeKind,
    NoticePage,
    NumberNotice,
)
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.wire import Record, WireAdapter
from yvaxportal.models.codes import Sex
from yvaxportal.values.personal_number import PersonalNumber

_KINDS = {"1": AssignmentKind.ASSIGNED, "2": AssignmentKind.ALREADY_HAD_ONE}
_NOTICES = {"1": NoticeKind.MERGED, "2": NoticeKind.SPLIT}
#: Field of the message and item of the protocol, where both are plain text.
_ITEMS = {
    "name": "shimei",
    "date_of_birth_written": "seinengappi",
    "address": "jusho",
    "name_kana": "shimei_furigana",
    "alias_name": "tsusho",
    "postal_code": "jusho_yubinbango",
    "address_code": "jusho_kodo",
}
_PERSONAL_NUMBER_DIGITS = 12


@implementer(IAtena)
class WireAtena(WireAdapter):
    """Asks the integrated atena system, whatever carries the questions."""

    def assign(self, person: NewPerson, idempotency_key: str, context: CallContext) -> Assignment:
        """See ``IAtena``; a personal number travels in the body."""
        body = _written(person)
        if person.personal_number is not None:
            body["kojinbango"] = person.personal_number.reveal()
        answer = self.client.call("assign", context, body=body, idempotency_key=idempotency_key)
        (record,) = answer["result"]
        if len(record["atenabango"]) == _PERSONAL_NUMBER_DIGITS:
            # Twelve digits are what a personal number has: such a number is used nowhere here.
            raise self.bad(BadAnswerReason.MALFORMED, "/result/0/atenabango")
        return Assignment(
            atena_number=record["atenabango"],
            kind=_KINDS[record["fubankubun"]],
            assigned_at=self.moment(record, "fubannichiji", "/result/0"),
        )

    def name_information(self, atena_number: str, context: CallContext) -> NameInformation:
        """See ``IAtena``; the answer may be about the number that remained after a merge."""
        path = {"atenabango": atena_number}
        (record,) = self.client.call("name_information", context, path=path)["result"]
        return self._information(record, "/result/0")

    def name_information_by_personal_number(
        self, number: PersonalNumber, context: CallContext
    ) -> NameInformation:
        """See ``IAtena``."""
        body = {"kojinbango": number.reveal()}
        answer = self.client.call("name_information_by_personal_number", context, body=body)
        (record,) = answer["result"]
        return self._information(record, "/result/0")

    def keep(self, information: NameInformation, idempotency_key: str, context: CallContext) -> None:
        """See ``IAtena``."""
        number = {"atenabango": information.atena_number}
        body = _written(information) | number
        body["kijunnichiji"] = information.as_of.isoformat()
        body["jumintoroku"] = information.is_registered_resident
        self.client.call("keep", context, path=number, body=body, idempotency_key=idempotency_key)

    def bind_personal_number(
        self, atena_number: str, number: PersonalNumber, idempotency_key: str, context: CallContext
    ) -> None:
        """See ``IAtena``."""
        self.client.call(
            "bind_personal_number",
            context,
            path={"atenabango": atena_number},
            body={"kojinbango": number.reveal()},
            idempotency_key=idempotency_key,
        )

    def notices(self, after: str | None, limit: int, context: CallContext) -> NoticePage:
        """See ``IAtena``."""
        answer = self.client.call("notices", context, query={"ikou": after, "kensu": limit})
        if len(answer["result"]) > limit:
            raise self.bad(BadAnswerReason.TOO_LARGE, "/result")
        return NoticePage(
            notices=tuple(
                NumberNotice(
                    notice_id=record["tsuchibango"],
                    kind=_NOTICES[record["tsuchikubun"]],
                    atena_number=record["atenabango"],
                    other_atena_number=record["aite_atenabango"],
                    decided_at=self.moment(record, "ketteinichiji", f"/result/{place}"),
                )
                for place, record in enumerate(answer["result"])
            ),
            next_cursor=answer["tsugi"],
            more=answer["zoku"],
            as_of=self.moment(answer, "kijunnichiji", ""),
        )

    def pass_to_chukan(self, envelope: Envelope, idempotency_key: str, context: CallContext) -> Envelope:
        """See ``IAtena``."""
        body = {
            "if_id": envelope.interface_id,
            "denbunbango": envelope.message_id,
            "denbun": base64.b64encode(envelope.body).decode("ascii"),
        }
        if envelope.atena_number is not None:
            body["atenabango"] = envelope.atena_number
        answer = self.client.call("pass_to_chukan", context, body=body, idempotency_key=idempotency_key)
        (record,) = answer["result"]
        if record["if_id"] != envelope.interface_id:
            raise self.bad(BadAnswerReason.WRONG_PERSON, "/result/0/if_id")
        return self._envelope(record, "/result/0")

    def collect_from_chukan(
        self, after: str | None, limit: int, context: CallContext
    ) -> tuple[Envelope, ...]:
        """See ``IAtena``."""
        answer = self.client.call("collect_from_chukan", context, query={"ikou": after, "kensu": limit})
        return tuple(
            self._envelope(record, f"/result/{place}") for place, record in enumerate(answer["result"])
        )

    def _information(self, record: Record, where: str) -> NameInformation:
        texts: dict[str, Any] = {name: record.get(item) for name, item in _ITEMS.items()}
        return NameInformation(
            atena_number=record["atenabango"],
            sex=Sex(record["seibetsu"]),
            as_of=self.moment(record, "kijunnichiji", where),
            is_registered_resident=record["jumintoroku"],
            **texts,
        )

    def _envelope(self, record: Record, where: str) -> Envelope:
        try:
            body = base64.b64decode(record["denbun"], validate=True)
        except (binascii.Error, ValueError):
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/denbun") from None
        return Envelope(record["if_id"], record["denbunbango"], body, record.get("atenabango"))


def _written(subject: NewPerson | NameInformation) -> dict[str, Any]:
    values = {item: getattr(subject, name) for name, item in _ITEMS.items()}
    written: dict[str, Any] = {item: value for item, value in values.items() if value is not None}
    written["seibetsu"] = subject.sex.value
    return written
