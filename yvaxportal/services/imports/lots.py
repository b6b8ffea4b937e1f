"""Judging many rows at once: two queries a lot, none a row; the rows of one person are judged together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from yvaxportal.models.codes import DoseCategory, Judgement, ResidentCategory
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.services.dose_draft import DoseDraft, OtherDose, Place
from yvaxportal.services.imports.judging import Bench, Verdict, as_found, judge, unreadable
from yvaxportal.services.imports.layouts import Layout
from yvaxportal.services.imports.parsing import Parsed, Reason
from yvaxportal.services.imports.targets import (
    COMPARED,
    EVERY,
    Held,
    Places,
    Related,
    Target,
    fingerprint,
    kept_numbers,
    read_details,
    read_doses,
    read_targets,
    target_of,
    with_circumstances,
)

_IN_PROGRAMME = frozenset({DoseCategory.ROUTINE.value, DoseCategory.TEMPORARY.value})
_COLUMNS = (
    "r.id, r.date_of_birth_written, r.sex, r.resident_category, r.became_resident_on, "
    "r.ceased_resident_on, r.support_measure_flag, r.name, r.name_kana, r.former_name, r.alias_name"
)
_BY_KEY = {
    "business_atena_number": text(
        f"SELECT r.business_atena_number, {_COLUMNS} FROM resident r "  # noqa: S608 - columns of ours
        "WHERE r.business_atena_number = ANY(:keys)"
    ),
    "atena_number": text(
        f"SELECT r.atena_number, {_COLUMNS} FROM resident r "  # noqa: S608 - columns of ours
        "WHERE r.atena_number = ANY(:keys)"
    ),
    # A ticket's number is one person's; should it stand at two, it is nobody's.
    "ticket_number": text(
        "WITH t AS (SELECT ticket_number, min(resident_id) AS resident_id FROM ticket "  # noqa: S608
        "WHERE ticket_number = ANY(:keys) AND municipality_code = :municipality AND state <> 'void' "
        "GROUP BY ticket_number HAVING count(DISTINCT resident_id) = 1) "
        f"SELECT t.ticket_number, {_COLUMNS} FROM t JOIN resident r ON r.id = t.resident_id"
    ),
}


@dataclass(frozen=True, slots=True)
class Trusted:
    """How a row was found ready: against what (``target``), and for which reasons (alerts).

    The rules are a function of the row, the person, the doses and the rules' own files, and the fingerprint
    names the last three: where it is the same under the lock, so is the verdict.
    """

    target: str
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class Asked:
    """A row to be judged: ``target`` is whom its number names, or whom a person chose (``confirmed``)."""

    number: int
    row: Parsed
    target: Target
    confirmed: bool = False
    trusted: Trusted | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on a row, and the fingerprint of what it was judged against.

    ``nearest``: days to the person's nearest other dose of the series, None where there is none.
    """

    verdict: Verdict
    target: str
    nearest: int | None = None


@dataclass(frozen=True)
class Rules:
    """What every lot of a file is judged with."""

    layout: Layout
    bench: Bench
    places: Places
    related: Related
    municipality_code: str
    version: str

    def key_of(self, row: Parsed) -> str | None:
        """Return the number by which the row names its person, None when it names nobody of ours."""
        key: str | None = (row.dose if self.layout.key == "ticket_number" else row.person).get(
            self.layout.key
        )
        if self.of_another_municipality(row):
            return None
        return key

    def of_another_municipality(self, row: Parsed) -> bool:
        """Tell whether a ticket was issued elsewhere."""
        issued = row.dose.get("municipality_code")
        return self.layout.key == "ticket_number" and issued not in {None, self.municipality_code}

    def people(self, connection: Connection, keys: Iterable[str]) -> dict[str, Target]:
        """Return the people whose numbers these are."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        rows = connection.execute(
            _BY_KEY[self.layout.key],
            {"keys": wanted, "municipality": self.municipality_code}
            if self.layout.key == "ticket_number"
            else {"keys": wanted},
        ).all()
        found = self._followed(connection, {row[0]: target_of(tuple(row[1:])) for row in rows})
        by_id = with_circumstances(
            connection, {one.resident_id: one for one in found.values()}, self.bench.today
        )
        return {
            key: replace(by_id[one.resident_id], merged_from=True)
            if one.merged_from
            else by_id[one.resident_id]
            for key, one in found.items()
        }

    def _followed(self, connection: Connection, found: dict[str, Target]) -> dict[str, Target]:
        """Return the people with those in place whose numbers were joined into another's."""
        gone = {one.resident_id for one in found.values() if one.person.category is ResidentCategory.REMOVED}
        kept = kept_numbers(connection, gone)
        if not kept:
            return found
        people = read_targets(connection, set(kept.values()), self.bench.today, lock=False)
        return {
            key: replace(people[kept[one.resident_id]], merged_from=True)
            if kept.get(one.resident_id) in people
            else one
            for key, one in found.items()
        }

    def related_to(self, row: Parsed) -> str:
        """Return which vaccines' doses matter to a row (``Related.to``)."""
        category = row.dose.get("dose_category") or self.bench.defaults.get("dose_category")
        return self.related.to(row.dose.get("vaccine", ""), counted=category in _IN_PROGRAMME)

    def place_of(self, row: Parsed) -> Place | None:
        """Return the institution that a row means."""
        code, name = row.dose.get("institution_code"), row.dose.get("institution_name")
        if (code is None and name is None) or "given_on" not in row.dose:
            return None
        return self.places.find(code, name, _day(row))


def judge_lot(connection: Connection, rules: Rules, asked: Sequence[Asked]) -> dict[int, Answer]:
    """Judge the rows of some people, each person's in the order of the days.

    Rows that are ready count as given for the same person's later rows.
    """
    answers: dict[int, Answer] = {}
    by_person: dict[int, list[Asked]] = defaultdict(list)
    for one in asked:
        verdict = unreadable(one.row)
        if verdict is not None:
            answers[one.number] = Answer(verdict, "")
        else:
            by_person[one.target.resident_id].append(one)
    wanted = [
        (resident_id, rules.related_to(one.row)) for resident_id, rows in by_person.items() for one in rows
    ]
    held = read_doses(connection, wanted)
    details = read_details(connection, _doubled(rules, by_person, held))
    for resident_id, rows in by_person.items():
        _judge_person(
            rules, resident_id, sorted(rows, key=_order), held=held, details=details, answers=answers
        )
    return answers


def _judge_person(
    rules: Rules,
    resident_id: int,
    rows: Sequence[Asked],
    *,
    held: Held,
    details: Mapping[int, Mapping[str, object]],
    answers: dict[int, Answer],
) -> None:
    earlier: list[OtherDose] = []
    known: Mapping[int, Mapping[str, object]] = details
    for one in rows:
        wanted = rules.related_to(one.row)
        theirs = held.of(resident_id, wanted)
        target = fingerprint(one.target, theirs, rules.version)
        if one.trusted is not None and one.trusted.target == target:
            verdict = as_found(one.row, rules.place_of(one.row), one.trusted.reasons, rules.bench)
            answers[one.number] = Answer(verdict, target)
            if len(rows) > 1 and verdict.draft is not None:
                earlier.append(as_other(-one.number, verdict.draft))
                known = {**known, -one.number: {name: getattr(verdict.draft, name) for name in COMPARED}}
            continue
        related = wanted.split(",") if earlier else ()
        mine = [dose for dose in earlier if wanted == EVERY or dose.vaccine in related]
        others = [*theirs, *mine] if mine else theirs
        verdict = judge(
            one.row,
            one.target,
            others,
            rules.bench,
            place=rules.place_of(one.row),
            details=known,
            confirmed=one.confirmed,
        )
        if one.target.merged_from:
            verdict = replace(verdict, reasons=[*verdict.reasons, ["number_merged", {}]])
        answers[one.number] = Answer(verdict, target, _nearest(rules, one.row, others))
        if verdict.state is State.READY and verdict.draft is not None and len(rows) > 1:
            earlier.append(as_other(-one.number, verdict.draft))
            known = {**known, -one.number: {name: getattr(verdict.draft, name) for name in COMPARED}}


def _nearest(rules: Rules, row: Parsed, others: Sequence[OtherDose]) -> int | None:
    """Return the days to the nearest dose of the same series."""
    if not others:
        return None
    vaccine = rules.bench.schedule.catalogue.get(row.dose.get("vaccine", ""))
    if vaccine is None:
        return None
    day, catalogue = _day(row), rules.bench.schedule.catalogue.vaccines
    return min(
        (
            abs((other.given_on - day).days)
            for other in others
            if other.vaccine in catalogue and catalogue[other.vaccine].series == vaccine.series
        ),
        default=None,
    )


def as_other(key: int, draft: DoseDraft) -> OtherDose:
    """Return a dose as the check sees the others of a person."""
    return OtherDose(
        id=key,
        vaccine=draft.vaccine,
        dose_number=draft.dose_number,
        given_on=draft.given_on,
        judgement=Judgement(draft.judgement),
        dose_category=draft.dose_category,
    )


def _doubled(rules: Rules, by_person: Mapping[int, Sequence[Asked]], held: Held) -> set[int]:
    """Return the doses on the very days of the rows: only of these are details compared."""
    found = set()
    for resident_id, rows in by_person.items():
        for one in rows:
            day = one.row.dose.get("given_on")
            for dose in held.of(resident_id, rules.related_to(one.row)):
                if dose.given_on.isoformat() == day:
                    found.add(dose.id)
    return found


def _order(one: Asked) -> tuple[Any, ...]:
    return one.row.dose.get("given_on", ""), one.row.dose.get("dose_number", 0), one.number


def _day(row: Parsed) -> date:
    return date.fromisoformat(row.dose["given_on"])
