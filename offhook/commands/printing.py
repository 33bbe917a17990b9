"""Prints: all text is made safe for a terminal here, and a lost stream stops no work.

With `drawing`, which lays out tables and bars, this is the only module that writes to a stream. The linter
refuses `click.echo`, `rich.console` and their like everywhere else.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from shared import streams
from shared.errors import OffhookError, SettingsError
from shared.plain_text import escaped_json, lines, one_line

#: Errors of a pipe whose reader has ended; Windows reports EINVAL.
READER_GONE = {errno.EPIPE, errno.ESHUTDOWN} | ({errno.EINVAL} if os.name == "nt" else set())
_LOST, _GONE = "offhook.output_lost", "offhook.reader_gone"


class OutputLost(OffhookError):
    """The output cannot be written. What the command was asked to do is done."""

    code = "output_lost"


def say(*given: str) -> None:
    """Print lines on stdout; a line break inside of one becomes a space."""
    with survived(err=False):
        click.echo("\n".join(map(one_line, given)))


def warn(*given: str) -> None:
    """Print lines on stderr; a line break inside of one becomes a space."""
    with survived(err=True):
        click.echo("\n".join(map(one_line, given)), err=True)


def warn_text(text: str) -> None:
    """Print a message of several lines on stderr."""
    with survived(err=True):
        click.echo(lines(text), err=True)


def say_marked(mark: str, colour: str, text: str) -> None:
    """Print a line after a coloured mark."""
    with survived(err=False):
        click.echo(f"{click.style(mark, fg=colour)} {one_line(text)}")


def say_coloured(*given: Sequence[tuple[str, str | None]]) -> None:
    """Print lines of parts, each a text and its colour or None; a terminal alone gets colours."""
    if not given:
        return
    painted = ("".join(click.style(one_line(text), fg=colour) for text, colour in line) for line in given)
    with survived(err=False):
        click.echo("\n".join(painted), color=False if os.environ.get("NO_COLOR") else None)


def print_bytes(content: bytes, instead: str) -> None:
    """Print the bytes of a file into a pipe or a file. Raises SettingsError on a terminal."""
    if sys.stdout.isatty():
        raise SettingsError(f"This format is not text, so a terminal cannot show it. Use {instead}.")
    with survived(err=False):
        click.echo(content, nl=False)


def print_text(text: str, *, is_json: bool = False) -> None:
    """Print a document such as a transcript: its line feeds stay, and JSON keeps every character."""
    with survived(err=False):
        click.echo(escaped_json(text) if is_json else lines(text), nl=False)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", is_json=True)


def print_json_line(value: Any) -> None:
    """Print one of several values for programs, on a line of its own."""
    print_text(json.dumps(value, ensure_ascii=False) + "\n", is_json=True)


# Questions


def require_terminal(command: str, instead: str) -> None:
    """Make sure that stdout is a terminal. Raises SettingsError."""
    if not sys.stdout.isatty():
        raise SettingsError(f"{command} needs a terminal. Use `offhook {instead} --json` in programs.")


def confirm(command: str, *question: str, asks: str = "it deletes") -> None:
    """Ask a person before something is done. Raises SettingsError where nobody can answer, and Abort."""
    if not sys.stdin.isatty():
        verb = asks.split()[-1].removesuffix("s")
        raise SettingsError(f"{command} asks before {asks}. Give --yes to {verb} without being asked.")
    click.confirm("\n".join(map(one_line, question)), abort=True, err=True)


# Streams


def make_printable() -> None:
    """Let any text be printed: UTF-8 into pipes and files, and what a console's encoding has on a console."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace", **({} if stream.isatty() else {"encoding": "utf-8"}))


def require_output() -> None:
    """Make sure that all output of this command was written. Raises OutputLost."""
    if lost := click.get_current_context().meta.get(_LOST):
        raise OutputLost(f"The output cannot be written: {lost}. What the command was asked to do is done.")


def reader_is_gone() -> bool:
    """Whether nobody reads the output of this command any more."""
    return bool(click.get_current_context().meta.get(_GONE))


@contextmanager
def survived(*, err: bool) -> Iterator[None]:
    """Go on without a stream that cannot be written; a pipe whose reader has seen enough is no error."""
    try:
        yield
    except OSError as error:
        streams.silence(sys.stderr if err else sys.stdout)
        context = click.get_current_context(silent=True)
        if context and not err:
            is_gone = error.errno in READER_GONE
            context.meta[_GONE if is_gone else _LOST] = error.strerror or str(error)
