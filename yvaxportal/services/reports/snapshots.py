"""Frozen tables: made, closed, read back, and proven unchanged."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, aliased

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.report import ReportCell, ReportSnapshot
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.reports.atoms import Atom, atom
from yvaxportal.services.reports.counting import KEEP, Counting
from yvaxportal.services.reports.definition import Definition, definition_of
from yvaxportal.services.reports.library import Library
from yvaxportal.services.reports.periods import Period
from yvaxportal.values.text import contains_personal_number

MOST_REASON = 500


class ReportRefusedError(Exception):
    """The deed is not possible. ``rule``: ``period``, ``future``, ``reason``, ``gone``, ``closed``."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"report: {rule}")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class SnapshotLine:
    """A frozen table as lists show it."""

    id: int
    report: str
    period: Period
    data_as_of: datetime
    made_by: str
    reason: str | None
    content_sha256: str
    definition_sha256: str
    rules_version: str
    supersedes: int | None
    superseded_by: int | None
    closed_at: datetime | None
    closed_by: str | None

    @property
    def is_closed(self) -> bool:
        """Tell whether it was closed."""
        return self.closed_at is not None


_MADE_BY, _CLOSED_BY, _LATER = aliased(StaffAccount), aliased(StaffAccount), aliased(ReportSnapshot)
_LINES = (
    select(
        ReportSnapshot.id,
        ReportSnapshot.report,
        ReportSnapshot.fiscal_year,
        ReportSnapshot.period,
        ReportSnapshot.data_as_of,
        _MADE_BY.display_name.label("made_by"),
        ReportSnapshot.reason,
        ReportSnapshot.content_sha256,
        ReportSnapshot.definition_sha256,
        ReportSnapshot.rules_version,
        ReportSnapshot.supersedes,
        _LATER.id.label("superseded_by"),
        ReportSnapshot.closed_at,
        _CLOSED_BY.display_name.label("closed_by"),
    )
    .join(_MADE_BY, _MADE_BY.id == ReportSnapshot.made_by)
    .outerjoin(_CLOSED_BY, _CLOSED_BY.id == ReportSnapshot.closed_by)
    .outerjoin(_LATER, _LATER.supersedes == ReportSnapshot.id)
)


def _line(row: object) -> SnapshotLine:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001
    period = Period(values.pop("fiscal_year"), values.pop("period"))
    return SnapshotLine(period=period, **values)


def snapshots(
    session: Session, report: str, *, period: Period | None = None, before: int | None = None, limit: int = 50
) -> Sequence[SnapshotLine]:
    """Return the frozen tables of a report, newest first; ``before``: the id that the last page ended at."""
    query = _LINES.where(ReportSnapshot.report == report)
    if period is not None:
        query = query.where(
            ReportSnapshot.fiscal_year == period.fiscal_year, ReportSnapshot.period == period.code
        )
    if before is not None:
        query = query.where(ReportSnapshot.id < before)
    rows = session.execute(query.order_by(ReportSnapshot.id.desc()).limit(limit))
    return [_line(row) for row in rows]


def snapshot(session: Session, report: str, snapshot_id: int) -> SnapshotLine | None:
    """Return one frozen table of a report, None when the report has no such table."""
    row = session.execute(
        _LINES.where(ReportSnapshot.report == report, ReportSnapshot.id == snapshot_id)
    ).one_or_none()
    return _line(row) if row is not None else None


def latest(session: Session) -> dict[str, SnapshotLine]:
    """Return the newest frozen table of each report that has one."""
    newest = select(func.max(ReportSnapshot.id)).group_by(ReportSnapshot.report).scalar_subquery()
    return {row.report: _line(row) for row in session.execute(_LINES.where(ReportSnapshot.id.in_(newest)))}


def definition_in(session: Session, snapshot_id: int) -> Definition:
    """Return the definition that a table was made by."""
    stored = session.scalars(select(ReportSnapshot.definition).where(ReportSnapshot.id == snapshot_id)).one()
    return definition_of(stored)


def atoms_in(session: Session, snapshot_id: int) -> Sequence[Atom]:
    """Return the figures of a table."""
    cells = ReportCell.__table__.c
    rows = session.execute(
        select(cells.row_key, cells.column_key, cells.value).where(cells.snapshot_id == snapshot_id)
    )
    return [atom(row) for row in rows]


def make(
    session: Session,
    audit: AuditTrail,
    library: Library,
    *,
    report: str,
    period: Period,
    municipality_code: str,
    reason: str,
    staff_id: int,
    today: date,
    now: datetime,
) -> int:
    """Count a report and keep it with the members of every figure; return the id of the table.

    :param reason: needed when the table before it was closed.
    :raises ReportRefusedError: ``period`` (the report has none of this kind), ``future``, ``reason``.
    """
    found = library.get(report)
    if found is None or period.kind not in found.periods:
        raise ReportRefusedError("period")
    if period.first_day > today:
        raise ReportRefusedError("future")
    definition = library.resolve(report, period)
    counting = Counting(definition, period, municipality_code, today)
    # A large city's members take longer than a page's statements may.
    session.execute(text("SET LOCAL statement_timeout = '600s'"))
    # Two who make the same table at once: the second supersedes the first.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"report:{report}:{period}"}
    )
    before = next(iter(snapshots(session, report, period=period, limit=1)), None)
    written = reason.strip()
    if len(written) > MOST_REASON or contains_personal_number(written):
        raise ReportRefusedError("reason")
    if before is not None and before.is_closed and not written:
        raise ReportRefusedError("reason")
    values = {
        **counting.parameters(),
        "age_keys": [one.key for one in definition.ages],
        "row_keys": [row.key for row in definition.rows],
        "report": report,
        "fiscal_year": period.fiscal_year,
        "period": period.code,
        "rules_version": library.rules_version,
        "definition": json.dumps(definition.as_json(), ensure_ascii=False),
        "definition_sha256": definition.sha256,
        "now": now,
        "staff_id": staff_id,
        "reason": written or None,
        "supersedes": before.id if before else None,
        "header": _header(
            f"{report} {period}", f"{municipality_code} {library.rules_version}", definition, now
        ),
    }
    made: int = session.scalars(KEEP, values).one()
    audit.record(
        Action.REPORT_MADE,
        subject=f"report:{made}",
        detail={"report": report, "period": str(period), "reason": written or None},
    )
    return made


def close(
    session: Session, audit: AuditTrail, *, report: str, snapshot_id: int, staff_id: int, now: datetime
) -> None:
    """Close a table: it is what was reported, and a correction needs a reason from now on.

    :raises ReportRefusedError: ``gone`` (no such table, or a newer one stands), ``closed`` already.
    """
    line = snapshot(session, report, snapshot_id)
    if line is None or line.superseded_by is not None:
        raise ReportRefusedError("gone")
    changed = session.execute(
        update(ReportSnapshot.__table__)  # type: ignore[arg-type]
        .where(ReportSnapshot.__table__.c.id == snapshot_id, ReportSnapshot.__table__.c.closed_at.is_(None))
        .values(closed_at=now, closed_by=staff_id)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise ReportRefusedError("closed")
    audit.record(
        Action.REPORT_CLOSED,
        subject=f"report:{snapshot_id}",
        detail={"report": report, "period": str(line.period), "sha256": line.content_sha256},
    )


_FIGURES = text("""
SELECT c.row_key, c.column_key, c.value, c.members_sha256, count(m.subject_id) AS members,
       encode(sha256(convert_to(COALESCE(
           string_agg(m.subject_id || ':' || m.revision, ',' ORDER BY m.subject_id), ''), 'UTF8')), 'hex')
           AS found_sha256
FROM report_cell AS c LEFT JOIN report_member AS m ON m.cell_id = c.id
WHERE c.snapshot_id = :snapshot_id GROUP BY c.id
ORDER BY c.row_key COLLATE "C", c.column_key COLLATE "C"
""")


def is_unchanged(session: Session, snapshot_id: int) -> bool:
    """Tell whether header, figures and members are what was frozen: everything is computed anew."""
    kept = session.execute(
        select(ReportSnapshot.__table__).where(ReportSnapshot.__table__.c.id == snapshot_id)
    ).one()
    rows = session.execute(_FIGURES, {"snapshot_id": snapshot_id}).all()
    if any(row.value != row.members or row.members_sha256 != row.found_sha256 for row in rows):
        return False
    period = Period(kept.fiscal_year, kept.period)
    header = _header(
        f"{kept.report} {period}",
        f"{kept.municipality_code} {kept.rules_version}",
        definition_of(kept.definition),
        kept.data_as_of,
    )
    content = header + "\n".join(
        f"{row.row_key} {row.column_key} {row.value} {row.members_sha256}" for row in rows
    )
    return bool(hashlib.sha256(content.encode()).hexdigest() == kept.content_sha256)


def _header(what: str, whose: str, definition: Definition, data_as_of: datetime) -> str:
    """Return the first line of what the digest covers."""
    return f"{what} {whose} {definition.sha256} {data_as_of.timestamp():.6f}\n"
