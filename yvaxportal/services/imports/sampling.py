"""Samples of recorded rows compared with the paper: how many, which, and what error rate that leaves.

How many to draw follows from the confidence and the error rate that is tolerable (``values.binomial``). Which
rows follows from a stored seed: of each sender's rows those with the smallest digests, in proportion. The
rate is that of the rows that could be told; those that could not are counted beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import SampleVerdict
from yvaxportal.models.imports import ImportRow
from yvaxportal.models.mismatch import SampleCheck, SampleCheckRow
from yvaxportal.services.imports.deciding import CLAIMED_FOR
from yvaxportal.values.binomial import interval, sample_size
from yvaxportal.values.clock import jst_midnight

LISTED = 50
PERCENT = 10_000
_DAY = timedelta(days=1)

_SCOPE = (
    "FROM import_row r JOIN import_batch b ON b.id = r.batch_id "
    "WHERE r.outcome IN ('recorded', 'replaced', 'linked') "
    "AND (CAST(:batch AS bigint) IS NULL OR r.batch_id = :batch) "
    "AND (CAST(:layout AS text) IS NULL OR b.layout = :layout) "
    "AND (CAST(:sender AS bigint) IS NULL OR b.uploaded_by = :sender) "
    "AND (CAST(:begin AS timestamptz) IS NULL OR b.applied_at >= :begin) "
    "AND (CAST(:end AS timestamptz) IS NULL OR b.applied_at < :end)"
)
_STRATA = text(f"SELECT b.uploaded_by, count(*) {_SCOPE} GROUP BY 1 ORDER BY 1")
_DRAW = text(
    "SELECT batch_id, number FROM ("  # noqa: S608 - ours
    "SELECT r.batch_id, r.number, b.uploaded_by, md5(:seed || ':' || r.batch_id || ':' || r.number) AS lot, "
    "row_number() OVER (PARTITION BY b.uploaded_by "
    "ORDER BY md5(:seed || ':' || r.batch_id || ':' || r.number), r.batch_id, r.number) AS place "
    f"{_SCOPE}) AS drawn "
    "JOIN unnest(CAST(:senders AS bigint[]), CAST(:sizes AS int[])) AS s(sender, size) "
    "ON s.sender = drawn.uploaded_by AND drawn.place <= s.size ORDER BY drawn.lot, batch_id, number"
)
_NEXT = text(
    "UPDATE sample_check_row SET claimed_by = :staff, claimed_until = :until WHERE check_id = :check "
    "AND place = (SELECT s.place FROM sample_check_row s "
    "JOIN import_batch b ON b.id = s.batch_id AND b.uploaded_by <> :staff "
    "JOIN import_row r ON r.batch_id = s.batch_id AND r.number = s.number "
    "AND r.decided_by IS DISTINCT FROM :staff "
    "WHERE s.check_id = :check AND s.verdict IS NULL AND s.place > :after "
    "AND (s.claimed_by IS NULL OR s.claimed_by = :staff OR s.claimed_until < :now) "
    "ORDER BY s.place LIMIT 1 FOR UPDATE OF s SKIP LOCKED) RETURNING place"
)
_COUNTS = (
    "count(*), count(*) FILTER (WHERE s.verdict = 'right'), count(*) FILTER (WHERE s.verdict = 'wrong'), "
    "count(*) FILTER (WHERE s.verdict = 'cannot_tell')"
)
_BY = {
    "layout": text(
        f"SELECT b.layout, {_COUNTS} FROM sample_check_row s "  # noqa: S608 - ours
        "JOIN import_batch b ON b.id = s.batch_id GROUP BY 1 ORDER BY 1"
    ),
    "sender": text(
        f"SELECT b.uploaded_by::text, {_COUNTS} FROM sample_check_row s "  # noqa: S608 - ours
        "JOIN import_batch b ON b.id = s.batch_id GROUP BY 1 ORDER BY 1"
    ),
    "batch": text(
        f"SELECT s.batch_id::text, {_COUNTS} FROM sample_check_row s "  # noqa: S608 - ours
        "WHERE s.batch_id = :batch GROUP BY 1"
    ),
}
_OF_CHECKS = text(
    f"SELECT s.check_id, {_COUNTS} FROM sample_check_row s "  # noqa: S608 - ours
    "WHERE s.check_id = ANY(:ids) GROUP BY 1"
)
_FIELDS = text(
    "SELECT f.field, count(*) FROM sample_check_row s, jsonb_array_elements_text(s.wrong_fields) AS f(field) "
    "WHERE s.check_id = :check AND s.verdict = 'wrong' GROUP BY 1 ORDER BY 2 DESC, 1"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which recorded rows: of one file, or of a layout's files recorded between two days (inclusive)."""

    batch_id: int | None = None
    layout: str | None = None
    sender: int | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """How sure to be (hundredths of a percent) that no more than ``tolerable`` of the rows are wrong.

    ``allowed``: with so many errors in the sample the aim shall still be met.
    """

    confidence: int = 9_500
    tolerable: int = 100
    allowed: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """What a sample says: counts, the share of wrong rows and its interval; None while nothing was told.

    ``worst`` is the upper end if every row that could not be told were wrong.
    """

    drawn: int
    right: int
    wrong: int
    cannot_tell: int
    share: float | None
    low: float | None
    high: float | None
    worst: float | None

    @property
    def open(self) -> int:
        """Return how many are still to be compared."""
        return self.drawn - self.right - self.wrong - self.cannot_tell


class NothingToDrawError(Exception):
    """No recorded row is in the scope."""


def reckon(session: Session, scope: Scope, aim: Aim) -> tuple[int, int]:
    """Return how many recorded rows there are, and how many a sample of them needs."""
    population = sum(_strata(session, scope).values())
    if not population:
        raise NothingToDrawError
    return population, _size(population, aim)


def draw(
    session: Session,
    audit: AuditTrail,
    scope: Scope,
    aim: Aim,
    *,
    seed: str,
    staff_id: int,
    now: datetime,
) -> SampleCheck:
    """Draw a sample; the same seed over the same rows draws the same.

    :raises NothingToDrawError: no recorded row is in the scope.
    """
    strata = _strata(session, scope)
    population = sum(strata.values())
    if not population:
        raise NothingToDrawError
    size = _size(population, aim)
    sizes = allocate(strata, size)
    check = SampleCheck(
        batch_id=scope.batch_id,
        layout=scope.layout,
        sender=scope.sender,
        first_day=scope.first_day,
        last_day=scope.last_day,
        confidence=aim.confidence,
        tolerable=aim.tolerable,
        allowed=aim.allowed,
        seed=seed,
        population=population,
        size=size,
        drawn_by=staff_id,
        drawn_at=now,
    )
    session.add(check)
    session.flush()
    rows = session.execute(
        _DRAW,
        {**_values(scope), "seed": seed, "senders": list(sizes), "sizes": list(sizes.values())},
    ).all()
    session.execute(
        insert(SampleCheckRow),
        [
            {"check_id": check.id, "place": place, "batch_id": row[0], "number": row[1]}
            for place, row in enumerate(rows, 1)
        ],
    )
    audit.record(
        Action.SAMPLE_DRAWN,
        subject=f"sample:{check.id}",
        detail={"population": population, "size": size, "import": scope.batch_id, "layout": scope.layout},
    )
    return check


def allocate(strata: Mapping[int, int], size: int) -> dict[int, int]:
    """Share a sample out in proportion to the rows of each sender; what is left goes to the largest rests."""
    population = sum(strata.values())
    exact = {key: count * size / population for key, count in strata.items()}
    shared = {key: int(share) for key, share in exact.items()}
    left = size - sum(shared.values())
    for key in sorted(exact, key=lambda key: (shared[key] - exact[key], key))[:left]:
        shared[key] += 1
    return shared


def _size(population: int, aim: Aim) -> int:
    return sample_size(population, aim.confidence / PERCENT, aim.tolerable / PERCENT, aim.allowed)


def _strata(session: Session, scope: Scope) -> dict[int, int]:
    return {row[0]: row[1] for row in session.execute(_STRATA, _values(scope))}


def _values(scope: Scope) -> dict[str, Any]:
    return {
        "batch": scope.batch_id,
        "layout": scope.layout,
        "sender": scope.sender,
        "begin": jst_midnight(scope.first_day) if scope.first_day else None,
        "end": jst_midnight(scope.last_day + _DAY) if scope.last_day else None,
    }


def checks(session: Session, *, batch_id: int | None = None) -> Sequence[SampleCheck]:
    """Return the newest samples, of one file where it is named."""
    query = select(SampleCheck).order_by(SampleCheck.id.desc()).limit(LISTED)
    if batch_id is not None:
        query = query.where(SampleCheck.batch_id == batch_id)
    return session.scalars(query).all()


def next_to_check(
    session: Session, check_id: int, *, staff_id: int, now: datetime, after: int = 0
) -> int | None:
    """Take the next row to compare and keep it; never one that this member of staff sent or decided."""
    values = {
        "staff": staff_id,
        "until": now + CLAIMED_FOR,
        "now": now,
        "check": check_id,
        "after": after,
    }
    found: int | None = session.scalar(_NEXT, values)
    if found is None and after:
        return next_to_check(session, check_id, staff_id=staff_id, now=now)
    return found


def row_of(session: Session, check_id: int, place: int) -> tuple[SampleCheckRow, ImportRow] | None:
    """Return a row that was drawn, with what was recorded of it."""
    found = session.execute(
        select(SampleCheckRow, ImportRow)
        .join(
            ImportRow,
            (ImportRow.batch_id == SampleCheckRow.batch_id) & (ImportRow.number == SampleCheckRow.number),
        )
        .where(SampleCheckRow.check_id == check_id, SampleCheckRow.place == place)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def tell(
    session: Session,
    audit: AuditTrail,
    check_id: int,
    place: int,
    verdict: SampleVerdict,
    *,
    wrong_fields: Sequence[str] = (),
    note: str = "",
    staff_id: int,
    now: datetime,
) -> bool:
    """Write down what the paper says of a row; False when somebody else did, or has it open.

    :raises ValueError: a wrong row without a wrong field, or the other way round.
    """
    if (verdict is SampleVerdict.WRONG) != bool(wrong_fields):
        raise ValueError("wrong in which fields?")
    found = row_of(session, check_id, place)
    if found is None:
        return False
    drawn, recorded = found
    session.refresh(drawn, with_for_update=True)
    held = drawn.claimed_by not in {None, staff_id} and drawn.claimed_until is not None
    if drawn.verdict is not None or (held and drawn.claimed_until is not None and drawn.claimed_until >= now):
        return False
    drawn.verdict, drawn.note = verdict, note or None
    drawn.wrong_fields = list(wrong_fields) or None
    drawn.checked_by, drawn.checked_at = staff_id, now
    audit.record(
        Action.SAMPLE_CHECKED,
        resident_id=recorded.resident_id,
        subject=f"sample:{check_id}",
        detail={"place": place, "verdict": verdict.value, "fields": list(wrong_fields)},
    )
    session.flush()
    return True


def rates(session: Session, found: Sequence[SampleCheck]) -> dict[int, Rate]:
    """Return what each sample says so far."""
    by_id = {check.id: check for check in found}
    rows = session.execute(_OF_CHECKS, {"ids": list(by_id)})
    return {
        row[0]: rate(row[1:], by_id[row[0]].confidence / PERCENT, by_id[row[0]].population) for row in rows
    }


def pooled(session: Session, by: str, *, batch_id: int | None = None, confidence: float = 0.95) -> list[Any]:
    """Return (key, rate) over all rows that were ever drawn, by ``layout``, ``sender`` or one ``batch``.

    Of how many in all is not asked: they were drawn at different times.
    """
    values = {"batch": batch_id} if by == "batch" else {}
    return [(row[0], rate(row[1:], confidence)) for row in session.execute(_BY[by], values)]


def wrong_fields(session: Session, check_id: int) -> Sequence[tuple[str, int]]:
    """Return in which fields the wrong rows are wrong, the most frequent first."""
    return [(row[0], row[1]) for row in session.execute(_FIELDS, {"check": check_id})]


def rate(counts: Sequence[int], confidence: float, population: int | None = None) -> Rate:
    """Return the error rate of drawn, right, wrong and untold rows of a population, endless where None."""
    drawn, right, wrong, untold = counts
    told = right + wrong
    if not told:
        return Rate(drawn, right, wrong, untold, None, None, None, None)
    low, high = interval(wrong, told, confidence, population)
    worst = interval(wrong + untold, told + untold, confidence, population)[1] if untold else high
    return Rate(drawn, right, wrong, untold, wrong / told, low, high, worst)


def count_open(session: Session) -> int:
    """Return how many rows of samples are still to be compared."""
    query = select(func.count()).select_from(SampleCheckRow).where(SampleCheckRow.verdict.is_(None))
    return session.scalar(query) or 0
