"""The state of the desk, which pages show all the time: the queue, who works, what needs a person.

It changes only when one of these does, so it can be compared: no ages, no lengths that grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offhook.desk.calls import IDLE, recorder_state
from offhook.desk.desk import Desk
from offhook.desk.not_taken import REASONS
from offhook.desk.overview import NO_TROUBLES, inbox_troubles, missing_models, sees_all
from offhook.desk.running_call import waiting
from offhook.desk.team_server import server_view, trouble
from shared.store.values import Worker
from shared.workers import Liveness

START = "python start.py"
#: What is not done without a process of a kind, and what a person calls that process.
_MISSED = {
    "worker": "No transcription worker runs, so nothing is transcribed.",
    "capture": "No capture worker runs, so no call can be recorded.",
}


@dataclass(frozen=True)
class Backlog:
    """What is to be done, and what keeps it from being done: most of what is read for the state of the desk.

    It changes with records and with files: a model is downloaded, a file lies in the inbox.
    """

    counts: Mapping[str, int]
    missing_models: Sequence[Mapping[str, Any]]
    inbox: Mapping[str, Any]

    @classmethod
    def of(cls, desk: Desk) -> Backlog:
        """Read it."""
        inbox = inbox_troubles(desk) if sees_all(desk) else NO_TROUBLES
        return cls(desk.store.listing.counts(), missing_models(desk), inbox)


def desk_state(desk: Desk, backlog: Backlog) -> dict[str, Any]:
    """Describe the queue and its processes; `notices` say in words what a person can put right."""
    store = desk.store
    liveness = Liveness(store, desk.settings.locks)
    workers = [_worker(row, liveness) for row in store.workers.every()]
    recorder = recorder_state(desk) if sees_all(desk) else IDLE
    server = server_view(desk)
    return {
        "paused": store.controls.paused(),
        "counts": backlog.counts,
        "workers": workers,
        "missing_models": backlog.missing_models,
        "recorder": {**recorder, "waits": waiting(desk, recorder["session_id"])},
        "notices": [
            *_about_processes(workers, server),
            *_about_server(server, workers),
            *({"text": _about_model(it), "type": None} for it in backlog.missing_models),
            *({"text": text, "type": None} for text in _about_inbox(backlog.inbox)),
        ],
    }


def _worker(row: Worker, liveness: Liveness) -> dict[str, Any]:
    is_alive = liveness.is_alive(row)
    return {"id": row.id, "kind": row.kind, "pid": row.pid, "state": row.state, "alive": is_alive}


def _about_processes(
    workers: Sequence[Mapping[str, Any]], server: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    living = {worker["kind"] for worker in workers if worker["alive"]}
    for kind, text in _MISSED.items():
        is_done_elsewhere = kind == "worker" and server is not None
        if kind not in living and not is_done_elsewhere:
            yield {"text": text, "type": START}


def _about_server(
    server: Mapping[str, Any] | None, workers: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    if server and not any(worker["kind"] == "outbox" and worker["alive"] for worker in workers):
        yield {"text": f"The outbox does not run, so nothing is sent to {server['name']}.", "type": START}
    elif said := trouble(server):
        yield {"text": said, "type": None}


def _about_model(missing: Mapping[str, Any]) -> str:
    count = missing["records"]
    return f"{missing['message']} {count:,} {'call waits' if count == 1 else 'calls wait'} for it."


def _about_inbox(inbox: Mapping[str, Any]) -> Iterator[str]:
    for copy in inbox["copies"]:
        name = Path(copy["path"]).name
        yield f"{name} in the inbox is a copy of recording {copy['record_id']}; delete one of them."
    for path in inbox["unreadable"]:
        yield f"{Path(path).name} in the inbox cannot be read; look at its owner and its permissions."
    for each in inbox["not_taken"]:
        if each["reason"] != "waiting":
            yield f"{each['name']} in the inbox {REASONS[each['reason']]}."
