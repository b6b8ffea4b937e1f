"""Loading a made-up city into an empty database, in one transaction: the whole city, or none of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import create_engine, exists, pool, select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.resident import Resident
from yvaxportal.sample.accounts import add_groups, create_demo_accounts
from yvaxportal.sample.bulk import BulkLoad
from yvaxportal.sample.city import City, Plan
from yvaxportal.sample.copy_text import line
from yvaxportal.sample.errors import SampleError
from yvaxportal.sample.pipeline import Pipeline, default_processes
from yvaxportal.values.kana import fold_name
from yvaxportal.vault.keyring import KeyRing

#: The day as of which the city stands, whenever it is loaded.
SAMPLE_DAY = date(2026, 11, 23)

_INSTITUTION = (
    "id", "code", "name", "name_key", "postal_code", "address", "phone_number", "valid_from", "valid_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was loaded: rows by table, demo accounts, and how long it took in seconds."""

    rows: Mapping[str, int]
    accounts: int
    seconds: float

    def __str__(self) -> str:
        residents, doses = self.rows["resident"], self.rows["dose"]
        return f"{residents:,} residents with {doses:,} doses were loaded in {self.seconds:.0f} s."


def load(
    owner_url: str,
    *,
    residents: int,
    seed: int,
    key_ring: Path,
    municipality_code: str,
    demo_accounts: bool,
    today: date = SAMPLE_DAY,
    processes: int | None = None,
) -> SampleReport:
    """Load the city into the database of ``owner_url``, the role that owns the tables.

    The same arguments give the same rows, byte for byte, but for what is random by nature (nonces and
    ciphertexts of the vault, password hashes) or the database's own clock (the audit log, when a revision was
    replaced). A load that is broken off, even by kill -9, leaves nothing.

    :param processes: how many processes make the people beside this one; None decides by size and machine.
    :raises SampleError: there are residents already, or the city cannot be made.
    """
    began = time.monotonic()
    plan = _plan(residents, seed, municipality_code, today)
    ring = KeyRing.load(key_ring)
    engine = create_engine(owner_url, poolclass=pool.NullPool)
    count = default_processes(plan) if processes is None else processes
    with engine.connect() as connection, Pipeline(plan, key_ring, count) as chunks, connection.begin():
        driver = connection.connection.driver_connection
        if not isinstance(driver, Connection):
            raise SampleError("yvaxportal.database.migration_url", "the sample needs postgresql+psycopg://")
        with Session(connection) as session:
            rows = _fill(driver, session, plan, chunks)
            add_groups(session)
            accounts = create_demo_accounts(session, ring) if demo_accounts else 0
            AuditTrail(session, engine, SYSTEM).record(
                Action.SAMPLE_LOADED, detail={"residents": residents, "seed": seed}
            )
            session.flush()
    engine.dispose()
    return SampleReport(rows, accounts, time.monotonic() - began)


def _plan(residents: int, seed: int, municipality_code: str, today: date) -> Plan:
    try:
        return Plan(residents, seed, municipality_code, today)
    except ValueError as error:
        raise SampleError("yvaxportal.residents", str(error)) from None


def _fill(driver: Connection[TupleRow], session: Session, plan: Plan, chunks: Pipeline) -> Mapping[str, int]:
    bulk = BulkLoad(driver)
    bulk.prepare()
    if session.scalar(select(exists().select_from(Resident))):
        raise SampleError(
            "yvaxportal.database.url", "has residents already; the sample city needs an empty database"
        )
    bulk.copy_institutions(_INSTITUTION, _institutions(plan))
    with bulk.without_indexes():
        for blocks in chunks:
            for table in bulk.rows:
                if block := blocks.get(table):
                    bulk.copy(table, block)
        bulk.unstage()
    bulk.change_doses(f"{plan.today} 00:00:00+00")
    bulk.finish()
    return bulk.rows


def _institutions(plan: Plan) -> bytes:
    return "".join(
        line(
            one.id,
            one.code,
            one.name,
            fold_name(one.name),
            one.postal_code,
            one.address,
            one.phone_number,
            one.valid_from,
            one.valid_to,
        )
        for one in City(plan).institutions
    ).encode()
