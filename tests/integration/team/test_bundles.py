"""A transcript that a server gives to a workstation is the same there, to the last bit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import bundle
from archive.bundle import BadBundle, Bundle
from shared.errors import StateConflict
from shared.reading import Correction
from shared.speakers import CHANNELS, LOUDNESS, PERSON, Label, VoiceTurn
from shared.store.claims import Claim
from shared.store.placing import CORRECTION, Unplaced
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, Word, numbered
from tests.conftest import skip_or_fail

WHOLE = st.integers(0, 2**40)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WORDS = st.builds(Word, WHOLE, WHOLE, TEXTS, st.floats(0, 1))
SEGMENTS = st.builds(
    Segment,
    *(WHOLE, WHOLE, TEXTS, st.lists(WORDS, max_size=4).map(tuple)),
    *(st.none() | FLOATS for _ in range(3)),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | WHOLE,
    st.none() | st.integers(0, 1),
)
LABELS = st.builds(
    Label, WHOLE, WHOLE, TEXTS, st.sampled_from((LOUDNESS, PERSON)), st.none() | st.floats(0, 1)
)
NAMES = st.dictionaries(TEXTS, TEXTS, max_size=3)
BUNDLES = st.builds(
    Bundle,
    *(WHOLE, st.lists(SEGMENTS, max_size=3).map(tuple), st.none() | TEXTS, st.none() | TEXTS),
    *(st.none() | FLOATS, st.none() | FLOATS, st.lists(TEXTS, max_size=2).map(tuple)),
    st.lists(LABELS, max_size=3).map(tuple),
    st.lists(st.builds(VoiceTurn, WHOLE, WHOLE, WHOLE, st.floats(0, 1)), max_size=2).map(tuple),
    *(NAMES, NAMES),
    st.lists(st.builds(Correction, WHOLE, WHOLE, TEXTS, TEXTS, FLOATS), max_size=2).map(tuple),
)
#: Times, probabilities and texts that lose something in a careless copy.
CALL = numbered(
    (
        Segment(
            10,
            1210,
            "Grüezi, 李!",
            (Word(10, 507, " Grüezi,", 0.1 + 0.2), Word(507, 1210, " 李!", 1 / 3)),
            *(-0.123456789012345, 5e-324, 1.7976931348623157e308),
            ("repeated",),
            channel=0,
        ),
        Segment(1300, 2000, "w2 w3", (Word(1300, 1600, " w2", 0.0), Word(1600, 2000, " w3", 1.0)), channel=1),
        Segment(2100, 2500, "without words"),
    )
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """The store of another machine."""
    with Store.open(tmp_path / "other.db") as store:
        yield store


def claimed(store: Store, session_id: str = "s") -> Claim:
    record = store.records.of_session(session_id) or store.records.add(
        source="capture", session_id=session_id, title="Call", recording_path="/in/call.wav"
    )
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    return claim


def transcribed(store: Store) -> Record:
    """A call on the server, whose transcript persons have changed in every way."""
    labels = (Label(0, 1, "voice 1", CHANNELS, 0.7), Label(2, 3, "voice 3", LOUDNESS, None))
    turns = (VoiceTurn(10, 1210, 1, 0.9), VoiceTurn(1300, 2000, 3, 0.25))
    facts = {"language": "de", "language_probability": 0.1 + 0.7, "duration_seconds": 2.5000000000000004}
    record = store.claims.complete(claimed(store), CALL, labels, turns, flags=("clipped",), **facts)
    store.overlays.replace(record.id, labels, turns)  # as after a second transcription: voices 1 and 3
    with store.edits.change(record.id, "edit"):
        store.overlays.swap(record.id, "voice 1", "voice 3")
        store.overlays.assign(record.id, 1, 1, "me")
        store.overlays.rename(record.id, "voice 3", "Zoë")
        store.overlays.correct(record.id, 2, 3, "two, three")
        store.carrying.keep_unplaced(
            record.id, [Unplaced(CORRECTION, 5000, 6000, "a", "b", "c", "bee", 1_700_000_000.25, 1)]
        )
    return store.records.get(record.id)


def laid_over(store: Store, record_id: int) -> tuple[object, ...]:
    overlays = store.overlays
    return (
        store.transcripts.segments(record_id),
        overlays.labels(record_id),
        overlays.voice_turns(record_id),
        overlays.names(record_id),
        overlays.swaps(record_id),
        overlays.corrections(record_id),
        store.carrying.unplaced(record_id),
        store.parts.texts(record_id),
    )


@given(BUNDLES)
def test_what_is_written_is_read_as_it_was(found: Bundle):
    assert bundle.from_json(bundle.as_json(found)) == found


def test_a_transcript_with_all_that_is_laid_over_it_is_equal_on_the_other_machine(store: Store, other: Store):
    record = transcribed(store)

    there = bundle.from_json(bundle.as_json(bundle.load(store, record.id)))
    received = bundle.receive(other, claimed(other), there)

    assert laid_over(other, received.id) == laid_over(store, record.id)
    for name in ("model", "language", "language_probability", "duration_seconds", "flags"):
        assert getattr(received, name) == getattr(record, name)
    assert [hit.record_id for hit in other.transcripts.search("three", 5)] == [received.id]


def test_a_change_on_the_server_reaches_a_transcript_that_is_there_already(store: Store, other: Store):
    record = transcribed(store)
    received = bundle.receive(other, claimed(other), bundle.load(store, record.id))

    with store.edits.change(record.id, "edit"):
        store.overlays.correct(record.id, 2, 3, "two and three")
    other.records.requeue(received.id)
    bundle.receive(other, claimed(other), bundle.load(store, record.id))

    assert laid_over(other, received.id) == laid_over(store, record.id)


def test_what_was_corrected_on_the_workstation_alone_stays(store: Store, other: Store):
    record = transcribed(store)
    received = bundle.receive(other, claimed(other), bundle.load(store, record.id))

    with other.edits.change(received.id, "edit"):
        other.overlays.correct(received.id, 0, 0, "Hello,")
    other.records.requeue(received.id)
    bundle.receive(other, claimed(other), bundle.load(store, record.id))

    assert {it.text for it in other.overlays.corrections(received.id)} == {"Hello,", "two, three"}


def test_a_transcript_that_is_not_finished_is_no_bundle(store: Store):
    claim = claimed(store)

    with pytest.raises(StateConflict):
        bundle.load(store, claim.record.id)


def test_the_change_that_a_bundle_names_is_that_of_its_words(store: Store):
    record = transcribed(store)
    change = store.changes.of_record(record.id)

    assert change
    assert bundle.load(store, record.id).words_seq == change.words_seq


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"null",
        b"[]",
        b"<html>Bad gateway</html>",
        b'{"bundle": 1}',
        b'{"bundle": 2, "words_seq": 1, "segments": []}',
        b'{"bundle": 1, "words_seq": 1, "segments": 5}',
        b'{"bundle": 1, "words_seq": 1e999, "segments": []}',
        b'{"bundle": 1, "words_seq": 99999999999999999999999, "segments": []}',
        b'{"bundle": 1, "words_seq": 1, "segments": [], "model": "\\ud800"}',
        b'{"bundle": 1, "words_seq": 1, "segments": [], "model": "\xff"}',
        b'{"bundle": 1, "words_seq": 1, "segments": [{"start_ms": "0", "end_ms": 1, "text": ""}]}',
        b'{"bundle": 1, "words_seq": 1, "segments": [], "labels": [{"first_word": 1}]}',
        b'{"bundle": 1, "words_seq": 1, "segments": [], "names": {"me": 5}}',
        b'{"bundle": 1, "words_seq": 1, "segments": [], "flags": ' + b"[" * 100_000,
        b'{"bundle": 1, "words_seq": 1, "segments": [' + b"{}," * 3_000_000,
        b" " * 60_000_000,
    ],
    ids=lambda sent: sent[:60].decode(errors="replace"),
)
def test_what_is_no_bundle_is_refused_with_a_reason(sent: bytes):
    with pytest.raises(BadBundle, match="server sent"):
        bundle.from_json(sent)


def test_fields_of_later_versions_are_passed_over():
    known = json.loads(bundle.as_json(Bundle(7, CALL)))
    known["moods"] = ["happy"]
    known["segments"][0]["tone"] = "rising"

    assert bundle.from_json(json.dumps(known).encode()) == Bundle(7, CALL)


_LONG = r"""
import pathlib, re, sys
from archive import bundle
from shared.store.store import Store
from shared.words import Segment, Word

def said(segment):
    begin = segment * 4000
    times = [(begin + 250 * n, begin + 250 * n + 240, f" word{segment * 16 + n}", n / 17) for n in range(16)]
    words = tuple(Word(*it) for it in times)
    return Segment(begin, begin + 4000, "".join(it.text for it in words), words, -0.2, 0.1, 1.5, (), None, 0)

store = Store.open(pathlib.Path(sys.argv[1]))
record = store.records.add(source="capture", title="Call", recording_path="/in/call.wav")
claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=600)
store.claims.complete(claim, map(said, range(12 * 900)))
sent = bundle.as_json(bundle.load(store, record.id))
assert len(bundle.from_json(sent).segments) == 12 * 900
peak = re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())  # of this program alone
print(int(peak[1]) // 1024)
"""


def test_twelve_hours_of_speech_take_less_than_200_mb(tmp_path: Path):
    if sys.platform != "linux":
        skip_or_fail("the memory of a process is read as Linux has it")
    command = [sys.executable, "-c", _LONG, str(tmp_path / "server.db")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200
