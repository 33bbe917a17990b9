"""The judges of a kill campaign: what they let pass and, one thing at a time, what they find."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from archive.library import Library
from shared.errors import BadRecording
from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.captures import ENDED
from shared.store.claims import Failure
from shared.store.store import Store
from stress import decodings, kill
from stress import feeder as feeding
from stress.contents import CORRUPT, Speech
from stress.feeder import Call, Drop, Feeder
from stress.supervisor import procfile
from stress.verdicts import Transcript, Verdict, judge, look, processes_of
from stress.watch import Watch
from tests.stage import ROOT, Stage
from tests.tables import Capture, InboxFile, Record, Segment, execute, said
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.media.recording import open_recording

SPEECH = Speech("speech 0", np.random.default_rng(0).uniform(-0.5, 0.5, 32_000).astype(np.float32), False)
WORDS = [{"start_seconds": 0.0, "end_seconds": 2.0, "text": "Good morning."}]
CALL_SECONDS = 2.0


@dataclass
class Aftermath:
    """A home after a campaign in which all went well, and what was dropped and captured in it."""

    settings: Settings
    session_id: str
    expected: Mapping[str, Transcript] = field(default_factory=dict)

    @property
    def drops(self) -> list[Drop]:
        return [
            Drop(("0000 doubled.wav", "0000 again.wav"), digest(SPEECH.wav(0)), SPEECH.name),
            Drop(("0001 corrupt.wav",), digest(CORRUPT["no_audio"](1)), None, "no_audio"),
        ]

    def judged(self, heard_seconds: float = CALL_SECONDS) -> Verdict:
        call = Call("Call 0000", 0.0, self.session_id, started=0.5, stopped=0.5 + heard_seconds)
        return judge(look(self.settings.home), self.drops, [call], [], self.expected)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def inbox(settings: Settings, store: Store) -> Iterator[Inbox]:
    with closing(HintQueue(settings.queue)) as hints:
        now = [0.0]
        inbox = Inbox(settings, store, hints, monotonic=lambda: now[0])
        inbox.sweep()
        now[0] += 60  # what has no whole header has kept still
        yield inbox


@pytest.fixture
def aftermath(settings: Settings, store: Store, inbox: Inbox) -> Aftermath:
    names = ("0000 doubled.wav", "0000 again.wav")
    for name in names:
        (settings.inbox / name).write_bytes(SPEECH.wav(0))
        inbox.sweep()
    bad = settings.inbox / "0001 corrupt.wav"
    bad.write_bytes(CORRUPT["no_audio"](1))
    content = {"sha256": sha256_of(bad), **asdict(Fingerprint.of(bad))}
    store.records.add(source="inbox", title=bad.stem, recording_path=str(bad), **content)
    session_id = captured(settings, store)
    library = Library(settings, store)
    for record in Record.select():
        claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
        assert claim
        if "corrupt" in record.title:
            store.claims.fail(claim, Failure("no_audio", "There is none."))
        else:
            library.archive(store.claims.complete(claim, said(WORDS)))
    found = look(settings.home).transcripts
    return Aftermath(settings, session_id, {SPEECH.name: found[1]})


def captured(settings: Settings, store: Store) -> str:
    """A call that was captured and queued."""
    session_id, path = str(uuid.uuid4()), settings.inbox / "Call.wav"
    path.write_bytes(SPEECH.wav(7))
    captures = store.captures
    captures.begin(session_id, path, title="Call 0000", layout="mono", started_at=1.0, worker_id="capture-1")
    captures.queue(session_id, {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))})
    return session_id


def test_a_home_in_which_all_went_well_has_no_faults(aftermath: Aftermath) -> None:
    assert aftermath.judged().faults == []


def forget(aftermath: Aftermath) -> None:
    Record.delete().where(Record.id == 1).execute()


def double(aftermath: Aftermath) -> None:
    row = Record.get_by_id(1).__data__ | {"id": None, "session_id": "another", "library_stem": None}
    Record.insert(row).execute()


def unfinish(aftermath: Aftermath) -> None:
    Record.update(transcription_status="queued").where(Record.id == 1).execute()


def mishear(aftermath: Aftermath) -> None:
    Segment.update(text="Good night.").where(Segment.record == 1).execute()


def cut_a_transcript(aftermath: Aftermath) -> None:
    next(aftermath.settings.library.rglob("0000*.srt")).write_text("")


def lose_a_recording(aftermath: Aftermath) -> None:
    Path(Record.get_by_id(1).recording_path).unlink()


def lose_a_copy(aftermath: Aftermath) -> None:
    (aftermath.settings.inbox / "0000 again.wav").unlink()


def keep_a_copy_secret(aftermath: Aftermath) -> None:
    InboxFile.delete().where(InboxFile.outcome == "copy").execute()


def fail_otherwise(aftermath: Aftermath) -> None:
    Record.update(error_code="engine_failed").where(Record.error_code == "no_audio").execute()


def take_in_a_strangers(aftermath: Aftermath) -> None:
    row = Record.get_by_id(1).__data__ | {
        "id": None,
        "session_id": "x",
        "sha256": "half of it",
        "library_stem": None,
    }
    Record.insert(row).execute()


def leave_a_partial_file(aftermath: Aftermath) -> None:
    next(aftermath.settings.library.rglob("*.srt")).with_name(".leftover.part").touch()


def leave_a_lock(aftermath: Aftermath) -> None:
    (aftermath.settings.locks / "worker-0123456789ab.lock").touch()


def leave_a_part(aftermath: Aftermath) -> None:
    (aftermath.settings.recording / f"{uuid.uuid4()}.part").touch()


def leave_a_capture(aftermath: Aftermath) -> None:
    Capture.update(state=ENDED).execute()


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (forget, "lost"),
        (double, "doubled"),
        (unfinish, "stuck"),
        (mishear, "wrong"),
        (cut_a_transcript, "wrong"),
        (lose_a_recording, "lost"),
        (lose_a_copy, "lost"),
        (keep_a_copy_secret, "wrong"),
        (fail_otherwise, "wrong"),
        (take_in_a_strangers, "doubled"),
        (leave_a_partial_file, "left_over"),
        (leave_a_lock, "left_over"),
        (leave_a_part, "left_over"),
        (leave_a_capture, "left_over"),
    ],
)
def test_each_thing_that_goes_wrong_is_found(
    aftermath: Aftermath, spoil: Callable[[Aftermath], None], kind: str
) -> None:
    spoil(aftermath)
    assert getattr(aftermath.judged(), kind) != []


def test_a_call_that_lost_more_than_a_second_is_found(aftermath: Aftermath) -> None:
    assert aftermath.judged(heard_seconds=CALL_SECONDS + 0.9).faults == []
    assert len(aftermath.judged(heard_seconds=CALL_SECONDS + 1.1).lost) == 1


def test_a_call_whose_stop_was_answered_is_missed_however_short_it_was(aftermath: Aftermath) -> None:
    Record.delete().where(Record.source == "capture").execute()
    call = Call("Call 0000", 0.0, aftermath.session_id, started=0.5, stopped=0.9)
    for is_safe in (False, True):
        call.is_safe = is_safe
        verdict = judge(look(aftermath.settings.home), aftermath.drops, [call], [], aftermath.expected)
        assert len(verdict.lost) == is_safe


def test_a_recorder_that_refuses_to_record_is_no_undisturbed_silence(stage: Stage) -> None:
    deaf = Stage(stage.home, (("OFFHOOK_MICROPHONE", "none"), ("OFFHOOK_LOOPBACK", "none")))
    with deaf.process("capture_worker"):
        deaf.wait_for(lambda: (stage.home / "control.json").exists(), "the recorder")
        feeder = Feeder(deaf, [SPEECH], seed=1, announce=lambda _: None, waiting=lambda: 0)
        with feeder:
            deaf.wait_for(lambda: feeder.faults, "a refusal")
    assert "Refused" in feeder.faults[0]


def test_a_seed_drops_the_same_however_busy_the_machine_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "DROP_EVERY_SECONDS", (0.0, 0.1))
    monkeypatch.setattr(feeding, "HALF_COPIED_SECONDS", (0.0, 0.1))
    dropped = []
    for name, busy in (("quiet", 0), ("busy", 4)):
        stage, speeches = Stage(tmp_path / name), [SPEECH, replace(SPEECH, is_long=True)]
        stage.inbox.mkdir(parents=True)
        feeder = Feeder(stage, speeches, seed=1, announce=lambda _: None, waiting=lambda: 0)
        feeder.waiting = lambda feeder=feeder, busy=busy: 9 if len(feeder.drops) < busy else 0
        with feeder:
            stage.wait_for(lambda feeder=feeder: len(feeder.drops) >= 12, "drops")
        dropped.append([(drop.names, drop.sha256) for drop in feeder.drops[:12]])
    assert dropped[0][4:] == dropped[1][4:]
    assert dropped[0][:4] != dropped[1][:4]


def test_a_call_ends_when_it_is_stopped_or_its_recorder_dies_whichever_comes_first() -> None:
    call = Call("Call", asked=10.0, session_id="x", started=11.0, stopped=15.0)
    assert call.heard_seconds([5.0, 20.0]) == 4.0
    assert call.heard_seconds([12.5]) == 1.5
    assert call.heard_seconds([10.5]) == 0.0


def test_windows_that_are_decoded_twice_are_counted_and_those_behind_a_commit_are_faults(
    tmp_path: Path,
) -> None:
    log = tmp_path / "worker.log"
    log.write_text(
        "12:00 INFO recording 1: transcribing, attempt 1\n"
        "12:00 DEBUG recording 1: decoded from 0.000 to 10.000 s\n"
        "12:00 DEBUG recording 1: decoded from 10.000 to 14.000 s\n"
        "12:01 INFO recording 1: transcribing, attempt 2\n"
        "12:01 DEBUG recording 1: decoded from 10.000 to 14.000 s\n"
        "12:01 DEBUG recording 1: decoded from 15.000 to 21.000 s\n"
    )
    found = decodings.read(log)
    assert (found.once_seconds, found.twice_seconds, found.begun_again_seconds) == (20.0, 4.0, 4.0)
    assert found.faults == []
    log.write_text(log.read_text() + "12:01 DEBUG recording 1: decoded from 0.000 to 10.000 s\n")
    assert len(decodings.read(log).faults) == 1


def test_a_window_that_was_kept_and_is_decoded_again_is_a_fault_though_it_was_the_last(
    tmp_path: Path,
) -> None:
    log = tmp_path / "worker.log"
    window = "12:00 DEBUG recording 1: decoded from 10.000 to 14.000 s\n"
    attempt = "12:01 INFO recording 1: transcribing, attempt 2\n"
    kept = "12:01 DEBUG recording 1: kept up to 14.000 s\n"
    for lines, faults in ((window + attempt + window + kept, 0), (window + kept + attempt + window, 1)):
        log.write_text("12:00 INFO recording 1: transcribing, attempt 1\n" + lines)
        assert len(decodings.read(log).faults) == faults


@pytest.mark.parametrize("code", CORRUPT)
def test_what_is_dropped_as_corrupt_is_so_in_the_way_it_says(tmp_path: Path, code: str) -> None:
    path = tmp_path / "corrupt.wav"
    path.write_bytes(CORRUPT[code](3))
    with pytest.raises(BadRecording) as caught, open_recording(path) as recording:
        list(recording.blocks())
    assert caught.value.code == code
    assert CORRUPT[code](3) != CORRUPT[code](4)


def test_a_watch_that_can_no_longer_look_says_so(aftermath: Aftermath, store: Store) -> None:
    with Watch(aftermath.settings.home, lambda _: None) as watch:
        execute("ALTER TABLE call_records RENAME TO others")
        watch._thread.join(30)
    assert watch.faults == ["the watch has failed: no such table: call_records"]


def test_calls_that_were_recovered_within_one_minute_are_compared_each(
    aftermath: Aftermath, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured(aftermath.settings, store)
    columns = {"title": "Recovered 2026-11-26 01:20", "transcription_status": "completed"}
    Record.update(columns).where(Record.source == "capture").execute()
    monkeypatch.setattr(kill, "undisturbed", lambda _, contents: dict.fromkeys(contents, ([], {})))
    files = Record.select().where(Record.source == "capture")
    assert [Path(record.recording_path).exists() for record in files] == [True, True]
    assert len(kill.compare_calls(tmp_path, look(aftermath.settings.home))) == 1


def test_a_campaign_whose_engine_hears_nothing_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "undisturbed", lambda *_: {"speech 0": ([], {".txt": ""})})
    with pytest.raises(RuntimeError, match="Nothing is heard in speech 0"):
        kill.campaign(tmp_path, kills=0, seed=1)


SUPERVISOR = """
import sys, time
from stress.supervisor import Supervisor
from tests.stage import Path, Stage
folder = Path(sys.argv[1])
with Supervisor(Stage(folder / "home"), folder / "logs"):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_campaign_that_is_killed_itself_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as campaign:
        assert campaign.stdout
        assert campaign.stdout.readline() == b"up\n"
        assert len(processes_of(tmp_path / "home")) >= 3
        campaign.kill()
    deadline = time.monotonic() + 30
    while left := processes_of(tmp_path / "home"):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_the_processes_are_those_of_the_procfile() -> None:
    assert {name: command[1:] for name, command in procfile().items()} == {
        "capture": ["-m", "capture_worker"],
        "inbox": ["-m", "transcribe_worker.inbox"],
        "outbox": ["-m", "outbox_worker"],
        "web": ["-m", "offhook.web"],
        "worker": ["-m", "transcribe_worker"],
    }
