"""What institutions claimed for a month: counts and amounts, and where they differ from the tariff.

What is claimed is the fee of the recorded visit. What should have been claimed is the price in force on the
day, without the person's part unless the person is exempt: public assistance or a tax exempt household on
that day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import Judgement
from yvaxportal.services.fees.tariff import Tariff

PAGE_SIZE = 50


class Fault(StrEnum):
    """How a claim differs from what was expected."""

    MISSING = "missing"
    DIFFERS = "differs"
    NO_PRICE = "no_price"


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """The claims of one institution for one vaccine and price: ``count`` x ``fee`` = ``amount`` yen.

    ``fee`` None: visits of which no fee is recorded. ``given`` False: examinations after which nothing was
    given. ``exempt``: how many of the people were exempt from their part. ``faults``: how many differ.
    """

    institution_code: str | None
    institution: str
    vaccine: str
    given: bool
    fee: int | None
    count: int
    exempt: int
    faults: int
    expected: int

    @property
    def amount(self) -> int:
        """Return what was claimed in yen."""
        return self.count * (self.fee or 0)


@dataclass(frozen=True, slots=True)
class FaultyClaim:
    """One visit whose fee is not what the tariff says."""

    dose_id: int
    atena_number: str
    institution: str
    vaccine: str
    dose_number: int
    given_on: date
    judgement: Judgement
    fee: int | None
    expected: int | None
    exempt: bool
    fault: Fault


# Group vaccinations are paid by contract, not by the dose; other municipalities pay for their own.
_VISITS = """
visit AS (
    SELECT d.id, d.resident_id, d.vaccine, d.dose_number, d.given_on, d.judgement, d.fee,
           d.judgement = 'given' AS given, i.code AS institution_code,
           COALESCE(i.name, d.medical_institution_name, '') AS institution,
           EXISTS (SELECT FROM eligibility AS e
                   WHERE e.resident_id = d.resident_id AND e.valid_from <= d.given_on
                     AND (e.valid_to IS NULL OR e.valid_to >= d.given_on)
                     AND ((e.kind = 'public_assistance' AND e.state = 'held')
                          OR (e.kind = 'tax_exempt' AND e.state = 'exempt'))) AS exempt,
           t.price, t.copayment, t.exam
    FROM dose AS d
    LEFT JOIN medical_institution AS i ON i.id = d.medical_institution_id
    LEFT JOIN unnest(CAST(:vaccines AS text[]), CAST(:starts AS date[]), CAST(:ends AS date[]),
                     CAST(:prices AS integer[]), CAST(:copayments AS integer[]), CAST(:exams AS integer[]))
        AS t(vaccine, valid_from, valid_to, price, copayment, exam)
      ON t.vaccine = d.vaccine AND d.given_on >= t.valid_from
         AND (t.valid_to IS NULL OR d.given_on <= t.valid_to)
    WHERE d.given_on BETWEEN :first AND :last AND d.state = 'active'
      AND d.source <> 'municipality' AND (d.municipality_code IS NULL OR d.municipality_code = :own)
      AND d.delivery_category IS DISTINCT FROM 'group'
      AND (d.judgement = 'given' OR d.fee IS NOT NULL)
),
claim AS (
    SELECT *, CASE WHEN price IS NULL THEN NULL WHEN NOT given THEN exam
                   WHEN exempt THEN price ELSE price - copayment END AS expected
    FROM visit
),
judged AS (
    SELECT *, CASE WHEN fee IS NULL THEN 'missing' WHEN expected IS NULL THEN 'no_price'
                   WHEN fee <> expected THEN 'differs' END AS fault
    FROM claim
)"""
_LINES = text(f"""
WITH {_VISITS}
SELECT institution_code, institution, vaccine, given, fee, count(*) AS count,
       count(*) FILTER (WHERE exempt) AS exempt, count(fault) AS faults,
       CAST(COALESCE(sum(expected), 0) AS bigint) AS expected
FROM judged
GROUP BY institution_code, institution, vaccine, given, fee
ORDER BY institution_code NULLS LAST, institution, vaccine, given DESC, fee NULLS LAST
""")  # noqa: S608 - put together from the text above, nothing from outside
_FAULTS = text(f"""
WITH {_VISITS}
SELECT j.*, r.atena_number FROM judged AS j JOIN resident AS r ON r.id = j.resident_id
WHERE j.fault IS NOT NULL AND j.id > :after ORDER BY j.id LIMIT :limit
""")  # noqa: S608 - as above


def _parameters(tariff: Tariff, first: date, last: date, municipality_code: str) -> dict[str, Any]:
    prices = tariff.prices
    return {
        "first": first,
        "last": last,
        "own": municipality_code,
        "vaccines": [price.vaccine for price in prices],
        "starts": [price.valid_from for price in prices],
        "ends": [price.valid_to for price in prices],
        "prices": [price.price for price in prices],
        "copayments": [price.copayment for price in prices],
        "exams": [price.exam for price in prices],
    }


def claims(
    session: Session, tariff: Tariff, *, first: date, last: date, municipality_code: str
) -> Sequence[ClaimLine]:
    """Return the claims for visits from ``first`` to ``last``, by institution, vaccine and fee."""
    rows = session.execute(_LINES, _parameters(tariff, first, last, municipality_code))
    return [ClaimLine(*row) for row in rows]


def faulty_claims(
    session: Session,
    tariff: Tariff,
    *,
    first: date,
    last: date,
    municipality_code: str,
    after: int = 0,
    limit: int = PAGE_SIZE,
) -> tuple[Sequence[FaultyClaim], int | None]:
    """Return a page of visits whose fee is not the expected one, and the id to go on after."""
    values = _parameters(tariff, first, last, municipality_code) | {"after": after, "limit": limit + 1}
    rows = session.execute(_FAULTS, values).all()
    found = [
        FaultyClaim(
            dose_id=row.id,
            atena_number=row.atena_number,
            institution=row.institution,
            vaccine=row.vaccine,
            dose_number=row.dose_number,
            given_on=row.given_on,
            judgement=Judgement(row.judgement),
            fee=row.fee,
            expected=row.expected,
            exempt=row.exempt,
            fault=Fault(row.fault),
        )
        for row in rows[:limit]
    ]
    return found, found[-1].dose_id if len(rows) > limit else None
