"""A whole life of a home whose owner lets everybody read: what others see of it, and what the logs say."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.stage import ROOT, Stage
from tests.voices import Turn, speak, write_wav
from transcribe_worker.model_files import bundled_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither umask nor file modes")

#: What a person has named things; nothing else that runs here has such words in it.
NAMES = ("quetzalcoatl", "zwetschgenmann", "xylophon", "ypsilanti", "wacholder", "rhabarber")
SPEECH = (
    Turn("laura", "Good morning, and thank you for taking the time to talk with me."),
    Turn("joe", "I look after the warehouse of a company that sells kitchen furniture."),
)
LOST = Path("kept", "Rhabarber.wav")
#: Words that offhook's own sentences have as well.
HARMLESS = {"taking", "company"}
BREAKS = """
from offhook import cli
cli.COMMANDS["status"] = "offhook.commands.status:there_is_none"
cli.main(["status"])
"""


@dataclass
class Eyes:
    """What somebody else on the machine could see, looked at ever again."""

    roots: tuple[Path, ...]
    given: tuple[Path, ...]  # files that a person has put there, as open as they were
    seen: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        for root in self.roots:
            for folder, _, names in os.walk(root):  # which passes over what goes while it walks
                for path in (Path(folder), *(Path(folder, name) for name in names)):
                    with suppress(FileNotFoundError):
                        self._note(path, root)

    def _note(self, path: Path, root: Path) -> None:
        mode = path.lstat().st_mode
        if path not in self.given:
            kind = "folder" if stat.S_ISDIR(mode) else "file"
            self.seen[f"{kind} {path.relative_to(root.parent)}"] = mode & 0o777

    @contextmanager
    def open(self) -> Iterator[None]:
        over = threading.Event()

        def keep_looking() -> None:
            while not over.wait(0.05):
                self.look()

        looker = threading.Thread(target=keep_looking)
        looker.start()
        try:
            yield
        finally:
            over.set()
            looker.join()
            self.look()


@dataclass(frozen=True)
class Life:
    """A home that has seen everything, and what was seen of it."""

    stage: Stage
    eyes: Eyes
    messages: list[bytes]
    raw_queue: bytes
    transcript: str

    @property
    def logs(self) -> dict[str, str]:
        """Every log, and what each process has written to its console."""
        paths = (*(self.stage.home / "logs").iterdir(), *self.stage.home.parent.glob("*.log"))
        return {str(path.relative_to(self.stage.home.parent)): path.read_text("utf-8") for path in paths}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    folder = tmp_path_factory.mktemp("eyes")
    said = folder / "said.wav"
    write_wav(said, speak(SPEECH).samples)
    temporary = folder / "temporary"
    temporary.mkdir(mode=0o700)
    settings = (
        *(("OFFHOOK_MICROPHONE", f"replay:{said}"), ("OFFHOOK_LOOPBACK", "none")),
        *(("OFFHOOK_LOG_LEVEL", "DEBUG"), ("OFFHOOK_SETTLE_SECONDS", "0.3"), ("TMPDIR", str(temporary))),
    )
    before = os.umask(0)
    try:
        yield live(Stage(folder / "home", settings), said, temporary)
    finally:
        os.umask(before)


def live(stage: Stage, said: Path, temporary: Path) -> Life:
    folder = stage.home.parent
    dropped = ("Ypsilanti.wav", "Ypsilanti again.wav", "Ypsilanti empty.wav", "Ypsilanti text.wav")
    roots = (stage.home, temporary, *(folder / name for name in ("exports", "backups", "Wacholder")))
    eyes = Eyes(
        roots, tuple(stage.inbox / name for name in (*dropped, *(f".{name}" for name in dropped), LOST))
    )
    with eyes.open():
        with stage.process("transcribe_worker.inbox"), stage.process("capture_worker"):
            stage.wait_for((stage.home / "control.json").exists, "the capture worker")
            drop(stage, said, dropped)
            record(stage, folder)
            stage.wait_for(lambda: len(queued(stage.home / "queue.db")) == 4, "all to be queued")
            messages = queued(stage.home / "queue.db")
            raw_queue = raw(stage.home / "queue.db")
            missing = add_and_lose(stage, said)
        with stage.process("transcribe_worker"):
            for title in ("Ypsilanti", "Ypsilanti empty", "Ypsilanti text", "Quetzalcoatl", missing):
                stage.finished(title)
            stage.wait_for(lambda: not stage.inbox.joinpath(dropped[0]).exists(), "the library")
        stage.offhook("export", "--all", "--output", folder / "exports" / "Rhabarber")
        made = stage.offhook("backup", folder / "backups")
        assert (made.returncode, "Rhabarber" in made.stderr) == (1, True), made.stderr  # it was lost
        restored = folder / "backups" / "restored"
        assert stage.offhook("restore", made.stdout.strip(), "--into", restored).returncode == 0
        broken = subprocess.run(
            [sys.executable, "-c", BREAKS], cwd=ROOT, env=stage.environment, capture_output=True, text=True
        )
        assert "fault in offhook itself" in broken.stderr
    raw_queue += raw(stage.home / "queue.db")
    record_ = stage.record("Ypsilanti")
    assert record_ is not None
    text = stage.offhook("show", str(record_["id"]), "--format", "txt").stdout
    return Life(stage, eyes, messages, raw_queue, text)


def drop(stage: Stage, said: Path, names: tuple[str, ...]) -> None:
    empty, text = said.with_name("empty.wav"), said.with_name("text.wav")
    empty.touch()
    text.write_text("Notes about Zwetschgenmann")
    for name, content in zip(names, (said, said, empty, text), strict=True):
        stage.drop(content, name)
        stage.wait_for(lambda name=name: stage.record(Path(name).stem) or "again" in name, "the inbox")


def record(stage: Stage, folder: Path) -> None:
    """Record a call; the folder that it was to go to is not there any more when it ends."""
    whose = ("--title", "Quetzalcoatl", "--candidate", "Zwetschgenmann", "--project", "Xylophon")
    output = folder / "Wacholder" / "call.wav"
    started = stage.offhook("record", "start", *whose, "--output", output)
    assert started.returncode == 0, started.stderr
    stage.wait_for(lambda: stage.read("record", "state")["duration_seconds"] > 3, "some of the call")
    shutil.rmtree(output.parent)
    output.parent.touch(mode=0o600)
    assert stage.offhook("record", "stop").returncode == 0
    output.parent.unlink()


def add_and_lose(stage: Stage, said: Path) -> str:
    path = stage.inbox / LOST
    path.parent.mkdir(mode=0o700)
    write_wav(path, speak(SPEECH, seed=7).samples)
    assert stage.offhook("add", path, "--title", "Rhabarber", "--candidate", "Zwetschgenmann").returncode == 0
    path.unlink()
    return "Rhabarber"


def queued(queue: Path) -> list[bytes]:
    with closing(sqlite3.connect(queue)) as store:
        return [bytes(data) for (data,) in store.execute("SELECT data FROM task")]


def raw(queue: Path) -> bytes:
    return b"".join(path.read_bytes() for path in queue.parent.glob(f"{queue.name}*"))


# What others see


def test_the_life_had_everything_in_it_that_is_looked_at(life: Life) -> None:
    seen = "\n".join(life.eyes.seen)
    for kind in (
        *("home/offhook.db-wal", "home/offhook.db-shm", "home/queue.db", "home/control.json"),
        *("home/logs/worker.log", "home/logs/capture.log", "home/logs/inbox.log", "home/locks/.*lock"),
        *("home/recording/.*part", "home/library/.*wav", "home/library/.*txt", "Wacholder"),
        *("exports/Rhabarber/Ypsilanti.*txt", "backups/offhook-backup-[0-9-]*/offhook.db"),
        *("backups/offhook-backup-.*manifest", "backups/restored/library", "temporary/offhook-fault-.*txt"),
    ):
        assert re.search(kind, seen), kind


def test_nothing_that_is_made_can_be_read_by_others_whatever_the_umask(life: Life) -> None:
    right = {"file": 0o600, "folder": 0o700}
    wrong = {name: oct(mode) for name, mode in life.eyes.seen.items() if mode != right[name.split()[0]]}
    assert wrong == {}


# What the logs say


def secrets(life: Life) -> set[str]:
    spoken = set(re.findall(r"[a-z]{6,}", life.transcript.lower())) - HARMLESS
    assert {"warehouse", "kitchen", "furniture"} <= spoken, life.transcript
    return spoken | set(NAMES)


def test_no_log_names_a_person_a_file_or_a_word_that_was_said(life: Life) -> None:
    assert {"home/logs/worker.log", "home/logs/capture.log", "home/logs/inbox.log"} <= life.logs.keys()
    for name, text in life.logs.items():
        found = {word for word in secrets(life) if word in text.lower()}
        lines = [line for line in text.splitlines() if any(word in line.lower() for word in found)]
        assert lines == [], name


def test_the_logs_say_what_happened_to_which_recording(life: Life) -> None:
    logs = "\n".join(life.logs.values())
    for said in ("taken from the inbox", "completed", "empty_file -> fail", "goes to the inbox instead"):
        assert said in logs, said


def test_the_queue_holds_numbers_and_no_pickles(life: Life) -> None:
    assert len(life.messages) == 4
    ids = {record["id"] for record in life.stage.records()}
    for message in life.messages:
        fields = json.loads(message)
        assert not message.startswith(b"\x80")
        assert next(value for value in fields if isinstance(value, list) and value)[0] in ids
    text = life.raw_queue.decode("latin-1").lower()
    assert {word for word in secrets(life) if word in text} == set()
