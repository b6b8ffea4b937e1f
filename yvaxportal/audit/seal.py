"""Sealing: new events are put under a signed root, a batch at a time (measure M14).

Writers never wait for a sealer: it takes only a lock against other sealers, and it seals only events whose
transaction ended before every transaction still running, so that nothing can slip in behind it later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, Table, insert, select, text

from yvaxportal.audit.canonical import COLUMNS, canonical_bytes
from yvaxportal.audit.tree import START, chain_hash, leaf_hash, root_of
from yvaxportal.models.audit import AuditEvent, AuditLeaf, AuditSeal

BATCH = 10_000
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext('yvaxportal audit seal'))")
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
EVENT_COLUMNS = tuple(getattr(AuditEvent, name) for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class SealReport:
    """What one run sealed: ``events`` in ``seals`` batches; nothing while another sealer is at it."""

    events: int
    seals: int


def seal_pending(engine: Engine, signing_key: Ed25519PrivateKey, *, batch: int = BATCH) -> SealReport:
    """Seal every event that is final and not sealed yet."""
    events = seals = 0
    while True:
        # READ COMMITTED: what is read under the lock has to be what the last holder of it left.
        with engine.begin() as connection:
            sealed = _seal_batch(connection, signing_key, batch)
        if sealed:
            events += sealed
            seals += 1
        if sealed < batch:
            return SealReport(events, seals)


def _seal_batch(connection: Connection, signing_key: Ed25519PrivateKey, batch: int) -> int:
    if not connection.scalar(_LOCK):
        return 0
    last = connection.execute(
        select(AuditSeal.chain, AuditSeal.horizon).order_by(AuditSeal.id.desc()).limit(1)
    ).one_or_none()
    now_final = str(connection.scalar(_HORIZON))
    rows = _final_events(connection, last.horizon if last else "0", now_final, batch)
    if not rows:
        return 0
    # A full batch may leave final events behind, so only the last batch moves the horizon up.
    horizon = now_final if len(rows) < batch else (last.horizon if last else "0")
    leaves = [leaf_hash(canonical_bytes(row)) for row in rows]
    root = root_of(leaves)
    previous = last.chain if last else START
    chain = chain_hash(previous, root, horizon, len(leaves))
    seal_id = connection.execute(
        insert(AuditSeal)
        .values(
            horizon=horizon,
            leaf_count=len(leaves),
            root=root,
            previous_chain=previous,
            chain=chain,
            signature=signing_key.sign(chain),
        )
        .returning(AuditSeal.id)
    ).scalar_one()
    connection.execute(
        insert(cast("Table", AuditLeaf.__table__)),
        [
            {"event_id": row[0], "seal_id": seal_id, "position": position, "hash": leaf}
            for position, (row, leaf) in enumerate(zip(rows, leaves, strict=True))
        ],
    )
    return len(rows)


def _final_events(connection: Connection, since: str, until: str, batch: int) -> Sequence[Sequence[Any]]:
    """Return events of transactions from the last horizon on that are over, and are not sealed yet."""
    unsealed = ~select(AuditLeaf.event_id).where(AuditLeaf.event_id == AuditEvent.id).exists()
    return connection.execute(
        select(*EVENT_COLUMNS)
        .where(
            text("audit_event.transaction_id >= CAST(:since AS xid8)").bindparams(since=since),
            text("audit_event.transaction_id < CAST(:until AS xid8)").bindparams(until=until),
            unsealed,
        )
        .order_by(AuditEvent.id)
        .limit(batch)
    ).all()
