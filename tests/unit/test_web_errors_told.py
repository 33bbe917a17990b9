"""What an answer of the desk's server says of trouble with the database."""

from __future__ import annotations

import json

import pytest

from offhook.web.errors import refusal
from shared.errors import StoreAway, StoreBusy, StoreError


@pytest.mark.parametrize("kind", [StoreAway, StoreBusy])
def test_an_answer_never_says_where_the_database_is(kind: type[StoreError]) -> None:
    answer = refusal(kind("postgresql://offhook@10.0.0.7/team cannot be reached (connection refused)."))
    said = json.loads(bytes(answer.body))["error"]
    assert (answer.status_code, said["code"]) == (503, kind.code)
    assert "postgresql" not in said["message"]
    assert said["message"] == str(kind())
