"""Japanese era dates (wareki), and dates of which the month or day is unknown."""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import total_ordering

from yvaxportal.values.numerals import KANJI_NUMERALS, kanji_number
from yvaxportal.values.width import INVISIBLE, fold_dashes, fold_digits

# Meiji dates before 1873 follow the lunisolar calendar: nothing before this day is read or written.
FIRST_DAY = date(1873, 1, 1)


@dataclass(frozen=True, slots=True)
class Era:
    """One era: its kanji name, its letter, the first and (unless current) last day it may be written for."""

    name: str
    letter: str
    first: date
    last: date | None = None

    def overlaps(self, earliest: date, latest: date) -> bool:
        """Tell whether any day from ``earliest`` to ``latest`` may be written in this era."""
        return self.first <= latest and (self.last is None or earliest <= self.last)


# Newest first. The days on which Taisho and Showa began may be written in both eras.
ERAS = (
    Era("令和", "R", date(2019, 5, 1)),
    Era("平成", "H", date(1989, 1, 8), date(2019, 4, 30)),
    Era("昭和", "S", date(1926, 12, 25), date(1989, 1, 7)),
    Era("大正", "T", date(1912, 7, 30), date(1926, 12, 25)),
    Era("明治", "M", date(1868, 1, 25), date(1912, 7, 30)),
)
_ERA_OF = {key: era for era in ERAS for key in (era.name, era.name[0], era.letter)}

_YEAR = rf"(?:(?P<era>{'|'.join(_ERA_OF)})(?P<era_year>元|\d{{1,2}})|(?P<year>\d{{4}}))"
_KANJI = r"年(?:(?:(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})日|日不詳)?)|月日不詳)?"
_SEPARATED = r"(?P<sep>[-./])(?P<month>\d{1,2})(?:(?P=sep)(?P<day>\d{1,2}))?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_YEAR}{_KANJI}(?:生まれ|生)?",
        rf"{_YEAR}{_SEPARATED}",
        r"(?P<era>[MTSHR])(?P<era_year>\d{2})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        rf"(?P<era>{'|'.join(_ERA_OF)})(?P<era_year>元|\d{{1,2}})",
    )
)
#: How registers write it: by far the most, and nothing in it is to be folded.
_REGISTER_FORM = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_BLANKS_BETWEEN_DIGITS = re.compile(r"(?<=\d)\s+(?=\d)")
_BLANKS = re.compile(rf"[\s{INVISIBLE}]+")
_KANJI_NUMBER = re.compile(f"[{KANJI_NUMERALS}]+")
_LONGEST = 40


@total_ordering
@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date in the western calendar whose day, or month and day, may be unknown (None).

    Ordered by what is known; an unknown part comes before every known one. ValueError for a day that the
    calendar does not have, or a day without its month.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError("a day without its month")
        if 0 in (self.month, self.day):
            raise ValueError("an unknown part is None")
        date(self.year, self.month or 1, self.day or 1)

    @classmethod
    def of(cls, day: date) -> "PartialDate":
        """Return the fully known date."""
        return cls(day.year, day.month, day.day)

    @property
    def exact(self) -> date | None:
        """The date if all of it is known."""
        if self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)

    @property
    def earliest(self) -> date:
        """The first day it can be."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def latest(self) -> date:
        """The last day it can be."""
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, PartialDate):
            return NotImplemented
        return self._key < other._key

    def __str__(self) -> str:
        """Return the register's form: ``1955-04-01``, ``1955-04-00``, ``1955-00-00``."""
        return "{:04}-{:02}-{:02}".format(*self._key)

    @property
    def _key(self) -> tuple[int, int, int]:
        return self.year, self.month or 0, self.day or 0


def parse_date(text: str) -> PartialDate | None:
    """Return the date written in ``text``, or None if it is no date from 1873 on.

    Read: ``S30.4.1``, ``S300401``, ``昭和30年4月1日``, ``昭30/4/1``, ``令和元年5月1日``,
    ``昭和三十年四月一日``, ``1955-04-01``, ``1955/4/1``, ``1955 4 1``, ``19550401``, ``1955年4月1日``,
    in any width. Month or day unknown: ``1955-04-00``, ``1955-04``, ``1955年4月``, ``S30``,
    ``昭和30年4月日不詳``, ``昭和30年月日不詳``. A date outside its era (昭和64年1月8日) is none. Not
    read: four bare digits, an era written as a digit (3300401).
    """
    if found := _REGISTER_FORM.fullmatch(text):
        return _build(found.groupdict())
    if len(text) > _LONGEST:
        return None
    text = _plain(text)
    for pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return _build(found.groupdict())
    return None


def _plain(text: str) -> str:
    text = fold_dashes(fold_digits(unicodedata.normalize("NFKC", text))).upper()
    text = _BLANKS.sub("", _BLANKS_BETWEEN_DIGITS.sub("-", text.strip()))
    return _KANJI_NUMBER.sub(lambda number: str(kanji_number(number.group())), text)


def _build(parts: dict[str, str | None]) -> PartialDate | None:
    era = _ERA_OF.get(parts.get("era") or "")
    if era:
        era_year = 1 if parts["era_year"] == "元" else int(parts["era_year"] or 0)
        year = era.first.year + era_year - 1
        if era_year == 0:
            return None
    else:
        year = int(parts.get("year") or 0)
    try:
        found = PartialDate(year, int(parts.get("month") or 0) or None, int(parts.get("day") or 0) or None)
    except ValueError:
        return None
    if found.earliest < FIRST_DAY or (era and not era.overlaps(found.earliest, found.latest)):
        return None
    return found


def era_of(day: date) -> Era:
    """Return the era of a day, the new one on the day it begins; ValueError before 1873."""
    if day < FIRST_DAY:
        raise ValueError("before the western calendar was adopted")
    return next(era for era in ERAS if era.first <= day)


def seireki(day: date | PartialDate) -> str:
    """Return ``1955年4月1日``; unknown parts as ``1955年4月日不詳`` and ``1955年月日不詳``."""
    return _with_kanji(f"{day.year}年", day)


def wareki(day: date | PartialDate) -> str:
    """Return ``昭和30年4月1日``, a first year as ``令和元年5月1日``, unknown parts as in ``seireki``.

    A partly unknown date that may lie in two eras (1989 with no month) is given in western years: neither
    era can be vouched for.
    """
    era = _sole_era(day)
    if era is None:
        return seireki(day)
    era_year = day.year - era.first.year + 1
    return _with_kanji(f"{era.name}{'元' if era_year == 1 else era_year}年", day)


def wareki_short(day: date | PartialDate) -> str:
    """Return ``S30.4.1``, unknown parts as ``S30.4.00`` and ``S30.00.00``; in two eras as ``1989.00.00``."""
    era = _sole_era(day)
    year = f"{era.letter}{day.year - era.first.year + 1}" if era else str(day.year)
    return f"{year}.{day.month or '00'}.{day.day or '00'}"


def _with_kanji(year: str, day: date | PartialDate) -> str:
    if day.month is None:
        return f"{year}月日不詳"
    return f"{year}{day.month}月{day.day}日" if day.day else f"{year}{day.month}月日不詳"


def _sole_era(day: date | PartialDate) -> Era | None:
    if isinstance(day, date):
        return era_of(day)
    era = era_of(day.earliest)
    return era if era is era_of(day.latest) else None
