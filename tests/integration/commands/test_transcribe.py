"""`offhook transcribe`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.files import sha256_of
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, Done, completed
from tests.stage import Stage


def test_transcribe_prints_what_is_known_at_once(cli: Cli, store: Store, wav: Path) -> None:
    record_id = completed(store, "call", "Good morning.", sha256=sha256_of(wav))
    done = cli("transcribe", wav, "--format", "txt")
    assert (done.code, done.out) == (0, "Good morning.\n")
    (record,) = cli("transcribe", wav, "--json").json["records"]
    assert (record["id"], record["text"]) == (record_id, "Good morning.")


def test_transcribe_says_at_once_that_a_model_is_missing(cli: Cli, wav: Path) -> None:
    done = cli("transcribe", wav, "--model", "small")
    message = "offhook: The model small is not on this machine. Run: offhook models pull small\n"
    assert done == Done(1, "", message)
    assert cli.records() == []


def test_transcribe_does_not_wait_for_a_model_that_is_missing(settings: Settings, wav: Path) -> None:
    """The recording is in the queue already, with a model that is not here."""
    stage = Stage(settings.home)
    assert stage.offhook("add", wav, "--model", "small").returncode == 0
    try:
        done = stage.offhook("transcribe", wav, timeout=5)
    except subprocess.TimeoutExpired:
        pytest.fail("transcribe waits for ever and says nothing")
    assert done.returncode == 1
    assert "offhook models pull small" in done.stderr
