"""Counting in the database: one statement finds every dose and target of a report and groups them.

Which doses count: given or tried on a day of the period, not cancelled, of the legal categories of the
report, of somebody who was a resident on that day (住所地主義), not given by another municipality. Targets
are people who are residents on the last day of the period, or today while it lasts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from yvaxportal.services.reports.atoms import NO_CLASS, NO_DELIVERY, TARGET, Atom, Common
from yvaxportal.services.reports.definition import Definition
from yvaxportal.services.reports.periods import Period


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
        wanted = list(_wanted(self.definition))
        targets = list(_targets(self.definition))
        found: dict[str, Any] = {
            "first": self.period.first_day,
            "last": self.period.last_day,
            "own": self.municipality_code,
            "reference": self.reference_day,
            "categories": list(self.definition.categories) or None,
            "vaccines": list(self.definition.counted_vaccines),
            "history": self.definition.history,
            "age_starts": [one.first for one in self.definition.ages],
        }
        for number, name in enumerate(
            ("rows", "row_vaccines", "first", "last", "births_from", "births_to", "sex")
        ):
            found[f"w_{name}"] = [line[number] for line in wanted]
        for number, name in enumerate(("rows", "births_from", "births_to", "sex")):
            found[f"t_{name}"] = [line[number] for line in targets]
        return found


def _wanted(definition: Definition) -> Iterator[tuple[Any, ...]]:
    for place, row in enumerate(definition.rows):
        for vaccine in row.vaccines:
            for births in row.births or (None,):
                yield (
                    place,
                    vaccine,
                    row.first_number,
                    row.last_number,
                    births.first if births else None,
                    births.last if births else None,
                    births.sex if births else "",
                )


def _targets(definition: Definition) -> Iterator[tuple[Any, ...]]:
    for place, row in enumerate(definition.rows):
        for births in row.target_births or ():
            yield (place, births.first, births.last, births.sex)


# Ages by law go up on the day before the birthday, so the day after the dose is compared. In whole months;
# the class is the greatest one that begins at or below it.
_DOSES = """
dose_fact AS (
    SELECT w.place, d.judgement, CAST(date_part('month', d.given_on) AS integer) AS month,
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
           d.id, d.revision
    FROM dose AS d
    JOIN resident AS r ON r.id = d.resident_id
    JOIN unnest(CAST(:w_rows AS integer[]), CAST(:w_row_vaccines AS text[]), CAST(:w_first AS integer[]),
                CAST(:w_last AS integer[]), CAST(:w_births_from AS date[]), CAST(:w_births_to AS date[]),
                CAST(:w_sex AS text[])) AS w(place, vaccine, first, last, births_from, births_to, sex)
      ON w.vaccine = d.vaccine AND d.dose_number BETWEEN w.first AND w.last
    WHERE d.given_on BETWEEN :first AND :last AND d.state = 'active'
      AND (CAST(:categories AS text[]) IS NULL OR d.dose_category = ANY(CAST(:categories AS text[])))
      AND d.source <> 'municipality' AND (d.municipality_code IS NULL OR d.municipality_code = :own)
      AND r.resident_category <> 'non_registered'
      AND (r.became_resident_on IS NULL OR d.given_on >= r.became_resident_on)
      AND (r.ceased_resident_on IS NULL OR d.given_on <= r.ceased_resident_on)
      AND (w.births_from IS NULL OR r.date_of_birth BETWEEN w.births_from AND w.births_to)
      AND (w.sex = '' OR r.sex = w.sex)
)"""
_TARGETS = """
target_fact AS (
    SELECT t.place, r.id, r.revision
    FROM unnest(CAST(:t_rows AS integer[]), CAST(:t_births_from AS date[]), CAST(:t_births_to AS date[]),
                CAST(:t_sex AS text[])) AS t(place, births_from, births_to, sex)
    JOIN resident AS r ON r.date_of_birth BETWEEN t.births_from AND t.births_to
    WHERE (t.sex = '' OR r.sex = t.sex)
      AND (r.became_resident_on IS NULL OR r.became_resident_on <= :reference)
      AND (r.resident_category = 'resident' OR (
          r.resident_category <> 'non_registered' AND r.ceased_resident_on > :reference))
)"""

_COUNT = text(f"""
WITH {_DOSES}, {_TARGETS}
SELECT place, judgement, month, age, delivery, category, history, count(*) AS value
FROM dose_fact GROUP BY place, judgement, month, age, delivery, category, history
UNION ALL
SELECT place, NULL, NULL, NULL, NULL, NULL, NULL, count(*) FROM target_fact GROUP BY place
""")  # noqa: S608 - put together from the texts above, nothing from outside


def count(session: Session, counting: Counting) -> Sequence[Atom]:
    """Return every figure of a report as the data stand now; nothing is kept."""
    definition = counting.definition
    rows = session.execute(_COUNT, counting.parameters())
    classes = [one.key for one in definition.ages]
    return [
        Atom(
            definition.rows[row.place].key,
            None
            if row.judgement is None
            else Common(
                row.judgement,
                row.month,
                classes[row.age - 1] if row.age > 0 else NO_CLASS,
                row.delivery or NO_DELIVERY,
                row.category,
                row.history,
            ),
            row.value,
        )
        for row in rows
    ]


#: Header, figures and members in one statement, so that all are of one moment. The digest of the content
#: covers the header and, in the order of their keys, every figure with the digest of its members.
KEEP = text(f"""
WITH {_DOSES}, {_TARGETS},
fact AS MATERIALIZED (
    SELECT place, 'dose/' || judgement || '/' || to_char(month, 'FM00') || '/' ||
           CASE WHEN age > 0 THEN (CAST(:age_keys AS text[]))[age] ELSE '{NO_CLASS}' END || '/' ||
           COALESCE(delivery, '{NO_DELIVERY}') || '/' || category || '/' || history AS column_key,
           'dose' AS subject, id, revision
    FROM dose_fact
    UNION ALL
    SELECT place, '{TARGET}', 'resident', id, revision FROM target_fact
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
