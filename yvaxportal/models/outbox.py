"""What the portal has to tell other systems, kept until they have taken it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import OutboxState


class OutboxMessage(Base):
    """One deed that needs another system. What it is about stays until it is done, and no longer.

    ``payload`` may hold what staff typed of a person; never a personal number.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_waiting", "next_attempt_at", postgresql_where="state = 'waiting'"),
        Index("ix_outbox_message_resident_id", "resident_id", postgresql_where="state <> 'done'"),
    )

    id: Mapped[Identifier]
    system: Mapped[str] = mapped_column(comment="word of the ini file")
    deed: Mapped[str] = mapped_column(comment="of services.outbox")
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"))
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="who asked: login, groups, address")
    state: Mapped[OutboxState] = mapped_column(code_type(OutboxState))
    asked_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime]
    problem: Mapped[str] = mapped_column(comment="kind and code of the last failure, nothing personal")
    ended_at: Mapped[datetime | None]
