"""Who is notified of recordings. Programs are added from the command line alone: a token for this server, or
a page, may not choose what runs on this machine.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from offhook.hooks import actions
from offhook.hooks.addresses import LONGEST_URL
from offhook.web.call import Call, Endpoint
from offhook.web.work import LONG
from shared.store.deliveries import EVENTS


class NewHook(msgspec.Struct):
    """A webhook to be added, and what it is notified of."""

    url: Annotated[str, Meta(min_length=1, max_length=LONGEST_URL)]
    events: Annotated[list[Literal["completed", "failed"]], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(EVENTS)  # type: ignore[arg-type]
    )
    has_words: bool = False


class Added(msgspec.Struct):
    """The number of a new hook, and the secret that signs its messages, which is not shown again."""

    id: int
    secret: str


class Hooks(msgspec.Struct):
    """All hooks, the oldest first."""

    hooks: list[dict[str, Any]]


class HookShown(msgspec.Struct):
    """A hook and its last deliveries, the newest first."""

    hook: dict[str, Any]
    deliveries: list[dict[str, Any]]


class Page(msgspec.Struct):
    """How many deliveries are shown."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 20


class Tried(msgspec.Struct):
    """How a test message ended: an HTTP status or an exit code, and why it was not received."""

    received: bool
    status: int | None
    error: str | None


class Counted(msgspec.Struct):
    """How many messages are sent again."""

    count: int


def get_hooks(call: Call) -> Hooks:
    """List the hooks."""
    return Hooks(actions.listed(call.desk))


def get_hook(call: Call) -> HookShown:
    """Show one with its deliveries."""
    return HookShown(**actions.shown(call.desk, call.number("hook_id"), call.query.limit))


def add(call: Call) -> Added:
    """Add a webhook."""
    given: NewHook = call.body
    hook = actions.add_url(call.desk, given.url, given.events, has_words=given.has_words)
    return Added(hook.id, hook.secret)


def remove(call: Call) -> None:
    """Remove a hook."""
    call.desk.store.hooks.remove(call.number("hook_id"))


def stop(call: Call) -> None:
    """Stop a hook."""
    call.desk.store.hooks.stop(call.number("hook_id"), actions.BY_PERSON)


def start(call: Call) -> None:
    """Start a hook again."""
    call.desk.store.hooks.start(call.number("hook_id"))


def try_out(call: Call) -> Tried:
    """Send a test message and wait for how it ends."""
    outcome = actions.try_out(call.desk, call.number("hook_id"))
    return Tried(outcome.error is None, outcome.status, outcome.error)


def redeliver(call: Call) -> None:
    """Send a message again."""
    call.desk.store.deliveries.redeliver(call.number("delivery_id"))


def redeliver_failed(call: Call) -> Counted:
    """Send all messages again that have failed."""
    return Counted(call.desk.store.deliveries.redeliver_failed())


_HOOK = "/api/v1/hooks/{hook_id}"
ENDPOINTS = (
    Endpoint("GET", "/api/v1/hooks", get_hooks, "Who is notified", answer=Hooks),
    Endpoint("POST", "/api/v1/hooks", add, "Add a webhook", body=NewHook, answer=Added, status=201),
    Endpoint("GET", _HOOK, get_hook, "A hook and its last deliveries", query=Page, answer=HookShown),
    Endpoint("DELETE", _HOOK, remove, "Remove a hook"),
    Endpoint("POST", f"{_HOOK}/stop", stop, "Notify it no longer"),
    Endpoint("POST", f"{_HOOK}/start", start, "Notify it again"),
    Endpoint("POST", f"{_HOOK}/test", try_out, "Send it a test message", answer=Tried, kind=LONG),
    Endpoint("POST", "/api/v1/deliveries/{delivery_id}/redeliver", redeliver, "Send a message again"),
    Endpoint(
        "POST",
        "/api/v1/deliveries/redeliver-failed",
        redeliver_failed,
        "Send all failed messages again",
        answer=Counted,
    ),
)
