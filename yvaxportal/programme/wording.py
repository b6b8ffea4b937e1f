"""The reasons of ``due`` in English and Japanese. Days are counted, dates written as each language does."""

from dataclasses import dataclass
from datetime import date

from yvaxportal.values.wareki import wareki


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence in both languages."""

    en: str
    ja: str


_REASONS = {
    "not_in_cohort": ("not in the age group or sex of this programme", "対象の年齢・性別ではありません"),
    "not_started": ("nothing was begun with this vaccine", "この単独ワクチンでの接種歴はありません"),
    "birth_unknown": ("the birth date is not wholly known", "生年月日に不詳があり判定できません"),
    "mixed_vaccines": ("different vaccines were mixed", "異なるワクチンが混在しています"),
    "other_vaccine": (
        "doses of an older or single vaccine must be counted by a nurse",
        "旧制度または単独ワクチンの接種歴があり、保健師の確認が必要です",
    ),
    "number_missing": ("no record of dose {number}", "{number}回目の記録がありません"),
    "number_twice": ("dose {number} is recorded twice", "{number}回目の記録が2件あります"),
    "too_early": (
        "dose {number} was given {days} day(s) before it was allowed",
        "{number}回目の接種が対象期間の{days}日前です",
    ),
    "too_late": (
        "dose {number} was given {days} day(s) after the last day",
        "{number}回目の接種が対象期間の{days}日後です",
    ),
    "interval_short": (
        "the interval before dose {number} is {days} day(s) short",
        "{number}回目までの接種間隔が{days}日不足しています",
    ),
    "in_the_future": ("dose {number} lies in the future", "{number}回目の接種日が未来の日付です"),
    "closed": ("the period ended on {day}", "対象期間は{day}で終了しました"),
    "not_yet": ("allowed from {day}", "{day}から接種できます"),
    "overdue": (
        "the recommended period ended {days} day(s) ago, on {day}",
        "標準的な接種期間（{day}まで）を{days}日過ぎています",
    ),
    "until": ("may be given until {day}", "{day}まで接種できます"),
    "done": ("all doses are recorded", "必要な回数の接種記録があります"),
}


def say(key: str, *, number: int | None = None, days: int | None = None, day: date | None = None) -> Reason:
    """Return the reason ``key`` with its figures."""
    en, ja = _REASONS[key]
    return Reason(
        en.format(number=number, days=days, day=day.isoformat() if day else ""),
        ja.format(number=number, days=days, day=wareki(day) if day else ""),
    )
