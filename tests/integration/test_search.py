"""Search beside a plain look at every word of every segment."""

from __future__ import annotations

from random import Random

import pytest

from shared.store.store import Store
from tests.tables import Segment, said

LETTERS = "aäbcd"
SEGMENTS, WORDS = 400, 5


def plain(word: str) -> str:
    return word.replace("ä", "a")


@pytest.fixture
def spoken(store: Store) -> list[str]:
    """What was said, the newest first: words of up to five letters, half of them transcribed twice."""
    random = Random(2026)
    for number in range(40):
        record = store.records.add(source="inbox", title=str(number), recording_path=f"/{number}.wav")
        for _ in range(1 + number % 2):
            claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
            assert claim
            words = ["".join(random.choices(LETTERS, k=random.randint(1, 5))) for _ in range(10 * WORDS)]
            texts = [" ".join(words[start : start + WORDS]) for start in range(0, len(words), WORDS)]
            rows = [{"start_seconds": 0.0, "end_seconds": 1.0, "text": text} for text in texts]
            store.claims.complete(claim, said(rows))
            store.records.requeue(record.id)
    return [segment.text for segment in Segment.select().order_by(Segment.id.desc())]


def test_every_beginning_finds_what_it_should_the_newest_first(store: Store, spoken: list[str]):
    assert len(spoken) == SEGMENTS
    for beginning in ("a", "Ä", "b", "ab", "dä", "abc", "aab", "dcba", "c b", "a d", "ab d c"):
        begins = [plain(part.lower()) for part in beginning.split()]
        expected = [
            text
            for text in spoken
            if all(any(plain(word).startswith(part) for word in text.split()) for part in begins)
        ]
        typed = " ".join(f"{part}*" for part in beginning.split())

        assert [hit.text for hit in store.transcripts.search(typed, SEGMENTS)] == expected, typed
        assert [hit.text for hit in store.transcripts.search(typed, 7)] == expected[:7], typed


def test_whole_words_are_not_taken_for_beginnings(store: Store, spoken: list[str]):
    for word in ("a", "ab", "abc", "b"):
        expected = [text for text in spoken if word in map(plain, text.split())]

        assert [hit.text for hit in store.transcripts.search(word, SEGMENTS)] == expected, word


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("それは日本語の会議です", "会議"),
        ("それは日本語の会議です", "日本語"),
        ("다음 회의는 월요일입니다", "회의"),
        ("พรุ่งนี้มีประชุมสำคัญ", "ประชุม"),
        ("我们明天开会讨论", "开会"),
        ("In der Straße", "strasse"),
        ("In der Strasse", "Straße"),
        ("Über Größen", "ueber groessen"),
        ("Ueber Groessen", "über größen"),
        ("Une réunion à Łódź", "reunion lodz"),
        ("Sørens smørrebrød", "sorens smorrebrod"),
    ],
)
def test_words_are_found_in_every_script_and_as_people_type_them(store: Store, text: str, typed: str):
    record = store.records.add(source="inbox", title="call", recording_path="/call.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    rows = [{"start_seconds": 0.0, "end_seconds": 1.0, "text": part} for part in (text, "something else")]
    store.claims.complete(claim, said(rows))

    assert [hit.text for hit in store.transcripts.search(typed, 9)] == [text]
    store.records.delete(record.id)
    assert store.transcripts.search(typed, 9) == []
