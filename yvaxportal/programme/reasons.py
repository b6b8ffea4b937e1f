"""Why the engine says what it says, in English and Japanese. Days are counted, dates written as each does."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple, TypeAlias

from yvaxportal.programme.bounds import Bound
from yvaxportal.programme.schedule import Citation
from yvaxportal.values.wareki import wareki

Fact: TypeAlias = "int | str | date | Bound"
Facts: TypeAlias = Mapping[str, Fact]

# The messages: English, Japanese. {days} is written out with its noun.
_MESSAGES: dict[str, tuple[str, str]] = {
    # of a forecast
    "other_sex": ("only for the other sex", "対象の性別ではありません"),
    "sex_unknown": ("the sex is not known", "性別が不明のため判定できません"),
    "not_open": (
        "no legal day today or within {days}",
        "本日から{days}日以内に接種できる日はありません",
    ),
    "not_in_cohort": (
        "not in the age group or cohort of this programme",
        "この予防接種の対象者（年齢・生年月日・要件）ではありません",
    ),
    "not_started": (
        "only for who has begun with this vaccine",
        "この種類のワクチンで接種を開始した方のみが対象です",
    ),
    "begun_with_other": (
        "the course was begun with another kind of vaccine",
        "別の種類のワクチンで接種を開始しています",
    ),
    "contraindicated": (
        "a contraindication is recorded: not to be vaccinated",
        "接種不適当者（禁忌）として記録されています",
    ),
    "excluded": (
        "a circumstance is recorded that the law excludes",
        "予防接種の対象者から除かれる事由が記録されています",
    ),
    "had_disease": ("has had the disease", "この疾病にかかったことがある方は対象から除かれます"),
    "birth_unknown": (
        "the birth date is not wholly known",
        "生年月日に不詳があり判定できません",
    ),
    "birth_partly_unknown": (
        "the birth date is not wholly known, but the answer is the same for every day it may be",
        "生年月日に不詳がありますが、どの日であっても判定は同じです",
    ),
    "closed": ("the period ended on {day}", "対象期間は{day}で終了しました"),
    "done": ("all doses are recorded ({number})", "必要な回数の接種記録があります（{number}回）"),
    "other_vaccine": (
        "doses of an older or single vaccine must be counted by a nurse",
        "旧制度または単独ワクチンの接種歴があり、保健師の確認が必要です",
    ),
    "not_yet": ("allowed from {day}, in {days}", "{day}から接種できます（{days}日後）"),
    "not_advised_yet": (
        "the recommended time begins on {day}, in {days}",
        "標準的な接種期間は{day}からです（{days}日後）",
    ),
    "overdue": (
        "the recommended time ended {days} ago, on {day}",
        "標準的な接種期間（{day}まで）を{days}日過ぎています",
    ),
    "until": ("may be given until {day} ({days} left)", "{day}まで接種できます（あと{days}日）"),
    "window": ("by law from {first} to {last}", "法令上の接種期間は{first}から{last}までです"),
    "long_illness": (
        "because of a long illness whose reason ended on {day}, until {last}",
        "長期療養特例により、事由がなくなった{day}から{last}まで接種できます",
    ),
    "unverified": (
        "to be confirmed by the municipality: this rule rests on no published text that was read",
        "この規則は公表資料で確認できていないため、市町村での確認が必要です",
    ),
    "after_days": (
        "at least {days} lie between this dose and the one of {day}",
        "前回（{day}）から{days}日以上の間隔が必要です",
    ),
    "after_months": (
        "at least {months} months lie between this dose and the one of {day}",
        "前回（{day}）から{months}月以上の間隔が必要です",
    ),
    "after_half_months": (
        "at least {months} and a half months lie between this dose and the one of {day}",
        "前回（{day}）から{months}月半以上の間隔が必要です",
    ),
    "after_first_days": (
        "at least {days} lie between this dose and the first of {day}",
        "1回目（{day}）から{days}日以上の間隔が必要です",
    ),
    "after_first_months": (
        "at least {months} months lie between this dose and the first of {day}",
        "1回目（{day}）から{months}月以上の間隔が必要です",
    ),
    # of a dose
    "no_programme": (
        "{vaccine} is in no programme of the law",
        "{vaccine}は定期接種・臨時接種のワクチンではありません",
    ),
    "in_the_future": ("the day {day} lies in the future", "接種日（{day}）が未来の日付です"),
    "before_birth": ("given {days} before birth", "接種日（{day}）が出生の{days}日前です"),
    "fits": (
        "counts as dose {number}: within the legal days from {first} to {last}, with all intervals kept",
        "{number}回目として有効です（法令上の接種期間{first}から{last}まで、接種間隔も満たしています）",
    ),
    "too_early": (
        "dose {number} came {days} too early: allowed from {day}, {age}",
        "{number}回目は{days}日早い接種です（{day}（{age}）から接種できます）",
    ),
    "too_early_day": (
        "dose {number} came {days} too early: allowed from {day}",
        "{number}回目は{days}日早い接種です（{day}から接種できます）",
    ),
    "too_late": (
        "dose {number} came {days} too late: the last day was {day}",
        "{number}回目は{days}日遅い接種です（{day}まで接種できました）",
    ),
    "interval_short": (
        "the interval before dose {number} is {days} short: allowed from {day}",
        "{number}回目までの接種間隔が{days}日不足しています（{day}から接種できます）",
    ),
    "doctor_only": (
        "dose {number} came {days} before the usual interval, which only a doctor's judgement allows",
        "{number}回目は通常の間隔より{days}日短く、医師が必要と認めた場合に限られます",
    ),
    "too_close": (
        "{days} too soon after {vaccine} of {day}: {needed} full days must lie between",
        "{vaccine_ja}（{day}）から{needed}日以上の間隔が必要ですが、{days}日不足しています",
    ),
    "mixed_vaccines": (
        "this vaccine does not continue the course that was begun",
        "開始したワクチンの接種方法では、このワクチンを続けられません",
    ),
    "wrong_product": (
        "{vaccine} was not for this person in the programme on {day}",
        "{vaccine_ja}は{day}時点でこの方の定期接種には使用できません",
    ),
    "needs_unknown": (
        "what this programme asks for (such as a test result) is not recorded",
        "対象となる要件（抗体検査の結果など）が登録されていません",
    ),
    "not_routine": (
        "{vaccine} was in no programme of the law on {day}; the dose counts like a private one",
        "{vaccine_ja}は{day}時点では定期接種・臨時接種ではありません（任意接種と同じく回数に数えます）",
    ),
    "surplus": (
        "no dose {number} is needed: the course was complete",
        "必要な回数を終えており、{number}回目は不要です",
    ),
    "same_day": ("another dose of {day} is recorded", "同じ日（{day}）の接種記録が他にあります"),
    "number_twice": ("dose {number} is recorded twice", "{number}回目の記録が2件あります"),
    "number_missing": ("no record of dose {number}", "{number}回目の記録がありません"),
    "private": (
        "a private dose of {day} is recorded: to be looked at",
        "任意接種（{day}）の記録があり、確認が必要です",
    ),
    "private_counts": (
        "the private dose of {day} counts",
        "任意接種（{day}）を接種回数に数えています",
    ),
    "private_too_early": (
        "a private dose given {days} before {day} does not count",
        "{day}より{days}日前の任意接種は接種回数に数えません",
    ),
}


class Reason(NamedTuple):
    """One sentence in both languages, made when it is asked for.

    ``facts`` are the figures of the sentence, by name, as pairs (so that reasons can be compared and kept in
    sets).
    """

    code: str
    facts: tuple[tuple[str, Fact], ...]
    citation: Citation | None = None

    @property
    def en(self) -> str:
        """The sentence in English."""
        facts = {name: _english(name, value) for name, value in self.facts}
        return _MESSAGES[self.code][0].format(**facts)

    @property
    def ja(self) -> str:
        """The sentence in Japanese."""
        facts = {name: _japanese(value) for name, value in self.facts}
        return _MESSAGES[self.code][1].format(**facts)


def reason(code: str, citation: Citation | None = None, **facts: Fact) -> Reason:
    """Return the reason ``code`` with its figures."""
    return Reason(code, tuple(facts.items()), citation)


def _english(name: str, value: Fact) -> str:
    if isinstance(value, Bound):
        return _english_bound(value)
    if name == "days" and isinstance(value, int):
        return "1 day" if value == 1 else f"{value} days"
    return value.isoformat() if isinstance(value, date) else str(value)


def _japanese(value: Fact) -> str:
    if isinstance(value, Bound):
        return _japanese_bound(value)
    return wareki(value) if isinstance(value, date) else str(value)


_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh"}
_MONTHS = 12


def _english_bound(bound: Bound) -> str:
    if bound.unit == "months" and bound.value % _MONTHS == 0 and bound.value:
        bound = Bound("years", bound.value // _MONTHS)
    ordinal = _ORDINALS.get(bound.value, f"{bound.value}th")
    return {
        "days": f"{bound.value // 7} weeks and {bound.value % 7} days after birth",
        "months": f"1 day before {bound.value} months of age" if bound.value else "from birth",
        "years": f"1 day before the {ordinal} birthday",
        "fiscal_year_of_age": f"the fiscal year of age {bound.value}",
        "preschool": "the year before school",
    }[bound.unit]


def _japanese_bound(bound: Bound) -> str:
    return {
        "days": f"出生{bound.value // 7}週{bound.value % 7}日後",
        "months": f"生後{bound.value}月に至る日" if bound.value else "出生の日",
        "years": f"{bound.value}歳の誕生日の前日",
        "fiscal_year_of_age": f"{bound.value}歳となる年度",
        "preschool": "小学校就学前の1年間",
    }[bound.unit]
