"""The check: what is refused as a whole, what a run that is stopped leaves, and a made-up city's file."""

import io
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.details import events
from tests.importing import HEADINGS, Office, office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.codes import ImportState
from yvaxportal.models.imports import ImportFilePart, ImportRow
from yvaxportal.models.resident import Resident
from yvaxportal.sample import SAMPLE_DAY, load
from yvaxportal.sample.import_file import write_file
from yvaxportal.services.imports.bureau import Progress
from yvaxportal.services.imports.desk import ask_for_end

NUMBER = "123456789018"


def people(session: Session, count: int = 12) -> list[Resident]:
    made = [
        resident(session, born=f"2024-01-{day:02}", business_atena_number=f"{500_000_000 + day * 7919}")
        for day in range(1, count + 1)
    ]
    session.commit()
    return made


def test_a_personal_number_refuses_the_whole_file(desk: Office, world: Session) -> None:
    rows = [row_of(one) for one in people(world)]
    rows[-1][5] = f"錦町1-1 {NUMBER[:4]}-{NUMBER[4:8]}-{NUMBER[8:]}"
    batch = desk.checked(questionnaires(rows))
    assert (batch.state, batch.refusal) == (ImportState.REFUSED, "personal_number")
    assert batch.facts == {"line": 13, "column": 6}
    assert world.scalars(select(ImportRow)).all() == []
    assert world.scalars(select(ImportFilePart.part)).all() == []
    assert (batch.wiped_at, batch.sha256) == (NOW, "")
    (wiped,) = events(world, Action.IMPORT_WIPED)
    assert (wiped.actor, wiped.detail) == ("clerk", {"cause": "personal_number"})
    (refused,) = events(world, Action.IMPORT_REFUSED)
    assert refused.outcome == "refused"


def test_what_arrives_is_sealed(desk: Office, world: Session, database_urls: DatabaseUrls) -> None:
    (child,) = people(world, 1)
    desk.send(questionnaires([row_of(child, 氏名="他所では見ない氏名")]))
    (part,) = world.scalars(select(ImportFilePart)).all()
    assert "他所では見ない氏名".encode() not in part.ciphertext


def test_a_shifted_column_is_named(desk: Office, world: Session) -> None:
    rows = [row_of(one) for one in people(world)]
    batch_id = desk.send(questionnaires([[row[1], row[0], *row[2:]] for row in rows]))
    batch = desk.check(batch_id)
    assert (batch.refusal, batch.facts["cause"]) == ("too_few_match", "shifted_column")
    assert (batch.facts["found"], batch.facts["mapped"]) == (2, 1)
    assert desk.rows(batch_id) == []


def test_a_file_of_another_municipality_is_named(desk: Office, world: Session) -> None:
    people(world)
    elsewhere = [row_of(one) for one in people_elsewhere()]
    assert desk.checked(questionnaires(elsewhere)).facts["cause"] == "other_municipality"


def people_elsewhere() -> list[Resident]:
    return [
        Resident(
            business_atena_number=str(800_000_000 + n), date_of_birth_written="2024-01-01", name="他市　子"
        )
        for n in range(12)
    ]


def test_birth_dates_of_others_are_named(desk: Office, world: Session) -> None:
    rows = [row_of(one, 生年月日="1999-09-09") for one in people(world)]
    assert desk.checked(questionnaires(rows)).facts["cause"] == "births_differ"


def test_a_wrong_encoding_is_named(desk: Office, world: Session) -> None:
    rows = [row_of(one, 住所="鳥取県米子市錦町") for one in people(world)]
    data = questionnaires(rows)
    batch = desk.batch(desk.send(data))
    assert batch.encoding == "utf-8"
    rows = [row_of(one, 生年月日="令和6年1月1日") for one in people_elsewhere()]
    assert desk.checked(questionnaires(rows), encoding=None).facts["cause"] == "other_municipality"
    garbled = questionnaires(rows).decode("cp932", "replace").encode()
    batch_id = desk.send(questionnaires([]).rstrip() + b"\r\n" + garbled.partition(b"\n")[2])
    assert desk.check(batch_id).facts["cause"] == "wrong_encoding"


def test_fewer_rows_than_ten_say_nothing(desk: Office, world: Session) -> None:
    people(world)
    batch = desk.checked(questionnaires([row_of(one) for one in people_elsewhere()[:9]]))
    assert (batch.refusal, batch.counts) == (None, {"number_unknown": 9})


def test_the_floor_is_a_setting(engine: Engine, world: Session) -> None:
    lenient = office(engine, world, match_floor=0)
    assert lenient.checked(questionnaires([row_of(one) for one in people_elsewhere()])).refusal is None


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", "empty_file"),
        (",".join(HEADINGS).encode() + b"\r\n", "empty_file"),
        (b'"' + ",".join(HEADINGS).encode() + b"\r\n", "unreadable_headings"),
        (b"PK\x03\x04 no zip at all", "not_a_workbook"),
    ],
)
def test_files_of_which_nothing_can_come(desk: Office, content: bytes, refusal: str) -> None:
    assert desk.checked(content).refusal == refusal


def test_a_run_that_is_stopped_leaves_nothing(
    desk: Office, world: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row_of(one) for one in people(world)]
    tell = Progress.tell

    def stop(self: Progress, done: int) -> None:
        with Session(desk.bureau.engine) as session, session.begin():
            ask_for_end(session, self._batch_id)
        tell(self, done)

    monkeypatch.setattr(Progress, "tell", stop)
    batch = desk.check(desk.send(questionnaires(rows)))
    assert (batch.state, batch.counts) == (ImportState.UPLOADED, {})
    assert desk.rows(batch.id) == []
    monkeypatch.undo()
    assert desk.check(batch.id).counts == {"ready": 12}


def test_a_mapping_is_remembered_for_the_same_headings(desk: Office, world: Session) -> None:
    (child,) = people(world, 1)
    headings = ["番号A", *HEADINGS[1:]]
    data = questionnaires([row_of(child)]).replace(HEADINGS[0].encode(), headings[0].encode(), 1)
    first = desk.send(data)
    assert "business_atena_number" not in desk.batch(first).mapping
    desk.check(first, business_atena_number=0)
    assert desk.batch(desk.send(data)).mapping["business_atena_number"] == 0


def test_every_row_of_a_made_up_city_comes_to_what_was_planned(
    database_urls: DatabaseUrls, engine: Engine, world: Session, secrets: Path
) -> None:
    """A few thousand rows with seeded faults of every kind; ``bench`` does it with a million."""
    load(
        database_urls.owner,
        residents=1_500,
        seed=5,
        key_ring=secrets / "ring.json",
        municipality_code="312029",
        demo_accounts=False,
        today=SAMPLE_DAY,
        processes=1,
    )
    desk = office(engine, world)
    out = io.BytesIO()
    with engine.connect() as connection:
        expected = write_file(connection, out, rows=4_000, seed=11)
    batch = desk.checked(out.getvalue())
    found = {row.line: row.state for row in desk.rows(batch.id)}
    wrong = Counter(
        (planned.value, found[line].value)
        for line, planned in enumerate(expected.states, 2)
        if found.get(line) is not planned
    )
    assert not wrong
    assert batch.counts == expected.counts()
    assert len(expected.counts()) == 10
    ready = expected.counts()["ready"]
    assert desk.apply(batch.id)["recorded"] == ready
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM dose WHERE source = 'file' AND given_on <= :today")
        assert connection.scalar(query, {"today": date(2026, 11, 23)}) >= ready
