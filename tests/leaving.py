"""What tests of files that leave share: a list of targets, a workshop, and opening an archive."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyzipper
from sqlalchemy.orm import Session

from tests.people import NOW, resident
from yvaxportal.models.codes import ExtractionState, MemberStanding
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.resident import Resident
from yvaxportal.services.extraction.criteria import Criteria

CRITERIA = Criteria("mr2", date(2026, 4, 1), date(2027, 3, 31), towns=("0001001",))


def extraction(session: Session, people: Sequence[Resident], *, staff_id: int, **said: Any) -> int:
    """Save a list of targets with these people on it, and return its id."""
    columns = {
        "title": "麻しん風しん第2期",
        "programme": "mr2",
        "reference_date": date(2026, 4, 1),
        "criteria": {**CRITERIA.as_json(), "bounds": {}, "states": []},
        "schedule_version": "2026-11-01",
        "funnel": [{"rule": "age", "out": 3, "left": len(people)}],
        "data_as_of": NOW,
        "state": ExtractionState.SAVED,
        "created_by": staff_id,
        "created_at": NOW,
    } | said
    saved = TargetExtraction(**columns)
    session.add(saved)
    session.flush()
    session.add_all(member(saved.id, person) for person in people)
    session.commit()
    return saved.id


def member(extraction_id: int, person: Resident, **said: Any) -> ExtractionMember:
    """Return somebody's place on a list."""
    columns = {
        "extraction_id": extraction_id,
        "resident_id": person.id,
        "dose_number": 2,
        "date_of_birth_written": person.date_of_birth_written,
        "sex": person.sex,
        "support_measure": person.support_measure_flag,
        "standing": MemberStanding.BY_RULES,
    } | said
    return ExtractionMember(**columns)


def people(session: Session, count: int, **said: Any) -> list[Resident]:
    """Make people in one street; whoever is made first lives last in it."""
    return [
        resident(
            session,
            name=f"見本　人{number}",
            contact={"postal_code": "6830823", "current_address": f"加茂町1-{999_999 - number}"},
            **said,
        )
        for number in range(count)
    ]


def content_of(archive: Path | bytes, password: str) -> tuple[str, bytes]:
    """Open an archive with another program than the one that wrote it; return the file's name and bytes."""
    opened = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    with pyzipper.AESZipFile(opened) as found:
        (entry,) = found.infolist()
        assert (entry.wz_aes_strength, entry.wz_aes_version) == (3, 2)
        found.setpassword(password.encode("ascii"))
        return entry.filename, found.read(entry)


def table_of(content: bytes, encoding: str = "utf-8-sig") -> list[list[str]]:
    """Return the rows of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode(encoding), newline="")))
