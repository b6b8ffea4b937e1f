"""One list of targets against the same selection written by hand in SQL, both kept and rolled back.

The hand-written statement knows beforehand what the rules of this one programme come to on this one day; the
portal finds it out from the rule files, and keeps why each person is on the list or not. As on the page, a
trial run goes before what is saved, and the process remembers the engine's answers from it; the counts of a
trial run are measured without anything remembered.
"""

import time
from collections.abc import Callable
from datetime import date
from statistics import median

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.city import SAMPLE_DAY, BenchCity
from bench.report import Measure
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.embedded.roles import libpq
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.extraction.answers import Answers
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.funnel import FunnelRun, run_funnel
from yvaxportal.services.extraction.saving import save_list
from yvaxportal.values.clock import now_utc

BAR_RESIDENTS = 150_000
TIMES_SQL = 3
BAR_MILLISECONDS = 300
ROUNDS = 7
COHORT = Criteria("mr2", SAMPLE_DAY, date(2027, 3, 31))
ELDERLY = Criteria("influenza", SAMPLE_DAY, date(2027, 3, 31))

#: The second term of measles and rubella of the fiscal year 2026, as somebody would write it who knows it.
BY_HAND = """
WITH list AS (
    INSERT INTO target_extraction (title, programme, reference_date, criteria, schedule_version, funnel,
        data_as_of, state, created_by, created_at, revision)
    SELECT 'by hand', 'mr2', DATE '2026-11-23', '{}', '-', '[]', now(), 'saved', min(id), now(), 1
    FROM staff_account RETURNING id
), child AS (
    SELECT r.id, r.date_of_birth_written, r.date_of_birth, r.sex, r.support_measure_flag,
           CASE WHEN NOT r.support_measure_flag THEN c.address_town_code END AS town
    FROM resident r LEFT JOIN resident_contact c ON c.resident_id = r.id
    WHERE (r.date_of_birth_written BETWEEN '2020-04-02' AND '2021-04-01'
           OR r.date_of_birth_written IN ('2020-00-00', '2021-00-00'))
      AND (r.became_resident_on IS NULL OR r.became_resident_on <= DATE '2026-11-23')
      AND (r.resident_category = 'resident'
           OR (r.resident_category IN ('moved_out', 'deceased')
               AND r.ceased_resident_on > DATE '2026-11-23'))
), given AS (
    SELECT d.id, d.resident_id, d.given_on, d.vaccine,
           lag(d.given_on) OVER (PARTITION BY d.resident_id ORDER BY d.given_on, d.id) AS before
    FROM child JOIN dose d ON d.resident_id = child.id
    WHERE d.vaccine IN ('mr', 'measles', 'rubella') AND d.state = 'active' AND d.judgement = 'given'
), done AS (
    SELECT given.resident_id, min(given.given_on) AS given_on
    FROM given
    WHERE given.given_on BETWEEN DATE '2026-04-01' AND DATE '2026-11-23'
      AND (given.before IS NULL OR given.given_on - given.before > 27)
      AND NOT EXISTS (
          SELECT FROM dose other
          WHERE other.resident_id = given.resident_id AND other.id <> given.id AND other.state = 'active'
            AND other.judgement = 'given' AND other.vaccine IN ('varicella', 'mumps', 'bcg', 'mr')
            AND other.given_on BETWEEN given.given_on - 27 AND given.given_on - 1)
    GROUP BY given.resident_id
)
INSERT INTO extraction_member (extraction_id, resident_id, excluded_by, detail, dose_number,
    date_of_birth_written, sex, address_town_code, support_measure, standing)
SELECT list.id, child.id,
       CASE WHEN done.given_on IS NOT NULL THEN 'done'
            WHEN s.held THEN 'circumstances' WHEN s.silent THEN 'no_invitation' END,
       CASE WHEN done.given_on IS NOT NULL THEN jsonb_build_object('given_on', done.given_on)
            ELSE jsonb_build_object('status', 'due', 'latest', '2027-03-31') END,
       2, child.date_of_birth_written, child.sex, child.town, child.support_measure_flag, 'by_rules'
FROM list CROSS JOIN child LEFT JOIN done ON done.resident_id = child.id
LEFT JOIN LATERAL (
    SELECT bool_or(kind = 'contraindication') AS held, bool_or(kind = 'no_invitation') AS silent
    FROM special_circumstance WHERE resident_id = child.id AND cancelled_at IS NULL) s ON true
RETURNING excluded_by IS NULL
"""


def measures(place: BenchCity) -> list[Measure]:
    """Return the lines about lists of targets in ``place``."""
    engine = create_engine(place.urls.app)
    schedule = load_schedule(load_catalogue())

    def tried(criteria: Criteria) -> FunnelRun:
        with Session(engine) as session:
            return run_funnel(session, schedule, criteria, today=SAMPLE_DAY)

    shown = tried(COHORT)
    answers = Answers()
    with Session(engine) as session:
        run_funnel(session, schedule, COHORT, today=SAMPLE_DAY, answers=answers)

    def saved() -> None:
        with Session(engine) as session:
            save_list(
                session,
                AuditTrail(session, engine, SYSTEM),
                schedule,
                COHORT,
                title="bench",
                shown=shown.figures,
                staff_id=1,
                today=SAMPLE_DAY,
                now=now_utc(),
                answers=answers,
            )
            session.rollback()

    with psycopg.connect(libpq(place.urls.owner)) as connection:
        by_hand, listed = _by_hand(connection)
    keeping, counting = _median(saved), _median(lambda: tried(COHORT))
    elderly = tried(ELDERLY)
    for_elderly = _median(lambda: tried(ELDERLY), rounds=3)
    engine.dispose()
    the_bars = place.residents == BAR_RESIDENTS
    ratio, milliseconds = keeping / by_hand, counting * 1000
    return [
        Measure(
            f"a list of {shown.left:,} of a cohort of {shown.base:,}, kept with every reason",
            f"{keeping * 1000:.0f} ms, {ratio:.1f} times SQL by hand"
            f" ({by_hand * 1000:.0f} ms, {listed:,} listed)",
            f"at most {TIMES_SQL} times",
            ratio <= TIMES_SQL if the_bars else None,
        ),
        Measure(
            "... its counts on a trial run",
            f"{milliseconds:.0f} ms",
            f"under {BAR_MILLISECONDS} ms",
            milliseconds < BAR_MILLISECONDS if the_bars else None,
        ),
        Measure(f"... counts of {elderly.left:,} of {elderly.base:,} elderly people", f"{for_elderly:.1f} s"),
    ]


def _by_hand(connection: psycopg.Connection) -> tuple[float, int]:
    """Return the median seconds of the statement by hand, and how many it puts on the list."""
    spent, listed = [], 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        rows = connection.execute(BY_HAND, prepare=True).fetchall()
        spent.append(time.perf_counter() - began)
        listed = sum(on_list for (on_list,) in rows)
        connection.rollback()
    return median(spent), listed


def _median(deed: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        deed()
        spent.append(time.perf_counter() - began)
    return median(spent)
