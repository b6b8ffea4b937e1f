"""Counting in the database: one statement finds every dose and target of a report and groups them.

Which doses count: given or tried on a day of the period, not cancelled, of the legal categories of the
report, of somebody who was a resident on that day (住所地主義), not given by another municipality. Targets
are people who are residents on the last day of the period, or today while it lasts.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from yvaxportal.services.reports.atoms import NO_CLASS, NO_DELIVERY, TARGET, Atom, Common
from yvaxportal.services.reports.definition import Definition
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.targets import Births


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted: the definition for a period, whose municipality, and the day people are looked at."""

    definition: Definition
    period: Period
    municipality_code: str
    today: date

    @property
    def reference_day(self) -> date:
        """Return the day on which the targets must be residents."""
        return min(self.period.last_day, self.today)

    def parameters(self) -> dict[str, Any]:
        """Return what the statements ask for."""
        definition = self.definition
        rules, restrictions = _rules(definition)
        targets, cohorts = _targets(definition)
        found: dict[str, Any] = {
            "first": self.period.first_day,
            "last": self.period.last_day,
            "own": self.municipality_code,
            "reference": self.reference_day,
            "categories": list(definition.categories) or None,
            "vaccines": list(definition.counted_vaccines),
            "history": definition.history,
            "age_starts": [one.first for one in definition.ages],
            "restricted": bool(restrictions),
            "r_from": [births.first for births in restrictions],
            "r_to": [births.last for births in restrictions],
            "r_sex": [births.sex for births in restrictions],
            "t_rows": [place for place, _births in targets],
            "t_births": [births for _place, births in targets],
            # Compared as text, as the index on birth dates has them; one not wholly known has zeros in it.
            "c_from": [births.first.isoformat() for births in cohorts],
            "c_to": [births.last.isoformat() for births in cohorts],
            "c_sex": [births.sex for births in cohorts],
        }
        for number, name in enumerate(("rows", "vaccines", "first", "last", "births")):
            found[f"w_{name}"] = [rule[number] for rule in rules]
        return found


Rule = tuple[int, str, int, int, int]


def _rules(definition: Definition) -> tuple[list[Rule], list[Births]]:
    """Return which doses each row takes, and the birth dates that restrict some rows, each once.

    A rule: place of the row, vaccine, first and last number, place of the birth dates from 1 on (0: all).
    """
    restrictions: dict[Births, int] = {}
    rules = [
        (
            place,
            vaccine,
            row.first_number,
            row.last_number,
            restrictions.setdefault(births, len(restrictions) + 1) if births else 0,
        )
        for place, row in enumerate(definition.rows)
        for vaccine in row.vaccines
        for births in row.births or (None,)
    ]
    return rules, list(restrictions)


def _targets(definition: Definition) -> tuple[list[tuple[int, int]], list[Births]]:
    """Return (place of the row, place of the birth dates), and the birth dates, each once."""
    ranges: dict[Births, int] = {}
    lines = [
        (place, ranges.setdefault(births, len(ranges)))
        for place, row in enumerate(definition.rows)
        for births in row.target_births or ()
    ]
    return lines, list(ranges)


# Ages by law go up on the day before the birthday, so the day after the dose is compared. In whole months;
# the class is the greatest one that begins at or below it. `births`: which restrictions the person meets.
_VISITS = """
    SELECT d.id, d.revision, d.vaccine, d.dose_number, d.judgement,
           CAST(date_part('month', d.given_on) AS integer) AS month,
           CASE WHEN r.date_of_birth IS NULL THEN -1 ELSE width_bucket(
               CAST(12 * (date_part('year', d.given_on + 1) - date_part('year', r.date_of_birth))
                   + date_part('month', d.given_on + 1) - date_part('month', r.date_of_birth) AS integer)
               - CASE WHEN date_part('day', d.given_on + 1) < date_part('day', r.date_of_birth)
                      THEN 1 ELSE 0 END,
               CAST(:age_starts AS integer[])) END AS age,
           d.delivery_category AS delivery, d.dose_category AS category,
           CASE WHEN NOT :history OR d.dose_number = 1 OR EXISTS (
               SELECT FROM dose AS p
               WHERE p.resident_id = d.resident_id AND p.state = 'active' AND p.judgement = 'given'
                 AND p.dose_number = d.dose_number - 1 AND p.vaccine = ANY(CAST(:vaccines AS text[])))
               THEN 'known' ELSE 'unknown' END AS history,
           CASE WHEN :restricted THEN ARRAY(
               SELECT CAST(x.number AS integer)
               FROM unnest(CAST(:r_from AS date[]), CAST(:r_to AS date[]), CAST(:r_sex AS text[]))
                   WITH ORDINALITY AS x(first, last, sex, number)
               WHERE r.date_of_birth BETWEEN x.first AND x.last AND (x.sex = '' OR r.sex = x.sex)
               ORDER BY x.number) END AS births
    FROM dose AS d
    JOIN resident AS r ON r.id = d.resident_id
    WHERE d.given_on BETWEEN :first AND :last AND d.state = 'active'
      AND d.vaccine = ANY(CAST(:vaccines AS text[]))
      AND (CAST(:categories AS text[]) IS NULL OR d.dose_category = ANY(CAST(:categories AS text[])))
      AND d.source <> 'municipality' AND (d.municipality_code IS NULL OR d.municipality_code = :own)
      AND r.resident_category <> 'non_registered'
      AND (r.became_resident_on IS NULL OR d.given_on >= r.became_resident_on)
      AND (r.ceased_resident_on IS NULL OR d.given_on <= r.ceased_resident_on)"""
_TARGETS = """
target AS (
    SELECT * FROM unnest(CAST(:t_rows AS integer[]), CAST(:t_births AS integer[])) AS t(place, births)
),
cohort AS (
    SELECT c.number - 1 AS births, r.id, r.revision
    FROM unnest(CAST(:c_from AS text[]), CAST(:c_to AS text[]), CAST(:c_sex AS text[]))
        WITH ORDINALITY AS c(first, last, sex, number)
    JOIN resident AS r ON r.date_of_birth_written BETWEEN c.first AND c.last
    WHERE r.date_of_birth IS NOT NULL AND (c.sex = '' OR r.sex = c.sex)
      AND (r.became_resident_on IS NULL OR r.became_resident_on <= :reference)
      AND (r.resident_category = 'resident' OR (
          r.resident_category <> 'non_registered' AND r.ceased_resident_on > :reference))
)"""

# What a row takes is looked up here, by vaccine and number: the database groups plain columns only.
_GROUPED = text(f"""
WITH visit AS ({_VISITS})
SELECT vaccine, dose_number, judgement, month, age, delivery, category, history, births, count(*) AS value
FROM visit GROUP BY vaccine, dose_number, judgement, month, age, delivery, category, history, births
""")  # noqa: S608 - put together from the texts above, nothing from outside
_TARGETED = text(f"""
WITH {_TARGETS}
SELECT place, CAST(sum(people) AS bigint) AS value
FROM target JOIN (SELECT births, count(*) AS people FROM cohort GROUP BY births) AS c USING (births)
GROUP BY place
""")  # noqa: S608 - as above


def count(session: Session, counting: Counting) -> Sequence[Atom]:
    """Return every figure of a report as the data stand now; nothing is kept."""
    definition, parameters = counting.definition, counting.parameters()
    classes = [one.key for one in definition.ages]
    takers: defaultdict[tuple[str, int], list[Rule]] = defaultdict(list)
    for rule in _rules(definition)[0]:
        for number in range(rule[2], rule[3] + 1):
            takers[rule[1], number].append(rule)
    found: Counter[tuple[int, Common]] = Counter()
    for row in session.execute(_GROUPED, parameters):
        common = Common(
            row.judgement,
            row.month,
            classes[row.age - 1] if row.age > 0 else NO_CLASS,
            row.delivery or NO_DELIVERY,
            row.category,
            row.history,
        )
        for place, _vaccine, _first, _last, births in takers[row.vaccine, row.dose_number]:
            if not births or births in row.births:
                found[place, common] += row.value
    rows = definition.rows
    atoms = [Atom(rows[place].key, common, value) for (place, common), value in found.items()]
    targets = session.execute(_TARGETED, parameters) if parameters["t_rows"] else ()
    return atoms + [Atom(rows[row.place].key, None, row.value) for row in targets]


#: Header, figures and members in one statement, so that all are of one moment. The digest of the content
#: covers the header and, in the order of their keys, every figure with the digest of its members.
KEEP = text(f"""
WITH visit AS MATERIALIZED ({_VISITS}), {_TARGETS},
fact AS MATERIALIZED (
    SELECT place, 'dose/' || judgement || '/' || to_char(month, 'FM00') || '/' ||
           CASE WHEN age > 0 THEN (CAST(:age_keys AS text[]))[age] ELSE '{NO_CLASS}' END || '/' ||
           COALESCE(delivery, '{NO_DELIVERY}') || '/' || category || '/' || history AS column_key,
           'dose' AS subject, id, revision
    FROM visit JOIN unnest(
        CAST(:w_rows AS integer[]), CAST(:w_vaccines AS text[]), CAST(:w_first AS integer[]),
        CAST(:w_last AS integer[]), CAST(:w_births AS integer[])
    ) AS w(place, taken, first, last, restriction)
      ON w.taken = visit.vaccine AND visit.dose_number BETWEEN w.first AND w.last
         AND (w.restriction = 0 OR w.restriction = ANY(visit.births))
    UNION ALL
    SELECT place, '{TARGET}', 'resident', id, revision FROM target JOIN cohort USING (births)
),
figure AS MATERIALIZED (
    SELECT (CAST(:row_keys AS text[]))[place + 1] AS row_key, place, column_key, subject,
           CAST(count(*) AS integer) AS value,
           encode(sha256(convert_to(string_agg(id || ':' || revision, ',' ORDER BY id), 'UTF8')), 'hex')
               AS members_sha256
    FROM fact GROUP BY place, column_key, subject
),
snapshot AS (
    INSERT INTO report_snapshot (report, fiscal_year, period, first_day, last_day, municipality_code,
        rules_version, definition, definition_sha256, data_as_of, made_by, made_at, reason, supersedes,
        content_sha256)
    SELECT :report, :fiscal_year, :period, :first, :last, :own, :rules_version,
           CAST(:definition AS jsonb), :definition_sha256, :now, :staff_id, :now, :reason,
           CAST(:supersedes AS bigint),
           encode(sha256(convert_to(concat(CAST(:header AS text), (
               SELECT string_agg(row_key || ' ' || column_key || ' ' || value || ' ' || members_sha256,
                                 chr(10) ORDER BY row_key COLLATE "C", column_key COLLATE "C")
               FROM figure)), 'UTF8')), 'hex')
    RETURNING id
),
cell AS (
    INSERT INTO report_cell (snapshot_id, row_key, column_key, subject, value, members_sha256)
    SELECT snapshot.id, row_key, column_key, subject, value, members_sha256 FROM figure, snapshot
    RETURNING id, row_key, column_key
),
member AS (
    INSERT INTO report_member (cell_id, subject_id, revision)
    SELECT cell.id, fact.id, fact.revision
    FROM fact JOIN figure USING (place, column_key) JOIN cell USING (row_key, column_key)
)
SELECT id FROM snapshot
""")  # noqa: S608 - as above
