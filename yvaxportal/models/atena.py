"""The integrated atena system, as far as the portal plays it where there is no other (``local``)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, code_type
from yvaxportal.models.codes import Sex


class AtenaPerson(Base):
    """Somebody without a place in the resident register (住登外者), with the number assigned to them here.

    ``number_index`` is a keyed index of the personal number, never the number and never a hash that could be
    guessed.
    """

    __tablename__ = "atena_person"
    __table_args__ = (
        CheckConstraint("number_index IS NULL OR octet_length(number_index) = 32", name="number_index"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    atena_number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_kana: Mapped[str | None]
    alias_name: Mapped[str | None]
    date_of_birth_written: Mapped[str]
    sex: Mapped[Sex] = mapped_column(code_type(Sex))
    address: Mapped[str]
    postal_code: Mapped[str | None]
    address_code: Mapped[str | None]
    number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    as_of: Mapped[datetime]
    assigned_at: Mapped[datetime]


class AdapterKey(Base):
    """An idempotency key that was used with a system that the portal plays itself.

    ``content`` is a digest of the arguments, in which a personal number stands as its keyed index.
    """

    __tablename__ = "adapter_key"

    system: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    used_at: Mapped[datetime] = mapped_column(index=True)
