"""The audit log and its seals (measure M14). Rows are only ever inserted: rights and triggers see to it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import Outcome


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's ``xid8``: the transaction that wrote a row."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """Return the type's name in DDL."""
        return "xid8"


class AuditEvent(Base):
    """One act of one member of staff (or of the portal itself). Never holds a personal number.

    ``actor`` is the login, empty for an anonymous visitor; ``action`` is one of ``audit.actions``;
    ``resident_id`` the person concerned; ``detail`` parameters, not payloads; ``before`` and ``after``
    the changed fields.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_resident_id", "resident_id", "id", postgresql_where="resident_id IS NOT NULL"),
        Index("ix_audit_event_actor_id", "actor", "id"),
        Index("ix_audit_event_action_id", "action", "id"),
        Index("ix_audit_event_not_done_id", "id", postgresql_where="outcome <> 'done'"),
        Index(
            "ix_audit_event_case_reference_id",
            "case_reference",
            "id",
            postgresql_where="case_reference IS NOT NULL",
        ),
        Index("ix_audit_event_occurred_at", "occurred_at"),
        Index("ix_audit_event_transaction_id", "transaction_id"),
    )

    id: Mapped[Identifier]
    transaction_id: Mapped[str] = mapped_column(TransactionId(), server_default=text("pg_current_xact_id()"))
    event_uuid: Mapped[uuid.UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    occurred_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    actor: Mapped[str]
    actor_groups: Mapped[str]
    address: Mapped[str | None] = mapped_column(INET)
    action: Mapped[str]
    outcome: Mapped[Outcome] = mapped_column(code_type(Outcome))
    resident_id: Mapped[int | None] = mapped_column(BigInteger)
    subject: Mapped[str | None] = mapped_column(comment="what else was acted on, e.g. 'dose:12'")
    purpose: Mapped[str | None]
    case_reference: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class AuditSeal(Base):
    """The root of one batch of events, chained to the batch before and signed with a key outside."""

    __tablename__ = "audit_seal"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    sealed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    horizon: Mapped[str] = mapped_column(TransactionId(), comment="events of earlier transactions are sealed")
    leaf_count: Mapped[int]
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous_chain: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class AuditLeaf(Base):
    """The hash of one sealed event and its place in its batch."""

    __tablename__ = "audit_leaf"
    __table_args__ = (Index("uq_audit_leaf_seal_id_position", "seal_id", "position", unique=True),)

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seal_id: Mapped[int] = mapped_column(ForeignKey("audit_seal.id"))
    position: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
