"""The errors of the store for what PostgreSQL's driver says where a connection fails."""

from __future__ import annotations

import psycopg
import pytest

from shared.errors import StoreAway, StoreUnavailable
from shared.store.postgres.failures import translated

NAME = "postgresql://db/offhook"
SAID = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    "reason",
    [
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is in recovery mode",
        "FATAL:  the database system is shutting down",
        "Connection refused",
        "server closed the connection unexpectedly",
    ],
)
def test_a_server_that_starts_or_stops_is_away_for_a_while(reason: str) -> None:
    assert type(translated(psycopg.OperationalError(SAID + reason), NAME)) is StoreAway


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ('FATAL:  database "offhook" does not exist', "createdb"),
        ('FATAL:  role "ada" does not exist', "name and the password"),
        ('FATAL:  password authentication failed for user "ada"', "name and the password"),
    ],
)
def test_what_a_person_must_put_right_is_said(reason: str, remedy: str) -> None:
    error = translated(psycopg.OperationalError(SAID + reason), NAME)
    assert type(error) is StoreUnavailable
    assert remedy in str(error)
