"""Verifying: every sealed event is what it was, none is missing, none was slipped in (measure M14)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, func, select, text

from yvaxportal.audit.canonical import canonical_bytes
from yvaxportal.audit.seal import EVENT_COLUMNS
from yvaxportal.audit.tree import START, chain_hash, leaf_hash, root_of
from yvaxportal.models.audit import AuditEvent, AuditLeaf, AuditSeal

CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``kind`` says what, ``what`` names the row (``event 12``, ``seal 3``)."""

    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome: how much is sealed and intact, what waits for the next seal, and every finding."""

    seals: int
    sealed: int
    unsealed: int
    findings: tuple[Finding, ...]


def verify(engine: Engine, public_key: Ed25519PublicKey) -> Report:
    """Check the whole log in one consistent reading; memory does not grow with the log."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        findings = [
            *_events(connection),
            *_seals(connection, public_key),
            *_slipped_in(connection),
            *_counter_behind(connection),
        ]
        sealed = connection.scalar(select(func.count()).select_from(AuditLeaf)) or 0
        seals = connection.scalar(select(func.count()).select_from(AuditSeal)) or 0
        unsealed = (
            connection.scalar(
                select(func.count())
                .select_from(AuditEvent)
                .where(~select(AuditLeaf.event_id).where(AuditLeaf.event_id == AuditEvent.id).exists())
            )
            or 0
        )
    return Report(seals, sealed, unsealed, tuple(findings))


def _events(connection: Connection) -> Iterator[Finding]:
    """Compare every leaf with the event it was made from."""
    rows = connection.execute(
        select(AuditLeaf.event_id, AuditLeaf.hash, *EVENT_COLUMNS)
        .outerjoin(AuditEvent, AuditEvent.id == AuditLeaf.event_id)
        .order_by(AuditLeaf.event_id)
        .execution_options(yield_per=CHUNK)
    )
    row: Sequence[Any]
    for row in rows:
        event_id, leaf, *values = row
        if values[0] is None:
            yield Finding("removed", f"event {event_id}")
        elif leaf_hash(canonical_bytes(values)) != leaf:
            yield Finding("altered", f"event {event_id}")


def _seals(connection: Connection, public_key: Ed25519PublicKey) -> Iterator[Finding]:
    """Check each seal against its leaves, its predecessor and its signature."""
    previous = START
    seals = select(AuditSeal.__table__).order_by(AuditSeal.id).execution_options(yield_per=CHUNK)
    for seal in connection.execute(seals):
        leaves = connection.execute(
            select(AuditLeaf.position, AuditLeaf.hash)
            .where(AuditLeaf.seal_id == seal.id)
            .order_by(AuditLeaf.position)
        ).all()
        whole = [leaf.position for leaf in leaves] == list(range(seal.leaf_count))
        if not whole or root_of([leaf.hash for leaf in leaves]) != seal.root:
            yield Finding("leaves do not give the root", f"seal {seal.id}")
        if seal.previous_chain != previous:
            yield Finding("a seal before it is missing or altered", f"seal {seal.id}")
        expected = chain_hash(seal.previous_chain, seal.root, str(seal.horizon), seal.leaf_count)
        if expected != seal.chain:
            yield Finding("altered", f"seal {seal.id}")
        try:
            public_key.verify(seal.signature, seal.chain)
        except InvalidSignature:
            yield Finding("not signed with this key", f"seal {seal.id}")
        previous = seal.chain
    gone = ~select(AuditSeal.id).where(AuditSeal.id == AuditLeaf.seal_id).exists()
    orphans = select(AuditLeaf.seal_id).where(gone).distinct().order_by(AuditLeaf.seal_id)
    for seal_id in connection.scalars(orphans):
        yield Finding("removed", f"seal {seal_id}")


def _slipped_in(connection: Connection) -> Iterator[Finding]:
    """Name events that claim a transaction which was sealed, or one that has not been."""
    unsealed = ~select(AuditLeaf.event_id).where(AuditLeaf.event_id == AuditEvent.id).exists()
    last = connection.scalar(select(AuditSeal.horizon).order_by(AuditSeal.id.desc()).limit(1))
    older = select(AuditEvent.id).where(
        unsealed,
        text("audit_event.transaction_id < CAST(:horizon AS xid8)").bindparams(horizon=str(last or "0")),
    )
    for event_id in connection.scalars(older.order_by(AuditEvent.id)):
        yield Finding("inserted", f"event {event_id}")
    future = select(AuditEvent.id).where(
        text("audit_event.transaction_id > pg_snapshot_xmax(pg_current_snapshot())")
    )
    for event_id in connection.scalars(future.order_by(AuditEvent.id)):
        yield Finding("inserted", f"event {event_id}")


def _counter_behind(connection: Connection) -> Iterator[Finding]:
    """After a restore into a new server the transaction counter must be set past the last seal."""
    behind = connection.scalar(
        text(
            "SELECT max(horizon::text::numeric) > pg_snapshot_xmax(pg_current_snapshot())::text::numeric "
            "FROM audit_seal"
        )
    )
    if behind:
        yield Finding(
            "the transaction counter is behind the last seal (see docs/audit.md, restoring)", "server"
        )
