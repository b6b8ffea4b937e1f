"""What taking a merge apart would do: dose by dose, from what was written down when it was made.

Nothing is guessed. A dose that was moved goes back by its record; one that stood with the number that stays
before the merge remains there; one that was recorded since is the choice of whoever takes apart.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Table, or_, select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseSource, DoseState, Judgement
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Resident, ResidentNote
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.sync.merging import MOVED, differences, key_of

#: What merging itself changes of a copy.
_LABELS = frozenset({"state", "alerts"})
_DOSE = cast("Table", Dose.__table__)
#: Imports that reported a dose under the number that returns: a hint, no more.
_REPORTED = text(
    "SELECT DISTINCT s.dose_id FROM dose_source_record s "
    "JOIN import_row r ON r.batch_id = s.batch_id AND r.number = s.number "
    "WHERE s.dose_id = ANY(:doses) AND (r.parsed -> 'person' ->> 'business_atena_number' = :business "
    "OR r.parsed -> 'person' ->> 'atena_number' = :atena)"
)
_WAITING = text(
    "SELECT r.batch_id, r.number FROM import_row r JOIN import_batch b ON b.id = r.batch_id "
    "WHERE b.state IN ('checked', 'applied') AND r.resident_id = :kept AND r.outcome IS NULL "
    "AND (r.decision IS NULL OR r.decision IN ('apply', 'replace', 'keep_both')) "
    "AND (r.parsed -> 'person' ->> 'business_atena_number' = :business "
    "OR r.parsed -> 'person' ->> 'atena_number' = :atena OR EXISTS ("
    "SELECT 1 FROM jsonb_array_elements(CAST(:moved AS jsonb)) AS m "
    "WHERE CAST(m ->> 0 AS bigint) = r.batch_id AND CAST(m ->> 1 AS integer) = r.number)) "
    "ORDER BY r.batch_id, r.number"
)


class Fate(StrEnum):
    """What becomes of a dose that the merge moved."""

    RETURNS = "returns"
    RETURNS_CORRECTED = "returns_corrected"
    CANCELLED_SINCE = "cancelled_since"
    BOTH = "both"
    BOTH_CHANGED = "both_changed"
    THERE_AGAIN = "there_again"


#: Fates after which the dose counts for the number that returns.
BACK = frozenset({Fate.RETURNS, Fate.RETURNS_CORRECTED, Fate.BOTH, Fate.BOTH_CHANGED})


class Side(StrEnum):
    """Whose a dose is."""

    KEPT = "kept"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class PlannedDose:
    """One dose as the plan shows it. ``fate`` is None for one that was recorded since.

    :param old: the id under the number that returns; :param standing: the id under the number that stays.
    :param differs: the items in which the doubles differed when they were merged.
    :param reported: a file named the number that returns when it reported this dose.
    """

    old: int | None
    standing: int | None
    fate: Fate | None
    vaccine: str
    dose_number: int
    given_on: date
    judgement: Judgement
    state: DoseState
    source: DoseSource
    differs: tuple[str, ...] = ()
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two numbers."""

    id: int
    atena_number: str
    business_atena_number: str
    name: str
    name_kana: str | None
    date_of_birth_written: str
    is_foreign_national: bool
    protected: bool
    category: str


@dataclass(frozen=True)
class Plan:
    """Everything that taking apart changes.

    :param since: doses that were recorded since the merge: somebody has to say whose they are.
    :param seen: names all this; another one means that something happened since it was shown.
    :param later: merges that have to be taken apart first, the newest first.
    :param moves: by table, the ids that go back; :param rows: waiting rows of files (batch, number).
    :param note: ``back``, ``changed`` (since the merge), or empty where no remarks were moved.
    """

    merge: ResidentMerge
    kept: Party
    returning: Party
    moved: Sequence[PlannedDose]
    since: Sequence[PlannedDose]
    moves: Mapping[str, Sequence[int]]
    rows: Sequence[tuple[int, int]]
    note: str
    protected_after: tuple[bool, bool]
    later: Sequence[int]
    seen: str


def plan_of(session: Session, merge_id: int) -> Plan | None:
    """Return what taking this merge apart would do; None when there is no such merge."""
    merge = session.get(ResidentMerge, merge_id, populate_existing=True)
    if merge is None:
        return None
    kept, returning = (_party(session, key) for key in (merge.kept_resident_id, merge.merged_resident_id))
    doses = _doses(session, kept.id, returning.id)
    moved = _moved(merge, doses, returning.id)
    since = _since(session, merge, doses, kept, returning)
    moves = {model.__tablename__: _going_back(session, model, merge.moved, kept.id) for model in MOVED}
    rows = [
        (batch, number)
        for batch, number in session.execute(
            _WAITING,
            {
                "kept": kept.id,
                "business": returning.business_atena_number,
                "atena": returning.atena_number,
                "moved": json.dumps(merge.moved.get("import_row", [])),
            },
        )
    ]
    note, revision = _note(session, merge)
    protected = _protected_after(session, merge, kept, returning, moves["support_measure"])
    later = _later(session, merge)
    facts = (
        merge.undone_at,
        later,
        sorted((dose.id, dose.revision, dose.resident_id) for dose in doses.values()),
        sorted((table, tuple(ids)) for table, ids in moves.items()),
        rows,
        (note, revision),
        protected,
        (kept.category, returning.category),
    )
    seen = hashlib.blake2b(repr(facts).encode(), digest_size=12).hexdigest()
    return Plan(merge, kept, returning, moved, since, moves, rows, note, protected, later, seen)


def whole_doses(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    """Return doses as whole rows, locked, by id."""
    rows = session.execute(select(_DOSE).where(_DOSE.c.id.in_(ids)).order_by(_DOSE.c.id).with_for_update())
    return {row.id: row for row in rows}


def _party(session: Session, resident_id: int) -> Party:
    row = session.execute(
        select(
            Resident.id,
            Resident.atena_number,
            Resident.business_atena_number,
            Resident.name,
            Resident.name_kana,
            Resident.date_of_birth_written,
            Resident.is_foreign_national,
            Resident.support_measure_flag,
            Resident.resident_category,
        ).where(Resident.id == resident_id)
    ).one()
    return Party(*row)


def _doses(session: Session, *resident_ids: int) -> dict[int, Any]:
    rows = session.execute(select(_DOSE).where(_DOSE.c.resident_id.in_(resident_ids)).order_by(_DOSE.c.id))
    return {row.id: row for row in rows}


def _moved(merge: ResidentMerge, doses: Mapping[int, Any], returning: int) -> list[PlannedDose]:
    doubles: Mapping[str, int] = merge.moved.get("double", {})
    differs: Mapping[str, list[str]] = merge.moved.get("differs", {})
    taken = {
        key_of(dose)
        for dose in doses.values()
        if dose.resident_id == returning
        and dose.state is DoseState.ACTIVE
        and dose.judgement is Judgement.GIVEN
    }
    found = []
    for old, new in merge.moved.get("dose", []):
        if old not in doses or (new is not None and new not in doses):
            # Retention removed it.
            continue
        standing = new if new is not None else doubles.get(str(old))
        shown = doses[old] if new is None else doses[new]
        fate = _fate(doses, (old, new), doses.get(standing or 0), taken, merge.merged_at)
        if fate in BACK and shown.judgement is Judgement.GIVEN:
            taken.add(key_of(shown))
        found.append(
            PlannedDose(
                old,
                standing,
                fate,
                shown.vaccine,
                shown.dose_number,
                shown.given_on,
                shown.judgement,
                (doses[old] if merge.undone_at else doses.get(standing or 0, shown)).state,
                shown.source,
                tuple(differs.get(str(old), ())),
            )
        )
    return found


def _fate(
    doses: Mapping[int, Any],
    pair: tuple[int, int | None],
    standing: Any,
    taken: set[Any],
    merged_at: datetime,
) -> Fate:
    old, new = doses[pair[0]], doses[pair[1]] if pair[1] is not None else None
    if new is not None and new.state is DoseState.CANCELLED:
        return Fate.CANCELLED_SINCE
    if key_of(new or old) in taken:
        return Fate.THERE_AGAIN
    if new is None:
        return Fate.BOTH_CHANGED if standing is not None and standing.changed_at > merged_at else Fate.BOTH
    return Fate.RETURNS_CORRECTED if differences(new, old, without=_LABELS) else Fate.RETURNS


def _since(
    session: Session, merge: ResidentMerge, doses: Mapping[int, Any], kept: Party, returning: Party
) -> list[PlannedDose]:
    """Return the active doses of the number that stays which somebody recorded after the merge."""
    copies = {new for _, new in merge.moved.get("dose", []) if new is not None}
    stood = set(merge.moved.get("stood", ()))
    later = [
        dose
        for dose in doses.values()
        if dose.resident_id == kept.id
        and dose.state is DoseState.ACTIVE
        and dose.id not in copies
        and dose.id not in stood
    ]
    if "stood" not in merge.moved:
        later = [dose for dose in later if _recorded_at(session, dose) > merge.merged_at]
    reported = set(
        session.scalars(
            _REPORTED,
            {
                "doses": [dose.id for dose in later],
                "business": returning.business_atena_number,
                "atena": returning.atena_number,
            },
        )
    )
    return [
        PlannedDose(
            None,
            dose.id,
            None,
            dose.vaccine,
            dose.dose_number,
            dose.given_on,
            dose.judgement,
            dose.state,
            dose.source,
            reported=dose.id in reported,
        )
        for dose in later
    ]


def _recorded_at(session: Session, dose: Any) -> datetime:
    """Return when a dose was recorded first, of a merge that did not yet write down what stood there."""
    if dose.revision == 1:
        return cast("datetime", dose.changed_at)
    first = session.scalar(
        text(
            "SELECT CAST(row ->> 'changed_at' AS timestamptz) FROM dose_revision "
            "WHERE dose_id = :dose ORDER BY revision LIMIT 1"
        ),
        {"dose": dose.id},
    )
    return first or cast("datetime", dose.changed_at)


def _going_back(session: Session, model: Any, moved: Mapping[str, Any], kept: int) -> list[int]:
    """Return the ids of what was moved and still stands with the other number.

    A ticket that was issued anew in place of a moved one has its number's place: it goes back, too.
    """
    ids = list(moved.get(model.__tablename__, ()))
    found = set(session.scalars(select(model.id).where(model.id.in_(ids), model.resident_id == kept)))
    if model is Ticket:
        chain = set(ids)
        while more := set(
            session.scalars(
                select(Ticket.id).where(
                    Ticket.replaces_id.in_(chain), Ticket.resident_id == kept, Ticket.id.not_in(found)
                )
            )
        ):
            found |= more
            chain = more
    return sorted(found)


def _note(session: Session, merge: ResidentMerge) -> tuple[str, int]:
    """Return what becomes of remarks that were moved, and their revision."""
    if not merge.moved.get("resident_note"):
        return "", 0
    there = session.get(ResidentNote, merge.kept_resident_id, populate_existing=True)
    if there is None or session.get(ResidentNote, merge.merged_resident_id) is not None:
        return "", 0
    return ("changed" if there.changed_at > merge.merged_at else "back"), there.revision


def _protected_after(
    session: Session, merge: ResidentMerge, kept: Party, returning: Party, measures: Sequence[int]
) -> tuple[bool, bool]:
    """Return whether each number is under a support measure afterwards.

    One that was recorded since holds for both: nobody's address opens because a merge is taken apart.
    """
    from_before = bool(merge.moved.get("before", {}).get("kept_protected", kept.protected))
    own = session.scalar(
        text(
            "SELECT count(*) FROM support_measure WHERE resident_id = :kept AND lifted_at IS NULL "
            "AND NOT (id = ANY(:moved))"
        ),
        {"kept": kept.id, "moved": list(measures)},
    )
    since = kept.protected and not from_before and bool(own)
    return kept.protected and (from_before or since), returning.protected or since


def _later(session: Session, merge: ResidentMerge) -> list[int]:
    """Return the standing merges of either number that were made after this one, the newest first."""
    both = (merge.kept_resident_id, merge.merged_resident_id)
    return list(
        session.scalars(
            select(ResidentMerge.id)
            .where(
                ResidentMerge.id > merge.id,
                ResidentMerge.undone_at.is_(None),
                or_(ResidentMerge.kept_resident_id.in_(both), ResidentMerge.merged_resident_id.in_(both)),
            )
            .order_by(ResidentMerge.id.desc())
        )
    )
