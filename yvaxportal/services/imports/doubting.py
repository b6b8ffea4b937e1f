"""What the doubt of a row rests on, gathered for many rows at once: a few queries a lot, none a row."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sqlalchemy import Connection, text

from yvaxportal.models.codes import DoseCategory
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.programme.periods import periods, runs
from yvaxportal.programme.person import Person as RulePerson
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.imports.doubt import (
    Double,
    Doubt,
    Evidence,
    LotUse,
    Names,
    compare_names,
    weigh,
)
from yvaxportal.services.imports.lots import Answer, Rules
from yvaxportal.services.imports.parsing import Parsed
from yvaxportal.services.imports.targets import Target

_IN_PROGRAMME = frozenset({DoseCategory.ROUTINE.value, DoseCategory.TEMPORARY.value})
#: More different lots than this in one file are not counted.
_MOST_LOTS = 100_000

_ALIKE = text(
    "SELECT r.date_of_birth_written, r.id, r.business_atena_number, r.name, r.name_kana, r.former_name, "
    "r.alias_name FROM resident r WHERE r.date_of_birth_written = ANY(:births) "
    "AND NOT EXISTS (SELECT 1 FROM resident_merge g WHERE g.merged_resident_id = r.id "
    "AND g.undone_at IS NULL) ORDER BY r.id"
)
_LOTS = text(
    "SELECT w.vaccine, w.lot, ("
    "SELECT min(d.given_on) FROM dose d WHERE d.lot_number = w.lot AND d.vaccine = w.vaccine "
    "AND d.state = 'active' AND d.lot_number IS NOT NULL), ("
    "SELECT max(d.given_on) FROM dose d WHERE d.lot_number = w.lot AND d.vaccine = w.vaccine "
    "AND d.state = 'active' AND d.lot_number IS NOT NULL), EXISTS ("
    "SELECT 1 FROM dose d WHERE d.lot_number = w.lot AND d.vaccine <> w.vaccine AND d.state = 'active' "
    "AND d.lot_number IS NOT NULL) "
    "FROM unnest(CAST(:vaccines AS text[]), CAST(:lots AS text[])) AS w(vaccine, lot)"
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its verdict; ``target`` is whom its number names, None for nobody."""

    number: int
    row: Parsed
    answer: Answer
    target: Target | None


class Doubter:
    """Weighs the rows of one file.

    :param in_file: how often each (vaccine, lot) stands in the file; None when it is not at hand, as for a
        row that is judged again alone.
    """

    def __init__(
        self,
        connection: Connection,
        rules: Rules,
        handed_in: date,
        in_file: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._connection, self._rules, self._handed_in = connection, rules, handed_in
        self._edges = _Edges(rules.bench.schedule)
        self._in_file = in_file or {}
        self._of_vaccine: Counter[str] = Counter()
        for (vaccine, _lot), count in self._in_file.items():
            self._of_vaccine[vaccine] += count
        self._lots: dict[tuple[str, str], LotUse] = {}

    def weigh(self, rows: Sequence[Judged]) -> dict[int, Doubt]:
        """Return the doubt of each row by its number."""
        lots = self._lots_of(one.row for one in rows)
        alike = self._alike(rows)
        return {one.number: weigh(self._evidence(one, alike.get(one.number, ()), lots)) for one in rows}

    def _evidence(
        self, one: Judged, alike: Sequence[Double], lots: Mapping[tuple[str, str], LotUse]
    ) -> Evidence:
        row, verdict, target = one.row, one.answer.verdict, one.target
        lot = row.dose.get("lot_number")
        return Evidence(
            row=row,
            state=verdict.state,
            reasons=verdict.reasons,
            handed_in=self._handed_in,
            names=target.names if target else None,
            sex=target.person.sex if target else "",
            place=verdict.place or self._rules.place_of(row) if row.dose.get("institution_name") else None,
            alike=alike,
            nearest=one.answer.nearest,
            edge=self._edge(one),
            sex_wanted=self._edges.sex_of(row.dose.get("vaccine", "")),
            lot=lots.get((row.dose.get("vaccine", ""), lot)) if lot else None,
        )

    def _edge(self, one: Judged) -> int | None:
        """Return the days to the nearest end of the legal time, of a ready dose of the programme."""
        draft, target = one.answer.verdict.draft, one.target
        if draft is None or target is None or one.answer.verdict.state is not State.READY:
            return None
        birth = target.person.birth_date
        if birth is None or draft.dose_category.value not in _IN_PROGRAMME or target.person.circumstances:
            return None
        return self._edges.days(draft.vaccine, birth, target.person.sex, draft.given_on)

    def _alike(self, rows: Sequence[Judged]) -> dict[int, list[Double]]:
        """Return who else was born on the day that a row states, where the row's name leaves room for it."""
        asked = [one for one in rows if one.target is not None and _leaves_room(one)]
        births = {one.row.person["birth"] for one in asked}
        if not births:
            return {}
        by_birth: dict[str, list[tuple[int, Double]]] = defaultdict(list)
        for birth, key, number, name, kana, former, alias in self._connection.execute(
            _ALIKE, {"births": sorted(births)}
        ):
            others = tuple(other for other in (former, alias) if other)
            by_birth[birth].append((key, Double(number, Names(name, kana, others))))
        return {
            one.number: [
                other
                for key, other in by_birth[one.row.person["birth"]]
                if one.target is not None and key != one.target.resident_id
            ]
            for one in asked
        }

    def _lots_of(self, rows: Iterable[Parsed]) -> Mapping[tuple[str, str], LotUse]:
        wanted = {
            (row.dose["vaccine"], row.dose["lot_number"])
            for row in rows
            if row.dose.get("lot_number") and row.dose.get("vaccine")
        }
        new = sorted(wanted - self._lots.keys())
        if len(self._lots) + len(new) > _MOST_LOTS:
            self._lots.clear()
            new = sorted(wanted)
        if new:
            found = self._connection.execute(
                _LOTS, {"vaccines": [one[0] for one in new], "lots": [one[1] for one in new]}
            )
            for vaccine, lot, first, last, others in found:
                self._lots[vaccine, lot] = LotUse(
                    first, last, others, self._in_file.get((vaccine, lot), 0), self._of_vaccine[vaccine]
                )
        return self._lots


def _leaves_room(one: Judged) -> bool:
    if one.target is None or not one.row.person.get("birth"):
        return False
    person, names = one.row.person, one.target.names
    name, kana = person.get("name"), person.get("name_kana")
    if not name and not kana:
        return True
    if name == names.name and (not kana or kana == names.kana):
        return False
    return compare_names(name, kana, names) not in {None, "name_former"}


class LotCount:
    """Counts the lots of a file while it is read, up to a number of different ones."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def see(self, row: Parsed) -> None:
        """Count a row."""
        lot, vaccine = row.dose.get("lot_number"), row.dose.get("vaccine")
        if lot and vaccine and ((vaccine, lot) in self.counts or len(self.counts) < _MOST_LOTS):
            self.counts[vaccine, lot] += 1


class Pattern:
    """Which institutions of a file have so many rows at fault that its other rows are doubtful, too."""

    FEWEST, SHARE = 10, 0.3

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._held: Counter[str] = Counter()

    def see(self, row: Parsed, state: State) -> None:
        """Count a row and whether it is held."""
        place = row.dose.get("institution_code") or row.dose.get("institution_name")
        if place and (place in self._rows or len(self._rows) < _MOST_LOTS):
            self._rows[place] += 1
            self._held[place] += state not in {State.READY, State.ALREADY_THERE}

    def found(self) -> list[tuple[str, int, int]]:
        """Return institution (code, or name), rows held, and rows."""
        return [
            (place, self._held[place], count)
            for place, count in self._rows.items()
            if count >= self.FEWEST and self._held[place] >= count * self.SHARE
        ]


class _Edges:
    """How near a dose is to the ends of the legal time; remembers what it was asked."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._runs = lru_cache(maxsize=16_384)(self._find)
        self._sexes: dict[str, str | None] = {}

    def days(self, vaccine: str, birth: date, sex: str, given: date) -> int | None:
        """Return the fewest days to an end of a time that holds the day; None where there is none."""
        ends = [
            min((given - first).days, (last - given).days)
            for first, last in self._runs(vaccine, birth, sex, given.year)
            if first <= given <= last
        ]
        return max(ends, default=None)

    def sex_of(self, vaccine: str) -> str | None:
        """Return the only sex that the vaccine's programmes are for, None when they are for both."""
        if vaccine not in self._sexes:
            wanted = {one.sex for one in self._schedule.by_vaccine.get(vaccine, ())}
            self._sexes[vaccine] = wanted.pop() if len(wanted) == 1 else None
        return self._sexes[vaccine]

    def _find(self, vaccine: str, birth: date, sex: str, year: int) -> Sequence[tuple[date, date]]:
        whose = RulePerson(birth, sex)
        around = date(year, 7, 1)
        return [
            (run.first, run.last)
            for programme in self._schedule.by_vaccine.get(vaccine, ())
            if programme.per != "season" and not programme.depends_on_doses
            for run in runs(periods(programme, birth, whose, (), around))
        ]
