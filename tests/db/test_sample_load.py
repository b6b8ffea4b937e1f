"""The made-up city in a real database: whole, deterministic, all or nothing."""

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, create_engine, inspect, pool, select, text

from tests.database import DatabaseServer
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.record_items import RECORD_ITEMS
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import StaffAccount
from yvaxportal.sample import SAMPLE_DAY, SampleError, SampleReport, load
from yvaxportal.sample.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD, DEMO_TOTP_SECRET
from yvaxportal.sample.numbers import personal_number
from yvaxportal.services.bootstrap import totp_name
from yvaxportal.services.passwords import verify_password
from yvaxportal.vault.keyring import KeyRing
from yvaxportal.vault.vault import Vault

SIZE = 3000
SEED = 11
# What is random by nature or tells the database's own time; see ``load``.
RANDOM = {"vault_entry": ("nonce", "ciphertext"), "dose_revision": ("replaced_at",)}
CITY = (
    "resident", "resident_name", "resident_contact", "foreign_resident", "resident_note", "support_measure",
    "eligibility", "dose", "dose_revision", "ticket", "certificate", "passport_details",
    "medical_institution", "vault_entry",
)  # fmt: skip


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secrets") / "ring.json"
    KeyRing.create(path)
    return path


def load_city(
    url: str, ring: Path, residents: int = 60, *, demo: bool = False, processes: int = 0
) -> SampleReport:
    return load(
        url,
        residents=residents,
        seed=SEED,
        key_ring=ring,
        municipality_code="312029",
        demo_accounts=demo,
        today=SAMPLE_DAY,
        processes=processes,
    )


@pytest.fixture(scope="module")
def city(postgres: DatabaseServer, ring: Path) -> Iterator[DatabaseUrls]:
    """Load one city for the tests that only look."""
    with postgres.fresh_database() as urls:
        load_city(urls.owner, ring, SIZE, demo=True, processes=1)
        yield urls


@pytest.fixture
def owner(city: DatabaseUrls) -> Iterator[Engine]:
    engine = create_engine(city.owner, poolclass=pool.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def admin(city: DatabaseUrls) -> Iterator[Engine]:
    """Give the database's superuser, whom row-level security does not hold."""
    engine = create_engine(city.admin, poolclass=pool.NullPool)
    yield engine
    engine.dispose()


def rows_digest(url: str) -> dict[str, str]:
    engine = create_engine(url, poolclass=pool.NullPool)
    digests = {}
    with engine.connect() as connection:
        for table in CITY:
            left_out = RANDOM.get(table, ())
            columns = [c["name"] for c in inspect(engine).get_columns(table) if c["name"] not in left_out]
            chosen = ", ".join(f't."{column}"' for column in columns)
            found = connection.execute(text(f"SELECT {chosen} FROM {table} t ORDER BY 1, 2")).all()  # noqa: S608
            assert found, table
            digests[table] = hashlib.sha256(repr(found).encode()).hexdigest()
    engine.dispose()
    return digests


def structure(engine: Engine) -> list[tuple[str, ...]]:
    with engine.connect() as connection:
        return [
            tuple(row)
            for row in connection.execute(
                text(
                    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) || convalidated"
                    " FROM pg_constraint WHERE connamespace = current_schema()::regnamespace"
                    " UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes"
                    " WHERE schemaname = current_schema() ORDER BY 1, 2, 3"
                )
            )
        ]


def test_the_same_seed_gives_the_same_rows_however_many_processes_make_them(
    postgres: DatabaseServer, ring: Path
) -> None:
    digests = []
    for processes in (0, 2):
        with postgres.fresh_database() as urls:
            report = load_city(urls.owner, ring, 1100, processes=processes)
            assert report.rows["resident"] == 1100
            digests.append(rows_digest(urls.admin))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("item", RECORD_ITEMS, ids=lambda item: f"{item.group}-{item.number}")
def test_each_record_item_holds_something(admin: Engine, item: object) -> None:
    found = next(one for one in RECORD_ITEMS if one is item)
    only = "".join(f" AND {column} = '{value}'" for column, value in found.home.only)
    columns = [column for column, _label in found.columns] or ["ciphertext"]
    with admin.connect() as connection:
        for column in columns:
            query = f"SELECT count({column}) FROM {found.home.table} WHERE true{only}"  # noqa: S608
            assert connection.execute(text(query)).scalar_one() > 0, column


def test_hard_characters_survive_byte_for_byte(owner: Engine) -> None:
    wanted = {
        "髙橋\u3000惠子", "山﨑\u3000德一", "𠮷田\u3000㐂久", "辻\U000e0100\u3000神\U000e0100",
        "\ufa19田\u3000\ufa12子", "濵\u3000ゐ子",
    }  # fmt: skip
    with owner.connect() as connection:
        found = set(connection.scalars(select(Resident.name)))
    assert wanted <= found


def test_keys_indexes_and_checks_are_all_back(owner: Engine, owner_engine: Engine) -> None:
    assert structure(owner) == structure(owner_engine)


def test_the_city_is_known_to_the_planner(owner: Engine) -> None:
    with owner.connect() as connection:
        found = connection.execute(
            text("SELECT relname, reltuples FROM pg_class WHERE relname = ANY (:tables)"),
            {"tables": list(CITY)},
        )
        tuples = {row.relname: row.reltuples for row in found}
    assert tuples["resident"] == SIZE
    assert all(count > 0 for count in tuples.values())


def test_new_rows_get_new_ids(owner: Engine) -> None:
    with owner.connect() as connection:
        for table in ("resident", "medical_institution", "certificate", "dose", "ticket"):
            query = f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) > max(id) FROM {table}"  # noqa: S608
            assert connection.execute(text(query)).scalar_one() is True
        connection.rollback()


def test_personal_numbers_are_in_the_vault_and_open_there_only(
    city: DatabaseUrls, owner: Engine, ring: Path
) -> None:
    app = create_engine(city.app, poolclass=pool.NullPool)
    vault = Vault(app, KeyRing.load(ring), "312029")
    trail = AuditTrail(None, app, SYSTEM)
    purpose = next(iter(vault.purposes))
    for serial in (1, 77, 501):
        number = vault.read(
            serial, purpose=purpose, case_reference="見本1", today=SAMPLE_DAY, audit=trail
        ).reveal()
        assert number == personal_number(serial, SEED)
        assert (
            vault.find(number, purpose=purpose, case_reference="見本1", today=SAMPLE_DAY, audit=trail)
            == serial
        )
    for engine in (app, owner):
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM vault_entry")).scalar_one() == 0
    app.dispose()


def test_no_personal_number_is_anywhere_in_clear(admin: Engine) -> None:
    numbers = [personal_number(serial, SEED) for serial in range(1, 11)]
    pattern = "|".join(numbers)
    with admin.connect() as connection:
        for table in CITY:
            query = text(f"SELECT count(*) FROM {table} t WHERE t::text ~ :pattern")  # noqa: S608
            assert connection.execute(query, {"pattern": pattern}).scalar_one() == 0, table


def test_changes_to_doses_are_kept_as_revisions(admin: Engine) -> None:
    with admin.connect() as connection:
        kept = connection.execute(
            text(
                "SELECT d.state, d.revision, d.change_reason, r.row ->> 'state' AS before, r.revision AS was"
                " FROM dose d JOIN dose_revision r ON r.dose_id = d.id"
            )
        ).all()
    assert {row.state for row in kept} == {"active", "cancelled"}
    assert {(row.revision, row.was, row.before) for row in kept} == {(2, 1, "active")}
    assert all(row.change_reason for row in kept)


def test_demo_accounts(owner: Engine, ring: Path) -> None:
    with owner.connect() as connection:
        accounts = {row.login: row for row in connection.execute(select(StaffAccount.__table__))}
        memberships = connection.execute(
            text(
                "SELECT a.login, m.group_name FROM group_membership m"
                " JOIN staff_account a ON a.id = m.staff_id"
            )
        )
        groups = {row.login: row.group_name for row in memberships}
        networks = set(connection.scalars(text("SELECT network::text FROM terminal_network")))
    assert groups == {login: group for login, _name, group in DEMO_ACCOUNTS}
    assert networks == {"127.0.0.0/8", "::1/128"}
    ring_of_keys = KeyRing.load(ring)
    for login, account in accounts.items():
        assert account.is_demo
        assert not account.must_change_password
        secret = ring_of_keys.open_secret(totp_name(login), account.totp_secret)
        assert secret.decode() == DEMO_TOTP_SECRET
    assert verify_password(DEMO_PASSWORD, accounts["registrar"].password_hash)


def test_without_demo_accounts_there_are_none(
    database_urls: DatabaseUrls, owner_engine: Engine, ring: Path
) -> None:
    assert load_city(database_urls.owner, ring).accounts == 0
    with owner_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM staff_account")).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM staff_group")).scalar_one() == 7
        actions = connection.scalars(text("SELECT action FROM audit_event")).all()
    assert actions == [Action.SAMPLE_LOADED.value]


def test_a_second_city_is_refused(city: DatabaseUrls, owner: Engine, ring: Path) -> None:
    with pytest.raises(SampleError, match="has residents already"):
        load_city(city.owner, ring)
    with owner.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM resident")).scalar_one() == SIZE


def test_an_unknown_municipality_is_one_clear_line(database_urls: DatabaseUrls, ring: Path) -> None:
    with pytest.raises(SampleError, match=r"^yvaxportal\.municipality_code: "):
        load(
            database_urls.owner,
            residents=10,
            seed=1,
            key_ring=ring,
            municipality_code="999997",
            demo_accounts=False,
            today=SAMPLE_DAY,
        )


KILLED = """
import sys
from pathlib import Path
from yvaxportal.sample import load
if __name__ == "__main__":
    load(sys.argv[1], residents=30_000, seed=1, key_ring=Path(sys.argv[2]), municipality_code="312029",
         demo_accounts=False, processes=1)
"""


def test_a_killed_load_leaves_nothing(
    database_urls: DatabaseUrls, owner_engine: Engine, ring: Path, tmp_path: Path
) -> None:
    before = structure(owner_engine)
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, script, database_urls.owner, ring], env={"PYTHONPATH": str(root)}
    ) as process:
        wait_for(lambda: is_copying(owner_engine))
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    assert children
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    wait_for(lambda: not is_loading(owner_engine))
    with owner_engine.connect() as connection:
        for table in CITY:
            count = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
            assert count == 0, table
    assert structure(owner_engine) == before
    load_city(database_urls.owner, ring)
    with owner_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*), min(id) FROM resident")).one() == (60, 1)
        assert connection.execute(text("SELECT min(id) FROM dose")).scalar_one() == 1


def is_copying(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(
            connection.scalar(
                text("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()")
            )
        )


def is_loading(engine: Engine) -> bool:
    """Tell whether the killed load's backend is still there."""
    with engine.connect() as connection:
        return bool(
            connection.scalar(
                text(
                    "SELECT count(*) FROM pg_locks"
                    " WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'"
                )
            )
        )


def wait_for(condition: object, seconds: float = 60) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
