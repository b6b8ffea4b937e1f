"""The one table that holds personal numbers, encrypted. Only ``yvaxportal.vault`` may use it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base


class VaultEntry(Base):
    """One encrypted personal number (item 1). Row-level security hides every row but the one asked for."""

    __tablename__ = "vault_entry"
    __table_args__ = (
        CheckConstraint("octet_length(nonce) = 12", name="nonce"),
        CheckConstraint("octet_length(blind_index) = 32", name="blind_index"),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    key_id: Mapped[str] = mapped_column(index=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    blind_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    stored_at: Mapped[datetime]
    stored_by: Mapped[str] = mapped_column(comment="login, or the adapter that brought it")
