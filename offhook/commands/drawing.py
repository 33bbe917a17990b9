"""Draws tables, bars and layouts with rich; whatever is drawn is made safe for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    RenderableType,
    RenderResult,
    RichCast,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from offhook.commands.printing import survived
from shared.plain_text import lines, one_line

if TYPE_CHECKING:  # each is loaded by what draws it
    from rich.live import Live
    from rich.progress import Progress, ProgressColumn
    from rich.status import Status

#: Width of tables in a pipe, where nothing wraps, in characters.
PIPE_WIDTH = 500


class SafeConsole(Console):
    """A console that makes the text of whatever it renders safe; its own styles and controls stay."""

    def render(
        self,
        renderable: ConsoleRenderable | RichCast | str,
        options: ConsoleOptions | None = None,
    ) -> Iterator[Segment]:
        """Render, with each text made safe."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(lines(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Leave a lost stream to `survived`."""
        raise


def console(*, err: bool = False) -> Console:
    """Return a console that is as wide as the terminal, or wide enough where nothing wraps."""
    stream = sys.stderr if err else sys.stdout
    return SafeConsole(emoji=False, stderr=err, width=None if stream.isatty() else PIPE_WIDTH)


def show(renderable: RenderableType) -> None:
    """Print a table or a layout on stdout."""
    with survived(err=False):
        console().print(renderable)


def table(*headings: str) -> Table:
    """Make a table with these headings."""
    return Table(*headings, box=None, header_style="bold")


def cell(text: str, style: str = "") -> Text:
    """Make a cell or a line of a text that others have written."""
    return Text(one_line(text), style=style, overflow="fold")


def wrapped(text: Text, width: int) -> list[Text]:
    """Return the lines of a text where they may have so many columns."""
    return list(text.wrap(console(), width))


class Fitted:
    """Parts, and below them the lines that fit on the terminal.

    `lines` takes a width in columns and a number of lines, which may be below 1.
    """

    def __init__(self, above: Iterable[RenderableType], lines: Callable[[int, int], Iterable[Text]]) -> None:
        self._above, self._lines = list(above), lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.size.height - 1
        for part in self._above:
            room -= len(console.render_lines(part, options, pad=False))
            yield part
        yield from self._lines(options.max_width, room)


def live(first: RenderableType, *, screen: bool = False) -> Live:
    """Return a display on the terminal that is drawn again; a context manager."""
    from rich.live import Live

    return Live(first, console=console(), screen=screen, auto_refresh=False)


def progress(*columns: ProgressColumn) -> Progress:
    """Return bars on stderr, for a terminal alone; a context manager."""
    from rich.progress import Progress

    return Progress(*columns, console=console(err=True), transient=True, disable=not sys.stderr.isatty())


def spinner(text: str) -> Status:
    """Return a moving line on stderr, for a terminal alone; a context manager."""
    return console(err=True).status(Text(one_line(text)))
