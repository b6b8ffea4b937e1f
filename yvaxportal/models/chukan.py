"""The intermediate server, as far as the portal plays it where staff work at the terminal (``local``).

Values of answers and sub-copies are personal data: they stand in the ``JSONB`` columns here and nowhere else,
and go when their term is over. A linkage code (符号) never comes here: only whether there is one.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.chukan_codes import CodeState, InquiryState, ProvisionState


class ChukanCode(Base):
    """Whether a person has a linkage code; somebody without a row has none."""

    __tablename__ = "chukan_code"

    atena_number: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[CodeState] = mapped_column(code_type(CodeState))
    since: Mapped[datetime]


class ChukanInquiry(Base):
    """An inquiry of this municipality, and its answer until it expires."""

    __tablename__ = "chukan_inquiry"
    __table_args__ = (CheckConstraint("items IS NULL OR processing_number IS NOT NULL", name="answer"),)

    id: Mapped[Identifier]
    inquiry_id: Mapped[str] = mapped_column(unique=True)
    atena_number: Mapped[str] = mapped_column(index=True)
    affair_code: Mapped[str]
    procedure_code: Mapped[str]
    information_name_code: Mapped[str]
    provider_code: Mapped[str]
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    state: Mapped[InquiryState] = mapped_column(code_type(InquiryState))
    changed_at: Mapped[datetime]
    processing_number: Mapped[str | None]
    code: Mapped[str]
    answered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    items: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))


class ChukanProvision(Base):
    """What another organisation asks, and what was answered by hand."""

    __tablename__ = "chukan_provision"

    id: Mapped[Identifier]
    request_id: Mapped[str] = mapped_column(unique=True)
    processing_number: Mapped[str]
    atena_number: Mapped[str] = mapped_column(index=True)
    requester_code: Mapped[str]
    affair_code: Mapped[str]
    information_name_code: Mapped[str]
    received_at: Mapped[datetime]
    answer_until: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[ProvisionState] = mapped_column(code_type(ProvisionState))
    items: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))


class ChukanSubCopy(Base):
    """A sub-copy; of a deleted one its version stays and its values go."""

    __tablename__ = "chukan_sub_copy"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("NOT deleted OR values = '{}'::jsonb", name="deleted"),
    )

    id: Mapped[Identifier]
    record_id: Mapped[str] = mapped_column(unique=True)
    atena_number: Mapped[str] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(BigInteger)
    information_name_code: Mapped[str]
    layout_version: Mapped[str]
    values: Mapped[dict[str, str]] = mapped_column(JSONB)
    published_from: Mapped[date]
    published_to: Mapped[date | None]
    withheld: Mapped[bool]
    not_disclosed: Mapped[bool]
    deleted: Mapped[bool]
    registered_at: Mapped[datetime]


class ChukanExchangeRecord(Base):
    """One entry of the exchange records (情報提供等記録); it never changes and stays seven years."""

    __tablename__ = "chukan_exchange_record"

    id: Mapped[Identifier]
    processing_number: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    requester_code: Mapped[str]
    provider_code: Mapped[str]
    affair_code: Mapped[str]
    information_name_code: Mapped[str]
    atena_number: Mapped[str] = mapped_column(index=True)
    not_disclosed: Mapped[bool]


class ChukanPermittedInquiry(Base):
    """A line of the permitted-inquiry list (照会許可用照会リスト), as staff entered it."""

    __tablename__ = "chukan_permitted_inquiry"

    id: Mapped[Identifier]
    affair_code: Mapped[str]
    procedure_code: Mapped[str]
    information_name_code: Mapped[str]
    provider_kind: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class ChukanBatch(Base):
    """A batch that ran here: a registration of sub-copies, a deletion of what was over."""

    __tablename__ = "chukan_batch"

    id: Mapped[Identifier]
    name: Mapped[str]
    rows: Mapped[int] = mapped_column(Integer)
    failed_rows: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime]


class ChukanStatistic(Base):
    """Counts of a day in Japan; they stay when what was counted is deleted."""

    __tablename__ = "chukan_statistic"

    day: Mapped[date] = mapped_column(primary_key=True)
    inquiries: Mapped[int] = mapped_column(Integer)
    provisions: Mapped[int] = mapped_column(Integer)
    sub_copies: Mapped[int] = mapped_column(Integer)
    refused: Mapped[int] = mapped_column(Integer)
