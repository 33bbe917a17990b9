"""Voices in one channel, told apart by a real engine with the real network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shared.settings import RecordOptions, Settings
from shared.speakers import VoiceTurn
from shared.store.store import Store
from shared.words import MS_PER_SECOND
from tests.integration.test_engine import choice, nothing
from tests.stage import Stage
from tests.voice_weights import real_network
from tests.voices import LONG_CALL, Call, Turn, speak, write_wav
from transcribe_worker.engine.messages import Decoded, Done, Job, Position, Voices
from transcribe_worker.engine.supervisor import Engine, JobEvent
from transcribe_worker.voice_files import FILE, is_known

OPTIONS = RecordOptions()
#: More than a stretch, so that an attempt can end after the first.
CALL = LONG_CALL[:16]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(Engine(silence_seconds=60.0)) as engine:
        yield engine


@pytest.fixture(scope="module")
def call() -> Call:
    return speak(CALL)


@pytest.fixture
def wav(call: Call, tmp_path: Path) -> Path:
    write_wav(path := tmp_path / "call.wav", call.samples)
    return path


@pytest.fixture
def job(wav: Path) -> Job:
    return Job(wav, OPTIONS, voices=real_network())


def events_of(engine: Engine, job: Job) -> list[JobEvent]:
    engine.load(choice())
    return list(engine.transcribe(job, nothing))


def turns_in(events: Sequence[JobEvent]) -> tuple[VoiceTurn, ...]:
    (voices,) = (event for event in events if isinstance(event, Voices))
    return voices.turns


def right_share(turns: Sequence[VoiceTurn], call: Call) -> float:
    """The share of the turns' time that the voice of the one who speaks has; who speaks first is voice 1."""
    names = list(dict.fromkeys(turn.speaker for turn in call.turns))
    right = total = 0
    for number, turn in enumerate(call.turns):
        start = call.starts_seconds[number]
        following = call.starts_seconds[number + 1 : number + 2] or (call.duration_seconds,)
        for found in turns:
            both = min(found.end_ms, following[0] * MS_PER_SECOND) - max(
                found.start_ms, start * MS_PER_SECOND
            )
            total += max(0, both)
            right += max(0, both) * (found.voice == names.index(turn.speaker) + 1)
    return right / total


def test_the_fetched_network_is_the_known_one() -> None:
    assert is_known(real_network())


def test_two_voices_are_counted_and_followed(engine: Engine, job: Job, call: Call) -> None:
    events = events_of(engine, job)
    turns = turns_in(events)
    assert [type(event) for event in events[-2:]] == [Voices, Done]
    assert {turn.voice for turn in turns} == {1, 2}
    assert right_share(turns, call) > 0.95


@pytest.mark.parametrize("speaker", ["laura", "joe"])
def test_one_voice_alone_is_one(engine: Engine, tmp_path: Path, speaker: str) -> None:
    one = speak([Turn(speaker, turn.text) for turn in LONG_CALL if turn.speaker == speaker][:6])
    write_wav(path := tmp_path / "one.wav", one.samples)
    turns = turns_in(events_of(engine, Job(path, OPTIONS, voices=real_network())))
    assert {turn.voice for turn in turns} == {1}


def test_a_given_number_of_voices_is_kept_to(engine: Engine, job: Job) -> None:
    one = replace(job, options=replace(OPTIONS, speakers=1))
    assert {turn.voice for turn in turns_in(events_of(engine, one))} == {1}


def test_an_attempt_that_continues_another_finds_the_same_voices(engine: Engine, job: Job) -> None:
    whole = events_of(engine, job)
    decoded = [event for event in whole if isinstance(event, Decoded) and event.windows]
    later = next(event for event in decoded if event.start_seconds > 0)
    position = Position(later.start_seconds, later.windows[0].end_seconds)
    resumed = events_of(engine, replace(job, positions=(position,)))
    assert turns_in(resumed) == turns_in(whole)


def test_without_the_network_there_are_words_and_no_voices(engine: Engine, wav: Path) -> None:
    events = events_of(engine, Job(wav, OPTIONS))
    assert any(isinstance(event, Decoded) and event.windows for event in events)
    assert not any(isinstance(event, Voices) for event in events)


def test_a_damaged_network_costs_the_voices_and_no_words(engine: Engine, wav: Path, tmp_path: Path) -> None:
    damaged = tmp_path / FILE
    damaged.write_bytes(b"no network")
    events = events_of(engine, Job(wav, OPTIONS, voices=damaged))
    assert any(isinstance(event, Decoded) and event.windows for event in events)
    assert not any(isinstance(event, Voices) for event in events)


@pytest.mark.parametrize("is_named", [False, True])
def test_a_persons_own_file_is_stored_with_its_voices(
    stage: Stage, wav: Path, call: Call, tmp_path: Path, is_named: bool
) -> None:
    models = stage.home / "models"
    models.mkdir(parents=True)
    network = tmp_path / "other.onnx" if is_named else models / FILE
    network.symlink_to(real_network())
    environment = {"OFFHOOK_VOICES_MODEL": f"{network}"} if is_named else {}
    stage = replace(stage, settings=(*stage.settings, *environment.items()))
    done = stage.offhook("transcribe", wav, "--speakers", "2", "--format", "txt", timeout=170)
    assert done.returncode == 0, done.stderr
    with Store.of_home(Settings(home=stage.home)) as store:
        (record,) = store.records.every()
        labels = store.overlays.labels(record.id)
        turns = store.overlays.voice_turns(record.id)
    assert right_share(turns, call) > 0.95
    assert {label.speaker for label in labels} == {"voice 1", "voice 2"}
    assert labels[0].speaker == "voice 1"
