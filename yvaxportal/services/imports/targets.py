"""Whom a row is about and what they have had: read for many rows at once, and named by a fingerprint."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseCategory, Judgement, ResidentCategory
from yvaxportal.models.dose import MedicalInstitution
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.services.circumstances import circumstances_of
from yvaxportal.services.dose_draft import OtherDose, Person, Place
from yvaxportal.services.imports.doubt import Names
from yvaxportal.values.checkdigits import is_institution_code
from yvaxportal.values.kana import fold_name
from yvaxportal.values.wareki import PartialDate, parse_date

#: What of a stored dose is compared with a row that reports the same dose.
COMPARED = (
    "vaccine",
    "dose_number",
    "dose_category",
    "delivery_category",
    "institution_code",
    "institution_name",
    "physician",
    "lot_number",
    "fee",
    "remarks",
    "pneumococcal_type",
    "municipality_code",
    "ticket_number",
    "manufacturer",
)

_PEOPLE = (
    "SELECT id, date_of_birth_written, sex, resident_category, became_resident_on, ceased_resident_on, "
    "support_measure_flag, name, name_kana, former_name, alias_name FROM resident WHERE id = ANY(:ids)"
)
_LOCKED = text(f"{_PEOPLE} ORDER BY id FOR UPDATE")
_READ = text(_PEOPLE)
# The newest joining of a number counts; twenty steps are more than any chain has.
_KEPT = text(
    "WITH RECURSIVE newest AS (SELECT DISTINCT ON (merged_resident_id) merged_resident_id, kept_resident_id "
    "FROM resident_merge WHERE undone_at IS NULL ORDER BY merged_resident_id, id DESC), "
    "chain AS (SELECT merged_resident_id AS started, kept_resident_id AS at, 1 AS steps FROM newest "
    "WHERE merged_resident_id = ANY(:ids) UNION ALL "
    "SELECT c.started, n.kept_resident_id, c.steps + 1 FROM chain c JOIN newest n "
    "ON n.merged_resident_id = c.at WHERE c.steps < 20) "
    "SELECT DISTINCT ON (started) started, at FROM chain WHERE at <> started ORDER BY started, steps DESC"
)
_DOSES = text(
    "SELECT d.resident_id, w.related, d.id, d.vaccine, d.dose_number, d.given_on, d.judgement, "
    "d.dose_category "
    "FROM unnest(CAST(:ids AS bigint[]), CAST(:related AS text[])) AS w(resident_id, related) "
    "JOIN dose d ON d.resident_id = w.resident_id AND d.state = 'active' "
    "AND (w.related = '*' OR d.vaccine = ANY(string_to_array(w.related, ','))) ORDER BY d.given_on, d.id"
)
_DETAILS = text(
    "SELECT d.id, d.vaccine, d.dose_number, d.dose_category, d.delivery_category, m.code, "
    "coalesce(d.medical_institution_name, m.name), d.physician, d.lot_number, d.fee, d.remarks, "
    "d.pneumococcal_type, d.municipality_code, d.ticket_number, d.manufacturer "
    "FROM dose d LEFT JOIN medical_institution m ON m.id = d.medical_institution_id "
    "WHERE d.id = ANY(:ids)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A person as rows are judged against them; ``facts`` is what the fingerprint is made of.

    ``merged_from``: the number that a row names was joined into this person's.
    """

    resident_id: int
    born_written: str
    person: Person
    facts: str
    names: Names
    merged_from: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The doses of the people of one lot, by person and by which vaccines matter to the row."""

    doses: Mapping[tuple[int, str], Sequence[OtherDose]]

    def of(self, resident_id: int, related: str) -> Sequence[OtherDose]:
        """Return the person's doses among the vaccines that matter."""
        return self.doses.get((resident_id, related), ())


# Looked up for each of very many rows.
_JUDGEMENTS = {one.value: one for one in Judgement}
_CATEGORIES = {one.value: one for one in DoseCategory}
_RESIDENCE = {one.value: one for one in ResidentCategory}


def read_targets(
    connection: Connection, ids: Collection[int], today: date, *, lock: bool
) -> dict[int, Target]:
    """Return people by id, with the special circumstances that hold.

    :param lock: wait for, and keep out until the transaction ends, everybody who writes a dose of theirs:
        a new dose refers to its person, which this lock holds.
    """
    rows = connection.execute(_LOCKED if lock else _READ, {"ids": sorted(ids)}).all()
    found = {row[0]: target_of(tuple(row)) for row in rows}
    return with_circumstances(connection, found, today)


def with_circumstances(connection: Connection, people: dict[int, Target], today: date) -> dict[int, Target]:
    """Return people with the special circumstances that the programme's rules ask about."""
    with Session(connection) as session:
        known = circumstances_of(session, list(people), today)
    for resident_id, circumstances in known.items():
        target = people[resident_id]
        people[resident_id] = replace(
            target,
            person=replace(target.person, circumstances=circumstances),
            facts=f"{target.facts}|{circumstances}",
        )
    return people


def kept_numbers(connection: Connection, ids: Collection[int]) -> dict[int, int]:
    """Return for residents (ids) whose number was joined into another whose it is now, chains followed."""
    if not ids:
        return {}
    return {row[0]: row[1] for row in connection.execute(_KEPT, {"ids": sorted(ids)})}


def target_of(columns: tuple[Any, ...]) -> Target:
    """Return one person from the register.

    Id, birth date, sex, category, since, until, support measure, name, kana, former name, alias.
    """
    resident_id, written, sex, category, became, left, support, name, kana, former, alias = columns
    person = Person(
        born=_born(written),
        sex=sex,
        category=_RESIDENCE[category],
        became_resident_on=became,
        left_on=left,
        support_measure=support,
    )
    facts = f"{written}|{sex}|{category}|{became}|{left}|{support}"
    others = () if former is None and alias is None else tuple(one for one in (former, alias) if one)
    return Target(resident_id, written, person, facts, Names(name, kana, others))


@lru_cache(maxsize=65_536)
def _born(written: str) -> PartialDate | None:
    return parse_date(written)


def read_doses(connection: Connection, wanted: Iterable[tuple[int, str]]) -> Held:
    """Return the active doses of people among some vaccines: (person, ``Related.to``)."""
    pairs = list(dict.fromkeys(wanted))
    found: dict[tuple[int, str], list[OtherDose]] = defaultdict(list)
    if pairs:
        rows = connection.execute(
            _DOSES,
            {
                "ids": [resident_id for resident_id, _related in pairs],
                "related": [related for _id, related in pairs],
            },
        ).all()
        for resident_id, related, key, vaccine, number, given_on, judgement, category in rows:
            found[resident_id, related].append(
                OtherDose(
                    id=key,
                    vaccine=vaccine,
                    dose_number=number,
                    given_on=given_on,
                    judgement=_JUDGEMENTS[judgement],
                    dose_category=_CATEGORIES[category],
                )
            )
    return Held(found)


def read_details(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, object]]:
    """Return what ``COMPARED`` names of each dose."""
    if not ids:
        return {}
    rows = connection.execute(_DETAILS, {"ids": sorted(ids)}).all()
    return {row[0]: dict(zip(COMPARED, row[1:], strict=True)) for row in rows}


def fingerprint(target: Target, doses: Sequence[OtherDose], rules: str) -> str:
    """Return what names all that a row is judged by: the person, the doses that matter, and the rules."""
    said = "|".join(
        f"{dose.id},{dose.vaccine},{dose.dose_number},{dose.given_on},{dose.judgement},{dose.dose_category}"
        for dose in doses
    )
    return hashlib.blake2b(f"{rules}#{target.facts}#{said}".encode(), digest_size=12).hexdigest()


EVERY = "*"


class Related:
    """Which vaccines' doses matter when a dose of one vaccine is judged."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[str, str] = {}

    def to(self, code: str, *, counted: bool) -> str:
        """Return the codes, comma-separated: the series, and other live vaccines.

        :param counted: the dose is one of the programme, whose rules look at all that was given: ``*``.
        """
        if counted:
            return EVERY
        if code not in self._known:
            self._known[code] = ",".join(self._find(code))
        return self._known[code]

    def _find(self, code: str) -> list[str]:
        vaccine = self._catalogue.get(code)
        if vaccine is None:
            return [code]
        live = vaccine.live and vaccine.injectable
        return sorted(
            other.code
            for other in self._catalogue.vaccines.values()
            if other.series == vaccine.series or (live and other.live and other.injectable)
        )


class Places:
    """The list of institutions, read once for a run."""

    def __init__(self, session: Session | Connection) -> None:
        self._by_code: dict[str, Place] = {}
        self._by_name: dict[str, list[Place]] = defaultdict(list)
        self._keys: dict[str, str] = {}
        rows = session.execute(
            select(
                MedicalInstitution.id,
                MedicalInstitution.code,
                MedicalInstitution.name,
                MedicalInstitution.valid_from,
                MedicalInstitution.valid_to,
                MedicalInstitution.name_key,
            )
        )
        for key, code, name, first, last, name_key in rows:
            place = Place(key, code, name, first, last)
            if code:
                self._by_code[code] = place
            self._by_name[name_key].append(place)

    def find(self, code: str | None, name: str | None, day: date) -> Place | None:
        """Return the institution that a code, or else a name, means, as ``services.institutions`` does."""
        if code is not None:
            return self._by_code.get(code) if is_institution_code(code) else None
        if not name:
            return None
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = fold_name(name)
        places = self._by_name.get(key, []) if key else []
        for candidates in (places, [place for place in places if place.is_open(day)]):
            if len(candidates) == 1:
                return candidates[0]
        return None
