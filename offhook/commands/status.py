"""`offhook status`: how the queue is, what runs, who works and what went wrong."""

from __future__ import annotations

import time
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import ago, console, length, print_json, printable, short
from offhook.desk.desk import Desk
from offhook.desk.overview import overview
from shared.errors import SettingsError
from transcribe_worker.engine.setup import Setup

REFRESH_SECONDS = 0.5
LONGEST_TITLE = 26
#: What is not done without a process of a kind.
MISSED = {"worker": "transcribed", "capture": "recorded"}


@click.command()
@click.option("--watch", is_flag=True, help="Stay and show changes as they happen.")
@json_option
@pass_desk
def status(desk: Desk, watch: bool, as_json: bool) -> None:
    """Show the queue: counts, what runs and for how long, workers, the last errors."""
    if watch and as_json:
        raise click.UsageError("--watch and --json do not go together.")
    if as_json:
        print_json(overview(desk))
    elif watch:
        _watch(desk, console())
    else:
        console().print(render(overview(desk)))


def _watch(desk: Desk, terminal: Console) -> None:
    from rich.live import Live

    if not terminal.is_terminal:
        raise SettingsError("status --watch needs a terminal. Use `offhook status --json` in programs.")
    with Live(render(overview(desk)), console=terminal, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(REFRESH_SECONDS)
                live.update(render(overview(desk)), refresh=True)
        except KeyboardInterrupt:
            pass


def render(found: dict[str, Any]) -> RenderableType:
    """Lay the overview out for a person."""
    parts = (_counts(found), _recordings(found), _running(found), _workers(found), _troubles(found))
    return Group(*(part for part in parts if part))


def _counts(found: dict[str, Any]) -> RenderableType:
    colours = ("yellow", "cyan", "green", "red", "dim")
    line = Text()
    for (state, count), colour in zip(found["counts"].items(), colours, strict=True):
        line.append(f"{count:,} ", style=f"bold {colour}" if count else "dim").append(
            f"{state}   ", style="dim"
        )
    if found["paused"]:
        line.append("PAUSED (offhook resume goes on)", style="bold yellow")
    lines = [line, Text(f"inbox {short(found['inbox']['path'])}", style="dim", overflow="fold")]
    if oldest := found["oldest_waiting"]:
        waited = length(oldest["waiting_seconds"])
        lines.append(Text(printable(f"oldest waiting: {oldest['id']} {oldest['title']}, for {waited}")))
    return Group(*lines)


def _recordings(found: dict[str, Any]) -> RenderableType | None:
    styles = {"recording": "bold red", "interrupted": "yellow", "stopped": "yellow", "late": "yellow"}
    lines = [
        Text(
            f"● {r['state']} {length(r['duration_seconds'])}  {printable(r['title'])}",
            style=styles[r["state"]],
        )
        for r in found["recordings"]
    ]
    return Group(*lines) if lines else None


def _running(found: dict[str, Any]) -> RenderableType | None:
    if not found["running"]:
        return None
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=LONGEST_TITLE)
    for record in found["running"]:
        left = f"{length(record['seconds_left'])} left" if record["seconds_left"] is not None else ""
        speed = f"{record['speed']:.1f}x" if record["speed"] else "starting"
        table.add_row(
            f"[cyan]{record['id']}[/]",
            escape(printable(record["title"])),
            ProgressBar(total=1.0, completed=record["progress"], width=24),
            f"{record['progress']:.0%}",
            left,
            f"[dim]{speed}[/]",
        )
    return Group(Text("\nRunning", style="bold"), table)


def _workers(found: dict[str, Any]) -> RenderableType:
    living = [worker for worker in found["workers"] if worker["alive"]]
    lines = [Text("\nProcesses", style="bold")]
    for worker in found["workers"]:
        state = worker["state"] if worker["alive"] else "gone"
        seen = ago(worker["last_seen_at"])
        style = "green" if worker["alive"] else "red"
        lines.append(
            Text(f"  {worker['kind']:<10} {state:<9} pid {worker['pid']:<8} last seen {seen}", style=style)
        )
        lines += (_engine(Setup(**engine)) for engine in worker["engines"] if worker["alive"])
    for kind, what in MISSED.items():
        if not any(worker["kind"] == kind for worker in living):
            lines.append(
                Text(f"  No {kind} runs, so nothing is {what}. Start one: python start.py", style="yellow")
            )
    return Group(*lines)


def _engine(setup: Setup) -> Text:
    style = "yellow" if setup.reason else "dim"
    return Text(f"    {printable(setup.in_words())}", style=style, overflow="fold")


def _troubles(found: dict[str, Any]) -> RenderableType | None:
    lines = [
        *(f"  {m['records']} waiting: {m['message']}" for m in found["missing_models"]),
        *(f"  {e['id']} {e['title']} ({e['status']}): {e['error']}" for e in found["errors"]),
        *(f"  {short(c['path'])} is a copy of recording {c['record_id']}" for c in found["inbox"]["copies"]),
        *(f"  {short(path)} cannot be read" for path in found["inbox"]["unreadable"]),
    ]
    if not lines:
        return None
    return Group(
        Text("\nTo look at", style="bold"),
        *(Text(printable(line), style="red", overflow="fold") for line in lines),
    )
