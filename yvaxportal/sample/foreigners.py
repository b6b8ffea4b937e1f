"""Foreign residents: status, period, card, and the alias that some go by."""

from datetime import date, timedelta
from random import Random

from yvaxportal.models.codes import ForeignResidentCategory as Category
from yvaxportal.sample.choice import Weighted, between, chance, one_of
from yvaxportal.sample.names import SPACE, Names
from yvaxportal.sample.numbers import residence_card
from yvaxportal.sample.people import Foreign, Person
from yvaxportal.sample.words import words

_STATUSES = Weighted(words("residence_statuses"), [24, 18, 14, 18, 8, 5, 7])
_RARE = Weighted(
    [Category.MID_TO_LONG_TERM, Category.TRANSITIONAL, Category.TEMPORARY_REFUGE, Category.PROVISIONAL_STAY],
    [97.5, 1.5, 0.5, 0.5],
)
_ALIASES = ("金田", "新井", "木村", "山本", "林", "高山", "大山", "張本")


def make_foreign(rng: Random, names: Names, members: list[Person], today: date) -> None:
    """Turn a household into one of foreign residents of one nationality."""
    people = names.foreign.pick(rng)
    special = people.nationality == "韓国" and chance(rng, 0.6)
    shared, _given = people.pick(rng, "1")
    for member in members:
        own, member.given = people.pick(rng, member.sex)
        member.surname = shared if member.relationship == "子" else own
        if special:
            member.foreign = Foreign(
                people.nationality, Category.SPECIAL_PERMANENT, "特別永住者", None, residence_card(rng)
            )
            alias_given = names.given(rng, member.sex, member.birth.year)
            member.alias_name = f"{one_of(rng, _ALIASES)}{SPACE}{alias_given.written}"
            continue
        category = _RARE.pick(rng)
        if category is not Category.MID_TO_LONG_TERM:
            member.foreign = Foreign(people.nationality, category, None, None, None)
            continue
        status = "家族滞在" if member.relationship == "子" else _STATUSES.pick(rng)
        member.foreign = Foreign(
            people.nationality, category, status, _period(rng, status, today), residence_card(rng)
        )
        if chance(rng, 0.08):
            alias_given = names.given(rng, member.sex, member.birth.year)
            member.alias_name = f"{names.surname(rng).written}{SPACE}{alias_given.written}"


def _period(rng: Random, status: str, today: date) -> str:
    if status == "永住者":
        return "無期限"
    until = today + timedelta(days=between(rng, -20, 900))
    return f"{one_of(rng, ('1年', '3年', '5年'))}（{until.isoformat()}まで）"
