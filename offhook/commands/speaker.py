"""`offhook speaker`: who speaks in a recording, and what a person knows better."""

from __future__ import annotations

import re

import click

from archive.formats.times import moment
from offhook.commands.drawing import cell, show, table
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.desk import speakers as desk_speakers
from offhook.desk.desk import Desk
from offhook.desk.speakers import SAMPLE_CHARACTERS, Speaker
from offhook.desk.speech import speech
from shared.words import seconds

_WORDS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


@click.command()
@click.argument("record_id", metavar="ID", type=int)
@click.argument("who", metavar="[SPEAKER]", required=False)
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--at", metavar="TIME", help="Give what is said at this time to SPEAKER.")
@click.option("--words", metavar="N-M", help="Give the words with these numbers to SPEAKER.")
@click.option("--swap", is_flag=True, help="Exchange me and them, the two voices, or SPEAKER and NAME.")
@json_option
@pass_desk
def speaker(
    desk: Desk,
    record_id: int,
    who: str | None,
    name: str | None,
    at: str | None,
    words: str | None,
    swap: bool,
    as_json: bool,
) -> None:
    """List the speakers of a recording, name one, or say who said something."""
    if swap and (at or words or bool(who) != bool(name)):
        raise click.UsageError("--swap goes alone, or with two speakers.")
    if at and words:
        raise click.UsageError("--at and --words do not go together.")
    if (at or words) and (not who or name is not None):
        raise click.UsageError("Give one speaker.")
    if swap:
        one, other = desk_speakers.swap(desk, record_id, who, name)
        said = f"{one} and {other} are exchanged."
    elif at or words:
        found = desk_speakers.assign(desk, record_id, who or "", at=at, words=_numbers(words))
        said = f"Given to {speech(desk, record_id).name(found)}."
    elif who is not None and name is not None:
        said = f"{who} is {desk_speakers.rename(desk, record_id, who, name)}."
    elif who is not None:
        raise click.UsageError("Give a name too, or --at or --words.")
    else:
        said = ""
    _tell(desk, record_id, said, as_json)


def _numbers(given: str | None) -> tuple[int, int] | None:
    if given is None:
        return None
    found = _WORDS.fullmatch(given.strip())
    if found is None:
        raise click.UsageError(f"--words takes numbers such as 120 or 120-131, not {given}.")
    return int(found[1]), int(found[2] or found[1])


def _tell(desk: Desk, record_id: int, said: str, as_json: bool) -> None:
    if said and not as_json:
        say(f"Recording {record_id}: {said}")
        return
    found = desk_speakers.speakers(speech(desk, record_id))
    if as_json:
        print_json({"record_id": record_id, "speakers": [_view(each) for each in found]})
    elif found:
        _show(found)
    else:
        warn("Nobody is known. `offhook speaker ID --at TIME NAME` says who said something.")


def _view(each: Speaker) -> dict[str, object]:
    sample = {"start_seconds": seconds(each.sample.start_ms), "text": each.sample.line}
    return {
        "speaker": each.speaker,
        "name": each.name,
        "words": each.words,
        "share": round(each.share, 4),
        "sample": sample,
    }


def _show(found: list[Speaker]) -> None:
    listed = table("Speaker", "Name", "Words", "Says")
    for each in found:
        text = each.sample.line
        short = text if len(text) <= SAMPLE_CHARACTERS else f"{text[:SAMPLE_CHARACTERS]}…"
        name = each.name if each.name.casefold() != each.speaker else ""
        said = f"[{moment(each.sample.start_ms)}] {short}"
        listed.add_row(*map(cell, (each.speaker, name, f"{each.share:.0%}", said)))
    show(listed)
