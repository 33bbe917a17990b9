"""How the desk stands, for what pages show all the time: the queue, who works, what is missing.

It changes only when one of these does, so it can be compared: no ages, no lengths that grow.
"""

from __future__ import annotations

from typing import Any

from offhook.desk.calls import recorder_state
from offhook.desk.desk import Desk
from offhook.desk.overview import inbox_troubles, missing_models
from shared.store.values import Worker
from shared.workers import Liveness


def standing(desk: Desk) -> dict[str, Any]:
    """Describe whether the queue is paused, how many records are in each state, and who works."""
    store = desk.store
    liveness = Liveness(store, desk.settings.locks)
    return {
        "paused": store.controls.paused(),
        "counts": store.listing.counts(),
        "workers": [_worker(row, liveness) for row in store.workers.every()],
        "missing_models": missing_models(desk),
        "recorder": recorder_state(desk),
        "inbox": {"path": str(desk.settings.inbox), **inbox_troubles(desk)},
    }


def _worker(row: Worker, liveness: Liveness) -> dict[str, Any]:
    is_alive = liveness.runs(row.id, row.host)
    return {"id": row.id, "kind": row.kind, "pid": row.pid, "state": row.state, "alive": is_alive}
