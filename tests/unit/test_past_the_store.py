"""Only tests and measurements look past the store, and they use what it offers for that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.markdown import ROOT

PACKAGES = ("archive", "capture_worker", "outbox_worker", "offhook", "shared", "transcribe_worker")
OTHERS = ("bench", "stress", "tests")
#: `store.database`, and peewee's database in it.
PAST_THE_STORE = re.compile(r"store\.database\b(?! import)|\.database\.connections\b")
#: Private attributes of the store and of its database.
PRIVATE = re.compile(r"\._database\b|\._peewee\b")


def lines_with(pattern: re.Pattern[str], folders: tuple[str, ...]) -> Iterator[str]:
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if path.is_relative_to(ROOT / "shared" / "store"):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if pattern.search(line):
                yield f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()}"


def test_no_package_looks_past_the_store() -> None:
    assert list(lines_with(PAST_THE_STORE, PACKAGES)) == []


def test_tests_and_measurements_use_no_private_attribute_of_the_store() -> None:
    own = "tests/unit/test_past_the_store.py"
    assert [line for line in lines_with(PRIVATE, OTHERS) if not line.startswith(own)] == []
