"""What is due for a resident, in words: one line for each programme, with everything behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import NamedTuple

from yvaxportal.programme.forecasting import Forecast
from yvaxportal.programme.reasons import Reason
from yvaxportal.programme.schedule import Schedule
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording

DUE_SHOWN = ("overdue", "due", "doubtful", "soon")
_WORDS = {
    "overdue": _("Overdue"),
    "due": _("Due now"),
    "doubtful": _("To be checked"),
    "soon": _("Soon"),
    "allowed": _("Allowed, not yet recommended"),
    "done": _("All doses done"),
    "not_target": _("Not a target now"),
}
_KINDS = {
    "overdue": "overdue",
    "due": "ok",
    "doubtful": "doubtful",
    "soon": "soon",
    "allowed": "soon",
    "done": "neutral",
    "not_target": "neutral",
}
_FACTS = (_("Earliest day by law"), _("Recommended"), _("Latest day by law"), _("Vaccines"))
_FOLDED = (
    ("done", _("All doses done")),
    ("long-over", _("Never settled, and long over")),
    ("not_target", _("Not a target now")),
)
#: What is said of the programme, not of the next dose.
_WHOLE = frozenset({"done", "not_target"})
# A doubt about something that has long been over is for the statistics, not for the desk.
_LONG_OVER = timedelta(days=5 * 366)


class DueReason(NamedTuple):
    """One sentence, and where it is written (empty where it follows from no law)."""

    text: str
    citation: str
    source: str


class DueLine(NamedTuple):
    """One programme as the page shows it: the line, and what opens below it."""

    what: str
    kind: str
    word: str
    when: str
    why: str
    facts: Sequence[tuple[str, str]]
    reasons: Sequence[DueReason]
    unverified: bool


@dataclass(frozen=True, slots=True)
class DueGroup:
    """Programmes that are folded away on the page, since nothing is to be done about them now."""

    name: str
    title: str
    lines: Sequence[DueLine]

    def __html__(self) -> str:
        """Return the lines as markup: a template needs ten times as long for the many of them."""
        return "".join(map(_drawn, self.lines))


def shown(forecasts: Sequence[Forecast], today: date) -> list[Forecast]:
    """Return the forecasts that concern the desk: what is due, coming, or in doubt and not long over."""
    return [one for one in forecasts if one.status in DUE_SHOWN and not _is_long_over(one, today)]


def folded(forecasts: Sequence[Forecast], schedule: Schedule, words: Wording, today: date) -> list[DueGroup]:
    """Return the other forecasts: every programme is on the page, and each once."""
    groups = []
    for name, title in _FOLDED:
        some = [one for one in forecasts if _folds_into(one, today) == name]
        if some:
            lines = [due_line(one, schedule, words, today) for one in some]
            groups.append(DueGroup(name, words.say(title), lines))
    return groups


def _folds_into(one: Forecast, today: date) -> str:
    return "long-over" if _is_long_over(one, today) else one.status


def _is_long_over(one: Forecast, today: date) -> bool:
    return one.status == "doubtful" and one.latest is not None and today - one.latest > _LONG_OVER


def _drawn(line: DueLine) -> str:
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in line.facts
    )
    return (
        f'<li><details class="due-more"><summary><strong>{escape(line.what)}</strong>'
        f'<span class="due-why muted">{escape(line.why)}</span></summary>'
        + (f'<dl class="due-facts">{facts}</dl>' if facts else "")
        + f'<ul class="due-reasons">{"".join(_drawn_reason(reason) for reason in line.reasons)}</ul>'
        "</details></li>"
    )


def _drawn_reason(reason: DueReason) -> str:
    source = f" ({escape(reason.source)})" if reason.source else ""
    citation = (
        f'<span class="due-citation">{escape(reason.citation)}{source}</span>' if reason.citation else ""
    )
    return f"<li>{escape(reason.text)}{citation}</li>"


def due_line(one: Forecast, schedule: Schedule, words: Wording, today: date) -> DueLine:
    """Return a forecast in the reader's language."""
    early = one.status == "due" and one.recommended_from is not None and today < one.recommended_from
    state = "allowed" if early else one.status
    reasons = [_reason(reason, words) for reason in one.reasons]
    return DueLine(
        what=_what(one, schedule, words),
        kind=_KINDS[state],
        word=words.say(_WORDS[state]),
        when=_period(words, one.earliest, one.latest),
        why=reasons[0].text if reasons else "",
        facts=_facts(one, words),
        reasons=reasons,
        unverified=one.unverified,
    )


def _what(one: Forecast, schedule: Schedule, words: Wording) -> str:
    programme = schedule.programmes[one.programme]
    name = programme.name_ja if words.japanese else programme.name_en
    if one.status in _WHOLE or max(len(course.steps) for course in programme.courses) == 1:
        return name
    return words.say(_("${series} dose ${number}", mapping={"series": name, "number": one.dose_number}))


def _facts(one: Forecast, words: Wording) -> list[tuple[str, str]]:
    if one.earliest is None and one.latest is None and not one.vaccines:
        return []
    recommended = _period(words, one.recommended_from, one.recommended_until)
    vaccines = "、".join(words.vaccine(code) for code in one.vaccines)
    facts = zip(_FACTS, (words.day(one.earliest), recommended, words.day(one.latest), vaccines), strict=True)
    return [(words.say(label), text) for label, text in facts if text]


def _period(words: Wording, first: date | None, last: date | None) -> str:
    return "〜".join((words.day(first), words.day(last))) if first or last else ""


def _reason(reason: Reason, words: Wording) -> DueReason:
    citation = reason.citation
    source = citation.source or "" if citation else ""
    return DueReason(
        text=reason.ja if words.japanese else reason.en,
        citation=str(citation) if citation else "",
        source=source,
    )
