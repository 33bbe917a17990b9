"""`offhook status` while a recording has lost its worker."""

from __future__ import annotations

from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Presence
from tests.integration.commands.calling import Cli


def begun(store: Store, worker_id: str) -> None:
    record = store.records.add(
        source="added", title="call", recording_path="/call.wav", duration_seconds=100.0
    )
    claim = store.claims.claim(record.id, worker_id=worker_id, model="tiny.en", lease_seconds=60)
    assert claim is not None
    store.claims.renew(claim, lease_seconds=60, progress=0.5, speed=2.0)


def test_a_recording_without_its_worker_is_interrupted_and_has_no_time_left(cli: Cli, store: Store) -> None:
    begun(store, "worker-killed")

    out = cli("status").out

    assert "interrupted" in out
    assert "left" not in out


def test_a_recording_with_its_worker_has_its_speed_and_the_time_left(
    cli: Cli, store: Store, settings: Settings
) -> None:
    presence = Presence(store, settings.locks, "worker").enter()
    begun(store, presence.worker_id)

    out = cli("status").out
    presence.leave()

    assert "0:25 left" in out
    assert "2.0x" in out
    assert "interrupted" not in out
