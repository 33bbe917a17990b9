"""`offhook doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Presence
from tests.conftest import skip_or_fail
from tests.integration.commands.calling import Cli
from transcribe_worker.model_files import bundled_folder


def test_doctor_finds_a_healthy_home_healthy(cli: Cli, store: Store, settings: Settings) -> None:
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    living = [Presence(store, settings.locks, kind).enter() for kind in ("worker", "inbox")]
    try:
        done = cli("doctor")
        checks = cli("doctor", "--json").json["checks"]
    finally:
        for presence in living:
            presence._lock.release()
    assert (done.code, done.err) == (0, "")
    assert {check["state"] for check in checks} <= {"ok", "warning"}
    assert all(line.startswith(("✓", "!", " ")) for line in done.out.splitlines())
    assert "1 worker running" in done.out
    assert "1 inbox running" in done.out


def test_doctor_says_that_no_worker_runs_and_what_to_do(cli: Cli) -> None:
    out = cli("doctor").out
    assert "No worker runs, so nothing is transcribed" in out
    assert "Run python start.py." in out


def broken(cli: Cli) -> dict[str, dict[str, Any]]:
    """What doctor finds wrong, by check."""
    done = cli("doctor", "--json")
    assert done.code == 1
    assert "✗" in cli("doctor").out
    return {check["check"]: check for check in done.json["checks"] if check["state"] == "error"}


def test_doctor_finds_a_missing_model(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_MODEL", "small")
    found = broken(cli)
    assert "offhook models pull small" in found["model"]["message"] + str(found["model"]["remedy"])


def test_doctor_finds_a_broken_database_and_does_not_blame_the_installation(cli: Cli) -> None:
    (cli.home / "offhook.db").write_bytes(bytes(range(256)) * 40)
    found = broken(cli)
    assert "is not a database" in found["database"]["message"]
    assert str(cli.home / "offhook.db") in str(found["database"])
    assert "install" not in found["database"]["remedy"]


def test_doctor_names_a_wrong_setting_once(cli: Cli) -> None:
    (cli.home / "config.toml").write_text("beam_sice = 3")
    done = cli("doctor")
    assert done.code == 1
    assert done.out.count("unknown setting") == 1


def test_doctor_finds_a_home_that_is_a_file(wav: Path) -> None:
    found = broken(Cli(wav))
    assert "OFFHOOK_HOME" in str(found)
