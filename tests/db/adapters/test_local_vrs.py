"""The vaccination record system on the portal's own tables."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.db.adapters.conftest import NOW
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.interfaces import IVrs
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.vrs import CertificateRequest, VrsFlag, VrsRecord, VrsTarget
from yvaxportal.adapters.vrs.local import LocalVrs
from yvaxportal.models.codes import CertificateKind, Sex, VaccinationStatus
from yvaxportal.models.vrs import VrsDose, VrsTicket
from yvaxportal.values.personal_number import PersonalNumber

CALL = CallContext.interactive("tanaka")
NUMBER = PersonalNumber("900000000010")
TARGET = VrsTarget("312029", "100", "0000012345", "見本　花子", "1970-01-00", Sex.FEMALE, NUMBER)
DOSE = VrsRecord("312029", "0000012345", 1, VaccinationStatus.DONE, date(2021, 6, 22), "ファイザー", "EY0001")


def index(number: PersonalNumber) -> bytes:
    return hmac.new(b"a key of the tests", number.reveal().encode(), hashlib.sha256).digest()


@pytest.fixture
def vrs(engine: Engine) -> IVrs:
    adapter: IVrs = LocalVrs("vrs", engine, "312029", lambda: NOW, index)
    (outcome,) = adapter.register_targets([TARGET], "t-1", CALL)
    assert outcome.taken
    return adapter


def another_citys(world: Session) -> None:
    """Leave a dose here that another municipality registered."""
    values: dict[str, Any] = {
        name: getattr(DOSE, name) for name in VrsRecord.__dataclass_fields__ if getattr(DOSE, name)
    }
    values |= {"municipality_code": "131016", "record_id": "another-citys", "dose_number": 2}
    world.add(VrsDose(**values, registered_at=NOW))
    world.commit()


def test_another_municipalitys_record_is_neither_changed_nor_listed(vrs: IVrs, world: Session) -> None:
    another_citys(world)
    with pytest.raises(Refused, match="not_own"):
        vrs.correct_record(replace(DOSE, record_id="another-citys"), "k-1", CALL)
    with pytest.raises(Refused, match="not_own"):
        vrs.delete_record("another-citys", "k-2", CALL)
    assert vrs.records("0000012345", CALL) == ()
    assert vrs.records_for_certificate("0000012345", CALL) == ()
    assert vrs.list_records(None, 10, CALL).items == ()
    assert list(vrs.download(CALL)) == []


def test_a_flag_stands_at_the_ticket(vrs: IVrs, world: Session) -> None:
    for place, flag in enumerate((VrsFlag.MOVED_OUT, VrsFlag.DECEASED, None)):
        vrs.set_flag("0000012345", flag, f"k-{place}", CALL)
        world.expire_all()
        assert world.get_one(VrsTicket, "0000012345").flag is flag


def test_a_ticket_keeps_its_person_and_its_day(vrs: IVrs, world: Session) -> None:
    later = LocalVrs("vrs", world.get_bind(), "312029", lambda: datetime(2027, 1, 1, tzinfo=UTC), index)  # type: ignore[arg-type]
    twice = [TARGET, replace(TARGET, ticket_number="0000000002"), TARGET]
    stolen = replace(TARGET, ticket_number="0000000002", atena_number="200")
    outcomes = later.register_targets([*twice, stolen], "t-2", CALL)
    assert [one.code for one in outcomes] == ["", "", "", "ticket_taken"]
    rows = world.scalars(select(VrsTicket).order_by(VrsTicket.ticket_number)).all()
    assert [(row.ticket_number, row.atena_number, row.registered_at.year) for row in rows] == [
        ("0000000002", "100", 2027),
        ("0000012345", "100", 2026),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticket_number": "000001234\0"},
        {"ticket_number": "１２３４５６７８９０"},
        {"atena_number": "A"},
        {"atena_number": "9" * 16},
        {"personal_number": PersonalNumber("900000000011")},
        {"personal_number": PersonalNumber("\0")},
    ],
)
def test_what_is_no_number_is_refused(vrs: IVrs, wrong: dict[str, Any]) -> None:
    (outcome,) = vrs.register_targets([replace(TARGET, **wrong)], "t-2", CALL)
    assert outcome.code == "bad_number"


def test_ten_thousand_at_once_and_not_one_more(vrs: IVrs) -> None:
    targets = [replace(TARGET, ticket_number=f"{place:010}") for place in range(10_001)]
    with pytest.raises(Refused, match="E0003"):
        vrs.register_targets(targets, "t-2", CALL)
    outcomes = vrs.register_targets(targets[:-1], "t-2", CALL)
    assert sum(one.taken for one in outcomes) == 10_000
    assert vrs.register_targets([], "t-3", CALL) == ()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"given_at": "会場\0"}, "E0002"),
        ({"physician": "\ud800"}, "E0002"),
        ({"lot_number": "EY\n0001"}, "E0002"),
        ({"given_at": ""}, "E0003"),
        ({"manufacturer": ""}, "E0001"),
        ({"manufacturer": "社" * 21}, "E0003"),
        ({"lot_number": "1" * 21}, "E0003"),
        ({"physician": "医" * 21}, "E0003"),
        ({"dose_number": 10}, "E0003"),
    ],
)
def test_what_no_record_can_say(vrs: IVrs, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused, match=code):
        vrs.register_record(replace(DOSE, **wrong), "k-1", CALL)
    made = vrs.register_record(DOSE, "k-2", CALL)
    with pytest.raises(Refused, match=code):
        vrs.correct_record(replace(made, **wrong), "k-3", CALL)


def test_a_record_id_of_odd_characters_is_nobodys(vrs: IVrs) -> None:
    made = vrs.register_record(DOSE, "k-1", CALL)
    for place, odd in enumerate(("\0", "\ud800", "見本", "x" * 65)):
        with pytest.raises(NotFound):
            vrs.delete_record(odd, f"k-2{place}", CALL)
        with pytest.raises(NotFound):
            vrs.correct_record(replace(made, record_id=odd), f"k-3{place}", CALL)


@pytest.mark.parametrize("key", ["", "k" * 65, "k 1", "k\n", "鍵"])
def test_what_is_no_key_is_refused(vrs: IVrs, key: str) -> None:
    with pytest.raises(Refused, match="E0002"):
        vrs.register_record(DOSE, key, CALL)


@pytest.mark.parametrize("cursor", ["", "1", "n", "n-1", "n1 ", "n" + "9" * 19, "n１"])
def test_what_is_no_cursor_is_refused(vrs: IVrs, cursor: str) -> None:
    with pytest.raises(Refused, match="unknown_cursor"):
        vrs.list_records(cursor, 10, CALL)


def test_a_certificate_stays_as_it_was_issued(vrs: IVrs) -> None:
    made = vrs.register_record(replace(DOSE, given_at="髙﨑会場", physician="𠮷野"), "k-1", CALL)
    request = CertificateRequest("0000012345", CertificateKind.DOMESTIC)
    issued = vrs.issue_certificate(request, "c-1", CALL)
    assert (issued.certificate_id, issued.issued_on) == ("202611V00001", date(2026, 11, 23))
    vrs.correct_record(replace(made, lot_number="EY0002"), "k-2", CALL)
    assert vrs.issue_certificate(request, "c-1", CALL).records == (made,)
    assert vrs.issue_certificate(request, "c-2", CALL).records[0].lot_number == "EY0002"


def test_a_download_left_in_the_middle_gives_its_connection_back(vrs: IVrs, engine: Engine) -> None:
    made = [
        vrs.register_record(replace(DOSE, dose_number=number), f"k-{number}", CALL) for number in (2, 1, 3)
    ]
    stream = vrs.download(CALL)
    assert list(islice(stream, 2)) == made[:2]
    stream.close()  # type: ignore[attr-defined]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert list(vrs.download(CALL)) == made


def test_no_table_holds_a_personal_number_a_name_or_a_passport(vrs: IVrs, engine: Engine) -> None:
    vrs.register_record(DOSE, "k-1", CALL)
    passport = CertificateRequest(
        "0000012345", CertificateKind.TRAVEL, "MIHON HANAKO", "ZZ0000000", "JPN", former_name="旧姓"
    )
    vrs.issue_certificate(passport, "c-1", CALL)
    said = [NUMBER.reveal(), "見本", "MIHON", "ZZ0000000", "旧姓"]
    guesses = [*said, *(hashlib.sha256(one.encode()).hexdigest() for one in said)]
    with engine.connect() as connection:
        for table in ("vrs_ticket", "vrs_dose", "vrs_deleted_dose", "vrs_certificate", "adapter_key"):
            rows = str(connection.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608
            assert not any(guess in rows for guess in guesses)
