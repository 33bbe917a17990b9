"""News of calls for their workstations."""

from __future__ import annotations

from archive.team_messages import CallNews
from offhook.desk.call_news import last_of_each


def news(record_id: int, seq: int, status: str) -> CallNews:
    return CallNews(f"session {record_id}", record_id, seq, status)


def test_of_several_news_of_a_call_the_last_is_told_in_the_order_of_the_last_ones() -> None:
    told = [
        news(1, 10, "queued"),
        news(2, 11, "queued"),
        news(1, 12, "processing"),
        news(3, 13, "queued"),
        news(1, 14, "completed"),
        news(2, 15, "processing"),
    ]
    assert [(it.record_id, it.seq, it.status) for it in last_of_each(told)] == [
        (3, 13, "queued"),
        (1, 14, "completed"),
        (2, 15, "processing"),
    ]


def test_without_news_nothing_is_told() -> None:
    assert last_of_each([]) == []
