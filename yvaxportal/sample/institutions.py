"""Made-up medical institutions of the prefecture, and places of mass vaccination without a code."""

from dataclasses import dataclass
from datetime import date

from yvaxportal.sample.choice import between, chance, one_of, stream
from yvaxportal.sample.numbers import institution_code, landline
from yvaxportal.sample.places import Places

_WORDS = (
    "あおぞら", "しらさぎ", "はまなす", "コスモス", "ひまわり", "さくら坂", "みなと", "まつかぜ", "あさひ丘", "なぎさ",
    "ほほえみ", "こもれび", "せせらぎ", "たんぽぽ", "すずらん", "のぞみ", "みどりの", "大山口", "湖畔", "ゆうひ",
    "わかば", "やまなみ", "かもめ", "つばさ", "ふれあい",
)  # fmt: skip
_PAEDIATRIC = ("こどもクリニック", "小児科医院", "小児科・アレルギー科")
_GENERAL = (
    "内科クリニック", "医院", "診療所", "内科・循環器科", "外科医院", "整形外科", "耳鼻咽喉科", "レディースクリニック", "総合病院",
)  # fmt: skip
_CLOSED_SHARE = 0.06
_FIRST_DAY = date(1995, 4, 1)
COUNT = len(_WORDS) * (len(_PAEDIATRIC) + len(_GENERAL))
VENUES = ("市民体育館（集団接種会場）", "ふれあいの里（集団接種会場）", "県大規模接種会場", "保健センター")


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution; ``id`` is its key in the table."""

    id: int
    code: str
    name: str
    postal_code: str
    address: str
    phone_number: str
    valid_from: date
    valid_to: date | None
    paediatric: bool
    physicians: tuple[str, ...]


def make_institutions(
    seed: int, places: Places, today: date, doctors: tuple[str, ...]
) -> tuple[Institution, ...]:
    """Return all institutions; ``doctors`` are names that they share among themselves."""
    rng = stream(seed, "institutions")
    made = []
    kinds = [(suffix, True) for suffix in _PAEDIATRIC] + [(suffix, False) for suffix in _GENERAL]
    for suffix, paediatric in kinds:
        for word in _WORDS:
            number = len(made) + 1
            home = places.home(rng, flat=False)
            closed = chance(rng, _CLOSED_SHARE)
            made.append(
                Institution(
                    id=number,
                    code=institution_code(places.municipality_code[:2], number),
                    name=f"{word}{suffix}",
                    postal_code=home.postal_code,
                    address=home.address,
                    phone_number=landline(rng, places.area),
                    valid_from=_FIRST_DAY,
                    valid_to=date(today.year - between(rng, 0, 2), 3, 31) if closed else None,
                    paediatric=paediatric,
                    physicians=(one_of(rng, doctors), one_of(rng, doctors)),
                )
            )
    return tuple(made)
