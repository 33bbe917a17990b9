"""The desk that commands work at, and the options that several of them have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, TypeVar

import click

from offhook.desk.desk import Desk
from shared.setting_values import coerce
from shared.settings import RecordOptions

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


def filled(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse an option's text that is empty. Raises BadParameter."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty. Leave the option out instead.", ctx, param)
    return value


def record_options(command: _Command) -> _Command:
    """Give a command the options that a person may choose for one recording."""
    for declared in reversed(fields(RecordOptions)):
        command = _click_option(declared)(command)
    return command


def chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, checked like settings. Raises SettingsError."""
    return {name: coerce(name, value, "command line") for name, value in options.items() if value is not None}


def _click_option(declared: Field[Any]) -> Callable[[_Command], _Command]:
    """Return click's option for a record option: None unless it is given, and checked by `chosen`."""
    kind = None if isinstance(declared.default, bool) else type(declared.default)
    metadata = declared.metadata
    return click.option(metadata["flag"], declared.name, type=kind, default=None, help=metadata["help"])
