"""Homes that are asked: one with recordings in every state, and the answers of each command."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from archive.library import Library
from offhook import __file__ as offhook_module
from shared.home import prepare
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM, Label
from shared.store.access import TOKEN
from shared.store.audit import Note
from shared.store.claims import Claim, Failure
from shared.store.deliveries import EVENTS
from shared.store.hooks import PROGRAM, URL
from shared.store.joining import JoinedServer
from shared.store.store import Store
from shared.store.view import View
from tests import postgres
from tests.conftest import skip_or_fail
from tests.live_calls import Decoder
from tests.stage import ROOT, Stage
from tests.tables import InboxFile, windows
from transcribe_worker.inbox.sweep import UNREADABLE, Inbox

SAMPLE = Path(offhook_module).parent / "sample" / "sample-call.wav"


#: The session id of a call that was not in the queue yet when its recorder was killed.
LOST = "7f0c7d5e-3b0a-4c39-9d8e-0c5f2a1b4e6d"
#: A process that is among the living and then killed.
ENTERS = """
import sys
from pathlib import Path
from shared.store.store import Store
from shared.workers import Presence
home = Path(sys.argv[1])
Presence(Store.open(home / "offhook.db"), home / "locks", "worker").enter()
print("entered", flush=True)
sys.stdin.read()
"""


def _die_as_a_worker(stage: Stage) -> None:
    command = [sys.executable, "-c", ENTERS, str(stage.home)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"entered\n"
        process.kill()


def _fill(store: Store, library: Library, worker_id: str) -> None:
    store.machines.beat(name="desk-7", version="0.1.0", device="cpu", models=["tiny.en"], workers=1)
    claim = _claimed(store, worker_id, "Größe 北京", candidate_id="C-17", project_id="P-3")
    _decode(store, claim)
    windows = store.transcripts.windows(claim.record.id)
    segments = [segment for window in windows for segment in window.segments]
    heard = {"duration_seconds": 12.5, "language": "de", "language_probability": 0.97}
    labels = [Label(0, 1, THEM, LOUDNESS, 0.9)]
    done = store.claims.complete(claim, segments, labels, **heard, flags=("cut_short",))
    store.overlays.assign(done.id, 0, 0, ME)
    store.overlays.rename(done.id, ME, "Frau Weber")
    store.overlays.correct(done.id, 0, 0, "Jawohl.")
    store.notes.add(done.id, 2000, "ask her")
    library.archive(done)

    silent = _claimed(store, worker_id, "silent")
    store.claims.complete(silent, [], duration_seconds=3.0)

    running = _claimed(store, worker_id, "running")
    store.claims.renew(running, lease_seconds=60, duration_seconds=100.0)
    _decode(store, running, progress=0.25, speed=4.0)
    _claimed(store, worker_id, "just begun")

    store.claims.fail(_claimed(store, worker_id, "failed"), Failure("empty_file", "failed.wav is empty."))
    cancelled = store.records.add(source="added", title="cancelled", recording_path="/c.wav", sha256="c")
    store.records.cancel(cancelled.id)
    crashed = _claimed(store, worker_id, "crashed", options={"beam_size": 2, "vad": False})
    store.claims.retry_later(crashed, Failure("engine_crashed", "SIGSEGV"), wait_seconds=300, crashed=True)
    store.records.add(source="added", title="waits", recording_path="/w.wav", options={"model": "small"})


def _claimed(store: Store, worker_id: str, title: str, **columns: Any) -> Claim:
    record = store.records.add(
        source="inbox", title=title, recording_path=f"/{title}.wav", sha256=title, **columns
    )
    claim = store.claims.claim(record.id, worker_id=worker_id, model="tiny.en", lease_seconds=60)
    assert claim is not None
    return claim


def _decode(store: Store, claim: Claim, **columns: Any) -> None:
    """Decode a window of two segments, one of them without words."""
    measures = {"average_log_probability": -0.1, "no_speech_probability": 0.0, "compression_ratio": 1.0}
    said = [
        {"start_seconds": 0.0, "end_seconds": 4, "text": "Grüße an Frau Weber.", "words": None},
        {"start_seconds": 5.5, "end_seconds": 6.0, "text": "Ja. Gut.", "channel": 0}
        | {"words": [[5.5, 5.7, " Ja.", 0.9], [5.7, 6.0, " Gut.", 0.9]], "doubts": ["improbable"]},
    ]
    window = {"start_seconds": 0.0, "end_seconds": 25.0, "stretch_seconds": 0.0}
    window["segments"] = json.dumps([segment | measures for segment in said])
    store.claims.save_windows(claim, windows([window]), **columns)


def _add_hooks(store: Store) -> None:
    """Add a webhook and a program, which are notified of what happens afterwards."""
    store.hooks.add(URL, "https://receiver.test/", "whsec_x", EVENTS.values())
    store.hooks.add(PROGRAM, '["/bin/tell", "--loud"]', "", EVENTS.values(), has_words=True)


def _notify(store: Store) -> None:
    """Deliver some messages, one of them in vain, and stop the program's hook."""
    webhook, program = store.hooks.every()
    for error in (None, "It answered 500."):
        claimed = store.deliveries.claim(webhook.id, 60)
        assert claimed
        if error is None:
            store.deliveries.note_delivered(claimed, 204)
        else:
            store.deliveries.note_failed(claimed, 500, error, 30)
    store.hooks.stop(program.id, "A person has stopped it.")


def _fill_inbox(stage: Stage, inbox: Inbox) -> None:
    for name in ("call.wav", "the same call.wav"):
        stage.drop(SAMPLE, name)
        inbox.sweep()
    stage.drop(SAMPLE, "locked.wav")
    stage.drop(SAMPLE, "notes.txt")
    InboxFile.create(
        path=str(stage.inbox / "locked.wav"), size_bytes=1, modified_ns=1, outcome=UNREADABLE, record=None
    )


def _lose_two(settings: Settings, store: Store) -> None:
    """A recording in the inbox that somebody has deleted, and one that was not in the queue yet."""
    store.records.add(source="inbox", title="lost", recording_path=str(settings.inbox / "lost.wav"))
    how = {
        "title": "lost",
        "layout": "mono",
        "worker_id": "capture-1",
        "started_at": 1.0,
        "candidate_id": "C",
        "project_id": "P",
    }
    store.captures.begin(LOST, settings.inbox / "Call.wav", **how)


def _follow_two(settings: Settings, store: Store) -> None:
    """Two calls that a worker transcribes live; with one of them it waits."""
    how = {"title": "live", "layout": "mono", "worker_id": "capture-1", "started_at": 2.0}
    store.captures.begin(f"{LOST[:-1]}0", settings.inbox / "Call 2.wav", **how)
    Decoder.of(store, LOST).guess(0.0, 1.0, (" Hello", ME), behind_seconds=1.5, yields="hot")
    Decoder.of(store, f"{LOST[:-1]}0").guess(0.0, 1.0, (" Hello", ME))


def _join(store: Store) -> None:
    """Join a server that has a recording, has had trouble with it, and is not asked for another one yet."""
    unknown = store.records.add(source="added", title="of unknown size", recording_path="/u.wav")
    store.outbox.join(JoinedServer("https://team.test", "token", "team", "Ada", 0.0))
    store.outbox.put_off(unknown.id, "PermissionError", "It is open elsewhere.", 30.0)
    sent = next(record for record in store.records.every() if record.id != unknown.id)
    store.outbox.take(sent.id, sent.sha256 or "")
    store.outbox.note(sent.id, server_status="failed", server_error="The engine crashed.")
    store.outbox.receive(sent.id)
    store.outbox.audio_deleted(sent.id)


@contextmanager
def _full_disk(pid: int, home: Path) -> Iterator[None]:
    """Let a process write no file beyond what the growing one has now."""
    (part,) = (home / "recording").glob("*.part")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (part.stat().st_size + 32_000, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@dataclass
class Answers:
    """What every reading command says in every home, asked when it is first needed."""

    homes: tuple[Stage, ...]
    transcribed: Any
    recorded: dict[str, list[Any]]
    erased: dict[str, list[Any]]
    new: Path
    _said: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def new_home(self) -> Stage:
        """A home of its own, whose hooks may be on this machine."""
        return Stage(self.new.parent / "hooks", (("OFFHOOK_HOOK_PRIVATE_HOSTS", "127.0.0.1"),))

    @cached_property
    def joined_homes(self) -> list[Stage]:
        """A home whose server answers, and one whose server is away."""
        homes = [Stage(self.new.parent / name) for name in ("joined", "away")]
        for home in homes:
            assert home.offhook("add", self.new, SAMPLE).returncode == 0
            with Store.of_home(Settings(home=home.home)) as store:
                _join(store)
                if home is homes[1]:
                    store.outbox.server.away("team.test cannot be reached: Connection refused.")
        return homes

    def to(self, heading: str) -> list[Any]:
        """The answers under a heading of the contract."""
        if heading not in self._said:
            self._said[heading] = list(self._ask(heading))
        return self._said[heading]

    def _ask(self, heading: str) -> Iterator[Any]:
        command = heading.removeprefix("offhook ").split()
        if heading == "offhook transcribe":
            yield self.transcribed
        elif heading == "offhook add":
            given = ("--candidate", "C", "--project", "P", "--model", "small", "--vad")
            yield self.homes[0].read("add", self.new, *given)
            yield self.homes[0].read("add", SAMPLE, self.new)
        elif heading == "offhook hooks add":
            yield self.new_home.read("hooks", "add", "https://127.0.0.1/")
            yield self.new_home.read("hooks", "add", "--program", sys.executable)
        elif heading == "offhook hooks secret":
            (webhook, _) = self.to("offhook hooks add")
            yield self.new_home.read("hooks", "secret", str(webhook["id"]))
        elif heading == "offhook hooks show":
            yield from (self.homes[1].read("hooks", "show", number) for number in ("1", "2"))
        elif heading == "offhook person list":
            for arguments in (
                ("add", "ada", "--no-password"),
                ("add", "bob", "--no-password"),
                ("disable", "bob"),
            ):
                assert self.homes[1].offhook("person", *arguments).returncode == 0
            yield self.homes[1].read("person", "list")
        elif heading == "offhook audit":
            (people,) = self.to("offhook person list")
            with Store.of_home(Settings(home=self.homes[1].home)) as store:
                store.audit.note(View(person_id=people["people"][0]["id"], person="ada"), [Note("read", 1)])
            yield self.homes[1].read("audit")
        elif heading == "offhook token create":
            yield self.homes[0].read("token", "create", "my script")
            self.to("offhook person list")
            yield self.homes[1].read("token", "create", "ada's script", "--person", "ada")
            workstation = ("--workstation", "--person", "ada", "--expires", "30")
            yield self.homes[1].read("token", "create", *workstation)
        elif heading == "offhook token list":
            made, _, handed_out = self.to("offhook token create")
            with Store.of_home(Settings(home=self.homes[1].home)) as store:
                store.access.join(handed_out["id"], "0f" * 16, "desk-7")
            yield from (home.read("token", "list") for home in self.homes[:2])
            with Store.of_home(Settings(home=self.homes[0].home)) as store:
                store.access.find(TOKEN, made["token"])
            yield self.homes[0].read("token", "list")
        elif heading in ("offhook status", "offhook outbox"):
            more = ["--all"] if heading == "offhook outbox" else []
            yield from (home.read(*command, *more) for home in (*self.homes, *self.joined_homes))
        elif heading == "offhook backup":
            yield from (_backed_up(home, self.new.parent) for home in self.homes)
        elif heading == "offhook migrate-to":
            yield _migrated(self.new.parent / "migrated")
        elif heading == "offhook verify-storage":
            yield _verified(self.new.parent / "verified")
        elif heading == "offhook rebuild":
            yield _rebuilt(self.new.parent / "rebuilt")
        elif heading == "offhook restore":
            for number, made in enumerate(self.to("offhook backup")):
                into = self.new.parent / f"restored {number}"
                yield self.homes[0].read("restore", made["path"], "--into", into)
        elif heading == "offhook search":
            yield from (home.read("search", "g*") for home in self.homes)
            yield from self.erased[heading]
        elif heading in ("offhook show", "The transcript as a file"):
            yield from (answer for home in self.homes for answer in _show(home, heading))
            yield from self.erased.get(heading, ())
        elif heading in self.erased:
            yield from self.erased[heading]
        elif command[-1] in self.recorded:
            yield from self.recorded[command[-1]]
        else:
            yield from (home.read(*command) for home in self.homes)


def _migrated(folder: Path) -> Any:
    """A move to a server, of a home with a record whose recording is gone."""
    if why := postgres.missing():
        skip_or_fail(why)
    home, path = Stage(folder / "home"), folder / "call.wav"
    (folder / "share").mkdir(parents=True)
    path.write_bytes(b"call")
    home.read("add", path)
    path.unlink()
    server = postgres.PostgresServer()
    try:
        return home.read("migrate-to", server.url(), "--storage", folder / "share")
    finally:
        server.remove()


def _verified(folder: Path) -> Any:
    """A storage in which one recording is missing, one is damaged, and one object is unknown."""
    home = Stage(folder / "home", (("OFFHOOK_STORAGE", str(folder / "share")),))
    share = folder / "share"
    share.mkdir(parents=True)
    (share / ".offhook-storage").touch()
    settings = Settings(home=home.home)
    prepare(settings)
    with Store.of_home(settings) as store:
        for name in ("missing", "damaged"):
            place = {"recording_path": f"calls/{name}.wav", "storage_key": f"calls/{name}.wav"}
            store.records.add(source="added", title=name, size_bytes=7, **place)
    (share / "calls").mkdir()
    for name in ("damaged", "unknown"):
        (share / "calls" / f"{name}.wav").touch()
    done = home.offhook("verify-storage", "--json")
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def _backed_up(home: Stage, folder: Path) -> Any:
    """A backup, whether all that was to be in it was there or not."""
    done = home.offhook("backup", folder / "backups", "--json")
    made = json.loads(done.stdout)
    assert done.returncode == (1 if made["missing"] else 0), done.stderr
    return made


def _show(home: Stage, heading: str) -> Iterator[Any]:
    for record in home.records():
        if heading == "offhook show":
            yield home.read("show", str(record["id"]))
        elif record["status"] == "completed":
            yield json.loads(home.offhook("show", str(record["id"]), "--format", "json").stdout)


def _rebuilt(home: Path) -> Any:
    """Rebuild from a transcript with its recording, one without, and one that cannot be read."""
    library = home / "library"
    library.mkdir(parents=True)
    for name in ("with", "without"):
        (library / f"{name}.json").write_text('{"title": "Call", "segments": []}')
    (library / "with.wav").write_bytes(b"RIFF")
    (library / "broken.json").write_text("{")
    return json.loads(Stage(home).offhook("rebuild", "--json").stdout)
