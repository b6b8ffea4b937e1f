"""The example files of the documentation: each comes to what its paired file says."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.importing import Office
from tests.people import resident
from yvaxportal.models.codes import ResidentCategory, TicketState
from yvaxportal.models.dose import MedicalInstitution
from yvaxportal.models.ticket import Ticket
from yvaxportal.values.kana import fold_name

FOLDER = Path("docs/examples/imports")
FILES = sorted(path for path in FOLDER.glob("*.*") if path.suffix != ".json" and path.name != "residents.csv")
LAYOUTS = ("questionnaires", "clinic_list", "infant_form", "elderly_form", "vrs_records")


def people(session: Session) -> None:
    """Add the people whom the examples are about, and the institution."""
    with (FOLDER / "residents.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            left = date.fromisoformat(row["left"]) if row["left"] else None
            person = resident(
                session,
                atena_number=row["atena_number"],
                business_atena_number=row["business_atena_number"],
                name=row["name"],
                name_kana=row["name_kana"],
                born=row["born"],
                sex=row["sex"],
                resident_category=ResidentCategory(row["category"]),
                became_resident_on=date.fromisoformat(row["since"]),
                ceased_resident_on=left,
            )
            if row["ticket_number"]:
                session.add(
                    Ticket(
                        resident_id=person.id,
                        vaccine="comirnaty",
                        ticket_kind="1",
                        dose_number=1,
                        municipality_code="312029",
                        ticket_number=row["ticket_number"],
                        issued_on=date(2021, 5, 1),
                        state=TicketState.ISSUED,
                    )
                )
    session.add(
        MedicalInstitution(
            code="3110112342",
            name="見本こどもクリニック",
            name_key=fold_name("見本こどもクリニック"),
            valid_from=date(2000, 4, 1),
        )
    )
    session.commit()


def outcome(desk: Office, path: Path) -> dict[str, Any]:
    """Return what became of a file, as its paired file says it."""
    layout = next(name for name in LAYOUTS if path.name.startswith(name))
    batch = desk.batch(desk.send(path.read_bytes(), layout, path.name))
    said: dict[str, Any] = {
        "format": batch.format,
        "encodings": [one["encoding"] for one in batch.encodings],
        "encoding": batch.encoding,
    }
    if not batch.refusal:
        batch = desk.check(batch.id, batch.encoding or "utf-8")
    if batch.refusal:
        return {**said, "refusal": batch.refusal, "facts": batch.facts}
    rows = [
        {
            "line": row.line,
            "part": row.part,
            "state": row.state.value,
            "reasons": [reason[0] for reason in row.reasons],
            "dose": {
                name: row.parsed["dose"].get(name)
                for name in ("vaccine", "dose_number", "given_on")
                if "dose" in row.parsed and name in row.parsed["dose"]
            },
        }
        for row in desk.rows(batch.id)
    ]
    return {**said, "rows": rows}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_comes_to_what_is_written_beside_it(desk: Office, world: Session, path: Path) -> None:
    people(world)
    expected = json.loads((FOLDER / f"{path.name}.json").read_text("utf-8"))
    assert outcome(desk, path) == expected


def test_every_layout_has_an_example() -> None:
    assert {name for name in LAYOUTS for path in FILES if path.name.startswith(name)} == {
        path.stem for path in Path("yvaxportal/services/imports/layouts").glob("*.toml")
    }
