"""Searches go through ranges of segments, the newest first, and find what a look at every segment finds."""

from __future__ import annotations

from fnmatch import fnmatch
from random import Random

import pytest

from shared.store import words_index
from shared.store.database import LARGEST_ID
from shared.store.narrowing import Narrowing
from shared.store.postgres import fulltext
from shared.store.store import Store
from tests.tables import Segment, by_clock, execute, said

DAY = 86_400.0
RECORDS, SEGMENTS = 24, 5
WORDS = ("alpha", "beta", "gamma")
#: Those who have calls; another one has none.
OWNERS, NOBODY = (None, 7, 300), 8


class Days:
    """A clock that stands still between two days."""

    now = 1000 * DAY

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def spoken(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Recordings of as many days, some transcribed much later, some again, some queued again since."""
    for name, value in (("FEW_RECORDS", 0), ("RANGE_BITS", (8, 12, 16, 18)), ("WALKED_BITS", 12)):
        monkeypatch.setattr(fulltext, name, value)  # a few are many
    random, clock = Random(2026), Days()
    store = by_clock(store, clock)
    waiting: list[int] = []
    for number in range(RECORDS):
        clock.now += DAY
        title, path = f"{number}", f"/{number}.wav"
        owned = {"owner_id": random.choice(OWNERS), **({"candidate_id": "C-1"} if number % 3 else {})}
        waiting.append(store.records.add(source="inbox", title=title, recording_path=path, **owned).id)
        for record_id in list(waiting):
            if random.random() < 0.6:
                transcribe(store, record_id, random)
                waiting.remove(record_id)
                if random.random() < 0.3:
                    store.records.requeue(record_id)
                    waiting += [record_id] * (random.random() < 0.5)
    return store


def transcribe(store: Store, record_id: int, random: Random) -> None:
    claim = store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    texts = [" ".join(random.choices(WORDS, k=2)) for _ in range(SEGMENTS)]
    rows = [{"start_seconds": 0.0, "end_seconds": 1.0, "text": text} for text in texts]
    store.claims.complete(claim, said(rows))
    # Numbers of segments lie in many ranges, as after years.
    execute("SELECT setval('segments_id_seq', nextval('segments_id_seq') + ?)", (random.randrange(50_000),))


@pytest.mark.parametrize("most_looked_at", [0, 3, 1000])
def test_any_narrowing_finds_what_a_look_at_every_segment_finds(
    spoken: Store, most_looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulltext, "MOST_LOOKED_AT", most_looked_at)
    random = Random(7)
    records = {record.id: record for record in spoken.records.every()}
    rows = list(Segment.select().order_by(Segment.id.desc()).dicts())
    for _ in range(60):
        since, until = (random.choice([None, (1000 + random.randrange(RECORDS + 2)) * DAY]) for _ in "ab")
        candidate, owner = random.choice([None, "C-1"]), random.choice([*OWNERS, *OWNERS, NOBODY])
        typed = random.choice([*WORDS, "al*", "b* gamma"])
        before, limit = random.choice([LARGEST_ID, random.choice(rows)["id"]]), random.choice([1, 7, 100])
        expected = [
            row["id"]
            for row in rows
            for record in [records[row["record"]]]
            if all(any(fnmatch(word, term) for word in row["text"].split()) for term in typed.split())
            and row["id"] < before
            and (since is None or record.created_at >= since)
            and (until is None or record.created_at < until)
            and (candidate is None or record.candidate_id == candidate)
            and (owner is None or record.owner_id == owner)
        ]

        narrowing = Narrowing(candidate_id=candidate, since=since, until=until, owner_id=owner)
        found = spoken.database.find_text(words_index.parse(typed), limit, narrowing, before)

        assert [it.segment_id for it in found] == expected[:limit], (narrowing, typed, before, limit)
