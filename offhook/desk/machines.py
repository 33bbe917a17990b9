"""The machines that transcribe for this home's database, as people and programs see them."""

from __future__ import annotations

from typing import Any

from offhook.desk.desk import Desk
from shared.store.machines import Machine
from shared.times import iso

#: It takes recordings; it finishes what it has; it has nothing and takes nothing; it was not seen lately.
READY, DRAINING, DRAINED, SILENT = "ready", "draining", "drained", "silent"


def machines(desk: Desk) -> list[dict[str, Any]]:
    """Describe each machine."""
    now, claimed = desk.store.clock(), desk.store.machines.claimed()
    return [
        _described(it, now, claimed.get(it.host, 0), desk.store.host) for it in desk.store.machines.every()
    ]


def are_a_team(found: list[dict[str, Any]]) -> bool:
    """Whether a person is to see the machines: not of a home whose one machine is this one, and works."""
    return any(not it["is_here"] or it["state"] != READY for it in found)


def _described(machine: Machine, now: float, transcribing: int, here: str) -> dict[str, Any]:
    return {
        "host": machine.host,
        "name": machine.name,
        "is_here": machine.host == here,
        "state": _state(machine, now, transcribing),
        "transcribing": transcribing,
        "workers": machine.workers,
        "device": machine.device,
        "models": list(machine.models),
        "version": machine.version,
        "first_seen_at": iso(machine.first_seen_at),
        "last_seen_at": iso(machine.last_seen_at),
    }


def _state(machine: Machine, now: float, transcribing: int) -> str:
    if machine.draining:
        return DRAINING if transcribing else DRAINED
    return READY if machine.runs(now) else SILENT
