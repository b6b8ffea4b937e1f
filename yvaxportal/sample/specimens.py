"""The people who are in every sample city, however small: each stands for something that is hard.

They live in the first households, in this order, whatever the seed; docs/sample_city.md lists them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory
from yvaxportal.sample.names import SPACE, Word
from yvaxportal.sample.people import Foreign, Person
from yvaxportal.sample.places import Home
from yvaxportal.sample.register import BORN, CANCELLED, DIED, FROM_ABROAD, MOVED_IN, MOVED_OUT

_ELSEWHERE = "島根県松江市殿町1番地"
_MAIL = "鳥取県米子市加茂町1丁目1番地 担当課気付"


def specimens(home: Home, other_home: Home, today: date) -> Iterator[list[Person]]:
    """Give the households; ``today`` sets the ages of those for whom something is due."""
    yield from _hard_names(home)
    yield from _hard_births(home, today)
    yield from _doubles(home, today)
    yield from _foreign_residents(home, today)
    yield from _comings_and_goings(home)
    yield from _protected_family(home, other_home, today)


def _person(
    home: Home, name: str, kana: str, sex: str, birth: date, *, relationship: str = "世帯主"
) -> Person:
    """Make one person; ``name`` and ``kana`` hold family and given name with a blank between."""
    surname, given = name.split()
    surname_kana, given_kana = kana.split()
    person = Person(Word(surname, surname_kana), Word(given, given_kana), sex, birth, relationship, home)
    person.became_reason, person.became_on = BORN, birth
    person.became_notified_on = birth + timedelta(days=9)
    return person


def _hard_names(home: Home) -> Iterator[list[Person]]:
    """Characters outside JIS X 0208, outside the basic plane, compatible ones, variation sequences."""
    yield [_person(home, "髙橋 惠子", "タカハシ ケイコ", "2", date(1951, 6, 12))]
    yield [_person(home, "山﨑 德一", "ヤマサキ トクイチ", "1", date(1948, 1, 31))]
    yield [_person(home, "𠮷田 㐂久", "ヨシダ ヨシヒサ", "1", date(1939, 8, 15))]
    yield [_person(home, "辻\U000e0100 神\U000e0100", "ツジ ジン", "1", date(1986, 10, 4))]
    yield [_person(home, "\ufa19田 \ufa12子", "カンダ ハルコ", "2", date(1962, 3, 3))]
    yield [_person(home, "濵 ゐ子", "ハマ イコ", "2", date(1936, 12, 31))]
    yield [_person(home, "渡邉 ジョージ", "ワタナベ ジョージ", "1", date(1990, 7, 30))]
    yield [_person(home, "大野 ゆう", "オオノ ユウ", "2", date(1998, 9, 9))]
    former = _person(home, "小早川 みどり", "コバヤカワ ミドリ", "2", date(1984, 2, 11))
    former.former_name = f"齋藤{SPACE}みどり"
    yield [former]
    nameless = _person(home, "實重 一", "サネシゲ ハジメ", "1", date(1957, 5, 5))
    nameless.kana_missing = True
    yield [nameless]


def _hard_births(home: Home, today: date) -> Iterator[list[Person]]:
    """Days that calendars and laws stumble over, and days that nobody knows."""
    for year, month, day, given, kana in (
        (2024, 2, 29, "閏", "ジュン"),
        (2020, 4, 1, "早生", "サキ"),
        (2020, 4, 2, "遅生", "チオ"),
        (2025, 8, 31, "晦", "カイ"),
        (1960, 2, 29, "閏子", "ジュンコ"),
    ):
        yield [_person(home, f"暦 {given}", f"コヨミ {kana}", "2", date(year, month, day))]
    for written, given, kana in (
        ("1955-04-00", "不日", "フジツ"),
        ("1940-00-00", "不詳", "フショウ"),
    ):
        unknown = _person(home, f"暦 {given}", f"コヨミ {kana}", "1", date(int(written[:4]), 4, 10))
        unknown.birth_written = written
        unknown.became_on = unknown.became_notified_on = None
        yield [unknown]
    yield [_person(home, "暦 六五", "コヨミ ムゴ", "1", date(today.year - 65, today.month, 1))]
    yield [_person(home, "暦 百", "コヨミ モモ", "2", date(today.year - 100, 1, 15))]
    newborn = today - timedelta(days=75)
    mother = _person(home, "暦 春", "コヨミ ハル", "2", date(1995, 5, 20))
    yield [mother, _person(home, "暦 新", "コヨミ アラタ", "1", newborn, relationship="子")]


def _doubles(home: Home, today: date) -> Iterator[list[Person]]:
    """Twins, and two people of one name and one birth date who are not the same."""
    mother = _person(home, "双葉 香", "フタバ カオリ", "2", date(1991, 11, 3))
    twins_birth = today - timedelta(days=500)
    twins = [
        _person(home, f"双葉 {given}", f"フタバ {kana}", "1", twins_birth, relationship="子")
        for given, kana in (("陽太", "ヨウタ"), ("陽大", "ヨウタ"))
    ]
    yield [mother, *twins]
    for _ in range(2):
        yield [_person(home, "田中 正", "タナカ タダシ", "1", date(1950, 1, 1))]


def _foreign_residents(home: Home, today: date) -> Iterator[list[Person]]:
    """Alphabet only, kanji with alphabet, alias, and each category of Article 30-45."""
    until = (today + timedelta(days=400)).isoformat()
    worker = _person(home, "NGUYEN THI_HOA", "グエン ティ・ホア", "2", date(1999, 10, 2))
    worker.surname, worker.given = (
        Word("NGUYEN", "グエン", "NGUYEN"),
        Word("THI HOA", "ティ　ホア", "THI HOA"),
    )
    worker.foreign = Foreign(
        "ベトナム",
        ForeignResidentCategory.MID_TO_LONG_TERM,
        "特定技能１号",
        f"1年（{until}まで）",
        "ZA12345678BZ",
    )
    worker.became_reason, worker.became_on, worker.became_notified_on = (
        FROM_ABROAD,
        date(2023, 5, 8),
        date(2023, 5, 10),
    )
    yield [worker]
    elder = _person(home, "金 順子", "キム スンジャ", "2", date(1947, 7, 7))
    elder.surname, elder.given = Word("金", "キム", "KIM"), Word("順子", "スンジャ", "SUNJA")
    elder.alias_name = f"金田{SPACE}順子"
    elder.foreign = Foreign(
        "韓国", ForeignResidentCategory.SPECIAL_PERMANENT, "特別永住者", None, "ZC23456789DZ"
    )
    yield [elder]
    for category, given in (
        (ForeignResidentCategory.TEMPORARY_REFUGE, "AUNG"),
        (ForeignResidentCategory.PROVISIONAL_STAY, "ZAW"),
        (ForeignResidentCategory.TRANSITIONAL, "MIN"),
    ):
        other = _person(home, f"KYAW {given}", "チョー アウン", "1", date(1994, 4, 4))
        other.surname, other.given = Word("KYAW", "チョー", "KYAW"), Word(given, "アウン", given)
        other.kana_missing = True
        other.foreign = Foreign("ミャンマー", category, None, None, None)
        other.became_reason, other.became_on = FROM_ABROAD, date(2025, 9, 1)
        other.became_notified_on = date(2025, 9, 8)
        yield [other]


def _comings_and_goings(home: Home) -> Iterator[list[Person]]:
    returned = _person(home, "再田 帰", "サイダ カエル", "1", date(1988, 8, 8))
    returned.became_reason, returned.became_on = MOVED_IN, date(2024, 3, 28)
    returned.became_notified_on = date(2024, 4, 3)
    returned.address_before = _ELSEWHERE
    returned.remarks = "再転入のため従前の宛名番号を使用"
    yield [returned]
    gone = _person(home, "出口 渡", "デグチ ワタル", "1", date(1979, 5, 17))
    gone.category, gone.ceased_reason = ResidentCategory.MOVED_OUT, MOVED_OUT
    gone.ceased_on, gone.ceased_notified_on = date(2026, 3, 30), date(2026, 3, 25)
    gone.address_after = _ELSEWHERE
    yield [gone]
    dead = _person(home, "故本 静", "コモト シズカ", "2", date(1933, 2, 2))
    dead.category, dead.ceased_reason = ResidentCategory.DECEASED, DIED
    dead.ceased_on, dead.ceased_notified_on = date(2026, 6, 15), date(2026, 6, 17)
    yield [dead]
    removed = _person(home, "消田 取", "ケシダ トル", "1", date(1972, 12, 24))
    removed.category, removed.ceased_reason = ResidentCategory.REMOVED, CANCELLED
    removed.ceased_on = removed.ceased_notified_on = date(2025, 11, 4)
    yield [removed]
    outside = _person(home, "外山 登", "トヤマ ノボル", "1", date(1969, 9, 19))
    outside.category = ResidentCategory.NON_REGISTERED
    outside.became_reason = outside.became_on = outside.became_notified_on = outside.relationship = None
    outside.follow_up = "住登外者。市外からの依頼書により接種"
    yield [outside]


def _protected_family(home: Home, other_home: Home, today: date) -> Iterator[list[Person]]:
    """Give a mother and child in hiding, and the husband at the old address who must not find them."""
    yield [_person(home, "護国 剛", "ゴコク ツヨシ", "1", date(1985, 3, 3))]
    mother = _person(other_home, "護国 守", "ゴコク マモル", "2", date(1987, 7, 21))
    child_born = date(today.year - 4, today.month, 10)
    child = _person(other_home, "護国 望", "ゴコク ノゾミ", "2", child_born, relationship="子")
    for member in (mother, child):
        member.protected, member.mailing_address = True, _MAIL
        member.follow_up = "郵送物は送付先へ。住所の照会は担当課へ確認"
        member.home = replace(other_home)
    yield [mother, child]
