"""A resident's doses as a picture: inline SVG made on the server, styled by ``static/css/timeline.css``.

Nothing but shapes, classes and escaped text: the content security policy forbids style attributes. The
picture adds to the table of doses and never replaces it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Literal

from yvaxportal.values.text import _
from yvaxportal.views.timeline_axis import LEFT, RIGHT, WIDTH, Axis, axis_of

MarkStatus = Literal["given", "doubtful", "invalid", "cancelled"]
WindowStatus = Literal["due", "soon", "overdue", "upcoming"]
Translate = Callable[[str], str]

MAX_ROWS = 24
MAX_MARKS = 400
_MAX_LANES = 3
_MAX_WINDOWS = 12
_TOP = 34
_LANE = 22
_PADDING = 5
_RADIUS = 9
_MARK_DISTANCE = 20
_NAME_LENGTH = 13
_WINDOW_LABEL_WIDTH = 74
_WINDOW_MIN_WIDTH = 6


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One dose. ``label`` is what pointing at it shows: the vaccine, the date, the place."""

    series: str
    dose_number: int
    given_on: date
    status: MarkStatus
    label: str


@dataclass(frozen=True, slots=True)
class DueWindow:
    """When the next dose of a series may be given; ``last`` None when the window stays open."""

    series: str
    first: date
    last: date | None
    status: WindowStatus
    label: str = ""


@dataclass(frozen=True, slots=True)
class TimelineFigure:
    """The picture: ``svg`` is safe markup, ``left_out`` counts the doses that only the table shows."""

    svg: str
    height: int
    left_out: int

    def __html__(self) -> str:
        """Return the markup, for templates."""
        return self.svg


@dataclass(slots=True)
class _Row:
    series: str
    windows: list[DueWindow]
    marks: list[tuple[TimelineEntry, float, int]]
    lanes: int = 1

    @property
    def height(self) -> int:
        return self.lanes * _LANE + _PADDING


def dose_timeline(
    entries: Sequence[TimelineEntry],
    *,
    birth: date | None,
    today: date,
    windows: Sequence[DueWindow] = (),
    translate: Translate | None = None,
    figure_id: str = "dose-timeline",
) -> TimelineFigure:
    """Draw doses and due windows, one row for each series in the order of their first appearance.

    ``birth`` is None when it is not wholly known. ``translate`` is ``request.localizer.translate``; without
    it the words are English. Of very many doses the latest are drawn; what does not fit is left out and
    counted. The size of the result is bounded whatever comes in.
    """
    say = translate or _english
    latest = sorted(entries, key=lambda entry: entry.given_on)[-MAX_MARKS:]
    days = [entry.given_on for entry in latest] + [window.first for window in windows]
    axis = axis_of(days, birth=birth, today=today)
    names = list(dict.fromkeys([entry.series for entry in entries] + [window.series for window in windows]))
    rows = [_row(name, latest, windows, axis) for name in names[:MAX_ROWS]]
    left_out = len(entries) - sum(len(row.marks) for row in rows)
    plot_height = sum(row.height for row in rows)
    note = _("${count} more doses are in the table only", mapping={"count": left_out}) if left_out else None
    height = _TOP + plot_height + (24 if note else 6)
    parts = [
        _opening(figure_id, height, _summary(entries, windows, say), say),
        *_grid(axis, rows, plot_height, say),
        *_windows(rows, axis, say),
        *_today(axis, today, plot_height, say),
        *_doses(rows, axis, say),
    ]
    if note:
        parts.append(f'<text class="tl-more" x="{LEFT}" y="{height - 7}">{_text(note, say)}</text>')
    parts.append("</svg>")
    return TimelineFigure("".join(parts), height, left_out)


def _english(message: str) -> str:
    interpolate = getattr(message, "interpolate", None)
    return str(interpolate()) if interpolate else message


def _text(message: str, say: Translate) -> str:
    return escape(say(message))


def _row(name: str, entries: Iterable[TimelineEntry], windows: Iterable[DueWindow], axis: Axis) -> _Row:
    row = _Row(name, [window for window in windows if window.series == name][:_MAX_WINDOWS], [])
    ends: list[float] = []
    for entry in entries:
        if entry.series != name:
            continue
        x = axis.x(entry.given_on)
        lane = next((at for at, end in enumerate(ends) if x - end >= _MARK_DISTANCE), len(ends))
        if lane == _MAX_LANES:
            continue
        ends[lane : lane + 1] = [x]
        row.marks.append((entry, x, lane))
    row.lanes = max(1, len(ends))
    return row


def _summary(entries: Sequence[TimelineEntry], windows: Sequence[DueWindow], say: Translate) -> str:
    counts = {"doses": len(entries), "windows": len(windows)}
    return _text(
        _("Doses: ${doses}. Due periods: ${windows}. The table lists all of them.", mapping=counts), say
    )


def _opening(figure_id: str, height: int, summary: str, say: Translate) -> str:
    name, heading = escape(figure_id), _text(_("Timeline of doses"), say)
    return (
        f'<svg class="timeline" id="{name}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="{name}-title {name}-desc" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{heading}</title>'
        f'<desc id="{name}-desc">{summary}</desc>'
    )


def _grid(axis: Axis, rows: Sequence[_Row], plot_height: int, say: Translate) -> Iterable[str]:
    y = _TOP
    for at, row in enumerate(rows):
        if at % 2 == 0:
            yield f'<rect class="tl-band" x="0" y="{y}" width="{WIDTH}" height="{row.height}"/>'
        y += row.height
    bottom = _TOP + plot_height
    for tick in axis.ticks:
        yield f'<path class="tl-grid" d="M{tick.x:g} {_TOP - 4}V{bottom}"/>'
        if tick.label:
            anchor = "middle" if axis.by_age else "start"
            x = tick.x if axis.by_age else tick.x + 3
            yield f'<text class="tl-axis" x="{x:g}" y="{_TOP - 9}" text-anchor="{anchor}">'
            yield f"{_text(tick.label, say)}</text>"


def _windows(rows: Sequence[_Row], axis: Axis, say: Translate) -> Iterable[str]:
    y = _TOP
    for row in rows:
        yield f'<path class="tl-row" d="M0 {y + row.height}H{WIDTH}"/>'
        for window in row.windows:
            start, end = _ends(window, axis)
            label = _text(window.label or _WINDOW_NAMES[window.status], say)
            yield f'<rect class="tl-window tl-window-{window.status}" x="{start:g}" '
            yield f'y="{y + row.height / 2 - 8:g}" width="{end - start:g}" height="16" rx="3">'
            yield f"<title>{label}</title></rect>"
        y += row.height


def _ends(window: DueWindow, axis: Axis) -> tuple[float, float]:
    start = min(axis.x(window.first), RIGHT - _WINDOW_MIN_WIDTH)
    return start, max(axis.x(window.last) if window.last else RIGHT, start + _WINDOW_MIN_WIDTH)


def _doses(rows: Sequence[_Row], axis: Axis, say: Translate) -> Iterable[str]:
    y = _TOP
    for row in rows:
        middle = y + row.height / 2
        yield _series_name(row.series, middle)
        for window in row.windows:
            start, end = _ends(window, axis)
            if end - start >= _WINDOW_LABEL_WIDTH:
                name = _text(_WINDOW_NAMES[window.status], say)
                yield f'<text class="tl-window-label tl-window-label-{window.status}" x="{start + 7:g}" '
                yield f'y="{middle:g}" dominant-baseline="central">{name}</text>'
        for entry, x, lane in row.marks:
            yield _mark(entry, x, y + _PADDING / 2 + _LANE * (lane + 0.5))
        y += row.height


def _series_name(name: str, y: float) -> str:
    shown = name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"
    return (
        f'<text class="tl-series" x="10" y="{y:g}" dominant-baseline="central">{escape(shown)}'
        f"<title>{escape(name)}</title></text>"
    )


def _mark(entry: TimelineEntry, x: float, y: float) -> str:
    number = escape(str(entry.dose_number))
    shape = _SHAPES[entry.status].format(
        x=f"{x:g}", y=f"{y:g}", r=_RADIUS, left=f"{x - 8:g}", top=f"{y - 8:g}"
    )
    strike = ""
    if entry.status == "cancelled":
        strike = f'<path class="tl-strike" d="M{x - 7:g} {y + 7:g}L{x + 7:g} {y - 7:g}"/>'
    return (
        f'<g class="tl-entry"><title>{escape(entry.label)}</title>{shape}'
        f'<text class="tl-number tl-number-{entry.status}" x="{x:g}" y="{y:g}">{number}</text>{strike}</g>'
    )


def _today(axis: Axis, today: date, plot_height: int, say: Translate) -> Iterable[str]:
    x = axis.x(today)
    yield f'<path class="tl-today" d="M{x:g} {_TOP - 4}V{_TOP + plot_height}"/>'
    words = _text(_("Today"), say)
    yield f'<text class="tl-today-label" x="{x:g}" y="{_TOP - 22}" text-anchor="middle">{words}</text>'


_SHAPES: dict[MarkStatus, str] = {
    "given": '<circle class="tl-mark tl-given" cx="{x}" cy="{y}" r="{r}"/>',
    "doubtful": '<path class="tl-mark tl-doubtful" d="M{x} {y}m0-10.5 10.5 10.5-10.5 10.5-10.5-10.5z"/>',
    "invalid": '<rect class="tl-mark tl-invalid" x="{left}" y="{top}" width="16" height="16"/>',
    "cancelled": '<circle class="tl-mark tl-cancelled" cx="{x}" cy="{y}" r="{r}"/>',
}

_WINDOW_NAMES: dict[WindowStatus, str] = {
    "due": _("May be given now"),
    "soon": _("Soon"),
    "overdue": _("Overdue"),
    "upcoming": _("Later"),
}
