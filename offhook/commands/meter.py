"""Level bars of a recording in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table

from offhook.commands.drawing import cell
from offhook.commands.wording import length

QUIETEST_DBFS = -60.0
CLOSE_TO_CLIPPING_DBFS = -3.0
BAR_WIDTH = 40


def picture(state: Mapping[str, Any], levels: Mapping[str, Any], warnings: Iterable[str]) -> RenderableType:
    """Draw the levels of both sides, below the length and the title, above the warnings."""
    heading = cell(f"● {length(levels['seconds'])}  {state['title']}", "bold red")
    table = Table(box=None, show_header=False, padding=(0, 1))
    for side, key in (("microphone", "mic"), ("loopback", "loopback")):
        loud, peak = dbfs(levels[key]), dbfs(levels[f"{key}_peak"])
        style = "red" if peak > CLOSE_TO_CLIPPING_DBFS else "green"
        bar = ProgressBar(
            total=-QUIETEST_DBFS,
            completed=max(0.0, loud - QUIETEST_DBFS),
            width=BAR_WIDTH,
            complete_style=style,
            finished_style=style,
        )
        device = cell(state[side] or "none", "dim")
        table.add_row(side, bar, f"{loud:6.1f} dBFS", device)
    return Group(heading, table, *(cell(warning, "yellow") for warning in warnings))


def dbfs(level: float) -> float:
    """Write a level from 0 to 1 as decibels below full scale, as far down as the bars go."""
    return max(QUIETEST_DBFS, 20 * math.log10(level)) if level > 0 else QUIETEST_DBFS
