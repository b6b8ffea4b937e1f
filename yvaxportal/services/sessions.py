"""Live sign-ins: looked up on every request, ended at once when an account is revoked (measure M13)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Date, Row, Text, and_, bindparam, cast, insert, or_, select, update
from sqlalchemy.orm import Session

from yvaxportal.models.staff import (
    AclVersion,
    GroupMembership,
    StaffAccount,
    StaffGroup,
    StaffSession,
    TerminalNetwork,
)

TOUCH_EVERY = timedelta(minutes=1)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


_session, _account = StaffSession.__table__.c, StaffAccount.__table__.c
_group, _membership = StaffGroup.__table__.c, GroupMembership.__table__.c
_terminal = TerminalNetwork.__table__.c
_TODAY = bindparam("today", type_=Date)
# Built once: every request asks this.
_LIVE_SESSION = (
    select(
        _session.id.label("session_id"),
        _session.last_seen_at,
        _session.expires_at,
        _session.second_factor_at,
        _session.ended_at,
        _session.ended_reason,
        _account.id.label("staff_id"),
        _account.login,
        _account.display_name,
        _account.must_change_password,
        _account.valid_from,
        _account.valid_to,
        _account.revoked_at,
        _account.totp_secret.is_not(None).label("has_second_factor"),
        _group.name,
        _group.label_ja,
        _group.label_en,
        cast(_terminal.network, Text).label("network"),
        select(AclVersion.__table__.c.version).scalar_subquery().label("acl_version"),
    )
    .select_from(StaffSession.__table__)
    .join(StaffAccount.__table__, _account.id == _session.staff_id)
    .outerjoin(
        GroupMembership.__table__,
        and_(
            _membership.staff_id == _account.id,
            _membership.valid_from <= _TODAY,
            or_(_membership.valid_to.is_(None), _membership.valid_to >= _TODAY),
        ),
    )
    .outerjoin(StaffGroup.__table__, _group.name == _membership.group_name)
    .outerjoin(TerminalNetwork.__table__, _terminal.group_name == _group.name)
    .where(_session.token_hash == bindparam("token_hash"))
    .order_by(_group.name)
)


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """A group that an account belongs to today, and the networks from which it counts (measure M09)."""

    name: str
    label_ja: str
    label_en: str
    networks: tuple[Network, ...]

    def reachable_from(self, address: Address) -> bool:
        """Tell whether a terminal lies in one of the networks; without any network, never."""
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class LiveSession:
    """What one request needs to know of a sign-in."""

    session_id: int
    staff_id: int
    login: str
    display_name: str
    second_factor_at: datetime | None
    has_second_factor: bool
    must_change_password: bool
    last_seen_at: datetime
    acl_version: int
    groups: tuple[HeldGroup, ...]
    token_hash: bytes


def live_session(
    session: Session,
    token_hash: bytes,
    *,
    today: date,
    now: datetime,
    idle_minutes: int,
) -> LiveSession | str:
    """Return the sign-in behind a token, or why there is none: ``unknown``, ``ended``, ``idle``, ``expired``.

    One query. An account that is revoked or out of its term has no live session.
    """
    values = {"token_hash": token_hash, "today": today}
    rows = session.connection().execute(_LIVE_SESSION, values).all()
    if not rows:
        return "unknown"
    row = rows[0]
    if row.ended_at is not None or row.revoked_at is not None:
        return row.ended_reason or "revoked"
    if not (row.valid_from <= today and (row.valid_to is None or today <= row.valid_to)):
        return "revoked"
    if now >= row.expires_at:
        return "expired"
    if now - row.last_seen_at > timedelta(minutes=idle_minutes):
        return "idle"
    return LiveSession(
        session_id=row.session_id,
        staff_id=row.staff_id,
        login=row.login,
        display_name=row.display_name,
        second_factor_at=row.second_factor_at,
        has_second_factor=row.has_second_factor,
        must_change_password=row.must_change_password,
        last_seen_at=row.last_seen_at,
        acl_version=row.acl_version,
        groups=_held(rows),
        token_hash=token_hash,
    )


@lru_cache(maxsize=256)
def _network(written: str) -> Network:
    return ipaddress.ip_network(written)


def _held(rows: Sequence[Row[*tuple[Any, ...]]]) -> tuple[HeldGroup, ...]:
    groups: dict[str, HeldGroup] = {}
    for row in rows:
        if row.name is None:
            continue
        known = groups.get(row.name)
        networks = known.networks if known else ()
        if row.network is not None:
            networks = (*networks, _network(row.network))
        groups[row.name] = HeldGroup(row.name, row.label_ja, row.label_en, networks)
    return tuple(groups.values())


def groups_of(session: Session, staff_id: int, today: date) -> tuple[HeldGroup, ...]:
    """Return the groups an account belongs to today."""
    rows = session.execute(
        select(
            StaffGroup.name,
            StaffGroup.label_ja,
            StaffGroup.label_en,
            cast(TerminalNetwork.network, Text).label("network"),
        )
        .join(GroupMembership, GroupMembership.group_name == StaffGroup.name)
        .outerjoin(TerminalNetwork, TerminalNetwork.group_name == StaffGroup.name)
        .where(
            GroupMembership.staff_id == staff_id,
            GroupMembership.valid_from <= today,
            or_(GroupMembership.valid_to.is_(None), GroupMembership.valid_to >= today),
        )
        .order_by(StaffGroup.name),
    ).all()
    return _held(rows)


def begin_session(
    session: Session,
    staff_id: int,
    token_hash: bytes,
    *,
    address: str,
    now: datetime,
    lifetime_hours: int,
    second_factor_at: datetime | None = None,
) -> None:
    """Keep a new sign-in; it ends after ``lifetime_hours`` whatever is done."""
    session.execute(
        insert(StaffSession).values(
            token_hash=token_hash,
            staff_id=staff_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=lifetime_hours),
            second_factor_at=second_factor_at,
            address=address,
        ),
    )


def touch(session: Session, live: LiveSession, now: datetime) -> None:
    """Remember that the session is in use, at most once a minute."""
    if now - live.last_seen_at >= TOUCH_EVERY:
        session.execute(
            update(StaffSession).where(StaffSession.id == live.session_id).values(last_seen_at=now),
        )


def renew_token(
    session: Session, session_id: int, token_hash: bytes, second_factor_at: datetime | None
) -> None:
    """Give a session a new token when its rights grow, so that an older copy is worth nothing."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id)
        .values(token_hash=token_hash, second_factor_at=second_factor_at),
    )


def end_session(session: Session, session_id: int, *, now: datetime, reason: str) -> None:
    """End one sign-in; ``reason`` is shown to whoever still holds its cookie."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(ended_at=now, ended_reason=reason),
    )


def end_sessions_of(
    session: Session, staff_id: int, *, now: datetime, reason: str, but: int | None = None
) -> int:
    """End every sign-in of an account, ``but`` one; return how many there were."""
    ended = session.execute(
        update(StaffSession)
        .where(
            StaffSession.staff_id == staff_id,
            StaffSession.ended_at.is_(None),
            StaffSession.id != (but if but is not None else -1),
        )
        .values(ended_at=now, ended_reason=reason)
        .returning(StaffSession.id),
    ).all()
    return len(ended)


def live_sessions_of(session: Session, staff_id: int, now: datetime) -> Sequence[StaffSession]:
    """Return the sign-ins of an account that have not ended, newest first."""
    return session.scalars(
        select(StaffSession)
        .where(
            StaffSession.staff_id == staff_id,
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
        )
        .order_by(StaffSession.id.desc())
        .limit(50),
    ).all()
