"""`offhook status`: how the queue is, what runs, who works and what went wrong."""

from __future__ import annotations

import time
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from offhook.commands import machines
from offhook.commands.drawing import cell, live, show
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, require_terminal
from offhook.commands.wording import ago, counted, length, short
from offhook.desk.desk import Desk
from offhook.desk.live_calls import in_words
from offhook.desk.machines import are_a_team
from offhook.desk.not_taken import REASONS
from offhook.desk.overview import overview
from offhook.desk.team_server import trouble
from shared.store.transitions import QUEUED
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
        _watch(desk)
    else:
        show(render(overview(desk)))


def _watch(desk: Desk) -> None:
    require_terminal("status --watch", "status")
    with live(render(overview(desk)), screen=True) as display:
        try:
            while True:
                time.sleep(REFRESH_SECONDS)
                display.update(render(overview(desk)), refresh=True)
        except KeyboardInterrupt:
            pass


def render(found: dict[str, Any]) -> RenderableType:
    """Lay the overview out for a person."""
    parts = (_counts, _server, _recordings, _live, _running, _machines, _workers, _troubles)
    return Group(*(part for draw in parts if (part := draw(found))))


def _counts(found: dict[str, Any]) -> RenderableType:
    colours = ("yellow", "cyan", "green", "red", "dim")
    line = Text()
    for (state, count), colour in zip(found["counts"].items(), colours, strict=True):
        line.append(f"{count:,} ", style=f"bold {colour}" if count else "dim").append(
            f"{state}   ", style="dim"
        )
    if found["paused"]:
        line.append("PAUSED (offhook resume ends it)", style="bold yellow")
    lines = [line, cell(f"inbox {short(found['inbox']['path'])}", "dim")]
    if oldest := found["oldest_waiting"]:
        waited = length(oldest["waiting_seconds"])
        lines.append(cell(f"oldest waiting: {oldest['id']} {oldest['title']}, for {waited}"))
    return Group(*lines)


def _server(found: dict[str, Any]) -> RenderableType | None:
    """Say where recordings are transcribed, if that is not here, and what is on its way."""
    server = found["server"]
    if server is None:
        return None
    counts = server["counts"]
    waiting = counts["waiting"] + counts["sending"]
    line = f"transcribed by {server['name']}: {waiting:,} to be sent, {counts['sent']:,} at the server"
    said = trouble(server)
    return Group(cell(line, "dim"), *([cell(said, "yellow")] if said else []))


def _recordings(found: dict[str, Any]) -> RenderableType | None:
    styles = {"recording": "bold red", "interrupted": "yellow", "stopped": "yellow", "late": "yellow"}
    lines = [
        cell(f"● {r['state']} {length(r['duration_seconds'])}  {r['title']}", styles[r["state"]])
        for r in found["recordings"]
    ]
    return Group(*lines) if lines else None


def _live(found: dict[str, Any]) -> RenderableType | None:
    """Name the calls that are transcribed live, and what waits for them."""
    lines = [cell(_live_line(call), "cyan") for call in found["live"]]
    waiting = found["counts"][QUEUED]
    if waiting and any(call["queue_waits"] for call in found["live"]):
        which = f"{counted(waiting, 'queued recording')} {'waits' if waiting == 1 else 'wait'} for it"
        lines.append(cell(f"  {which} (setting live_queue)", "dim"))
    return Group(*lines) if lines else None


def _live_line(call: dict[str, Any]) -> str:
    remark = in_words(call)
    heard = f"{length(call['heard_seconds'])} heard"
    return f"  transcribed live: {call['title']}, {heard}{f', {remark}' if remark else ''}"


def _running(found: dict[str, Any]) -> RenderableType | None:
    if not found["running"]:
        return None
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=LONGEST_TITLE)
    living = {worker["id"] for worker in found["workers"] if worker["alive"]}
    for record in found["running"]:
        left, speed = _pace(record) if record["worker_id"] in living else ("", "interrupted")
        table.add_row(
            cell(str(record["id"]), "cyan"),
            cell(record["title"]),
            ProgressBar(total=1.0, completed=record["progress"], width=24),
            f"{record['progress']:.0%}",
            left,
            cell(speed, "dim"),
        )
    return Group(Text("\nRunning", style="bold"), table)


def _pace(record: dict[str, Any]) -> tuple[str, str]:
    """Say how long a recording still takes, and how fast it is decoded."""
    left = f"{length(record['seconds_left'])} left" if record["seconds_left"] is not None else ""
    return left, f"{record['speed']:.1f}x" if record["speed"] else "starting"


def _machines(found: dict[str, Any]) -> RenderableType | None:
    if not are_a_team(found["machines"]):
        return None
    return Group(Text("\nMachines", style="bold"), machines.table(found["machines"]))


def _workers(found: dict[str, Any]) -> RenderableType:
    living = [worker for worker in found["workers"] if worker["alive"]]
    lines = [Text("\nProcesses", style="bold")]
    for worker in found["workers"]:
        state = worker["state"] if worker["alive"] else "gone"
        seen = ago(worker["last_seen_at"])
        style = "green" if worker["alive"] else "red"
        lines.append(
            cell(f"  {worker['kind']:<10} {state:<9} pid {worker['pid']:<8} last seen {seen}", style)
        )
        lines += (_engine(Setup(**engine)) for engine in worker["engines"] if worker["alive"])
    missed = MISSED
    if found["server"]:  # it transcribes
        missed = {kind: what for kind, what in MISSED.items() if kind != "worker"} | {
            "outbox": "sent to the server"
        }
    for kind, what in missed.items():
        if not any(worker["kind"] == kind for worker in living):
            lines.append(
                cell(f"  No {kind} runs, so nothing is {what}. Start one: python start.py", "yellow")
            )
    return Group(*lines)


def _engine(setup: Setup) -> Text:
    return cell(f"    {setup.in_words()}", "yellow" if setup.reason else "dim")


def _troubles(found: dict[str, Any]) -> RenderableType | None:
    lines = [
        *(f"  {m['records']} waiting: {m['message']}" for m in found["missing_models"]),
        *(f"  Hook {hook['id']} is stopped: {hook['why']}" for hook in found["stopped_hooks"]),
        *(f"  {e['id']} {e['title']} ({e['status']}): {e['error']}" for e in found["errors"]),
        *(f"  {short(c['path'])} is a copy of recording {c['record_id']}" for c in found["inbox"]["copies"]),
        *(f"  {short(path)} cannot be read" for path in found["inbox"]["unreadable"]),
        *_not_taken(found["inbox"]),
    ]
    if not lines:
        return None
    return Group(Text("\nTo look at", style="bold"), *(cell(line, "red") for line in lines))


def _not_taken(inbox: dict[str, Any]) -> list[str]:
    lines = [f"  {each['name']} in the inbox {REASONS[each['reason']]}" for each in inbox["not_taken"]]
    more = inbox["not_taken_count"] - len(inbox["not_taken"])
    return [*lines, f"  and {more:,} more in the inbox that were not taken"] if more else lines
