"""Pages of a list come from an index in their order, however many records there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.store.listing import Wanted
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.store.view import View

PAGES: dict[str, Callable[[Store], object]] = {
    "the newest": lambda store: store.listing.page(Wanted()),
    "the oldest": lambda store: store.listing.page(Wanted(), sort="created_at"),
    "those of a state": lambda store: store.listing.page(Wanted(status=COMPLETED)),
    "those of a person": lambda store: store.seen_by(View(owner_id=7)).listing.page(Wanted()),
    "by title": lambda store: store.listing.page(Wanted(), sort="title"),
    "by title, backwards": lambda store: store.listing.page(Wanted(), sort="-title"),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_read_from_an_index_in_its_order(page: str, store: Store, monkeypatch: pytest.MonkeyPatch):
    plans: list[str] = []
    database = store.database.connections
    run = database.execute_sql

    def explain(sql: str, values: object = None) -> object:
        if "ORDER BY" in sql and "OFFSET" in sql:
            plans.append("\n".join(row[0] for row in run(f"EXPLAIN {sql}", values)))
        return run(sql, values)

    for number in range(3):
        store.records.add(source="added", title=f"Call {number}", recording_path=f"/{number}.wav", owner_id=7)
    run("SET enable_seqscan = off; SET enable_sort = off")  # as the server chooses among a million
    monkeypatch.setattr(database, "execute_sql", explain)

    PAGES[page](store)

    assert [plan for plan in plans if "Sort" in plan] == []
    assert len(plans) == 1
