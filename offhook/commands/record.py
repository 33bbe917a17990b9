"""`offhook record`: start, stop and watch the recording of a call; `offhook attach`: say whose it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from archive.names import known_of_call
from offhook.commands.options import filled, json_option, pass_desk
from offhook.commands.printing import (
    confirm,
    print_json,
    print_json_line,
    reader_is_gone,
    say,
    warn,
)
from offhook.commands.wording import capitalised, length
from offhook.desk import recording
from offhook.desk.capture_quality import REASONS
from offhook.desk.desk import Desk
from offhook.desk.live_calls import in_words
from offhook.desk.recorder import CaptureClient
from shared.capture_errors import CaptureNotRunning

#: What to say of a recording that has ended, by where it is.
WHEREABOUTS = {
    "queued": "queued",
    "late": "saved; it will be queued automatically",
    "waiting": "waits; `offhook attach {session_id}` or `offhook record discard` decides",
    "discarded": "deleted",
}


@click.group()
def record() -> None:
    """Record a call: what you hear and what you say."""


@record.command()
@click.option("--title", callback=filled, help="Title of the recording (default: the date and time).")
@click.option("--candidate", "candidate_id", callback=filled, help="Whom the call is with.")
@click.option("--project", "project_id", callback=filled, help="What the call is about.")
@click.option(
    "--output",
    "-o",
    "output_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the WAV is to be (default: the inbox).",
)
@click.option("--microphone", callback=filled, help="What you say (default: the setting).")
@click.option("--loopback", callback=filled, help="What you hear (default: the setting).")
@click.option("--layout", type=click.Choice(["mono", "split"]), help="Its channels (default: the setting).")
@click.option(
    "--live/--no-live", default=None, help="Transcribe it while it is recorded (default: the setting)."
)
@json_option
@pass_desk
def start(desk: Desk, /, output_path: Path | None, as_json: bool, **given: str | bool | None) -> None:
    """Start to record."""
    output = str(output_path.absolute()) if output_path else None
    state = recording.start(desk, output_path=output, **given)
    if as_json:
        print_json(state)
        return
    for warning in state["warnings"]:
        warn(warning["message"])
    say(f"Recording: {_devices(state)}. `offhook record stop` ends it.")


@record.command()
@json_option
@pass_desk
@click.pass_context
def stop(ctx: click.Context, desk: Desk, /, as_json: bool) -> None:
    """Stop, and queue the recording."""
    outcome = recording.stop(desk)
    if as_json:
        print_json(outcome)
        ctx.exit(1 if outcome["error"] else 0)
    say(f"{_named(outcome)}: {length(outcome['duration_seconds'])}, {_whereabouts(outcome)}")
    if outcome["queue_error"]:
        warn(outcome["queue_error"])
    if outcome["error"]:
        warn(outcome["error"])
        ctx.exit(1)


@record.command()
@json_option
@pass_desk
def state(desk: Desk, as_json: bool) -> None:
    """Say whether a recording runs, and how it goes."""
    found = recording.state(desk)
    if as_json:
        print_json(found)
        return
    say(_sentence(found))
    if found["live"] and (remark := in_words(found["live"])):
        say(capitalised(remark))
    for warning in found["warnings"]:
        warn(warning["message"])


@record.command()
@json_option
@pass_desk
@click.pass_context
def watch(ctx: click.Context, desk: Desk, as_json: bool) -> None:
    """Watch the levels and the words until the recording ends; Ctrl-C leaves it running."""
    with recording.connect(desk) as capture:
        found = capture.request("get_recording_state")
        if found["state"] != "recording":
            print_json_line({"type": "state", **found}) if as_json else say(_sentence(found))
            return
        outcome = _watched(desk, capture, found, as_json=as_json)
    if outcome and not as_json:
        _say_end(outcome)
    ctx.exit(1 if outcome and outcome["error"] else 0)


@record.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_desk
def discard(desk: Desk, yes: bool) -> None:
    """Delete the recording that runs, or that was stopped and waits."""
    found = recording.state(desk)
    if found["state"] != "idle" and not yes:
        _ask(found)
    recording.discard(desk, found["session_id"])
    say("The recording is deleted.")


@click.command()
@click.argument("target", metavar="ID")
@click.option("--candidate", "candidate_id", callback=filled, help="Whom the call was with.")
@click.option("--project", "project_id", callback=filled, help="What the call was about.")
@pass_desk
def attach(desk: Desk, target: str, candidate_id: str | None, project_id: str | None) -> None:
    """Say whom a call was with and what it was about; ID is a recording's number or session id."""
    if candidate_id is None and project_id is None:
        raise click.UsageError("Give --candidate, --project or both.")
    session_id = desk.store.records.get(int(target)).session_id if target.isdecimal() else target
    recording.attach(desk, session_id, candidate_id, project_id)
    say(f"Recording {target}: attached")


def _watched(
    desk: Desk, capture: CaptureClient, found: dict[str, Any], *, as_json: bool
) -> dict[str, Any] | None:
    """Show a recording until its last word; return its outcome, None if it is watched no more before its end.

    Raises CaptureNotRunning.
    """
    from offhook.commands import watching
    from offhook.commands.live_text import LiveText

    is_drawn = sys.stdout.isatty() and not as_json
    for events in ("words", "levels") if as_json or is_drawn else ("words",):
        capture.request(f"subscribe_{events}")
    watched = watching.Watched(found, capture.events())
    names = known_of_call(found["candidate_id"], found["title"], desk.settings.my_name)
    text = LiveText(names, found["live"])
    try:
        if as_json:
            watching.print_events(watched)
        elif is_drawn:
            watching.draw(watched, text)
        else:
            watching.print_lines(watched, text)
    except KeyboardInterrupt:
        if not watched.has_ended:
            warn("The recording continues. `offhook record stop` ends it.")
        return watched.outcome
    if not (watched.has_ended or reader_is_gone()):
        raise CaptureNotRunning(
            "The capture worker has ended. What it recorded is kept. Start it again: python start.py"
        )
    return watched.outcome


def _say_end(outcome: dict[str, Any]) -> None:
    """Say what became of a recording, and where its transcript is."""
    if outcome["error"]:
        warn(outcome["error"])
        return
    say(_sentence({"state": "idle", "last": outcome}))
    if outcome["record_id"]:
        say(f"Transcript: offhook show {outcome['record_id']}")


def _ask(found: dict[str, Any]) -> None:
    question = f'Delete "{found["title"]}", {length(found["duration_seconds"])} long?'
    confirm("discard", question)


def _devices(found: dict[str, Any]) -> str:
    sides = {"microphone": found["microphone"], "loopback": found["loopback"]}
    return ", ".join(f"{side} {name}" for side, name in sides.items() if name) or "no device now"


def _sentence(found: dict[str, Any]) -> str:
    if found["state"] == "recording":
        return f"Recording for {length(found['duration_seconds'])}: {_devices(found)}"
    if found["state"] == "stopped":
        return (
            f"Stopped after {length(found['duration_seconds'])}; "
            f"`offhook attach {found['session_id']}` or `offhook record discard` decides."
        )
    last = found["last"]
    if not last:
        return "Nothing is being recorded."
    why = last["error"] or REASONS.get(last["reason"], last["reason"])
    ended = f" ({why})" if last["reason"] != "asked" else ""
    return f"Nothing is being recorded. {_named(last)}: {length(last['duration_seconds'])}{ended}"


def _named(outcome: dict[str, Any]) -> str:
    record_id = outcome["record_id"]
    return f"Recording {record_id}" if record_id else f'Recording "{outcome["title"]}"'


def _whereabouts(outcome: dict[str, Any]) -> str:
    return WHEREABOUTS[outcome["state"]].format(**outcome)
