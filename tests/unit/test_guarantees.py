"""What docs/guarantees.md promises is shown by tests, and every fault that is caused has its promise."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.markdown import ROOT, code, read, rows

TESTS = ROOT / "tests"
FAULTS = sorted((TESTS / "faults").glob("test_*.py"))
PAGE = rows(read("guarantees.md"))
TEST_NAME = re.compile(r"(?P<file>[a-z_/]+\.py)::(?P<test>test_[a-z0-9_]+)")


def names_in(path: Path) -> set[str]:
    """The names of the tests in a file."""
    parsed = ast.parse(path.read_text("utf-8"))
    return {
        node.name for node in parsed.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"
    }


def named() -> set[tuple[str, str]]:
    """Every file and test that the page names."""
    return {(found["file"], found["test"]) for row in PAGE for found in TEST_NAME.finditer(row[-1])}


def test_there_are_promises() -> None:
    assert len(PAGE) >= 40


@pytest.mark.parametrize("row", PAGE, ids=[row[0][:60] for row in PAGE])
def test_each_promise_has_a_mechanism_and_a_test_that_shows_it(row: list[str]) -> None:
    promise, mechanism, shown_by = row
    assert promise
    assert mechanism
    names = code(shown_by)
    assert names
    for name in names:
        found = TEST_NAME.fullmatch(name)
        assert found, f"{name} is no name of a test"
        assert found["test"] in names_in(TESTS / found["file"]), f"there is no {name}"


@pytest.mark.parametrize("row", PAGE, ids=[row[0][:60] for row in PAGE])
def test_each_module_that_keeps_a_promise_is_there(row: list[str]) -> None:
    modules = [name for name in code(row[1]) if name.endswith(".py")]
    missing = [name for name in modules if not (ROOT / name).is_file()]
    assert missing == []


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_each_fault_that_is_caused_has_its_promise(path: Path) -> None:
    file = path.relative_to(TESTS).as_posix()
    assert {(file, name) for name in names_in(path)} <= named()
