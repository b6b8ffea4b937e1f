import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Unpack

import pytest
from sqlalchemy import Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import Actor, AuditTrail, Facts
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import Outcome
from yvaxportal.models.vault import VaultEntry
from yvaxportal.values.checkdigits import PersonalNumberError
from yvaxportal.vault.keyring import KeyRing, SealBrokenError
from yvaxportal.vault.purposes import PurposeError
from yvaxportal.vault.vault import NoNumberError, NumberTakenError, Vault, number_index

CITY = "312029"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
TODAY = date(2026, 11, 23)
FIRST, SECOND = "900000000001", "900000079198"
READ: dict[str, Any] = {"purpose": "issue_certificate", "case_reference": "R8-1", "today": TODAY}


@pytest.fixture
def ring_path(tmp_path: Path) -> Path:
    KeyRing.create(tmp_path / "ring.json")
    return tmp_path / "ring.json"


@pytest.fixture
def vault(engine: Engine, ring_path: Path) -> Vault:
    return Vault(engine, KeyRing.load(ring_path), CITY)


@pytest.fixture
def audit(engine: Engine) -> AuditTrail:
    return AuditTrail(None, engine, Actor("number", ("number",), "127.0.0.1"))


@pytest.fixture
def people(engine: Engine) -> tuple[int, int]:
    with Session(engine) as session:
        ids = (resident(session).id, resident(session).id)
        session.commit()
    return ids


def events(engine: Engine) -> list[tuple[str, str, int | None]]:
    with engine.connect() as connection:
        rows = connection.execute(
            select(AuditEvent.action, AuditEvent.outcome, AuditEvent.resident_id).order_by(AuditEvent.id)
        )
        return [(row.action, row.outcome, row.resident_id) for row in rows]


def test_a_stored_number_is_read_back_and_found(
    vault: Vault, audit: AuditTrail, engine: Engine, people: tuple[int, int]
) -> None:
    one, _two = people
    vault.store(one, "９０００－００００－０００１", source="my_number_card", now=NOW, audit=audit)
    assert vault.read(one, **READ, audit=audit).reveal() == FIRST
    assert vault.find(FIRST, **READ, audit=audit) == one
    assert vault.find(SECOND, **READ, audit=audit) is None
    assert [name for name, _outcome, _who in events(engine)] == [
        "personal-number.entered",
        "personal-number.read",
        "personal-number.looked-up",
        "personal-number.looked-up",
    ]


def test_the_reading_is_committed_before_the_number_is_open(
    vault: Vault, audit: AuditTrail, engine: Engine, people: tuple[int, int], owner_engine: Engine
) -> None:
    one, two = people
    vault.store(one, FIRST, source="my_number_card", now=NOW, audit=audit)
    vault.store(two, SECOND, source="my_number_card", now=NOW, audit=audit)
    # Exchange the two ciphertexts: neither opens for the other person, and both attempts are on record.
    with owner_engine.begin() as connection:
        connection.execute(text("SELECT set_config('yvax.vault_work', 'rotate', true)"))
        rows = {
            row.resident_id: row
            for row in connection.execute(
                select(VaultEntry.resident_id, VaultEntry.nonce, VaultEntry.ciphertext)
            )
        }
        for mine, theirs in ((one, two), (two, one)):
            connection.execute(
                update(VaultEntry)
                .where(VaultEntry.resident_id == mine)
                .values(nonce=rows[theirs].nonce, ciphertext=rows[theirs].ciphertext)
            )
    for who in (one, two):
        with pytest.raises(SealBrokenError):
            vault.read(who, **READ, audit=audit)
    assert events(engine)[-2:] == [
        ("personal-number.read", Outcome.DONE, one),
        ("personal-number.read", Outcome.DONE, two),
    ]


def test_the_audit_log_says_what_an_entry_did(
    vault: Vault, audit: AuditTrail, engine: Engine, people: tuple[int, int]
) -> None:
    for number in (FIRST, FIRST, SECOND):
        vault.store(people[0], number, source="my_number_card", now=NOW, audit=audit)
    with engine.connect() as connection:
        details = connection.scalars(select(AuditEvent.detail).order_by(AuditEvent.id)).all()
    assert details == [
        {"source": "my_number_card", "act": act} for act in ("registered", "confirmed", "replaced")
    ]


def test_without_the_audit_log_nothing_is_stored_and_nothing_read(
    vault: Vault, audit: AuditTrail, people: tuple[int, int]
) -> None:
    class Broken(AuditTrail):
        def record_apart(self, action: Action, **facts: Unpack[Facts]) -> None:
            raise ConnectionError(f"no {action} of {len(facts)} facts")

    broken = Broken(None, audit._engine, audit.actor)
    with pytest.raises(ConnectionError):
        vault.store(people[0], FIRST, source="my_number_card", now=NOW, audit=broken)
    assert not vault.has(people[0])
    vault.store(people[0], FIRST, source="my_number_card", now=NOW, audit=audit)
    with pytest.raises(ConnectionError):
        vault.read(people[0], **READ, audit=broken)
    with pytest.raises(ConnectionError):
        vault.find(FIRST, **READ, audit=broken)


def test_of_two_who_store_one_number_at_once_one_wins(
    vault: Vault, audit: AuditTrail, people: tuple[int, int]
) -> None:
    together = threading.Barrier(2)

    def store(who: int, number: str) -> bool:
        together.wait(timeout=30)
        try:
            vault.store(who, number, source="my_number_card", now=NOW, audit=audit)
        except NumberTakenError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for number in (FIRST, SECOND, "900000316769", "900000475140", "900000712710", "900000633527"):
            won = list(pool.map(store, people, [number, number]))
            assert sorted(won) == [False, True]
            assert vault.find(number, **READ, audit=audit) == people[won.index(True)]


def test_a_number_belongs_to_one_person(
    vault: Vault, audit: AuditTrail, engine: Engine, people: tuple[int, int]
) -> None:
    one, two = people
    vault.store(one, FIRST, source="my_number_card", now=NOW, audit=audit)
    with pytest.raises(NumberTakenError) as caught:
        vault.store(two, FIRST, source="my_number_card", now=NOW, audit=audit)
    assert FIRST not in str(caught.value)
    assert not vault.has(two)
    assert events(engine)[-1] == ("personal-number.entered", Outcome.REFUSED, two)


def test_a_corrected_number_replaces_the_old_one(
    vault: Vault, audit: AuditTrail, people: tuple[int, int]
) -> None:
    one, _two = people
    vault.store(one, FIRST, source="my_number_card", now=NOW, audit=audit)
    vault.store(one, SECOND, source="my_number_card", now=NOW, audit=audit)
    assert vault.read(one, **READ, audit=audit).reveal() == SECOND
    assert vault.find(FIRST, **READ, audit=audit) is None


@pytest.mark.parametrize("typed", ["900000000002", "90000000000", "111111111111", "9000 0000 000x"])
def test_what_is_no_number_is_refused(
    vault: Vault, audit: AuditTrail, people: tuple[int, int], typed: str
) -> None:
    with pytest.raises(PersonalNumberError):
        vault.store(people[0], typed, source="my_number_card", now=NOW, audit=audit)
    assert not vault.has(people[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "curiosity"},
        {"case_reference": " "},
        {"case_reference": FIRST},
        {"today": date(2015, 1, 1)},
    ],
)
def test_without_purpose_and_case_nothing_is_read(
    vault: Vault, audit: AuditTrail, people: tuple[int, int], wrong: dict[str, object]
) -> None:
    vault.store(people[0], FIRST, source="my_number_card", now=NOW, audit=audit)
    with pytest.raises(PurposeError):
        vault.read(people[0], **(READ | wrong), audit=audit)


def test_reading_nobodys_number_is_on_record(
    vault: Vault, audit: AuditTrail, engine: Engine, people: tuple[int, int]
) -> None:
    with pytest.raises(NoNumberError):
        vault.read(people[0], **READ, audit=audit)
    assert events(engine) == [("personal-number.read", Outcome.FAILED, people[0])]


def test_a_query_outside_the_vault_gets_nothing(
    vault: Vault, audit: AuditTrail, engine: Engine, owner_engine: Engine, people: tuple[int, int]
) -> None:
    for who, number in zip(people, (FIRST, SECOND), strict=True):
        vault.store(who, number, source="my_number_card", now=NOW, audit=audit)
    count = select(func.count()).select_from(VaultEntry)
    for anybody in (engine, owner_engine):
        with anybody.connect() as connection:
            assert connection.scalar(count) == 0
    with engine.begin() as connection:
        connection.execute(
            text("SELECT set_config('yvax.vault_resident', :id, true)"), {"id": str(people[0])}
        )
        assert connection.scalars(select(VaultEntry.resident_id)).all() == [people[0]]
        moved = connection.execute(
            update(VaultEntry).where(VaultEntry.resident_id == people[1]).values(stored_by="x")
        )
        assert moved.rowcount == 0
    with engine.connect() as connection:
        assert connection.scalar(count) == 0


def test_an_entry_found_by_its_index_can_be_seen_but_not_changed(
    vault: Vault, audit: AuditTrail, engine: Engine, ring_path: Path, people: tuple[int, int]
) -> None:
    for who, number in zip(people, (FIRST, SECOND), strict=True):
        vault.store(who, number, source="my_number_card", now=NOW, audit=audit)
    ring = KeyRing.load(ring_path)
    index = number_index(ring, ring.active, CITY, SECOND)
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('yvax.vault_index', :hex, true)"), {"hex": index.hex()})
        assert connection.scalars(select(VaultEntry.resident_id)).all() == [people[1]]
        assert connection.execute(update(VaultEntry).values(stored_by="x")).rowcount == 0


def test_an_entry_cannot_be_given_to_somebody_else(
    vault: Vault, audit: AuditTrail, engine: Engine, people: tuple[int, int]
) -> None:
    one, two = people
    vault.store(one, FIRST, source="my_number_card", now=NOW, audit=audit)
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('yvax.vault_resident', :id, true)"), {"id": str(one)})
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(update(VaultEntry).values(resident_id=two))
    assert vault.has(one)
    assert not vault.has(two)


def test_the_application_can_neither_delete_nor_add_outside_the_vault(
    engine: Engine, people: tuple[int, int]
) -> None:
    row = {
        "resident_id": people[0],
        "key_id": "x",
        "nonce": bytes(12),
        "ciphertext": b"x",
        "blind_index": bytes(32),
        "stored_at": NOW,
        "stored_by": "x",
    }
    for statement in (insert(VaultEntry).values(row), delete(VaultEntry)):
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(statement)
    with engine.connect() as connection:
        # Even the maintenance scope is the owner's alone.
        connection.execute(text("SELECT set_config('yvax.vault_work', 'load', true)"))
        with pytest.raises(DBAPIError):
            connection.execute(insert(VaultEntry).values(row))
