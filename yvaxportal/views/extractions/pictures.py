"""The pictures of a list and the tables beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from yvaxportal.services.extraction.figures import AgeBar, AreaBar, Figures
from yvaxportal.services.extraction.funnel import Step
from yvaxportal.values.text import _
from yvaxportal.values.wareki import wareki
from yvaxportal.views.charts import (
    Figure,
    FunnelBar,
    MonthBar,
    PyramidBar,
    ShareBar,
    funnel,
    months,
    pyramid,
    shares,
)
from yvaxportal.views.extractions.words import ListWords


def funnel_of(words: ListWords, base: int, steps: Sequence[Step]) -> tuple[Figure, list[dict[str, Any]]]:
    """Return the funnel and its table: the base cohort, then each rule."""
    rows: list[dict[str, Any]] = [
        {"rule": None, "name": words.say(_("Residents who come into question")), "out": 0, "left": base}
    ]
    rows += [
        {"rule": step.rule.value, "name": words.rule(step.rule), "out": step.out, "left": step.left}
        for step in steps
    ]
    bars = [
        FunnelBar(
            row["name"],
            row["left"],
            row["out"],
            f"{row['left']:,}" + (f" (−{row['out']:,})" if row["out"] else ""),
        )
        for row in rows
    ]
    left = steps[-1].left if steps else base
    summary = _(
        "Of ${base} people ${left} are on the list. The table says how many each rule took out.",
        mapping={"base": f"{base:,}", "left": f"{left:,}"},
    )
    return funnel(bars, title=words.say(_("Exclusion funnel")), summary=words.say(summary)), rows


def ages_of(words: ListWords, figures: Figures) -> tuple[Figure, list[dict[str, Any]]]:
    """Return the pyramid of ages and its table."""
    rows: list[dict[str, Any]] = [
        {
            "name": _age(words, bar),
            "men": bar.men,
            "women": bar.women,
            "unknown": bar.unknown,
            "everybody": bar.everybody,
        }
        for bar in figures.ages
    ]
    picture = pyramid(
        [PyramidBar(row["name"], row["men"], row["women"]) for row in rows],
        sides=(words.say(_("Male")), words.say(_("Female"))),
        title=words.say(_("By age and sex")),
        summary=words.say(_("${members} people on the list", mapping={"members": f"{figures.members:,}"})),
    )
    return picture, rows


def areas_of(
    words: ListWords, figures: Figures, names: Mapping[str, str]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Return members and coverage by area. Of protected people no area is told."""
    rows: list[dict[str, Any]] = [
        {
            "name": _area(words, bar, names),
            "members": bar.members,
            "covered": bar.covered,
            "share": _percent(bar.covered, bar.members),
        }
        for bar in figures.areas
    ]
    picture = shares(
        [
            ShareBar(row["name"], row["members"], row["covered"], f"{row['members']:,} ({row['share']})")
            for row in rows
        ],
        figure_id="areas",
        title=words.say(_("By area")),
        summary=words.say(_("Filled: who has had the dose since. The table lists all areas.")),
    )
    return picture, rows


def coverage_of(words: ListWords, figures: Figures) -> tuple[Figure, list[dict[str, Any]]]:
    """Return the coverage through the year and its table."""
    rows = []
    bars = []
    for month in figures.months:
        name = f"{month.first_day.month}月" if words.japanese else month.first_day.strftime("%b")
        known = month.total is not None
        share = _percent(month.total or 0, figures.members) if known else ""
        rows.append(
            {
                "name": f"{month.first_day.year}-{month.first_day.month:02}",
                "given": month.given,
                "total": month.total,
                "share": share,
            }
        )
        bars.append(MonthBar(name, (month.total or 0) / max(figures.members, 1) if known else None, share))
    summary = _(
        "${covered} of ${members} have had the dose since the reference date.",
        mapping={"covered": f"{figures.covered:,}", "members": f"{figures.members:,}"},
    )
    picture = months(bars, title=words.say(_("Coverage through the year")), summary=words.say(summary))
    return picture, rows


def month_of(day: date) -> str:
    """Return a month with its era: 令和2年4月."""
    return wareki(day).partition("月")[0] + "月"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "－"


def _age(words: ListWords, bar: AgeBar) -> str:
    if bar.month is not None:
        return month_of(bar.month) if words.japanese else f"{bar.month.year}-{bar.month.month:02}"
    if bar.years is None:
        return words.say(_("not known"))
    return words.say(_("${years} y", mapping={"years": bar.years}))


def _area(words: ListWords, bar: AreaBar, names: Mapping[str, str]) -> str:
    if bar.protected:
        return words.say(_("Withheld (support measure)"))
    if bar.town is None:
        return words.say(_("No area recorded"))
    return names.get(bar.town, bar.town)
