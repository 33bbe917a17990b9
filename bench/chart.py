"""Draws a bar chart as SVG, for figures in groups."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP, HEAD = 860, 250, 16, 26, 30
COLOURS = {"offhook": "#2563eb", "": "#94a3b8"}


def bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Draw a bar for each figure, with its label before and its value after it."""
    most = max((value for group in groups.values() for value in group.values()), default=1.0)
    parts, top = [], 10
    for title, group in groups.items():
        parts.append(f'<text x="8" y="{top + 16}" font-weight="bold">{escape(title)} ({escape(unit)})</text>')
        top += HEAD
        for label, value in group.items():
            parts += _bar(label, value, top, (WIDTH - LABEL - 80) * value / most)
            top += BAR + 6
        top += GAP - 6
    style = 'font-family="system-ui, sans-serif" font-size="13"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" {style}>\n' + "\n".join(
        [f'<rect width="{WIDTH}" height="{top}" fill="white"/>', *parts, "</svg>\n"]
    )


def _bar(label: str, value: float, top: float, length: float) -> list[str]:
    colour = next(colour for start, colour in COLOURS.items() if label.startswith(start))
    return [
        f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(label)}</text>',
        f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
        f'<text x="{LABEL + length + 6:.1f}" y="{top + 13}">{value:.1f}</text>',
    ]
