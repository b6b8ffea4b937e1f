"""Looking for doubles among everybody: keys bring pairs together in SQL, the measure decides.

No two people are compared but those who share a key: a name with a birth date, a name with a birth date that
is nearly the same or not wholly known, a birth date with a telephone or an address. What is found is kept in
``resident_double``; a pair that is not alike any more goes, one that somebody decided about stays.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.orm import Session

from yvaxportal.models.double import DoubleSearch
from yvaxportal.services.doubles.scoring import LISTED, Side, compare, fingerprint

_LOT = 2_000
_COLUMNS = (
    "{t}.id, {t}.name, {t}.name_kana, {t}.name_alphabet, {t}.alias_name, {t}.former_name, "
    "{t}.date_of_birth_written, {t}.sex, {t}.resident_category, {t}.became_resident_on, "
    "{t}.ceased_resident_on, {t}.support_measure_flag, "
    "CASE WHEN NOT {t}.support_measure_flag THEN {t}.household_number END, "
    "CASE WHEN NOT {t}.support_measure_flag THEN {t}c.address_key END, "
    "CASE WHEN NOT {t}.support_measure_flag THEN {t}c.phone_key END"
)
_WIDTH = len(Side.__dataclass_fields__)
# A name with its birth date or one that is nearly the same (two of three parts, month and day exchanged, all
# that both know), a birth date with a telephone or an address. Numbers that were taken back, or merged, are
# nobody's any more.
_CANDIDATES = text(
    f"""
WITH named AS (
    SELECT resident_id AS id, key, date_of_birth_written AS birth, left(date_of_birth_written, 4) AS year,
           substr(date_of_birth_written, 6, 2) AS month, right(date_of_birth_written, 2) AS day
    FROM resident_name
),
home AS (
    SELECT r.id, r.date_of_birth_written AS birth, c.address_key, c.phone_key
    FROM resident r JOIN resident_contact c ON c.resident_id = r.id WHERE NOT r.support_measure_flag
),
pair AS (
    SELECT a.id AS one, b.id AS other FROM named a JOIN named b ON b.key = a.key AND b.id > a.id
    AND (a.birth = b.birth OR (a.month = b.month AND a.day = b.day)
         OR (a.year = b.year AND (a.month = b.month OR a.day = b.day
                                  OR '00' IN (a.month, a.day, b.month, b.day)
                                  OR (a.month = b.day AND a.day = b.month))))
    UNION
    SELECT a.id, b.id FROM home a JOIN home b
    ON b.birth = a.birth AND b.phone_key = a.phone_key AND b.id > a.id
    UNION
    SELECT a.id, b.id FROM home a JOIN home b
    ON b.birth = a.birth AND b.address_key = a.address_key AND b.id > a.id
)
SELECT {_COLUMNS.format(t="a")}, {_COLUMNS.format(t="b")}
FROM pair JOIN resident a ON a.id = pair.one JOIN resident b ON b.id = pair.other
LEFT JOIN resident_contact ac ON ac.resident_id = a.id LEFT JOIN resident_contact bc ON bc.resident_id = b.id
WHERE a.resident_category <> 'removed' AND b.resident_category <> 'removed' AND NOT EXISTS (
    SELECT FROM resident_merge g WHERE g.undone_at IS NULL AND g.merged_resident_id IN (a.id, b.id))
"""  # noqa: S608 - columns of ours
)
_SIDES = text(
    f"SELECT {_COLUMNS.format(t='a')} FROM resident a "  # noqa: S608 - columns of ours
    "LEFT JOIN resident_contact ac ON ac.resident_id = a.id WHERE a.id = ANY(:ids)"
)
# Listed again when merged numbers stand apart anew, or when two people are not what somebody decided about.
_KEEP = text(
    """
INSERT INTO resident_double AS d
    (first_id, second_id, score, why, state, fingerprint, found_at, seen_at, revision)
SELECT w.first_id, w.second_id, w.score, w.why, 'open', w.fingerprint, :now, :now, 1
FROM unnest(CAST(:firsts AS bigint[]), CAST(:seconds AS bigint[]), CAST(:scores AS smallint[]),
            CAST(:whys AS jsonb[]), CAST(:prints AS text[]))
     AS w(first_id, second_id, score, why, fingerprint)
ON CONFLICT (first_id, second_id) DO UPDATE SET
    seen_at = excluded.seen_at, score = excluded.score, why = excluded.why,
    state = CASE WHEN d.state = 'merged' OR (d.state = 'different' AND d.fingerprint <> excluded.fingerprint)
                 THEN 'open' ELSE d.state END,
    found_at = CASE WHEN d.state = 'merged'
                      OR (d.state = 'different' AND d.fingerprint <> excluded.fingerprint)
                    THEN excluded.found_at ELSE d.found_at END,
    fingerprint = excluded.fingerprint,
    revision = d.revision + CASE WHEN d.fingerprint <> excluded.fingerprint THEN 1 ELSE 0 END
"""
)
_FORGET = text("DELETE FROM resident_double WHERE state IN ('open', 'told') AND seen_at < :now")
_LISTED = text("SELECT count(*) FROM resident_double WHERE state IN ('open', 'told')")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search did: pairs compared, pairs on the list afterwards, pairs that went from it."""

    compared: int
    listed: int
    gone: int


def find_doubles(engine: Engine, now: datetime) -> Found:
    """Look through everybody and keep the likely pairs, in one transaction.

    Memory is that of one lot. A decision that somebody makes meanwhile stands: a pair is written under its
    row's lock, and what was decided is not written over.

    :param now: the aware instant of the search.
    """
    compared = 0
    with engine.connect() as reading, engine.begin() as writing:
        stream = reading.execution_options(yield_per=_LOT).execute(_CANDIDATES)
        for rows in stream.partitions():
            compared += len(rows)
            _keep(writing, _alike(rows), now)
        gone = writing.execute(_FORGET, {"now": now}).rowcount
        listed: int = writing.scalar(_LISTED) or 0
        writing.execute(
            insert(DoubleSearch).values(started_at=now, finished_at=now, compared=compared, listed=listed)
        )
    return Found(compared, listed, gone)


def sides_of(session: Session, ids: Sequence[int]) -> dict[int, Side]:
    """Return people as they are compared, by id."""
    return {row[0]: Side(*row) for row in session.execute(_SIDES, {"ids": list(ids)})}


def _alike(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Side, Side, int, tuple[str, ...]]]:
    for row in rows:
        one, other = Side(*row[:_WIDTH]), Side(*row[_WIDTH:])
        found = compare(one, other)
        if found.score >= LISTED:
            yield one, other, found.score, found.why


def _keep(
    connection: Connection, pairs: Iterable[tuple[Side, Side, int, tuple[str, ...]]], now: datetime
) -> None:
    found = sorted(pairs, key=lambda pair: (pair[0].id, pair[1].id))
    if not found:
        return
    connection.execute(
        _KEEP,
        {
            "now": now,
            "firsts": [one.id for one, _other, _score, _why in found],
            "seconds": [other.id for _one, other, _score, _why in found],
            "scores": [score for _one, _other, score, _why in found],
            "whys": [json.dumps(why) for _one, _other, _score, why in found],
            "prints": [fingerprint(one, other) for one, other, _score, _why in found],
        },
    )
