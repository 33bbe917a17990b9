"""Homes that are asked, in every state, and their answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive import receipts
from archive.library import Library
from archive.renamed import Content
from shared import home as folders
from shared.settings import Settings
from shared.speakers import ME
from shared.store.store import Store
from shared.workers import Presence
from tests.conftest import skip_or_fail
from tests.integration.commands.spoken import CALL, say_again, spoken
from tests.integration.json_contract.homes import (
    SAMPLE,
    Answers,
    _add_hooks,
    _die_as_a_worker,
    _fill,
    _fill_inbox,
    _follow_two,
    _full_disk,
    _lose_two,
    _notify,
)
from tests.live_calls import Decoder
from tests.stage import Stage
from tests.tables import use
from tests.voices import write_wav
from transcribe_worker.engine.setup import Setup
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.model_files import bundled_folder

SESSION_ID = "0c1d2e3f-0a1b-4c2d-8e3f-405162738495"


@pytest.fixture(scope="package")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A home in which nothing has happened yet."""
    return Stage(tmp_path_factory.mktemp("empty") / "home")


@pytest.fixture(scope="package")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A home with recordings in all states, living and dead processes, and trouble in the inbox."""
    stage = Stage(tmp_path_factory.mktemp("full") / "home")
    settings = Settings(home=stage.home)
    folders.prepare(settings)
    store = use(Store.of_home(settings))
    presence = Presence(store, settings.locks, "worker").enter()
    presence.beat("ready", json.dumps([asdict(Setup("cuda", "float16", 1, 0, 16))]))
    _die_as_a_worker(stage)
    _add_hooks(store)
    _fill(store, Library(settings, store), presence.worker_id)
    _notify(store)
    with closing(HintQueue(settings.queue)) as hints:
        _fill_inbox(stage, Inbox(settings, store, hints))
    _lose_two(settings, store)
    _follow_two(settings, store)
    (settings.models / "own").mkdir()
    (settings.models / "own" / "model.bin").write_bytes(b"12345")
    yield stage
    presence.leave()
    store.disconnect()


@pytest.fixture(scope="package")
def transcribed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Any]:
    """A home in which one file has been transcribed for real and another could not be."""
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    folder = tmp_path_factory.mktemp("transcribed")
    stage = Stage(folder / "home")
    (folder / "empty.wav").touch()
    shutil.copy(SAMPLE, folder / "Gespräch.wav")
    done = stage.offhook("transcribe", folder / "Gespräch.wav", folder / "empty.wav", "--json")
    assert done.returncode == 1, done.stderr
    return stage, json.loads(done.stdout)


@pytest.fixture(scope="package")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, dict[str, list[Any]]]:
    """A home in which calls were recorded: one ended by a person, one by a disk that was full, one waits."""
    folder = tmp_path_factory.mktemp("recorded")
    write_wav(folder / "said.wav", np.full(16_000 * 30, 0.1, np.float32))
    sides = (("OFFHOOK_MICROPHONE", f"replay:{folder / 'said.wav'}"), ("OFFHOOK_LOOPBACK", "none"))
    stage = Stage(folder / "home", sides)
    said: dict[str, list[Any]] = {"state": [], "stop": [], "devices": []}
    with stage.process("capture_worker") as worker:
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        said["state"].append(stage.read("record", "state"))
        said["state"].append(stage.read("record", "start", "--candidate", "C", "--project", "P"))
        with Store.of_home(Settings(home=stage.home)) as store:
            decoder = Decoder.of(store, said["state"][-1]["session_id"])
            for state in ({"yields": "hot"}, {"yields": None}):
                decoder.guess(0.0, 1.0, (" Hello", "me"), behind_seconds=1.5, **state)
                said["state"].append(stage.read("record", "state"))
            decoder.switch_off("too slow")
            said["state"].append(stage.read("record", "state"))
        said["stop"].append(stage.read("record", "stop"))
        said["state"].append(stage.read("record", "state"))
        stage.read("record", "start")
        with _full_disk(worker.pid, stage.home):
            stage.wait_for(lambda: stage.read("record", "state")["state"] == "idle", "the full disk")
            said["state"].append(stage.read("record", "state"))
        stage.wait_for(lambda: len(stage.records()) == 2, "the recording to be queued later")
    both = Stage(folder / "home", (("OFFHOOK_MICROPHONE", "none"), ("OFFHOOK_LOOPBACK", sides[0][1])))
    manual = Stage(folder / "home", (*both.settings, ("OFFHOOK_FINALISE", "manual")))
    with manual.process("capture_worker"):
        manual.wait_for((stage.home / "control.json").exists, "the capture worker")
        said["state"].append(manual.read("record", "start"))
        said["stop"].append(manual.read("record", "stop"))
        said["state"].append(manual.read("record", "state"))
    gone = Stage(folder / "home", (("OFFHOOK_MICROPHONE", f"replay:{folder / 'gone.wav'}"),))
    said["devices"] += [stage.read("devices"), both.read("devices"), gone.read("devices")]
    return stage, said


@pytest.fixture(scope="package")
def erased(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a home says from which a person was erased, in the queue and not yet there."""
    folder = tmp_path_factory.mktemp("erased")
    stage, settings = Stage(folder / "home"), Settings(home=folder / "home")
    (folder / "own.wav").write_bytes(b"own")
    stage.read("add", folder / "own.wav", "--candidate", "C-17")
    with Store.open(settings.database_file) as store:
        session = {"title": "Call", "layout": "mono", "worker_id": "capture-0", "candidate_id": "C-17"}
        store.captures.begin(SESSION_ID, settings.inbox / "call.wav", started_at=1.0, **session)
        stored = {"storage_key": "calls/2026/11/call.wav", "sha256": "0" * 64, "size_bytes": 3}
        about = {"title": "Stored", "recording_path": stored["storage_key"], "candidate_id": "C-17"}
        store.records.add(source="upload", **about, **stored)
    (settings.recording / f"{SESSION_ID}.part").write_bytes(b"RIFF")
    begun = [
        receipts.write(
            *(settings.receipts, "C-1"),
            **{"recordings": 0, "files": [folder / "own.wav"], "stay": 0, "now": 1.0, "objects": objects},
        )
        for objects in ((), (Content(3, "0" * 64),))
    ]
    said = [stage.read("delete", "--candidate", "C-17", given) for given in ("--dry-run", "--yes")]
    pruned = [stage.read("prune", "--older-than", "90d", given) for given in ("--dry-run", "--yes")]
    found = [json.loads(path.read_text()) for path in (*begun, Path(said[1]["receipt"]))]
    return {"offhook delete": said, "offhook prune": pruned, "The receipt of an erasure": found}


@pytest.fixture(scope="package")
def put_right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a home says in which a person puts right who said what."""
    stage = Stage(tmp_path_factory.mktemp("put right") / "home")
    settings = Settings(home=stage.home)
    folders.prepare(settings)
    with Store.of_home(settings) as store:
        record = spoken(settings, store, "Call with Ada")
        with store.edits.change(record.id, "edit"):
            store.overlays.correct(record.id, 7, 8, "Ada Lovelace")
        store.records.requeue(record.id)
        say_again(settings, store, record, [CALL[0], (ME, "Nothing like it."), *CALL[2:]])
        with store.edits.change(record.id, "edit"):
            store.overlays.correct(record.id, 7, 7, "changed")
    asked = (
        ("note", "1", "ask her", "--at", "0:02"),
        ("show", "1"),
        ("search", "loveless"),
        ("speaker", "1"),
        ("speaker", "1", "them", "Ada"),
    )
    asked += (("edit", "1", "--undo"), ("edit", "1", "--drop-unplaced"))
    asked += (("replace", "Miss", "Ms.", "--everywhere", "--yes", "--glossary"), ("relabel", "--all"))
    said: dict[str, list[Any]] = {}
    for command in asked:
        said.setdefault(f"offhook {command[0]}", []).append(stage.read(*command))
    return said


@pytest.fixture(scope="package")
def answers(
    empty: Stage,
    full: Stage,
    transcribed: tuple[Stage, Any],
    recorded: tuple[Stage, dict[str, list[Any]]],
    erased: dict[str, list[Any]],
    put_right: dict[str, list[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Answers:
    """The answers of four homes."""
    new = tmp_path_factory.mktemp("new") / "new.wav"
    new.write_bytes(b"new")
    stage, said = transcribed
    studio, told = recorded
    homes = (empty, full, stage, studio)
    return Answers(homes, said, told, erased | put_right, new)
