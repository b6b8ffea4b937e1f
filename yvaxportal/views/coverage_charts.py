"""Coverage as lines and bars, files of doses as stacked bars: inline SVG made by the server.

Styled by ``charts.css`` and ``reports.css``.

Nothing but shapes, classes and escaped text: the content security policy forbids style attributes. Each
picture stands beside a table of the same figures and never replaces it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

WIDTH = 1100
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 48, 130, 14, 34, 300
_MOST_LINES = 5
_BAR, _BAR_NAME, _BAR_VALUE = 22, 300, 70
_MOST_BARS = 40
_NAME_LENGTH = 24
_LABEL_DISTANCE = 14


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture: ``svg`` is safe markup."""

    svg: str

    def __html__(self) -> str:
        """Return the markup, for templates."""
        return self.svg


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name and a value for each place of the axis, None where there is none."""

    name: str
    values: Sequence[Decimal | None]


def line_chart(lines: Sequence[Line], ticks: Sequence[str], *, title: str, figure_id: str) -> Chart:
    """Draw up to five lines of per cent values over ``ticks``; the axis goes to 100 or beyond."""
    drawn = lines[:_MOST_LINES]
    most = max([Decimal(100), *(value for line in drawn for value in line.values if value is not None)])
    plot_width, plot_height = WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step = Decimal(plot_width) / max(len(ticks) - 1, 1)

    def x(place: int) -> str:
        return f"{_LEFT + step * place:.1f}"

    def y(value: Decimal) -> str:
        return f"{_TOP + plot_height - plot_height * value / most:.1f}"

    parts = [_opening(figure_id, title, _HEIGHT)]
    for level in range(0, int(most) + 1, 20):
        at = y(Decimal(level))
        parts.append(f'<path class="ch-grid" d="M{_LEFT} {at}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="ch-axis" x="{_LEFT - 6}" y="{at}" text-anchor="end">{level}%</text>')
    every = max(1, len(ticks) // 8)
    for number, tick in enumerate(ticks):
        if number % every == 0 or number == len(ticks) - 1:
            parts.append(
                f'<text class="ch-axis" x="{x(number)}" y="{_HEIGHT - 12}" text-anchor="middle">'
                f"{escape(tick)}</text>"
            )
    ends: list[float] = []
    for number, line in enumerate(drawn, start=1):
        points = [(x(at), y(value)) for at, value in enumerate(line.values) if value is not None]
        if not points:
            continue
        path = "L".join(f"{one} {other}" for one, other in points)
        parts.append(
            f'<path class="ch-line ch-{number}" d="M{path}"><title>{escape(line.name)}</title></path>'
        )
        place = _free(float(points[-1][1]), ends)
        parts.append(
            f'<text class="ch-name ch-{number}" x="{WIDTH - _RIGHT + 8}" y="{place:.1f}" '
            f'dominant-baseline="central">{escape(line.name)}</text>'
        )
    parts.append("</svg>")
    return Chart("".join(parts))


def _free(wanted: float, taken: list[float]) -> float:
    """Return the nearest place below ``wanted`` at which no other name stands, and take it."""
    place = wanted
    while any(abs(place - other) < _LABEL_DISTANCE for other in taken):
        place += 1
    taken.append(place)
    return place


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, the value that sets its length, and the value in words."""

    name: str
    value: Decimal
    text: str


def bar_chart(bars: Sequence[Bar], *, title: str, figure_id: str) -> Chart:
    """Draw up to forty bars one below the other; the longest fills the width."""
    drawn = bars[:_MOST_BARS]
    most = max([Decimal(100), *(bar.value for bar in drawn)])
    room = WIDTH - _BAR_NAME - _BAR_VALUE
    height = len(drawn) * _BAR + 8
    parts = [_opening(figure_id, title, height)]
    for number, bar in enumerate(drawn):
        top = number * _BAR + 4
        middle = top + _BAR / 2
        name = bar.name if len(bar.name) <= _NAME_LENGTH else f"{bar.name[: _NAME_LENGTH - 1]}…"
        length = room * bar.value / most
        parts.append(
            f'<text x="{_BAR_NAME - 8}" y="{middle:g}" text-anchor="end" dominant-baseline="central">'
            f"{escape(name)}<title>{escape(bar.name)}</title></text>"
            f'<rect class="ch-bar" x="{_BAR_NAME}" y="{top + 4}" width="{length:.1f}" height="{_BAR - 8}"/>'
            f'<text class="ch-axis" x="{_BAR_NAME + length + 6:.1f}" y="{middle:g}" '
            f'dominant-baseline="central">{escape(bar.text)}</text>'
        )
    parts.append("</svg>")
    return Chart("".join(parts))


@dataclass(frozen=True, slots=True)
class Stack:
    """One bar of several parts: its name and the parts in the order of the key."""

    name: str
    parts: Sequence[int]


def stacked_chart(stacks: Sequence[Stack], names: Sequence[str], *, title: str, figure_id: str) -> Chart:
    """Draw bars of up to five parts, each as wide as the picture: shares, not sizes."""
    height = (len(stacks) + 1) * _BAR + 8
    room = WIDTH - _BAR_NAME - _BAR_VALUE
    drawn = [_opening(figure_id, title, height)]
    for place, name in enumerate(names):
        left = _BAR_NAME + room * place // len(names)
        drawn.append(
            f'<rect class="ch-part ch-{place + 1}" x="{left}" y="8" width="12" height="12"/>'
            f'<text x="{left + 18}" y="14" dominant-baseline="central">{escape(name)}</text>'
        )
    for number, stack in enumerate(stacks, start=1):
        top, whole = number * _BAR + 4, sum(stack.parts)
        middle = top + _BAR / 2
        drawn.append(
            f'<text x="{_BAR_NAME - 8}" y="{middle:g}" text-anchor="end" dominant-baseline="central">'
            f"{escape(stack.name)}</text>"
        )
        left_at = float(_BAR_NAME)
        for place, count in enumerate(stack.parts):
            length = room * count / whole if whole else 0.0
            if count:
                drawn.append(
                    f'<rect class="ch-part ch-{place + 1}" x="{left_at:.1f}" y="{top + 3}" '
                    f'width="{length:.1f}" height="{_BAR - 6}">'
                    f"<title>{escape(names[place])}: {count:,}</title></rect>"
                )
            left_at += length
        drawn.append(
            f'<text class="ch-axis" x="{WIDTH - _BAR_VALUE + 8}" y="{middle:g}" dominant-baseline="central">'
            f"{whole:,}</text>"
        )
    drawn.append("</svg>")
    return Chart("".join(drawn))


def _opening(figure_id: str, title: str, height: int) -> str:
    name = escape(figure_id)
    return (
        f'<svg class="chart is-wide" id="{name}" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="{name}-title" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{escape(title)}</title>'
    )
