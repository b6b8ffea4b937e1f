"""Staff accounts, live sessions, groups, their grants and their terminals (measures M09, M13, M44)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import CIDR, INET
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier


class StaffAccount(Base):
    """One person who may sign in. Nobody shares an account."""

    __tablename__ = "staff_account"
    __table_args__ = (CheckConstraint("login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'", name="login"),)

    id: Mapped[Identifier]
    login: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime]
    must_change_password: Mapped[bool]
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary, comment="sealed under the key ring")
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger, comment="a code is accepted once")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None] = mapped_column(
        comment="last day of the post or of the contract (M13, M44)"
    )
    revoked_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    is_demo: Mapped[bool]
    created_at: Mapped[datetime]


class SignInThrottle(Base):
    """Failures counted for a login (known or not: the hash of what was typed) or for a terminal's address."""

    __tablename__ = "sign_in_throttle"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failure_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class PasswordHistory(Base):
    """Earlier password hashes, so that a password does not come back."""

    __tablename__ = "password_history"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id", ondelete="CASCADE"), index=True)
    password_hash: Mapped[str]
    set_at: Mapped[datetime]


class StaffSession(Base):
    """A live sign-in. Only the SHA-256 of the token is kept, so a copy of the table opens nothing."""

    __tablename__ = "staff_session"
    __table_args__ = (Index("ix_staff_session_staff_id", "staff_id"),)

    id: Mapped[Identifier]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    second_factor_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(INET)
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None]


class StaffGroup(Base):
    """A group of staff. The seven that ship are ``built_in`` and cannot be removed."""

    __tablename__ = "staff_group"

    name: Mapped[str] = mapped_column(primary_key=True)
    label_ja: Mapped[str]
    label_en: Mapped[str]
    built_in: Mapped[bool]


class GroupMembership(Base):
    """Who belongs to a group, from when to when (both days included)."""

    __tablename__ = "group_membership"
    __table_args__ = (UniqueConstraint("staff_id", "group_name", "valid_from"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id", ondelete="CASCADE"), index=True)
    group_name: Mapped[str] = mapped_column(ForeignKey("staff_group.name"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class AclGrant(Base):
    """One cell of the matrix: a group holds a permission. The code's defaults fill it at first start."""

    __tablename__ = "acl_grant"

    group_name: Mapped[str] = mapped_column(ForeignKey("staff_group.name"), primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class AclVersion(Base):
    """A single row whose number rises with every change, so that each process knows when to read again."""

    __tablename__ = "acl_version"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)


class AclProposal(Base):
    """A change to the matrix or to a membership that waits for a second administrator."""

    __tablename__ = "acl_proposal"
    __table_args__ = (
        CheckConstraint("kind IN ('grant', 'membership')", name="kind"),
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="second_person"),
        CheckConstraint("(kind = 'grant') = (permission IS NOT NULL)", name="grant_names_permission"),
        CheckConstraint("(kind = 'membership') = (staff_id IS NOT NULL)", name="membership_names_staff"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    kind: Mapped[str]
    group_name: Mapped[str] = mapped_column(ForeignKey("staff_group.name"))
    permission: Mapped[str | None]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    proposed_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    decided_at: Mapped[datetime | None]
    accepted: Mapped[bool | None]
    valid_to: Mapped[date | None] = mapped_column(comment="last day of the membership that is asked for")


class TerminalNetwork(Base):
    """A network from which members of a group may sign in (M09). A group without a row may not sign in."""

    __tablename__ = "terminal_network"
    __table_args__ = (UniqueConstraint("group_name", "network"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    group_name: Mapped[str] = mapped_column(ForeignKey("staff_group.name"))
    network: Mapped[str] = mapped_column(CIDR)
    label: Mapped[str]
