"""A home, a database or a queue that cannot be used."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, redirect_stderr
from pathlib import Path

import pytest

from offhook.cli import main
from offhook.commands.status import status as status_command
from offhook.desk import desk as offhook_desk
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, Done, completed, failed
from tests.stage import Stage


def test_a_home_that_cannot_be_made_is_named_with_a_remedy() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs a folder in which even root can make nothing (/proc)")
    done = Cli(Path("/proc/offhook"))("list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("offhook: The folder /proc/offhook cannot be made: ")
    assert "OFFHOOK_HOME" in done.err


def test_a_home_that_is_a_file_is_named_with_a_remedy(wav: Path) -> None:
    done = Cli(wav)("list")
    assert (done.code, done.out) == (1, "")
    assert str(wav) in done.err
    assert "OFFHOOK_HOME" in done.err


def test_a_home_that_may_not_be_written_is_named(cli: Cli) -> None:
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("root may write everywhere, and on Windows modes do not keep anybody from writing")
    cli.home.chmod(0o500)
    try:
        done = cli("pause")
    finally:
        cli.home.chmod(0o700)
    assert done.code == 1
    assert str(cli.home) in done.err


@pytest.mark.parametrize("command", [["pause"], ["add", "{wav}"], ["retry", "1"]], ids=lambda c: c[0])
def test_a_locked_database_is_named_after_a_while(
    cli: Cli, store: Store, wav: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    failed(store, "failed")
    monkeypatch.setattr(offhook_desk, "BUSY_TIMEOUT_SECONDS", 0.1)
    with closing(sqlite3.connect(cli.home / "offhook.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        done = cli(*(word.format(wav=wav) for word in command))
        assert len(cli.records()) == 1  # reading goes on
    message = f"offhook: {cli.home / 'offhook.db'} is in use by another program; try again in a moment.\n"
    assert done == Done(1, "", message)


@pytest.mark.parametrize("command", ["status", "list", "pause"])
def test_a_database_that_is_garbage_is_named(cli: Cli, command: str) -> None:
    (cli.home / "offhook.db").write_bytes(bytes(range(256)) * 40)
    done = cli(command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: {cli.home / 'offhook.db'} is not a database.")
    assert "`offhook doctor`" in done.err
    assert (cli.home / "offhook.db").read_bytes() == bytes(range(256)) * 40


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_told_from_a_damaged_database(store: Store, settings: Settings) -> None:
    for number in range(20):
        completed(store, f"call {number}", "Hello. " * 200)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    command = [sys.executable, "-c", f"{limit}; from offhook.cli import main; main()", "retry", "1"]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, env=Stage(settings.home).environment
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("Make room and try again.\n")
    assert store.records.get(1).transcription_status == "completed"


def test_a_database_of_a_newer_offhook_is_left_alone(cli: Cli, store: Store) -> None:
    with closing(sqlite3.connect(cli.home / "offhook.db")) as store, store:
        store.execute("INSERT INTO migrations VALUES ('9999_from_the_future')")
    for command in (["list"], ["pause"]):
        done = cli(*command)
        assert (done.code, done.out) == (1, "")
        assert "was written by a newer offhook (it has 9999_from_the_future)" in done.err
        assert "update offhook" in done.err


def test_a_queue_that_cannot_be_used_keeps_nothing_from_being_queued(cli: Cli, wav: Path) -> None:
    """Hints may be lost without harm, so what cannot be hinted is queued all the same."""
    (cli.home / "queue.db").write_bytes(b"no database at all, but long enough to be looked at")
    assert cli("add", wav) == Done(0, "Recording 1: queued\n", "")
    assert cli("cancel", 1).code == 0
    assert cli("retry", 1).code == 0
    assert cli("resume").code == 0


def test_a_fault_of_offhooks_own_ends_with_1_wherever_its_details_can_be_written(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("not thought of")

    (tmp_path / "offhook-fault.txt").mkdir()  # as if it were another person's
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(status_command, "callback", fail)
    err = io.StringIO()
    with redirect_stderr(err), pytest.raises(SystemExit) as ending:
        main(["--home", str(cli.home), "status"])
    assert ending.value.code == 1
    assert "not thought of" in err.getvalue()
    assert "Traceback" not in err.getvalue()
