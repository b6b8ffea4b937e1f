"""Insurance, taxation and welfare states (items 37 to 41): their history, and what staff enter themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import EligibilityKind, EligibilityState
from yvaxportal.models.resident import Eligibility
from yvaxportal.services.detail_changes import lock_resident
from yvaxportal.services.resident_page import EligibilityRow

#: The source of what staff enter themselves, beside the names of the adapters.
STAFF = "staff"

_INSURED = (EligibilityState.HELD, EligibilityState.NOT_HELD, EligibilityState.UNKNOWN)
_TAXED = (
    EligibilityState.EXEMPT,
    EligibilityState.TAXED,
    EligibilityState.NOT_FILED,
    EligibilityState.UNKNOWN,
)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """A period that staff enter. ``valid_to`` None is open-ended; both days are inside the period."""

    kind: EligibilityKind
    state: EligibilityState
    detail: str | None
    valid_from: date
    valid_to: date | None


def states_of(kind: EligibilityKind) -> Sequence[EligibilityState]:
    """Return the states that make sense for a kind: taxation has four answers, the others held or not."""
    return _TAXED if kind is EligibilityKind.TAX_EXEMPT else _INSURED


def history_of(session: Session, resident_id: int) -> Mapping[EligibilityKind, Sequence[EligibilityRow]]:
    """Return every period of each kind, the latest first; kinds in the order of the record items."""
    columns = [getattr(Eligibility, name) for name in EligibilityRow.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(Eligibility.resident_id == resident_id)
        .order_by(Eligibility.valid_from.desc(), Eligibility.id.desc()),
    )
    history: dict[EligibilityKind, list[EligibilityRow]] = {kind: [] for kind in EligibilityKind}
    for row in rows:
        history[row.kind].append(EligibilityRow(*row))
    return history


def add_period(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    period: NewPeriod,
    *,
    reason: str,
    now: datetime,
) -> int:
    """Enter a period on staff's own word and return its id.

    An earlier period that is still running at its first day ends the day before; one that began on the same
    day is corrected in place. Both are in the audit log with what they were. The next update from the source
    may say otherwise.
    """
    lock_resident(session, resident_id)
    running = session.scalars(
        select(Eligibility)
        .where(
            Eligibility.resident_id == resident_id,
            Eligibility.kind == period.kind,
            Eligibility.valid_from <= period.valid_from,
        )
        .order_by(Eligibility.valid_from.desc(), Eligibility.id.desc()),
    ).all()
    before: dict[str, object] = {}
    same_day = next((row for row in running if row.valid_from == period.valid_from), None)
    for row in running:
        if row is same_day:
            before |= {"state": row.state, "detail": row.detail, "valid_to": row.valid_to}
            before["source"] = row.source
        elif row.valid_from < period.valid_from and (
            row.valid_to is None or row.valid_to >= period.valid_from
        ):
            before[f"{row.valid_from.isoformat()} valid_to"] = row.valid_to
            row.valid_to = period.valid_from - _ONE_DAY
    entered = same_day
    if entered is None:
        entered = Eligibility(resident_id=resident_id, kind=period.kind, valid_from=period.valid_from)
        session.add(entered)
    entered.state = period.state
    entered.detail = period.detail
    entered.valid_to = period.valid_to
    entered.as_of = now
    entered.source = STAFF
    session.flush()
    audit.record(
        Action.ELIGIBILITY_CHANGED,
        resident_id=resident_id,
        subject=f"eligibility:{entered.id}",
        detail={"kind": period.kind, "reason": reason},
        before=before or None,
        after={
            "state": period.state,
            "detail": period.detail,
            "valid_from": period.valid_from,
            "valid_to": period.valid_to,
            "source": STAFF,
        },
    )
    return entered.id
