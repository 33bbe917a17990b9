"""The data of `offhook status`, from a few queries that indexes answer."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from offhook.desk.calls import unfinished_calls
from offhook.desk.desk import Desk
from offhook.desk.live_calls import live_calls
from offhook.desk.machines import machines
from offhook.desk.not_taken import SHOWN, not_taken
from offhook.desk.team_server import server_view
from offhook.desk.views import seconds_left
from shared.errors import ModelMissing
from shared.store.inbox_files import COPY, UNREADABLE
from shared.store.values import Record, Worker
from shared.times import iso
from shared.workers import Liveness
from transcribe_worker import model_files
from transcribe_worker.engine.setup import setups_from_json

ERRORS_SHOWN = 5
COPIES_SHOWN = 20
NO_TROUBLES: dict[str, Any] = {"copies": [], "unreadable": [], "not_taken": [], "not_taken_count": 0}

#: What a member of a team sees of the machine.
NOTHING_OF_MACHINE: dict[str, Any] = {
    "home": "",
    "inbox": {"path": "", **NO_TROUBLES},
    "server": None,
    **{name: [] for name in ("recordings", "live", "workers", "machines", "stopped_hooks")},
}


def sees_all(desk: Desk) -> bool:
    """Whether the desk is seen with everybody's calls; what is the machine's is not told to others."""
    return desk.store.view.owner_id is None


def overview(desk: Desk) -> dict[str, Any]:
    """Describe the queue, what runs, who works and what went wrong, as far as the visitor may see it."""
    store = desk.store
    return {
        "paused": store.controls.paused(),
        "counts": store.records.counts(),
        "running": [_running(record) for record in store.records.processing()],
        "oldest_waiting": _oldest_waiting(desk),
        "missing_models": missing_models(desk),
        "errors": _errors(desk),
        **(_of_machine(desk) if sees_all(desk) else NOTHING_OF_MACHINE),
    }


def _of_machine(desk: Desk) -> dict[str, Any]:
    store, liveness = desk.store, Liveness(desk.store, desk.settings.locks)
    return {
        "home": str(desk.settings.home),
        "inbox": {"path": str(desk.settings.inbox), **inbox_troubles(desk)},
        "recordings": unfinished_calls(desk),
        "live": live_calls(desk),
        "server": server_view(desk),
        "workers": [_worker(row, liveness) for row in store.workers.every()],
        "machines": machines(desk),
        "stopped_hooks": _stopped_hooks(desk),
    }


def _running(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "title": record.title,
        "progress": record.progress,
        "duration_seconds": record.duration_seconds,
        "speed": record.speed,
        "seconds_left": seconds_left(record),
        "attempts": record.attempts,
        "started_at": iso(record.started_at),
        "worker_id": record.worker_id,
    }


def _oldest_waiting(desk: Desk) -> dict[str, Any] | None:
    oldest = desk.store.records.oldest_waiting()
    if oldest is None:
        return None
    return {
        "id": oldest.id,
        "title": oldest.title,
        "created_at": iso(oldest.created_at),
        "waiting_seconds": round(max(0.0, desk.store.clock() - oldest.created_at), 1),
    }


def missing_models(desk: Desk) -> list[dict[str, Any]]:
    """Name the models that recordings wait for and no machine has, each with its remedy."""
    elsewhere = {model for machine in desk.store.machines.others() for model in machine.models}
    missing: dict[str, dict[str, Any]] = {}
    if desk.store.outbox.is_joined():  # the server has its own models
        return []
    for model, count in desk.store.records.awaited_models().items():
        name = model or desk.settings.model
        if name in elsewhere:
            continue
        try:
            model_files.find(desk.settings.models, name, desk.settings.language)
        except ModelMissing as error:
            entry = missing.setdefault(name, {"model": name, "records": 0, "message": str(error)})
            entry["records"] += count
    return list(missing.values())


def _worker(row: Worker, liveness: Liveness) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "pid": row.pid,
        "alive": liveness.is_alive(row),
        "state": row.state,
        "started_at": iso(row.started_at),
        "last_seen_at": iso(row.last_seen_at),
        "engines": [asdict(setup) for setup in setups_from_json(row.engines)],
    }


def _stopped_hooks(desk: Desk) -> list[dict[str, Any]]:
    """Name the hooks that are notified of nothing, each with the reason."""
    return [
        {"id": hook.id, "stopped_at": iso(hook.stopped_at), "why": hook.stopped_why or ""}
        for hook in desk.store.hooks.every()
        if hook.stopped_at is not None
    ]


def _errors(desk: Desk) -> list[dict[str, Any]]:
    """Return the last failures, and what now waits for another attempt."""
    found = desk.store.records.with_errors(ERRORS_SHOWN)
    return [
        {
            "id": record.id,
            "title": record.title,
            "status": record.transcription_status,
            "error": record.transcription_error,
            "error_code": record.error_code,
            "at": iso(record.completed_at),
        }
        for record in found[:ERRORS_SHOWN]
    ]


def inbox_troubles(desk: Desk) -> dict[str, Any]:
    known = desk.store.inbox_files.in_trouble(COPIES_SHOWN)
    there = [found for found in known if Path(found.path).exists()]
    unreadable = {Path(found.path).name for found in there if found.outcome == UNREADABLE}
    others = not_taken(desk.settings.inbox, desk.store.inbox_files.known())
    others = [each for each in others if each.reason != "waiting" or each.name not in unreadable]
    return {
        "copies": [
            {"path": found.path, "record_id": found.record} for found in there if found.outcome == COPY
        ],
        "unreadable": [found.path for found in there if found.outcome == UNREADABLE],
        "not_taken": [asdict(each) for each in others[:SHOWN]],
        "not_taken_count": len(others),
    }
