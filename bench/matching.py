"""How right the matching is: precision and recall on the sample city, by kind of slip.

Certain (taken without a person): number and birth date are a resident's. Possible (shown to a person): the
owner of a number with another birth date, and whoever is found by name, birth date and address. Precision is
how many of the answers are right, recall how many of the papers whose person is a resident are answered
rightly. Of the possible tier an answer is right when the person is among those shown.

The seed is one of its own: weights and thresholds were settled with the cases of another one (the tests').
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Engine, text

from bench.city import MUNICIPALITY, SAMPLE_DAY, BenchCity
from bench.report import Measure
from yvaxportal.models.database import open_engine
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.schedule import Schedule
from yvaxportal.sample.matching_cases import Case, Cases
from yvaxportal.services.imports.doubting import Doubter, Judged
from yvaxportal.services.imports.judging import Bench, birth_differs
from yvaxportal.services.imports.layouts import load_layouts
from yvaxportal.services.imports.lots import Asked, Rules, judge_lot
from yvaxportal.services.imports.matching import find_candidates
from yvaxportal.services.imports.parsing import Parsed
from yvaxportal.services.imports.targets import Places, Related, Target

SEED = 71
OF_EACH = 1_000
MERGED = 200
#: A dose that nobody can object to: the doubt is then about the person alone.
_DOSE = {"vaccine": "influenza", "dose_number": 1, "given_on": "2026-11-02", "dose_category": "voluntary"}

# Numbers that the register joined: some residents get a second, older number, and lose it again.
_DOUBLES = text(
    "WITH kept AS (SELECT * FROM resident WHERE resident_category = 'resident' AND id % :step = 0 "
    "ORDER BY id LIMIT :count), made AS ("
    "INSERT INTO resident (atena_number, business_atena_number, household_number, name, name_kana, "
    "date_of_birth_written, date_of_birth, sex, resident_category, is_foreign_national, "
    "support_measure_flag, register_as_of, revision) "
    "SELECT 'M' || k.id, 'M' || k.id, k.household_number, k.name, k.name_kana, k.date_of_birth_written, "
    "k.date_of_birth, k.sex, 'removed', k.is_foreign_national, false, k.register_as_of, 1 FROM kept k "
    "RETURNING id, atena_number) "
    "INSERT INTO resident_merge (change_id, kept_resident_id, merged_resident_id, decided_on, merged_at, "
    "moved) SELECT m.atena_number, substr(m.atena_number, 2)::bigint, m.id, :day, now(), '{}' FROM made m"
)


@dataclass(slots=True)
class Tally:
    """What came of the papers of one kind."""

    papers: int = 0
    residents: int = 0
    certain: int = 0
    certain_right: int = 0
    certain_wrong_doubted: int = 0
    shown: int = 0
    shown_right: int = 0
    first_right: int = 0

    def add(self, other: "Tally") -> None:
        """Count another kind in."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the matching says of one paper."""

    certain: int | None
    doubt: int
    possible: Sequence[int]


def measures(place: BenchCity, of_each: int = OF_EACH) -> Iterator[Measure]:
    """Give a line for each kind of slip, and one for all."""
    engine = open_engine(place.urls.app)
    try:
        found = measure(engine, SEED, of_each)
    finally:
        engine.dispose()
    total = Tally()
    yield Measure(
        f"matching, {place.residents:,} residents, up to {of_each:,} papers of each kind of slip",
        "certain: precision, recall; possible: precision, recall (first of those shown)",
    )
    for kind, tally in found.items():
        total.add(tally)
        yield Measure(f"... {kind.replace('_', ' ')} ({tally.papers:,})", _said(tally))
    yield Measure(f"... all kinds together ({total.papers:,})", _said(total))
    twins = found.get("number_of_twin", Tally())
    wrong = total.certain - total.certain_right
    yield Measure(
        "... certain but wrong, and of these with 30 points of doubt or more",
        f"{wrong:,}, {total.certain_wrong_doubted:,} (the number of a twin: {twins.certain:,})",
    )


def measure(engine: Engine, seed: int, of_each: int) -> Mapping[str, Tally]:
    """Return the tallies by kind; nothing stays in the database."""
    with engine.connect() as connection:
        connection.execute(_DOUBLES, {"step": 3, "count": min(MERGED, of_each), "day": SAMPLE_DAY})
        cases = list(Cases(connection, seed).all(of_each))
        answers = answer(connection, load_schedule(load_catalogue()), cases)
        connection.rollback()
    tallies: dict[str, Tally] = defaultdict(Tally)
    for case, said in zip(cases, answers, strict=True):
        count(tallies[case.kind], case, said)
    return tallies


def count(tally: Tally, case: Case, said: Answer) -> None:
    """Count one paper."""
    tally.papers += 1
    tally.residents += case.truth is not None
    if said.certain is not None:
        right = said.certain == case.truth
        tally.certain += 1
        tally.certain_right += right
        tally.certain_wrong_doubted += not right and said.doubt >= DOUBTED
        return
    if said.possible:
        tally.shown += 1
        tally.shown_right += case.truth in said.possible
        tally.first_right += case.truth == said.possible[0]


#: From so many points on a certain but wrong answer counts as noticed.
DOUBTED = 30


def answer(connection: Connection, schedule: Schedule, cases: Sequence[Case]) -> list[Answer]:
    """Return what the check of a file would find for each paper."""
    layout = load_layouts()["questionnaires"]
    rules = Rules(
        layout,
        Bench(schedule, layout.defaults, SAMPLE_DAY, by_key_alone=False),
        Places(connection),
        Related(schedule.catalogue),
        MUNICIPALITY,
        "bench",
    )
    rows = {
        number: Parsed(number, 1, {}, dict(case.person), dict(_DOSE)) for number, case in enumerate(cases)
    }
    owners = rules.people(connection, [key for row in rows.values() if (key := rules.key_of(row))])
    targets = {number: owners.get(rules.key_of(row) or "") for number, row in rows.items()}
    certain = {
        number: target
        for number, target in targets.items()
        if target is not None and not birth_differs(rows[number], target, rules.bench)
    }
    others = find_candidates(
        connection, {number: row for number, row in rows.items() if number not in certain}
    )
    doubts = _doubts(connection, rules, rows, certain)
    found = []
    for number in rows:
        owner = targets[number]
        sure = certain.get(number)
        shown = [one.resident_id for one in others.get(number, ())]
        if owner is not None and owner.resident_id not in shown:
            shown.append(owner.resident_id)
        found.append(
            Answer(sure.resident_id if sure else None, doubts.get(number, 0), () if sure else tuple(shown))
        )
    return found


def _doubts(
    connection: Connection, rules: Rules, rows: Mapping[int, Parsed], certain: Mapping[int, Target]
) -> dict[int, int]:
    """Return the points of doubt of the rows that would be taken without a person."""
    judged = []
    for number, target in certain.items():
        answers = judge_lot(connection, rules, [Asked(number, rows[number], target)])
        judged.append(Judged(number, rows[number], answers[number], target))
    doubts = Doubter(connection, rules, date(2026, 11, 3)).weigh(judged)
    return {number: doubt.points for number, doubt in doubts.items()}


def _said(tally: Tally) -> str:
    if not tally.residents:
        return f"nobody of the city: {tally.certain:,} taken as certain, {tally.shown:,} shown somebody"
    left = tally.residents - tally.certain
    return (
        f"{_share(tally.certain_right, tally.certain)}, {_share(tally.certain_right, tally.residents)}; "
        f"{_share(tally.shown_right, tally.shown)}, {_share(tally.shown_right, left)} "
        f"({_share(tally.first_right, tally.shown)})"
    )


def _share(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.1f} %" if whole > 0 else "-"
