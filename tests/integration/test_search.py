"""Search beside a plain look at every word of every segment."""

from __future__ import annotations

from random import Random

import pytest

from shared.store.store import Store
from shared.store.view import View
from tests.tables import Segment, said

LETTERS = "aäbcd"
SEGMENTS, WORDS = 400, 5


def transcribed(store: Store, *texts: str, owner_id: int | None = None) -> int:
    record = store.records.add(source="inbox", title="c", recording_path="/c.wav", owner_id=owner_id)
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.complete(
        claim, said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": text} for text in texts])
    )
    return record.id


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
    record_id = transcribed(store, text, "something else")

    assert [hit.text for hit in store.transcripts.search(typed, 9)] == [text]
    store.records.delete(record_id)
    assert store.transcripts.search(typed, 9) == []


def test_a_person_finds_their_own_calls_alone_among_those_of_others(store: Store):
    ada, bob, nobody = (store.seen_by(View(owner_id=number)).search for number in (1, 2, 3))
    for number in range(6):
        transcribed(store, f"Call number {number}", "Calling back", owner_id=(1, 2, None)[number % 3])

    for typed in ("call*", "number", "c* number", "num*"):
        assert [it.record_id for it in ada.find(typed, 9) if "number" in it.text] == [4, 1], typed
        assert [it.record_id for it in bob.find(typed, 9) if "number" in it.text] == [5, 2], typed
        assert nobody.find(typed, 9) == [], typed
    assert [it.record_id for it in ada.find("call*", 9)] == [4, 4, 1, 1]
    assert len(store.search.find("number", 9)) == 6


def test_a_person_sees_older_calls_page_by_page(store: Store):
    for number in range(9):
        transcribed(store, "Some words", "Other words", owner_id=1 + number % 2)
    mine = store.seen_by(View(owner_id=1)).search

    for typed in ("words", "wor*"):
        pages = [mine.look(typed, 4)]
        while pages[-1]:
            pages.append(mine.look(typed, 4, before_id=pages[-1][-1].segment_id))
        found = [it for page in pages for it in page]
        assert [it.moment.record_id for it in found] == [9, 9, 7, 7, 5, 5, 3, 3, 1, 1]
