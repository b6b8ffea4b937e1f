"""Special circumstances (特別の事情): entered and taken back by staff, and as the engine is told of them.

Nothing is deleted: what turns out wrong is taken back with a reason. A risk group follows from a physical
disability certificate only where the certificate says grade and organ; everything else is left to staff.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Date, bindparam, func, or_, select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import CircumstanceKind, EligibilityKind, EligibilityState
from yvaxportal.models.readings import Reading
from yvaxportal.models.resident import Eligibility
from yvaxportal.models.staff import StaffAccount
from yvaxportal.programme.person import Circumstance
from yvaxportal.programme.person import CircumstanceKind as EngineKind
from yvaxportal.services.detail_changes import NothingToChangeError, lock_resident
from yvaxportal.services.resident_page import EligibilityRow

#: Heart, kidney, respiratory organs, immunity (施行規則2条の2, 2条の3): what a certificate calls them.
_ORGANS = (
    ("心臓", "heart"),
    ("じん臓", "kidney"),
    ("腎臓", "kidney"),
    ("呼吸器", "respiratory"),
    ("免疫", "hiv"),
)
#: The ordinance asks for what is as severe as grade 1.
_GRADES = ("1級", "１級", "一級")

_ENGINE_KINDS: Mapping[CircumstanceKind, EngineKind] = {
    CircumstanceKind.DISEASE_HISTORY: "disease_history",
    CircumstanceKind.RISK_GROUP: "risk_group",
    CircumstanceKind.LONG_ILLNESS: "long_illness",
    CircumstanceKind.PREGNANCY: "pregnancy",
    CircumstanceKind.ANTIBODY_LOW: "antibody_low",
    CircumstanceKind.CONTRAINDICATION: "contraindication",
    CircumstanceKind.HBV_MOTHER: "hbv_mother",
}


def _told(kind: CircumstanceKind, subject: str, starts_on: date | None, ends_on: date | None) -> Circumstance:
    return Circumstance(_ENGINE_KINDS[kind], subject, starts_on, ends_on)


# Built once, on the tables: every resident page asks them, and putting a statement together costs more than
# sending it.
_circumstance, _eligibility = SpecialCircumstance.__table__.c, Eligibility.__table__.c
_IDS, _DAY = bindparam("ids", type_=ARRAY(BigInteger)), bindparam("day", type_=Date)
_FOR_THE_ENGINE = (
    select(
        _circumstance.resident_id,
        _circumstance.kind,
        _circumstance.subject,
        _circumstance.starts_on,
        _circumstance.ends_on,
    )
    .where(
        _circumstance.resident_id == func.any(_IDS),
        _circumstance.cancelled_at.is_(None),
        _circumstance.kind != CircumstanceKind.NO_INVITATION,
    )
    .order_by(_circumstance.id)
)
#: What the engine is told of one person, certificates apart (``certified``).
CIRCUMSTANCES = Reading(
    _told,
    select(_circumstance.kind, _circumstance.subject, _circumstance.starts_on, _circumstance.ends_on)
    .where(
        _circumstance.resident_id == bindparam("resident_id", type_=BigInteger),
        _circumstance.cancelled_at.is_(None),
        _circumstance.kind != CircumstanceKind.NO_INVITATION,
    )
    .order_by(_circumstance.id),
)
_CERTIFICATES = select(
    _eligibility.resident_id, _eligibility.detail, _eligibility.valid_from, _eligibility.valid_to
).where(
    _eligibility.resident_id == func.any(_IDS),
    _eligibility.kind == EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE,
    _eligibility.state == EligibilityState.HELD,
    _eligibility.valid_from <= _DAY,
    or_(_eligibility.valid_to.is_(None), _eligibility.valid_to >= _DAY),
)


@dataclass(frozen=True, slots=True)
class NewCircumstance:
    """What staff enter. ``ends_on`` is the last day; see ``models.circumstance``."""

    kind: CircumstanceKind
    subject: str
    starts_on: date | None
    ends_on: date | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class CircumstanceRow:
    """One circumstance as the page shows it, with who entered it and who took it back."""

    id: int
    kind: CircumstanceKind
    subject: str
    starts_on: date | None
    ends_on: date | None
    detail: str | None
    recorded_by: str
    recorded_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None


class AlreadyEnteredError(Exception):
    """The same circumstance of the same person stands already."""


def entries_of(session: Session, resident_id: int) -> Sequence[CircumstanceRow]:
    """Return every circumstance of a resident, those taken back last, the latest first."""
    rows: Iterable[Sequence[Any]] = session.execute(
        select(
            SpecialCircumstance.id,
            SpecialCircumstance.kind,
            SpecialCircumstance.subject,
            SpecialCircumstance.starts_on,
            SpecialCircumstance.ends_on,
            SpecialCircumstance.detail,
            StaffAccount.display_name,
            SpecialCircumstance.recorded_at,
            SpecialCircumstance.cancelled_at,
            SpecialCircumstance.cancel_reason,
        )
        .join(StaffAccount, StaffAccount.id == SpecialCircumstance.recorded_by)
        .where(SpecialCircumstance.resident_id == resident_id)
        .order_by(SpecialCircumstance.cancelled_at.isnot(None), SpecialCircumstance.id.desc()),
    )
    return [CircumstanceRow(*row) for row in rows]


def enter(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    new: NewCircumstance,
    *,
    reason: str,
    staff_id: int,
    now: datetime,
) -> int:
    """Enter a circumstance and return its id.

    :raises AlreadyEnteredError: the same kind, subject and days stand already (a form sent twice).
    """
    lock_resident(session, resident_id)
    same = session.scalar(
        select(SpecialCircumstance.id).where(
            SpecialCircumstance.resident_id == resident_id,
            SpecialCircumstance.cancelled_at.is_(None),
            SpecialCircumstance.kind == new.kind,
            SpecialCircumstance.subject == new.subject,
            SpecialCircumstance.starts_on.is_not_distinct_from(new.starts_on),
            SpecialCircumstance.ends_on.is_not_distinct_from(new.ends_on),
        ),
    )
    if same is not None:
        raise AlreadyEnteredError
    entered = SpecialCircumstance(
        resident_id=resident_id,
        kind=new.kind,
        subject=new.subject,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        detail=new.detail,
        recorded_by=staff_id,
        recorded_at=now,
    )
    session.add(entered)
    session.flush()
    audit.record(
        Action.CIRCUMSTANCE_CHANGED,
        resident_id=resident_id,
        subject=f"circumstance:{entered.id}",
        detail={"act": "enter", "reason": reason},
        after={
            "kind": new.kind,
            "subject": new.subject,
            "starts_on": new.starts_on,
            "ends_on": new.ends_on,
            "detail": new.detail,
        },
    )
    return entered.id


def take_back(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    circumstance_id: int,
    *,
    reason: str,
    staff_id: int,
    now: datetime,
) -> None:
    """Take a circumstance back: it counts for nothing any more and stays readable.

    :raises NothingToChangeError: there is none of this resident, or somebody took it back already.
    """
    lock_resident(session, resident_id)
    row = session.scalar(
        select(SpecialCircumstance).where(
            SpecialCircumstance.id == circumstance_id,
            SpecialCircumstance.resident_id == resident_id,
            SpecialCircumstance.cancelled_at.is_(None),
        ),
    )
    if row is None:
        raise NothingToChangeError
    row.cancelled_by, row.cancelled_at, row.cancel_reason = staff_id, now, reason
    session.flush()
    audit.record(
        Action.CIRCUMSTANCE_CHANGED,
        resident_id=resident_id,
        subject=f"circumstance:{row.id}",
        detail={"act": "take-back", "reason": reason},
        before={"kind": row.kind, "subject": row.subject},
    )


def circumstances_of(
    session: Session, resident_ids: Collection[int], day: date, *, certificates: bool = True
) -> Mapping[int, tuple[Circumstance, ...]]:
    """Return what the engine is told of each resident who has anything; who has nothing is not in it.

    Also those whose days are over: whether one holds is the engine's to say. That nothing shall be posted is
    none of the engine's business (``not_invited``).

    :param day: the day on which a physical disability certificate has to be in force.
    :param certificates: False leaves the certificates unread, where no risk group is asked for.
    """
    found: dict[int, list[Circumstance]] = {}
    ids = list(resident_ids)
    rows = session.execute(_FOR_THE_ENGINE, {"ids": ids})
    for resident_id, kind, subject, starts_on, ends_on in rows:
        found.setdefault(resident_id, []).append(_told(kind, subject, starts_on, ends_on))
    if certificates:
        for resident_id, circumstance in _from_certificates(session, ids, day):
            found.setdefault(resident_id, []).append(circumstance)
    return {resident_id: tuple(circumstances) for resident_id, circumstances in found.items()}


def certified(periods: Iterable[EligibilityRow]) -> Iterator[Circumstance]:
    """Give the risk groups that follow from the physical disability certificates in force."""
    for one in periods:
        if one.kind is EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE and one.state is EligibilityState.HELD:
            organ = organ_in(one.detail)
            if organ is not None:
                yield Circumstance("risk_group", organ, one.valid_from, one.valid_to)


def not_invited(session: Session, resident_ids: Collection[int], day: date) -> frozenset[int]:
    """Return those to whom nothing shall be posted on a day."""
    return frozenset(
        session.scalars(
            select(SpecialCircumstance.resident_id).where(
                SpecialCircumstance.resident_id == func.any(list(resident_ids)),
                SpecialCircumstance.cancelled_at.is_(None),
                SpecialCircumstance.kind == CircumstanceKind.NO_INVITATION,
                or_(SpecialCircumstance.starts_on.is_(None), SpecialCircumstance.starts_on <= day),
                or_(SpecialCircumstance.ends_on.is_(None), SpecialCircumstance.ends_on >= day),
            ),
        ),
    )


def organ_in(certificate: str | None) -> str | None:
    """Return the organ (code of a risk group) that a certificate of grade 1 names, None if none."""
    if certificate is None or not any(grade in certificate for grade in _GRADES):
        return None
    return next((organ for word, organ in _ORGANS if word in certificate), None)


def _from_certificates(session: Session, ids: list[int], day: date) -> Iterable[tuple[int, Circumstance]]:
    rows = session.execute(_CERTIFICATES, {"ids": ids, "day": day})
    for resident_id, detail, valid_from, valid_to in rows:
        organ = organ_in(detail)
        if organ is not None:
            yield resident_id, Circumstance("risk_group", organ, valid_from, valid_to)
