"""What persons and programs do with hooks: commands and pages share it."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from offhook.desk.desk import Desk
from offhook.hooks import message
from offhook.hooks.addresses import BadHook, Unreachable, addresses, parse, private_hosts
from offhook.hooks.outcome import Outcome
from offhook.hooks.sender import Sender
from offhook.hooks.signing import new_secret
from shared.errors import OffhookError
from shared.store.deliveries import DELIVERY_STATES, EVENTS
from shared.store.hooks import PROGRAM, URL
from shared.store.values import Delivery, Hook
from shared.times import iso

BY_PERSON = "A person has stopped it."


class NotReceived(OffhookError):
    """The hook has not received the message."""

    code = "not_received"


def add_url(desk: Desk, url: str, events: Collection[str], *, has_words: bool) -> Hook:
    """Add a webhook; its secret is new. Raises BadHook, AddressRefused."""
    private = private_hosts(desk.settings.hook_private_hosts)
    parsed = parse(url, private)
    with suppress(Unreachable):  # it may be there later
        addresses(parsed, private)
    return desk.store.hooks.add(URL, url, new_secret(), _types(events), has_words=has_words)


def add_program(desk: Desk, command: Sequence[str], events: Collection[str], *, has_words: bool) -> Hook:
    """Add a program with its arguments. Raises BadHook."""
    program = shutil.which(str(Path(command[0]).expanduser()))
    if program is None or any("\0" in word for word in command):
        raise BadHook(f"{command[0]} is not a program that can be run.")
    target = json.dumps([str(Path(program).absolute()), *command[1:]], ensure_ascii=False)
    return desk.store.hooks.add(PROGRAM, target, "", _types(events), has_words=has_words)


def replace_secret(desk: Desk, hook_id: int, *, at_once: bool) -> str:
    """Give a webhook a new secret and return it; the one before signs too, unless it goes `at_once`.

    Raises HookNotFound, BadHook.
    """
    with desk.store.transaction():
        hook = desk.store.hooks.get(hook_id)
        if hook.kind != URL:
            raise BadHook(f"Hook {hook_id} is a program, which has no secret.")
        secret = new_secret()
        kept = [] if at_once else hook.secret.split()[:1]
        desk.store.hooks.replace_secret(hook_id, " ".join((secret, *kept)))
    return secret


def listed(desk: Desk) -> list[dict[str, Any]]:
    """Describe all hooks."""
    counts = desk.store.deliveries.counts()
    return [hook_view(hook, counts.get(hook.id)) for hook in desk.store.hooks.every()]


def shown(desk: Desk, hook_id: int, limit: int) -> dict[str, Any]:
    """Describe a hook and its last deliveries. Raises HookNotFound."""
    hook = desk.store.hooks.get(hook_id)
    deliveries = [delivery_view(each) for each in desk.store.deliveries.newest(hook_id, limit)]
    return {"hook": hook_view(hook, desk.store.deliveries.counts().get(hook_id)), "deliveries": deliveries}


def try_out(desk: Desk, hook_id: int) -> Outcome:
    """Send a message that is about no record, and return how that ended. Raises HookNotFound."""
    hook = desk.store.hooks.get(hook_id)
    outcome = Sender(desk.settings).send(hook, f"msg_{uuid.uuid4().hex}", message.test_body(hook))
    return outcome or Outcome(error="offhook stops.")


def hook_view(hook: Hook, counts: dict[str, int] | None) -> dict[str, Any]:
    """Describe a hook for programs, without its secret. The JSON is a contract; `docs/json.md` has it."""
    return {
        "id": hook.id,
        "kind": hook.kind,
        "url": hook.target if hook.kind == URL else None,
        "command": json.loads(hook.target) if hook.kind == PROGRAM else [],
        "events": list(hook.events),
        "has_words": hook.has_words,
        "created_at": iso(hook.created_at),
        "failing_since": iso(hook.first_failed_at),
        "stopped_at": iso(hook.stopped_at),
        "stopped_why": hook.stopped_why,
        "deliveries": counts or dict.fromkeys(DELIVERY_STATES, 0),
    }


def delivery_view(delivery: Delivery) -> dict[str, Any]:
    """Describe a delivery for programs."""
    return {
        "id": delivery.id,
        "record_id": delivery.record,
        "event": delivery.event,
        "message_id": delivery.message_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.last_status,
        "error": delivery.last_error,
        "created_at": iso(delivery.created_at),
        "next_attempt_at": iso(delivery.next_attempt_at or None) if delivery.finished_at is None else None,
        "finished_at": iso(delivery.finished_at),
    }


def _types(events: Collection[str]) -> tuple[str, ...]:
    """Return the types of messages for events such as `completed`. Raises BadHook."""
    if unknown := sorted(set(events) - EVENTS.keys()):
        raise BadHook(f"There is no event {unknown[0] or '(empty)'}. There are {' and '.join(EVENTS)}.")
    return tuple(EVENTS[event] for event in EVENTS if event in events)
