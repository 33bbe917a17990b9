"""A store on PostgreSQL, by the settings of its own database."""

from __future__ import annotations

import pytest

from tests.databases import POSTGRESQL


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        metafunc.parametrize("database", [POSTGRESQL], indirect=True)
