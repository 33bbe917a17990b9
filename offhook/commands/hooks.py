"""`offhook hooks`: who is notified when a recording is completed or has failed."""

from __future__ import annotations

from typing import Any

import click

from offhook.commands.drawing import cell, show, table
from offhook.commands.options import json_option, limit_option, pass_desk
from offhook.commands.printing import print_json, say
from offhook.commands.wording import counted
from offhook.desk.desk import Desk
from offhook.hooks import actions
from shared.store.deliveries import EVENTS

#: Characters of an error that a table shows.
SHOWN_CHARACTERS = 80


@click.group()
def hooks() -> None:
    """Notify other programs of recordings that are completed or have failed."""


@hooks.command()
@click.argument("words", metavar="[URL | ARG...]", nargs=-1)
@click.option("--program", metavar="PATH", help="Run this program, with each ARG, instead of a URL.")
@click.option(
    "--events", default=",".join(EVENTS), show_default=True, help="What to notify of, separated by commas."
)
@click.option("--with-words", is_flag=True, help="Send the words of the transcript too.")
@json_option
@pass_desk
def add(
    desk: Desk, words: tuple[str, ...], program: str | None, events: str, with_words: bool, as_json: bool
) -> None:
    """Add a webhook, whose secret is printed once, or a program."""
    wanted = [event.strip() for event in events.split(",")]
    if program is not None:
        hook = actions.add_program(desk, [program, *words], wanted, has_words=with_words)
    elif len(words) == 1:
        hook = actions.add_url(desk, words[0], wanted, has_words=with_words)
    else:
        raise click.UsageError("Give one URL, or --program.")
    if as_json:
        print_json({"id": hook.id, "secret": hook.secret or None})
        return
    say(f"Hook {hook.id}: added")
    if hook.secret:
        say(f"Secret, which is not shown again: {hook.secret}")


@hooks.command("list")
@json_option
@pass_desk
def list_hooks(desk: Desk, as_json: bool) -> None:
    """List the hooks."""
    found = actions.listed(desk)
    if as_json:
        print_json({"hooks": found})
    elif found:
        listed = table("ID", "Target", "Events", "Words", "State", "Waiting", "Failed")
        for hook in found:
            counts = (str(hook["deliveries"][state]) for state in ("waiting", "failed"))
            events, words = _events(hook), "yes" if hook["has_words"] else ""
            listed.add_row(*map(cell, (str(hook["id"]), _target(hook), events, words, _state(hook), *counts)))
        show(listed)
    else:
        say("There is no hook. `offhook hooks add` adds one.")


@hooks.command("show")
@click.argument("hook_id", metavar="ID", type=int)
@limit_option
@json_option
@pass_desk
def show_hook(desk: Desk, hook_id: int, limit: int, as_json: bool) -> None:
    """Show a hook and its last deliveries."""
    found = actions.shown(desk, hook_id, limit)
    if as_json:
        print_json(found)
        return
    hook = found["hook"]
    say(f"Hook {hook['id']}: {_target(hook)}", f"{_events(hook)}; {_state(hook)}")
    if not found["deliveries"]:
        return
    listed = table("Delivery", "Recording", "Event", "State", "Attempts", "Status", "Error")
    for each in found["deliveries"]:
        status = "" if each["status"] is None else str(each["status"])
        error = (each["error"] or "")[:SHOWN_CHARACTERS]
        numbers = (str(each["id"]), str(each["record_id"]))
        row = (*numbers, each["event"], each["state"], str(each["attempts"]), status, error)
        listed.add_row(*map(cell, row))
    show(listed)


@hooks.command()
@click.argument("hook_id", metavar="ID", type=int)
@click.option("--at-once", is_flag=True, help="Sign with the new one alone.")
@json_option
@pass_desk
def secret(desk: Desk, hook_id: int, at_once: bool, as_json: bool) -> None:
    """Replace the secret of a webhook; the one before signs too, until the next time."""
    new = actions.replace_secret(desk, hook_id, at_once=at_once)
    if as_json:
        print_json({"id": hook_id, "secret": new})
    else:
        say(f"Secret, which is not shown again: {new}")


@hooks.command()
@click.argument("hook_id", metavar="ID", type=int)
@pass_desk
def remove(desk: Desk, hook_id: int) -> None:
    """Remove a hook with its deliveries."""
    desk.store.hooks.remove(hook_id)
    say(f"Hook {hook_id}: removed")


@hooks.command()
@click.argument("hook_id", metavar="ID", type=int)
@pass_desk
def stop(desk: Desk, hook_id: int) -> None:
    """Stop a hook: it gets nothing until it is started again."""
    desk.store.hooks.stop(hook_id, actions.BY_PERSON)
    say(f"Hook {hook_id}: stopped")


@hooks.command()
@click.argument("hook_id", metavar="ID", type=int)
@pass_desk
def start(desk: Desk, hook_id: int) -> None:
    """Start a stopped hook again."""
    desk.store.hooks.start(hook_id)
    say(f"Hook {hook_id}: started")


@hooks.command()
@click.argument("hook_id", metavar="ID", type=int)
@pass_desk
def test(desk: Desk, hook_id: int) -> None:
    """Send a hook a message that is about no recording, now."""
    outcome = actions.try_out(desk, hook_id)
    if outcome.error is not None:
        raise actions.NotReceived(f"Hook {hook_id} has not received the message. {outcome.error}")
    say(f"Hook {hook_id}: received ({outcome.status})")


@hooks.command()
@click.argument("delivery_id", metavar="[DELIVERY_ID]", type=int, required=False)
@click.option("--failed", is_flag=True, help="All that have failed, of hooks that are not stopped.")
@pass_desk
def redeliver(desk: Desk, delivery_id: int | None, failed: bool) -> None:
    """Send a delivery again, or all that have failed."""
    if failed == (delivery_id is not None):
        raise click.UsageError("Give the number of a delivery, or --failed.")
    if delivery_id is not None:
        desk.store.deliveries.redeliver(delivery_id)
        say(f"Delivery {delivery_id}: it is sent again")
    else:
        count = desk.store.deliveries.redeliver_failed()
        say(f"{counted(count, 'failed message')} to be sent again")


def _target(hook: dict[str, Any]) -> str:
    return hook["url"] or " ".join(hook["command"])


def _events(hook: dict[str, Any]) -> str:
    return ", ".join(event for event, kind in EVENTS.items() if kind in hook["events"])


def _state(hook: dict[str, Any]) -> str:
    if hook["stopped_at"]:
        return f"stopped: {hook['stopped_why']}"
    return f"failing since {hook['failing_since']}" if hook["failing_since"] else "active"
