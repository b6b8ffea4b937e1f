"""What two frozen tables of one report differ in: figure by figure, and explained person by person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, ReportSubject, ResidentCategory
from yvaxportal.services.reports.definition import COUNTS
from yvaxportal.services.reports.table import Figure, Table

PAGE_SIZE = 50


class Cause(StrEnum):
    """Why somebody counts in one table and not, or elsewhere, in the other."""

    ADDED = "added"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"
    MERGED = "merged"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    DECEASED = "deceased"
    PERSON_CHANGED = "person_changed"
    RULES = "rules"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place whose figure differs. A figure that one of the tables does not have is None."""

    row: str
    column: str
    first: int | Decimal | None
    second: int | Decimal | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody, or one dose, that counts differently; ``first``, ``second``: (row key, column key) pairs."""

    subject: ReportSubject
    subject_id: int
    cause: Cause
    first: Sequence[tuple[str, str]]
    second: Sequence[tuple[str, str]]
    atena_number: str | None
    name: str | None
    vaccine: str | None
    dose_number: int | None
    given_on: date | None
    changed_at: datetime | None
    change_reason: str | None

    @property
    def cursor(self) -> str:
        """Return where the next page goes on."""
        return f"{self.subject.value}.{self.subject_id}"


def differences(first: Table, second: Table) -> Sequence[Difference]:
    """Return every counting place of which the two tables tell something else."""
    found = []
    places = dict.fromkeys([*second.figures, *first.figures])
    for row, column in places:
        known = second.definition.columns.get(column) or first.definition.columns[column]
        if known.measure not in COUNTS:
            continue
        one = first.figures.get((row, column), Figure(None)).value
        other = second.figures.get((row, column), Figure(None)).value
        if (one or 0) != (other or 0):
            found.append(Difference(row, column, one, other))
    return found


# Only figures whose members differ are opened: most are alike in both tables.
_MOVED = text("""
WITH cell AS (
    SELECT c.* FROM report_cell AS c
    WHERE c.snapshot_id IN (:first, :second) AND NOT EXISTS (
        SELECT FROM report_cell AS o
        WHERE o.snapshot_id IN (:first, :second) AND o.snapshot_id <> c.snapshot_id
          AND o.row_key = c.row_key AND o.column_key = c.column_key
          AND o.members_sha256 = c.members_sha256)
),
counted AS (
    SELECT c.subject, m.subject_id,
           array_agg(c.row_key || ' ' || c.column_key ORDER BY c.row_key, c.column_key)
               FILTER (WHERE c.snapshot_id = :first) AS before,
           array_agg(c.row_key || ' ' || c.column_key ORDER BY c.row_key, c.column_key)
               FILTER (WHERE c.snapshot_id = :second) AS after
    FROM cell AS c JOIN report_member AS m ON m.cell_id = c.id
    GROUP BY c.subject, m.subject_id
),
page AS (
    SELECT * FROM counted
    WHERE before IS DISTINCT FROM after AND (subject, subject_id) > (:subject, :subject_id)
    ORDER BY subject, subject_id LIMIT :limit
)
SELECT p.*, d.id AS dose_id, d.vaccine, d.dose_number, d.given_on, d.state, d.changed_at, d.change_reason,
       COALESCE((SELECT CAST(f.row ->> 'changed_at' AS timestamptz) FROM dose_revision AS f
                 WHERE f.dose_id = d.id ORDER BY f.revision LIMIT 1), d.changed_at) AS recorded_at,
       r.id AS resident_id, r.atena_number, r.name, r.resident_category, r.became_resident_on,
       EXISTS (SELECT FROM resident_merge AS g WHERE g.merged_resident_id = r.id
               AND (g.undone_at IS NULL OR g.undone_at > :first_as_of)) AS merged,
       EXISTS (SELECT FROM resident_merge AS g
               WHERE p.subject = 'dose' AND g.moved -> 'dose' @> jsonb_build_array(jsonb_build_array(d.id)))
           AS merge_old,
       EXISTS (SELECT FROM resident_merge AS g WHERE g.kept_resident_id = r.id AND g.merged_at = d.changed_at)
           AS merge_new
FROM page AS p
LEFT JOIN dose AS d ON p.subject = 'dose' AND d.id = p.subject_id
LEFT JOIN resident AS r ON r.id = CASE WHEN p.subject = 'dose' THEN d.resident_id ELSE p.subject_id END
ORDER BY p.subject, p.subject_id
""")


def moved(
    session: Session,
    first: int,
    second: int,
    *,
    first_as_of: datetime,
    same_rules: bool,
    after: str = "",
    limit: int = PAGE_SIZE,
) -> tuple[Sequence[Moved], str | None]:
    """Return a page of who counts differently in two tables, and the cursor of the next page.

    :param first_as_of: the moment of the older table's data.
    :raises ValueError: ``after`` is no cursor.
    """
    subject, _, number = (after or "a.0").partition(".")
    rows = session.execute(
        _MOVED,
        {
            "first": first,
            "second": second,
            "subject": subject,
            "subject_id": int(number),
            "limit": limit + 1,
            "first_as_of": first_as_of,
        },
    ).all()
    found = [
        Moved(
            subject=ReportSubject(row.subject),
            subject_id=row.subject_id,
            cause=_cause(row, first_as_of, same_rules=same_rules),
            first=_places(row.before),
            second=_places(row.after),
            atena_number=row.atena_number,
            name=row.name,
            vaccine=row.vaccine,
            dose_number=row.dose_number,
            given_on=row.given_on,
            changed_at=row.changed_at,
            change_reason=row.change_reason,
        )
        for row in rows[:limit]
    ]
    return found, found[-1].cursor if len(rows) > limit else None


def _places(keys: Sequence[str] | None) -> list[tuple[str, str]]:
    return [(row, column) for row, _, column in (key.partition(" ") for key in keys or ())]


def _cause(row: Any, first_as_of: datetime, *, same_rules: bool) -> Cause:
    if row.resident_id is None:
        return Cause.REMOVED
    if row.subject == ReportSubject.DOSE:
        return _cause_of_dose(row, first_as_of, same_rules=same_rules)
    if row.merged:
        return Cause.MERGED
    if row.after is None:
        gone = {
            ResidentCategory.MOVED_OUT.value: Cause.MOVED_OUT,
            ResidentCategory.DECEASED.value: Cause.DECEASED,
        }
        return gone.get(row.resident_category, Cause.PERSON_CHANGED if same_rules else Cause.RULES)
    if row.before is None and same_rules:
        return Cause.MOVED_IN
    return Cause.PERSON_CHANGED if same_rules else Cause.RULES


def _cause_of_dose(row: Any, first_as_of: datetime, *, same_rules: bool) -> Cause:
    if row.merge_old or row.merge_new:
        return Cause.MERGED
    if row.state == DoseState.CANCELLED:
        return Cause.CANCELLED
    if row.before is None and row.recorded_at > first_as_of:
        return Cause.ADDED
    if row.changed_at > first_as_of:
        return Cause.CORRECTED
    return Cause.PERSON_CHANGED if same_rules else Cause.RULES
