"""The register's changes, each with its effect once."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.db.sync.conftest import Rows
from tests.db.sync.register import Register, person
from tests.people import resident
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, TimedOut
from yvaxportal.adapters.messages.resident_register import (
    ForeignDetails,
    RegisteredContact,
    RegisteredMeasure,
    Unusable,
)
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.services.sync.run import ResidentSync
from yvaxportal.values.personal_number import PersonalNumber
from yvaxportal.vault.vault import Vault

BABY = "1000000010"
NUMBER = PersonalNumber("900000000010")

OTHER_NUMBER = PersonalNumber("900000000028")
# As somebody writes it into a field that is not for it.
WRITTEN = " ".join((NUMBER.reveal()[:4], NUMBER.reveal()[4:8], NUMBER.reveal()[8:]))


@pytest.fixture(autouse=True)
def loaded(sync: ResidentSync) -> None:
    """An empty register was loaded: what follows are changes."""
    assert sync.run().first_load


def test_a_birth_makes_a_resident_who_is_found_by_name(
    sync: ResidentSync, register: Register, rows: Rows
) -> None:
    register.happens("birth", person(BABY))
    report = sync.run()
    assert dict(report.counts) == {"applied": 1}
    assert (report.failure, report.first_load) == ("", False)
    assert rows("SELECT name, date_of_birth, resident_category, business_atena_number FROM resident") == [
        ("髙﨑　𠮷子", date(2026, 11, 1), "resident", BABY)
    ]
    assert rows("SELECT current_address FROM resident_contact") == ["鳥取県米子市加茂町1-1"]
    assert sorted(rows("SELECT kind FROM resident_name")) == ["kana", "kanji"]
    assert rows("SELECT actor, action, detail->>'kind' FROM audit_event WHERE action <> 'x'") == [
        ("system", "resident.changed", "birth"),
        ("system", "contact.changed", "birth"),
    ]


def test_what_is_delivered_again_has_no_effect(sync: ResidentSync, register: Register, rows: Rows) -> None:
    first = register.happens("birth", person(BABY))
    register.log.append(first)
    assert dict(sync.run().counts) == {"applied": 1, "duplicate": 1}
    register.log.append(first)
    assert dict(sync.run().counts) == {"duplicate": 1}
    assert rows("SELECT count(*) FROM resident") == [1]
    assert rows("SELECT revision FROM resident") == [1]


def test_a_life_in_one_page(sync: ResidentSync, register: Register, rows: Rows) -> None:
    born = person(BABY)
    register.happens("birth", born)
    moved = replace(born, version=2, contact=replace(born.contact, current_address="米子市角盤町2"))
    register.happens("moved_within", moved)
    named = replace(moved, version=3, name="米子　𠮷子", former_name="髙﨑")
    register.happens("corrected", named)
    foreign = replace(named, version=4, foreign=ForeignDetails(nationality="BRA"))
    register.happens("corrected", foreign)
    gone = replace(
        named,
        version=5,
        resident_category=ResidentCategory.MOVED_OUT,
        residency=replace(born.residency, ceased_reason="転出", ceased_on=date(2026, 11, 22)),
        contact=RegisteredContact(address_after_moving_out="島根県松江市1"),
    )
    register.happens("moved_out", gone)
    assert dict(sync.run().counts) == {"applied": 5}
    assert rows(
        "SELECT name, former_name, resident_category, ceased_resident_on, is_foreign_national FROM resident"
    ) == [("米子　𠮷子", "髙﨑", "moved_out", date(2026, 11, 22), False)]
    assert rows("SELECT current_address, address_key, address_after_moving_out FROM resident_contact") == [
        (None, None, "島根県松江市1")
    ]
    assert rows("SELECT * FROM foreign_resident") == []
    assert rows("SELECT version FROM register_version") == [5]


def test_what_the_department_wrote_stays(
    sync: ResidentSync, register: Register, world: Session, rows: Rows
) -> None:
    known = resident(world, contact={"phone_number": "0859-00-0000", "mailing_address": "施設気付"})
    world.commit()
    register.happens("moved_within", person(known.atena_number))
    assert dict(sync.run().counts) == {"applied": 1}
    assert rows("SELECT phone_number, phone_key, mailing_address, current_address FROM resident_contact") == [
        ("0859-00-0000", "0859000000", "施設気付", "鳥取県米子市加茂町1-1")
    ]
    assert rows("SELECT business_atena_number FROM resident") == [known.business_atena_number]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"municipality_code": "131016"}, "wrong_municipality"),
        ({"name": " "}, "no_name"),
        ({"date_of_birth_written": "2026-13-01"}, "bad_birth_date"),
        ({"date_of_birth_written": "2026-11-24"}, "born_in_the_future"),
        ({"number": NUMBER.reveal()}, "bad_atena_number"),
        ({"former_name": WRITTEN}, "personal_number_in_text"),
    ],
)
def test_what_cannot_be_is_refused_and_kept(
    sync: ResidentSync, register: Register, rows: Rows, said: dict[str, Any], reason: str
) -> None:
    whole: dict[str, Any] = {"number": BABY, "personal_number": NUMBER} | said
    register.happens("birth", person(**whole))
    register.happens("birth", person("1000000028"))
    assert dict(sync.run().counts) == {reason: 1, "applied": 1}
    assert rows("SELECT atena_number FROM resident") == ["1000000028"]
    ((kept, payload),) = rows("SELECT reason, payload::text FROM sync_refusal")
    assert kept == reason
    assert NUMBER.reveal() not in payload
    assert WRITTEN not in payload
    register.log.append(register.log[0])
    sync.run()
    assert rows("SELECT times FROM sync_refusal") == [2]


def test_an_older_state_than_known_is_refused(sync: ResidentSync, register: Register, rows: Rows) -> None:
    register.happens("birth", person(BABY, version=3, name="新しい　名"))
    register.happens("corrected", person(BABY, version=2, name="古い　名"))
    register.happens("corrected", person(BABY, version=4, name="次の　名"))
    assert dict(sync.run().counts) == {"applied": 2, "outdated": 1}
    assert rows("SELECT name FROM resident") == ["次の　名"]


def test_a_support_measure_hides_and_only_its_end_opens(
    sync: ResidentSync, register: Register, rows: Rows
) -> None:
    born = person(BABY)
    register.happens("birth", born)
    measure = RegisteredMeasure(date(2026, 11, 10), date(2027, 11, 9))
    under = replace(born, version=2, support_measure=measure)
    register.happens("support_measure_started", under)
    left_out = replace(born, version=3, contact=replace(born.contact, current_address="秘密の住所"))
    register.happens("moved_within", left_out)
    sync.run()
    assert rows("SELECT support_measure_flag FROM resident") == [True]
    assert rows("SELECT starts_on, ends_on, lifted_at FROM support_measure") == [
        (date(2026, 11, 10), date(2027, 11, 9), None)
    ]
    assert "秘密" not in str(rows("SELECT before, after FROM audit_event"))
    register.happens("support_measure_ended", replace(left_out, version=4))
    sync.run()
    assert rows("SELECT support_measure_flag FROM resident") == [False]
    assert rows("SELECT lifted_at IS NULL FROM support_measure") == [False]


def test_a_personal_number_goes_to_the_vault_and_nowhere_else(
    sync: ResidentSync, register: Register, vault: Vault, rows: Rows
) -> None:
    register.happens("birth", person(BABY, personal_number=NUMBER))
    register.happens("moved_in", person("1000000028", personal_number=NUMBER))
    register.happens("moved_in", person("1000000036", personal_number=PersonalNumber("900000000011")))
    report = sync.run()
    assert dict(report.counts) == {"applied": 3, "personal_number_taken": 1, "bad_personal_number": 1}
    ids = dict(rows("SELECT atena_number, id FROM resident"))
    assert vault.has(ids[BABY])
    assert not vault.has(ids["1000000028"])
    tables = rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'vault_entry'"
    )
    for table in tables:
        if table.startswith("procrastinate_worker"):
            continue
        assert NUMBER.reveal() not in str(rows(f"SELECT t::text FROM {table} t"))  # noqa: S608 - own names


def test_a_crash_before_the_vault_loses_no_number(
    sync: ResidentSync, register: Register, vault: Vault, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.happens("birth", person(BABY, personal_number=NUMBER))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(vault, "store_many", killed)
        with pytest.raises(KeyboardInterrupt):
            sync.run()
    ((resident_id,),) = [rows("SELECT id FROM resident")]
    assert not vault.has(resident_id)
    assert dict(sync.run().counts) == {"duplicate": 1}
    assert vault.has(resident_id)


def test_a_failure_is_noted_and_the_next_run_goes_on(
    sync: ResidentSync, register: Register, rows: Rows
) -> None:
    register.happens("birth", person(BABY))
    register.fault = lambda _call: TimedOut("resident_register", "no answer within the time limit")
    report = sync.run()
    assert report.failure == "TimedOut: no answer within the time limit"
    assert rows("SELECT failure, failed_at IS NULL FROM sync_state") == [(report.failure, False)]
    register.fault = lambda _call: BadAnswer("resident_register", BadAnswerReason.MALFORMED, "/result/0")
    sync.run()
    sync.run()
    assert rows("SELECT kind, reason, times, payload->>'where' FROM sync_refusal") == [
        ("answer", "bad_answer", 2, "/result/0")
    ]
    register.fault = lambda _call: None
    assert dict(sync.run().counts) == {"applied": 1}
    assert rows("SELECT failure, succeeded_at IS NULL FROM sync_state") == [("", False)]


def test_two_runs_at_once_are_one(sync: ResidentSync, register: Register) -> None:
    inner = []
    register.happens("birth", person(BABY))

    def again(_call: str) -> None:
        register.fault = lambda _call: None
        inner.append(sync.run())

    register.fault = again
    assert dict(sync.run().counts) == {"applied": 1}
    assert inner[0].busy


def test_somebody_who_should_never_have_been_there(
    sync: ResidentSync, register: Register, rows: Rows
) -> None:
    register.happens("birth", person(BABY))
    register.happens("removed", BABY, person=None)
    register.happens("removed", "1000000028", person=None)
    assert dict(sync.run().counts) == {"applied": 3}
    assert rows("SELECT resident_category FROM resident") == ["removed"]


def test_a_record_that_cannot_be_read_is_passed_over_and_kept(
    sync: ResidentSync, register: Register, rows: Rows
) -> None:
    register.happens("birth", person(BABY))
    register.unusable = (Unusable("/jumin/shimei (minLength)", "c-9", "1000000028"), Unusable("/", None))
    assert dict(sync.run().counts) == {"applied": 1, "unreadable": 2}
    assert rows("SELECT atena_number, reason, payload->>'where' FROM sync_refusal ORDER BY id") == [
        ("1000000028", "unreadable", "/jumin/shimei (minLength)"),
        (None, "unreadable", "/"),
    ]


def test_a_number_that_changed_replaces_the_one_before(
    sync: ResidentSync, register: Register, vault: Vault, engine: Engine, rows: Rows
) -> None:
    register.happens("birth", person(BABY, personal_number=NUMBER))
    register.happens("birth", person("1000000036"))
    sync.run()
    (resident_id,) = rows("SELECT id FROM resident WHERE atena_number = :number", number=BABY)
    changed = person(BABY, version=2, personal_number=OTHER_NUMBER)
    register.happens("corrected", changed)
    register.happens("corrected", person("1000000036", version=2, personal_number=NUMBER))
    report = sync.run()
    # The old number is free only when the new one stands: whoever has it now comes with the next run.
    assert report.counts["applied"] == 2
    audit = AuditTrail(None, engine, SYSTEM)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(vault, "_check", lambda *_: "見本-1")
        found = vault.read(
            resident_id, purpose="x", case_reference="x", today=date(2026, 11, 23), audit=audit
        )
    assert found.reveal() == OTHER_NUMBER.reveal()
