"""A file of doses about a made-up city, with faults of every kind, and what each row must come to.

The layout is that of digitised questionnaires. The same seed gives the same file of the same city.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import IO, Any

from sqlalchemy import Connection, text

from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.sample import SAMPLE_DAY
from yvaxportal.values.fiscal import fiscal_year

HEADINGS = (
    "業務宛名番号",
    "生年月日",
    "氏名",
    "カナ氏名",
    "ワクチン",
    "回数",
    "接種日",
    "接種判定",
    "接種区分",
    "医療機関名",
    "接種医",
    "ロット番号",
    "特記事項",
)
#: Of a thousand rows, how many are of each kind.
WEIGHTS: Mapping[State, int] = {
    State.READY: 850,
    State.ALREADY_THERE: 40,
    State.CONFLICT: 20,
    State.BIRTH_DIFFERS: 15,
    State.NUMBER_UNKNOWN: 15,
    State.SIMILAR_FOUND: 10,
    State.NOT_RESIDENT: 10,
    State.DECEASED: 5,
    State.NOT_ELIGIBLE: 20,
    State.UNREADABLE: 15,
}
_FIRST_SEASON, _LAST_SEASON = 2010, 2025
_ADULTS_BORN_BEFORE = date(1985, 1, 1)
_NOBODY = 700_000_000

_PEOPLE = text(
    "SELECT r.id, r.business_atena_number, r.date_of_birth, r.name, coalesce(r.name_kana, ''), "
    "r.resident_category, r.became_resident_on, r.ceased_resident_on FROM resident r "
    "WHERE r.date_of_birth IS NOT NULL ORDER BY r.id"
)
_DOSES = text(
    "SELECT d.resident_id, d.vaccine, d.dose_number, d.given_on, coalesce(d.lot_number, ''), "
    "coalesce(d.physician, '') FROM dose d WHERE d.state = 'active' AND d.judgement = 'given' "
    "AND d.record_group <> 'covid19' AND d.id % :step = 0 ORDER BY d.id"
)
_SEASONS = text(
    "SELECT resident_id, extract(year FROM given_on - interval '3 months')::int FROM dose "
    "WHERE state = 'active' AND vaccine IN ('influenza', 'influenza_high_dose')"
)
_BCG = text("SELECT DISTINCT resident_id FROM dose WHERE state = 'active' AND vaccine = 'bcg'")


@dataclass(frozen=True, slots=True)
class _Person:
    id: int
    number: str
    born: date
    name: str
    kana: str
    category: str
    since: date | None
    left: date | None


@dataclass
class Expected:
    """What each row of the file must come to, in the order of its lines (the heading is line 1)."""

    states: list[State] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return how many of each."""
        found: dict[str, int] = {}
        for state in self.states:
            found[state.value] = found.get(state.value, 0) + 1
        return found


def write_file(
    connection: Connection, out: IO[bytes], *, rows: int, seed: int, weights: Mapping[State, int] = WEIGHTS
) -> Expected:
    """Write ``rows`` records and their heading as UTF-8; return what each must come to."""
    maker = _Maker(connection, Random(seed), rows)  # noqa: S311 - made-up data
    expected = Expected()
    kinds = list(weights)
    chances = [weights[kind] for kind in kinds]
    out.write(_line(HEADINGS))
    for _ in range(rows):
        (wanted,) = maker.random.choices(kinds, chances)
        state, data = maker.row(wanted)
        expected.states.append(state)
        out.write(data)
    return expected


class _Maker:
    """Makes one row after another; each ready one is a dose that nobody has and no other row brings."""

    def __init__(self, connection: Connection, random: Random, rows: int) -> None:
        self.random = random
        people = [_Person(*row) for row in connection.execute(_PEOPLE)]
        self._people = [one for one in people if one.category == "resident" and one.since is not None]
        self._left = [one for one in people if one.category == "moved_out" and one.left is not None]
        self._dead = [one for one in people if one.category == "deceased" and one.left is not None]
        held = {row[0] for row in connection.execute(_BCG)}
        self._adults = [one for one in self._people if one.born < _ADULTS_BORN_BEFORE and one.id not in held]
        self._seasons = {(row[0], row[1]) for row in connection.execute(_SEASONS)}
        by_id = {one.id: one for one in self._people}
        step = max(1, len(people) * 5 // max(rows, 1))
        found = connection.execute(_DOSES, {"step": min(step, 20)})
        self._doses = [(by_id[row[0]], *row[1:]) for row in found if row[0] in by_id]
        random.shuffle(self._doses)
        random.shuffle(self._adults)
        self._slots = self._free_slots()
        self._faults = 0
        self._unknown = 0
        self._makers: Mapping[State, Callable[[], tuple[State, bytes]]] = {
            State.READY: self._ready,
            State.ALREADY_THERE: self._already,
            State.CONFLICT: self._conflict,
            State.BIRTH_DIFFERS: self._birth,
            State.NUMBER_UNKNOWN: self._nobody,
            State.SIMILAR_FOUND: self._similar,
            State.NOT_RESIDENT: self._gone,
            State.DECEASED: self._deceased,
            State.NOT_ELIGIBLE: self._outside,
            State.UNREADABLE: self._broken,
        }

    def row(self, wanted: State) -> tuple[State, bytes]:
        """Return a row of a kind; where the city has nobody for it, a ready one."""
        return self._makers[wanted]()

    def _free_slots(self) -> Iterator[tuple[_Person, date]]:
        """Give (person, day) in seasons in which the person had no dose against influenza."""
        for year in range(_LAST_SEASON, _FIRST_SEASON - 1, -1):
            people = list(self._people)
            self.random.shuffle(people)
            for person in people:
                day = date(year, 11, 1) + timedelta(days=self.random.randrange(60))
                begins = max(person.born, person.since or person.born)
                if (person.id, year) in self._seasons or begins > date(year, 10, 1):
                    continue
                yield person, day

    def _ready(self) -> tuple[State, bytes]:
        person, day = next(self._slots)
        return State.READY, _line(_cells(person, "インフルエンザ", 1, day, "任意"))

    def _already(self) -> tuple[State, bytes]:
        if not self._doses:
            return self._ready()
        person, vaccine, number, day, lot, physician = self._doses.pop()
        cells = _cells(person, vaccine, number, day, "", lot=lot, physician=physician, place="")
        return State.ALREADY_THERE, _line(cells)

    def _conflict(self) -> tuple[State, bytes]:
        if not self._doses:
            return self._ready()
        person, vaccine, number, day, _lot, physician = self._doses.pop()
        cells = _cells(person, vaccine, number, day, "", physician=f"{physician}　別人", lot="", place="")
        return State.CONFLICT, _line(cells)

    def _birth(self) -> tuple[State, bytes]:
        person, day = next(self._slots)
        cells = _cells(person, "インフルエンザ", 1, day, "任意")
        cells[1] = (person.born + timedelta(days=1)).isoformat()
        return State.BIRTH_DIFFERS, _line(cells)

    def _nobody(self) -> tuple[State, bytes]:
        person, day = next(self._slots)
        cells = _cells(person, "インフルエンザ", 1, day, "任意")
        cells[0], cells[1], cells[2], cells[3] = self._number(), "1880-01-01", "該当　無", "ガイトウ　ナシ"
        return State.NUMBER_UNKNOWN, _line(cells)

    def _similar(self) -> tuple[State, bytes]:
        person, day = next(self._slots)
        cells = _cells(person, "インフルエンザ", 1, day, "任意")
        cells[0] = self._number()
        return State.SIMILAR_FOUND, _line(cells)

    def _gone(self) -> tuple[State, bytes]:
        if not self._left:
            return self._ready()
        return self._after(self.random.choice(self._left), State.NOT_RESIDENT)

    def _deceased(self) -> tuple[State, bytes]:
        if not self._dead:
            return self._ready()
        return self._after(self.random.choice(self._dead), State.DECEASED)

    def _after(self, person: _Person, state: State) -> tuple[State, bytes]:
        """Return a voluntary dose a little after somebody left; shingles, which few have twice."""
        day = (person.left or person.born) + timedelta(days=1 + self.random.randrange(20))
        if day > SAMPLE_DAY:
            return self._ready()
        cells = _cells(person, "インフルエンザ", 1, day, "任意")
        if (person.id, fiscal_year(day)) in self._seasons:
            return self._ready()
        self._seasons.add((person.id, fiscal_year(day)))
        return state, _line(cells)

    def _outside(self) -> tuple[State, bytes]:
        if not self._adults:
            return self._ready()
        person = self._adults.pop()
        day = max(date(2020, 6, 1), (person.since or person.born) + timedelta(days=30))
        if day > date(2026, 6, 1):
            return self._ready()
        return State.NOT_ELIGIBLE, _line(_cells(person, "BCG", 1, day, "定期", lot=""))

    def _broken(self) -> tuple[State, bytes]:
        person, day = next(self._slots)
        cells = _cells(person, "インフルエンザ", 1, day, "任意")
        self._faults += 1
        match self._faults % 7:
            case 0:
                cells[6] = "2025-13-40"
            case 1:
                cells[4] = ""
            case 2:
                return State.UNREADABLE, _line(cells[:-2])
            case 3:
                cells[12] = "a\x00b"
            case 4:
                cells[5] = "二十"
            case 5:
                return State.UNREADABLE, _line(cells).replace("インフルエンザ".encode(), b'a"b,"c')
            case _:
                return State.UNREADABLE, ",".join(cells).encode("cp932", "replace") + b"\r\n"
        return State.UNREADABLE, _line(cells)

    def _number(self) -> str:
        self._unknown += 1
        return str(_NOBODY + self._unknown)


def _cells(
    person: _Person,
    vaccine: str,
    number: int,
    day: date,
    category: str,
    **said: Any,
) -> list[str]:
    return [
        person.number,
        person.born.isoformat(),
        person.name,
        person.kana,
        vaccine,
        str(number),
        day.isoformat(),
        "可",
        category,
        str(said.get("place", "見本内科クリニック")),
        str(said.get("physician", "医師　見本")),
        str(said.get("lot", "HA012A")),
        "",
    ]


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
