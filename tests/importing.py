"""Files of doses made in a test, and the four steps without a browser."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import NOW
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.imports import ImportBatch, ImportRow
from yvaxportal.models.resident import Resident
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.imports.applying import apply
from yvaxportal.services.imports.bureau import Bureau
from yvaxportal.services.imports.checking import check
from yvaxportal.services.imports.desk import Sender, ask_for_apply, ask_for_check, ask_for_undo, hand_in
from yvaxportal.services.imports.layouts import load_layouts
from yvaxportal.services.imports.undoing import undo
from yvaxportal.vault.keyring import KeyRing

HEADINGS = (
    "業務宛名番号", "生年月日", "氏名", "カナ氏名", "性別", "住所", "ワクチン", "回数", "接種日", "接種判定",
    "医療機関名", "接種医", "ロット番号",
)  # fmt: skip


def csv_bytes(rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode(encoding)


def row_of(person: Resident, **said: str) -> list[str]:
    """Return a record of the questionnaires' layout for a person, with what the test says otherwise."""
    values = {
        "業務宛名番号": person.business_atena_number,
        "生年月日": person.date_of_birth_written,
        "氏名": person.name,
        "カナ氏名": person.name_kana or "",
        "ワクチン": "MR",
        "回数": "1",
        "接種日": "2025-04-01",
        "接種判定": "可",
        "医療機関名": "見本クリニック",
        "接種医": "医師　一郎",
        "ロット番号": "Y123",
    } | said
    return [values.get(heading, "") for heading in HEADINGS]


def questionnaires(rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> bytes:
    return csv_bytes([HEADINGS, *rows], encoding)


@dataclass
class Office:
    """One member of staff with files of doses."""

    bureau: Bureau
    staff_id: int

    def audit(self, session: Session) -> AuditTrail:
        return AuditTrail(session, self.bureau.engine, Actor("clerk", ("registrar",), None))

    def send(self, content: bytes, layout: str = "questionnaires", name: str = "データ.csv") -> int:
        with Session(self.bureau.engine) as session, session.begin():
            batch = hand_in(
                session,
                self.audit(session),
                self.bureau,
                layout=layout,
                file_name=name,
                file=io.BytesIO(content),
                sender=Sender(self.staff_id, ("registrar",)),
                now=NOW,
            )
            return batch.id

    def check(self, batch_id: int, encoding: str | None = None, **mapping: int) -> ImportBatch:
        with Session(self.bureau.engine) as session, session.begin():
            batch = session.get_one(ImportBatch, batch_id)
            lacking = ask_for_check(
                session,
                self.audit(session),
                self.bureau,
                batch_id,
                encoding=encoding or batch.encoding,
                mapping={**batch.mapping, **mapping},
                staff_id=self.staff_id,
                now=NOW,
            )
            assert not lacking
        check(self.bureau, batch_id)
        return self.batch(batch_id)

    def checked(
        self, content: bytes, layout: str = "questionnaires", encoding: str | None = None
    ) -> ImportBatch:
        batch_id = self.send(content, layout)
        batch = self.batch(batch_id)
        return batch if batch.refusal else self.check(batch_id, encoding)

    def apply(self, batch_id: int) -> dict[str, int]:
        self.ask_for_apply(batch_id)
        return dict(apply(self.bureau, batch_id) or {})

    def ask_for_apply(self, batch_id: int) -> None:
        with Session(self.bureau.engine) as session, session.begin():
            ask_for_apply(session, self.audit(session), batch_id, staff_id=self.staff_id, now=NOW)

    def undo(self, batch_id: int, reason: str = "誤った月の分", *, partly: bool = False) -> dict[str, int]:
        with Session(self.bureau.engine) as session, session.begin():
            ask_for_undo(
                session,
                self.audit(session),
                batch_id,
                staff_id=self.staff_id,
                reason=reason,
                partly=partly,
                now=NOW,
            )
        return dict(undo(self.bureau, batch_id) or {})

    def batch(self, batch_id: int) -> ImportBatch:
        with Session(self.bureau.engine, expire_on_commit=False) as session:
            return session.get_one(ImportBatch, batch_id)

    def rows(self, batch_id: int) -> list[ImportRow]:
        with Session(self.bureau.engine, expire_on_commit=False) as session:
            query = select(ImportRow).where(ImportRow.batch_id == batch_id).order_by(ImportRow.number)
            return list(session.scalars(query))

    def states(self, batch_id: int) -> list[str]:
        return [row.state.value for row in self.rows(batch_id)]


def office(engine: Engine, session: Session, **said: Any) -> Office:
    values: dict[str, Any] = {
        "engine": engine,
        "ring": KeyRing.with_new_key(),
        "schedule": load_schedule(load_catalogue()),
        "layouts": load_layouts(),
        "municipality_code": "312029",
        "match_floor": 700,
        "clock": lambda: NOW,
    } | said
    staff_id = clerk(session)
    session.commit()
    return Office(Bureau(**values), staff_id)
