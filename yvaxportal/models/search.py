"""Searches that staff made, kept on the server so that no URL carries a name or a birth date."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base


class SearchRequest(Base):
    """A search a member of staff made: the terms stay here so that no URL carries a name."""

    __tablename__ = "search_request"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id", ondelete="CASCADE"), index=True)
    terms: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(index=True)
