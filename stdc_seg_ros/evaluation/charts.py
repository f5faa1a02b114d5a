"""Small charts as SVG text: no library and no script, so a page with them opens anywhere.

Drawn for a width of 480, readable on a phone and two beside each other on a desk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from stdc_core.evaluation.calibration import ReliabilityBin
from stdc_core.evaluation.latency_histogram import GROWTH, SMALLEST_MS, LatencyHistogram

WIDTH, HEIGHT = 480, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 18, 24, 34
COLORS = ('#2563a8', '#c2571a', '#6b7a89')  # told apart without colour vision, too
BARS = 30


class _Axes:
    """Maps values to places and draws the frame.

    :param x: first and last value; as ``y``.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float], x_name: str) -> None:
        self._x, self._y = x, y
        self.parts = [
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 3}" '
            f'text-anchor="middle">{escape(x_name)}</text>'
        ]
        for value in _ticks(*y):
            place = self.y(value)
            self.parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place:.1f}" y2="{place:.1f}" '
                f'class="grid"/><text x="{LEFT - 5}" y="{place + 4:.1f}" '
                f'text-anchor="end">{value:g}</text>'
            )
        for value in _ticks(*x):
            self.parts.append(
                f'<text x="{self.x(value):.1f}" y="{HEIGHT - BOTTOM + 15}" '
                f'text-anchor="middle">{value:g}</text>'
            )

    def x(self, value: float) -> float:
        first, last = self._x
        return LEFT + (value - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        first, last = self._y
        return HEIGHT - BOTTOM - (value - first) / ((last - first) or 1) * (HEIGHT - TOP - BOTTOM)

    def svg(self, title: str) -> Markup:
        return Markup(
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
            f'{"".join(self.parts)}</svg>'
        )


def timeline(
    title: str,
    seconds: Sequence[float],
    lines: Sequence[tuple[str, Sequence[float | None]]],
    marks: Sequence[float] = (),
) -> Markup:
    """Draw values over the time of the bag; a line breaks where a value is None.

    :param seconds: of each value.
    :param lines: name and values of each.
    :param marks: seconds of frames without a value, drawn at the bottom.
    """
    values = [value for _, line in lines for value in line if value is not None]
    axes = _Axes(
        (0, max([*seconds, 1e-3])), (0, _ceiling(max(values, default=1))), 'seconds of the drive'
    )
    for mark in marks:
        axes.parts.append(
            f'<rect x="{axes.x(mark) - 0.75:.1f}" y="{axes.y(0) - 6:.1f}" width="1.5" height="6" '
            'fill="#b3261e"/>'
        )
    for color, (name, line) in zip(COLORS, lines, strict=False):
        path, pen = [], 'M'
        width = 1.6 if sum(value is None for value in line) * 2 < len(line) else 4
        for second, value in zip(seconds, line, strict=True):
            if value is None:
                pen = 'M'
                continue
            path.append(f'{pen}{axes.x(second):.1f} {axes.y(value):.1f}')
            if pen == 'M':
                path.append('h.01')  # a value between gaps shows as a dot, by its round ends
            pen = 'L'
        axes.parts.append(
            f'<path d="{" ".join(path)}" fill="none" stroke="{color}" stroke-width="{width}" '
            f'stroke-linecap="round"><title>{escape(name)}</title></path>'
        )
    if len(lines) > 1:
        for place, (color, (name, _)) in enumerate(zip(COLORS, lines, strict=False)):
            axes.parts.append(
                f'<text x="{LEFT + 190 * place}" y="12" style="fill:{color}">{escape(name)}</text>'
            )
    return axes.svg(title)


def latency_bars(title: str, histogram: LatencyHistogram) -> Markup:
    """Draw how many frames took how long."""
    values = {
        SMALLEST_MS * GROWTH ** (place + 0.5): count for place, count in histogram.counts.items()
    }
    end = _ceiling(histogram.max_ms)
    bars = [0] * BARS
    for value, count in values.items():
        bars[min(BARS - 1, int(value / end * BARS))] += count
    axes = _Axes((0, end), (0, _ceiling(max(bars))), 'milliseconds')
    for place, count in enumerate(bars):
        if count:
            left, top = axes.x(end * place / BARS), axes.y(count)
            axes.parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" '
                f'width="{(WIDTH - LEFT - RIGHT) / BARS - 1.5:.1f}" '
                f'height="{axes.y(0) - top:.1f}" fill="{COLORS[0]}"><title>{count} frames, '
                f'{end * place / BARS:.0f} to {end * (place + 1) / BARS:.0f} ms</title></rect>'
            )
    return axes.svg(title)


def reliability(title: str, curve: Sequence[ReliabilityBin]) -> Markup:
    """Draw accuracy over confidence; the diagonal is honest, below it is too sure."""
    axes = _Axes((0, 1), (0, 1), 'confidence')
    axes.parts.append(
        f'<line x1="{axes.x(0):.1f}" y1="{axes.y(0):.1f}" x2="{axes.x(1):.1f}" '
        f'y2="{axes.y(1):.1f}" stroke="{COLORS[2]}" stroke-dasharray="4 4"/>'
    )
    used = [found for found in curve if found.pixels]
    path = ' '.join(
        f'{"L" if place else "M"}{axes.x(found.confidence):.1f} {axes.y(found.accuracy):.1f}'
        for place, found in enumerate(used)
    )
    axes.parts.append(f'<path d="{path}" fill="none" stroke="{COLORS[0]}" stroke-width="1.6"/>')
    most = max((found.pixels for found in used), default=1)
    for found in used:
        radius = 2 + 5 * math.sqrt(found.pixels / most)
        axes.parts.append(
            f'<circle cx="{axes.x(found.confidence):.1f}" cy="{axes.y(found.accuracy):.1f}" '
            f'r="{radius:.1f}" fill="{COLORS[0]}"><title>{found.pixels:,} pixels: confidence '
            f'{found.confidence:.3f}, right {found.accuracy:.3f}</title></circle>'
        )
    return axes.svg(title)


def _ceiling(value: float) -> float:
    """Return the next round number: 1, 1.5, 2, 3, 4, 5, 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return next(s * power for s in (1, 1.5, 2, 3, 4, 5, 8, 10) if s * power >= value * 0.9999)


def _ticks(first: float, last: float) -> list[float]:
    """At most six round numbers from first to last."""
    span = (last - first) or 1
    power = 10 ** math.floor(math.log10(span / 5))
    step = next(s * power for s in (1, 2, 2.5, 5, 10, 20) if span / (s * power) <= 5.001)
    return [round(first + step * n, 10) for n in range(int(span / step + 1e-6) + 1)]
