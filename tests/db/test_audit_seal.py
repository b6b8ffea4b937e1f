import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.seal import seal_pending
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.audit.verify import verify
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.audit import AuditEvent, AuditLeaf, AuditSeal

KEY = Ed25519PrivateKey.generate()
NUMBER = "900000000001"
BEHIND = (
    "INSERT INTO audit_event (transaction_id, actor, actor_groups, action, outcome) "
    "SELECT transaction_id, 'x', '', 'sign-in.done', 'done' FROM audit_event WHERE id = 2"
)
AHEAD = (
    "INSERT INTO audit_event (transaction_id, actor, actor_groups, action, outcome) "
    "VALUES ('999999999', 'x', '', 'sign-in.done', 'done')"
)


def wait_until_final(engine: Engine) -> None:
    """Wait for the transactions of other tests: the server is one, and seals wait for all that run on it."""
    final = text(
        "SELECT coalesce(max(transaction_id) < pg_snapshot_xmin(pg_current_snapshot()), true) "
        "FROM audit_event"
    )
    for _ in range(500):
        with engine.connect() as connection:
            if connection.scalar(final):
                return
        time.sleep(0.02)
    pytest.fail("some transaction does not end")


@pytest.fixture
def trail(engine: Engine) -> AuditTrail:
    return AuditTrail(None, engine, Actor("viewer", ("viewer",), "127.0.0.1"))


@pytest.fixture
def sealed(engine: Engine, trail: AuditTrail) -> Engine:
    """Leave ten events under three seals, and one event more."""
    for resident in range(1, 11):
        trail.record_apart(Action.RESIDENT_VIEWED, resident_id=resident, detail={"名前": "髙﨑"})
    wait_until_final(engine)
    report = seal_pending(engine, KEY, batch=4)
    assert (report.events, report.seals) == (10, 3)
    trail.record_apart(Action.SIGNED_OUT)
    return engine


@pytest.fixture
def tamper(database_urls: DatabaseUrls) -> Iterator[Callable[[str], None]]:
    """Run SQL as one who has taken over the whole database."""
    admin = create_engine(database_urls.admin)

    def run(statement: str) -> None:
        with admin.begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text(statement))

    yield run
    admin.dispose()


def findings(engine: Engine) -> list[tuple[str, str]]:
    return [(finding.kind, finding.what) for finding in verify(engine, KEY.public_key()).findings]


def test_an_untouched_log_is_intact(sealed: Engine) -> None:
    report = verify(sealed, KEY.public_key())
    assert (report.seals, report.sealed, report.unsealed, report.findings) == (3, 10, 1, ())


def test_a_log_without_any_seal_is_intact(engine: Engine) -> None:
    assert verify(engine, KEY.public_key()).findings == ()
    assert seal_pending(engine, KEY).seals == 0


@pytest.mark.parametrize(
    ("deed", "found"),
    [
        ("UPDATE audit_event SET actor = 'somebody' WHERE id = 3", ("altered", "event 3")),
        ("UPDATE audit_event SET detail = '{}' WHERE id = 3", ("altered", "event 3")),
        (
            "UPDATE audit_event SET occurred_at = occurred_at + interval '1 ms' WHERE id = 3",
            ("altered", "event 3"),
        ),
        ("UPDATE audit_event SET before = 'null' WHERE id = 3", None),
        ("DELETE FROM audit_event WHERE id = 5", ("removed", "event 5")),
        (BEHIND, ("inserted", "event 12")),
        (AHEAD, ("inserted", "event 12")),
        ("DELETE FROM audit_leaf WHERE event_id = 6", ("leaves do not give the root", "seal 2")),
        ("UPDATE audit_leaf SET hash = sha256('x') WHERE event_id = 6", ("altered", "event 6")),
        ("UPDATE audit_leaf SET position = 9 WHERE event_id = 6", ("leaves do not give the root", "seal 2")),
        ("DELETE FROM audit_seal WHERE id = 2", ("removed", "seal 2")),
        ("UPDATE audit_seal SET leaf_count = 3 WHERE id = 2", ("altered", "seal 2")),
        (
            "UPDATE audit_seal SET signature = sha256('x') WHERE id = 2",
            ("not signed with this key", "seal 2"),
        ),
        ("UPDATE audit_seal SET horizon = '4' WHERE id = 3", ("altered", "seal 3")),
    ],
)
def test_each_kind_of_tampering_is_found_and_named(
    sealed: Engine, tamper: Callable[[str], None], deed: str, found: tuple[str, str] | None
) -> None:
    tamper(deed)
    # JSON's null and no value at all are read alike, so they are hashed alike.
    assert findings(sealed) == [] if found is None else found in findings(sealed)


def test_a_log_sealed_anew_with_another_key_is_found(sealed: Engine, tamper: Callable[[str], None]) -> None:
    tamper("DELETE FROM audit_leaf")
    tamper("DELETE FROM audit_seal")
    tamper("DELETE FROM audit_event WHERE id = 5")
    wait_until_final(sealed)
    seal_pending(sealed, Ed25519PrivateKey.generate())
    assert {kind for kind, _what in findings(sealed)} == {"not signed with this key"}


def test_a_writer_neither_waits_nor_slips_through(engine: Engine, trail: AuditTrail) -> None:
    with Session(engine) as slow:
        AuditTrail(slow, engine, trail.actor).record(Action.RESIDENT_VIEWED, resident_id=1)
        trail.record_apart(Action.RESIDENT_VIEWED, resident_id=2)
        # The slow writer's transaction is older: nothing from it on is final yet.
        assert seal_pending(engine, KEY).events == 0
        slow.commit()
    wait_until_final(engine)
    assert seal_pending(engine, KEY).events == 2
    assert findings(engine) == []


def test_two_sealers_do_not_meet(engine: Engine, trail: AuditTrail) -> None:
    trail.record_apart(Action.SIGNED_IN)
    with engine.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(hashtext('yvaxportal audit seal'))"))
        assert seal_pending(engine, KEY).events == 0
    wait_until_final(engine)
    assert seal_pending(engine, KEY).events == 1


def test_many_sealers_and_writers_at_once_seal_everything_once(engine: Engine, trail: AuditTrail) -> None:
    key = Ed25519PrivateKey.generate()

    def write(number: int) -> None:
        for step in range(20):
            trail.record_apart(Action.RESIDENT_VIEWED, resident_id=number * 100 + step)

    def seal(_number: int) -> int:
        return sum(seal_pending(engine, key, batch=7).events for _ in range(15))

    with ThreadPoolExecutor(5) as threads:
        writers = [threads.submit(write, number) for number in range(3)]
        sealers = [threads.submit(seal, number) for number in range(2)]
        for writer in writers:
            writer.result()
        sealed = sum(sealer.result() for sealer in sealers)
    wait_until_final(engine)
    assert sealed + seal_pending(engine, key).events == 60
    report = verify(engine, key.public_key())
    assert (report.sealed, report.unsealed, report.findings) == (60, 0, ())


@pytest.mark.parametrize("table", ["audit_event", "audit_leaf", "audit_seal"])
@pytest.mark.parametrize("deed", ["DELETE FROM {}", "UPDATE {} SET id = 1", "TRUNCATE {} CASCADE"])
def test_neither_application_nor_owner_changes_the_log(
    sealed: Engine, owner_engine: Engine, table: str, deed: str
) -> None:
    column = "event_id" if table == "audit_leaf" else "id"
    for anybody in (sealed, owner_engine):
        connection: Connection
        with anybody.connect() as connection, pytest.raises(DBAPIError):
            connection.execute(text(deed.format(table).replace("id = 1", f"{column} = {column}")))


def test_no_number_enters_the_log(engine: Engine, trail: AuditTrail) -> None:
    trail.record_apart(
        Action.ACCESS_REFUSED,
        subject=f"resident {NUMBER}",
        case_reference="9000-0000-0001",
        detail={"path": f"/residents/{NUMBER}/", NUMBER: [int(NUMBER), "900-000-000-001", "900000 000001"]},
        before={"deep": [{"er": (NUMBER,)}]},
    )
    with engine.connect() as connection:
        row = str(connection.execute(select(AuditEvent)).one())
    digits = "".join(char for char in row if char.isdigit() or char.isspace())
    assert "9000" not in digits.replace(" ", "")


@pytest.mark.parametrize("value", [1.5, float("nan"), b"x", object()])
def test_what_is_no_plain_value_is_refused(trail: AuditTrail, value: object) -> None:
    with pytest.raises(TypeError):
        trail.record_apart(Action.SIGNED_IN, detail={"x": value})


def test_the_recipe_of_the_documentation_verifies_from_outside(sealed: Engine) -> None:
    """Follow docs/audit.md with the standard library and a signature check alone, from a dump in JSON."""
    with sealed.connect() as connection:
        events = connection.execute(
            text("SELECT row_to_json(e)::text FROM audit_event e WHERE id <= 10 ORDER BY id")
        ).scalars()
        lines = [json.loads(line) for line in events]
        seals = connection.execute(select(AuditSeal).order_by(AuditSeal.id)).all()
        sizes = [seal.leaf_count for seal in seals]
        leaves = connection.execute(select(AuditLeaf.hash).order_by(AuditLeaf.event_id)).scalars().all()
    names = [
        *("id", "event_uuid", "occurred_at", "actor", "actor_groups", "address", "action", "outcome"),
        *("resident_id", "subject", "purpose", "case_reference", "detail", "before", "after"),
    ]
    hashes = []
    for line in lines:
        moment = datetime.fromisoformat(line["occurred_at"]).astimezone(UTC)
        line["occurred_at"] = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        parts = [
            json.dumps(name)
            + ":"
            + json.dumps(line[name], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            for name in names
        ]
        hashes.append(hashlib.sha256(b"\x00" + ("{" + ",".join(parts) + "}").encode()).digest())
    assert hashes == list(leaves)
    chain, start = bytes(32), 0
    for seal, size in zip(seals, sizes, strict=True):
        level = hashes[start : start + size]
        start += size
        while len(level) > 1:
            odd = level[len(level) // 2 * 2 :]
            level = [
                hashlib.sha256(b"\x01" + a + b).digest()
                for a, b in zip(level[::2], level[1::2], strict=False)
            ]
            level += odd
        tail = f"|{seal.horizon}|{seal.leaf_count}".encode()
        chain = hashlib.sha256(b"\x02" + chain + level[0] + tail).digest()
        assert chain == seal.chain
        KEY.public_key().verify(seal.signature, chain)


@pytest.mark.parametrize("column", ["id", "occurred_at", "transaction_id", "event_uuid"])
def test_the_application_cannot_say_when_or_as_what_an_event_was_written(engine: Engine, column: str) -> None:
    forged = f"INSERT INTO audit_event (actor, {column}) VALUES ('', NULL)"  # noqa: S608 - names of columns
    with engine.connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text(forged))
