"""What must be there before anybody can sign in: groups, their rights, their terminals, accounts."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_new
from sqlalchemy.orm import Session

from yvaxportal.models.staff import (
    AclGrant,
    AclVersion,
    GroupMembership,
    StaffAccount,
    StaffGroup,
    TerminalNetwork,
)
from yvaxportal.services.passwords import hash_password
from yvaxportal.values.clock import jst_date
from yvaxportal.vault.keyring import KeyRing


def totp_name(login: str) -> str:
    """Return the name under which an account's second-factor secret is sealed."""
    return f"totp:{login}"


def ensure_groups(
    session: Session,
    built_in: Iterable[tuple[str, str, str, Collection[str]]],
    *,
    networks: Sequence[str] = (),
) -> None:
    """Add the built-in groups that are missing, each with its default permissions and ``networks``.

    ``built_in`` rows are name, Japanese label, English label, permissions. A group that is there already
    keeps what administrators made of it.
    """
    session.execute(insert_new(AclVersion).values(id=1, version=1).on_conflict_do_nothing())
    known = set(session.scalars(select(StaffGroup.name)))
    for name, label_ja, label_en, permissions in built_in:
        if name in known:
            continue
        session.execute(
            insert(StaffGroup).values(name=name, label_ja=label_ja, label_en=label_en, built_in=True)
        )
        for permission in sorted(permissions):
            session.execute(insert(AclGrant).values(group_name=name, permission=permission))
        for network in networks:
            session.execute(
                insert(TerminalNetwork).values(group_name=name, network=network, label="初期設定")
            )


def create_account(
    session: Session,
    key_ring: KeyRing,
    *,
    login: str,
    display_name: str,
    password: str,
    groups: Sequence[str],
    now: datetime,
    totp_secret: str | None = None,
    must_change_password: bool = True,
    valid_to: date | None = None,
    is_demo: bool = False,
) -> int:
    """Add an account and return its id. ``totp_secret`` is base32, sealed before it is stored."""
    today = jst_date(now)
    sealed = key_ring.seal_secret(totp_name(login), totp_secret.encode("ascii")) if totp_secret else None
    staff_id: int = session.execute(
        insert(StaffAccount)
        .values(
            login=login,
            display_name=display_name,
            password_hash=hash_password(password),
            password_changed_at=now,
            must_change_password=must_change_password,
            totp_secret=sealed,
            valid_from=today,
            valid_to=valid_to,
            is_demo=is_demo,
            created_at=now,
        )
        .returning(StaffAccount.id),
    ).scalar_one()
    for group in groups:
        session.execute(
            insert(GroupMembership).values(staff_id=staff_id, group_name=group, valid_from=today),
        )
    return staff_id
