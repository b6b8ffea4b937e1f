"""Pictures of figures as inline SVG made on the server, styled by ``static/css/charts.css``.

Nothing but shapes, classes and escaped text. Each picture stands beside a table that says the same; its size
is bounded whatever comes in, and what is left out is in the table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720
MOST_ROWS = 60
_ROW = 24
_BAR = 15
_NAME = 220
_NUMBER = 120
_NAME_LENGTH = 19


@dataclass(frozen=True, slots=True)
class Figure:
    """Safe markup of one picture; ``left_out`` counts the rows that only the table shows."""

    svg: str
    left_out: int = 0

    def __html__(self) -> str:
        """Return the markup, for templates."""
        return self.svg


@dataclass(frozen=True, slots=True)
class FunnelBar:
    """One bar: what remained and what was taken out before it, with both in words."""

    name: str
    left: int
    out: int
    note: str


@dataclass(frozen=True, slots=True)
class PyramidBar:
    """One age: who stands left and right of the middle."""

    name: str
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class ShareBar:
    """A part of a whole, for instance of those of one area who have had the dose."""

    name: str
    whole: int
    part: int
    note: str


@dataclass(frozen=True, slots=True)
class MonthBar:
    """A month of a year; ``share`` (0 to 1) is None for a month to come."""

    name: str
    share: float | None
    note: str


def funnel(bars: Sequence[FunnelBar], *, title: str, summary: str) -> Figure:
    """Draw what remains after each rule; hatched, what the rule took out."""
    most = max((bar.left + bar.out for bar in bars), default=0) or 1
    room = WIDTH - _NAME - _NUMBER
    parts = []
    for place, bar in enumerate(bars):
        y = place * _ROW + (_ROW - _BAR) / 2
        left, out = room * bar.left / most, room * bar.out / most
        parts.append(_name(bar.name, y))
        parts.append(_rect("ch-left", _NAME, y, left))
        if bar.out:
            parts.append(_rect("ch-out", _NAME + left, y, max(out, 1)))
        parts.append(_number(bar.note, WIDTH - 4, y))
    return Figure(_svg("funnel", len(bars) * _ROW, parts, title, summary))


def pyramid(bars: Sequence[PyramidBar], *, sides: tuple[str, str], title: str, summary: str) -> Figure:
    """Draw ages from the top down, one side left of the middle and the other right of it."""
    drawn = bars[:MOST_ROWS]
    most = max((max(bar.left, bar.right) for bar in drawn), default=0) or 1
    middle, label = WIDTH / 2, 108
    room = middle - label / 2 - 44
    parts = [
        _text("ch-side", middle - label / 2, 15, sides[0], "end"),
        _text("ch-side", middle + label / 2, 15, sides[1], "start"),
    ]
    for place, bar in enumerate(drawn):
        y = 24 + place * _ROW + (_ROW - _BAR) / 2
        left, right = room * bar.left / most, room * bar.right / most
        begin, end = middle - label / 2 - left, middle + label / 2
        parts.append(_rect("ch-one", begin, y, left))
        parts.append(_rect("ch-two", end, y, right))
        parts.append(_text("ch-name", middle, y + 12, bar.name, "middle"))
        if bar.left:
            parts.append(_text("ch-count", begin - 5, y + 12, f"{bar.left:,}", "end"))
        if bar.right:
            parts.append(_text("ch-count", end + right + 5, y + 12, f"{bar.right:,}", "start"))
    svg = _svg("pyramid", 24 + len(drawn) * _ROW, parts, title, summary)
    return Figure(svg, len(bars) - len(drawn))


def shares(bars: Sequence[ShareBar], *, figure_id: str, title: str, summary: str) -> Figure:
    """Draw a bar for each whole with its part filled."""
    drawn = bars[:MOST_ROWS]
    most = max((bar.whole for bar in drawn), default=0) or 1
    room = WIDTH - _NAME - _NUMBER
    parts = []
    for place, bar in enumerate(drawn):
        y = place * _ROW + (_ROW - _BAR) / 2
        parts.append(_name(bar.name, y))
        parts.append(_rect("ch-whole", _NAME, y, room * bar.whole / most))
        if bar.part:
            parts.append(_rect("ch-left", _NAME, y, room * bar.part / most))
        parts.append(_number(bar.note, WIDTH - 4, y))
    return Figure(_svg(figure_id, len(drawn) * _ROW, parts, title, summary), len(bars) - len(drawn))


def months(bars: Sequence[MonthBar], *, title: str, summary: str) -> Figure:
    """Draw the share reached by the end of each month, from 0 to 100 percent."""
    top, height, left = 22, 170, 46
    step = (WIDTH - left - 8) / max(len(bars), 1)
    parts = []
    for percent in (0, 25, 50, 75, 100):
        y = top + height * (1 - percent / 100)
        parts.append(f'<path class="ch-grid" d="M{left} {y:g}H{WIDTH}"/>')
        parts.append(_text("ch-axis", left - 6, y + 4, f"{percent}%", "end"))
    for place, bar in enumerate(bars):
        x = left + place * step
        parts.append(_text("ch-axis", x + step / 2, top + height + 17, bar.name, "middle"))
        if bar.share is None:
            continue
        tall = height * bar.share
        parts.append(
            f'<rect class="ch-left" x="{x + step * 0.18:.1f}" y="{top + height - tall:.1f}" '
            f'width="{step * 0.64:.1f}" height="{tall:.1f}"/>'
        )
        parts.append(_text("ch-count", x + step / 2, top + height - tall - 5, bar.note, "middle"))
    return Figure(_svg("coverage", top + height + 26, parts, title, summary))


def _svg(figure_id: str, height: float, parts: Iterable[str], title: str, summary: str) -> str:
    name = escape(figure_id)
    return (
        f'<svg class="chart" id="chart-{name}" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" aria-labelledby="chart-{name}-title chart-{name}-desc" '
        f'xmlns="http://www.w3.org/2000/svg"><title id="chart-{name}-title">{escape(title)}</title>'
        f'<desc id="chart-{name}-desc">{escape(summary)}</desc>{"".join(parts)}</svg>'
    )


def _rect(css: str, x: float, y: float, width: float) -> str:
    return f'<rect class="{css}" x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{_BAR}"/>'


def _name(name: str, y: float) -> str:
    shown = name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"
    return (
        f'<text class="ch-name" x="{_NAME - 10}" y="{y + 12:g}" text-anchor="end">{escape(shown)}'
        f"<title>{escape(name)}</title></text>"
    )


def _number(text: str, x: float, y: float) -> str:
    return _text("ch-count", x, y + 12, text, "end")


def _text(css: str, x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
