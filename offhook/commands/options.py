"""What the commands share: the desk they work at, and options that several of them have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from offhook.desk.desk import Desk

_Command = TypeVar("_Command", bound=Callable[..., Any])
pass_desk = click.make_pass_decorator(Desk)


def limit_option(command: _Command) -> _Command:
    """Give a listing command its `--limit`."""
    kind = click.IntRange(1, 1_000_000)
    option = click.option("--limit", type=kind, default=20, show_default=True, help="How many at most.")
    return option(command)


def json_option(command: _Command) -> _Command:
    """Give a reading command its `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs to read.")(command)
