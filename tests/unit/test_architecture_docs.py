"""The pages on the architecture name modules that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.markdown import DOCS, ROOT

PAGES = sorted((DOCS / "architecture").glob("*.md"))
ROOMS = (
    *("shared", "archive", "capture_worker", "transcribe_worker", "outbox_worker", "offhook"),
    *("tests", "stress", "bench"),
)


def test_there_is_an_overview_and_a_page_for_each_subject() -> None:
    names = [
        "audio",
        "capture",
        "desk",
        "durability",
        "engine",
        "intake",
        "live",
        "outbox",
        "overview",
        "postgres",
        "privacy",
    ]
    names += ["storage", "team"]
    assert [page.stem for page in PAGES] == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w/]*(?:\.py)?)`", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_module_is_named_with_its_folder(page: Path) -> None:
    names = set(re.findall(r"`([\w/]+\.py)`", page.read_text("utf-8"))) - {"start.py"}
    assert [name for name in names if "/" not in name] == []


def overview() -> str:
    return (DOCS / "architecture" / "overview.md").read_text("utf-8")


def folders_with_a_row() -> set[str]:
    return set(re.findall(r"^\| `([\w/]+)/` \|", overview(), re.MULTILINE))


def modules(folder: str) -> list[str]:
    """The modules of a folder and of those in it, as the pages name them."""
    paths = [path for path in (ROOT / folder).rglob("*.py") if path.stem not in ("__init__", "__main__")]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def test_every_package_has_its_row_in_the_overview() -> None:
    packages = {
        p.parent.relative_to(ROOT).as_posix() for r in ROOMS[:6] for p in (ROOT / r).rglob("__init__.py")
    }
    assert packages - folders_with_a_row() == {"offhook"}  # its rooms have a row each


def test_every_module_is_named_or_is_in_a_folder_that_has_a_row() -> None:
    text, folders = "".join(page.read_text("utf-8") for page in PAGES), folders_with_a_row()
    found = [module for room in ROOMS[:6] for module in modules(room)]
    left = [module for module in found if Path(module).parent.as_posix() not in folders]
    assert [module for module in left if f"`{module}`" not in text] == []


@pytest.mark.parametrize("folder", ["shared", "transcribe_worker", "transcribe_worker/media"])
def test_every_module_of_a_folder_with_a_table_is_in_it(folder: str) -> None:
    text = "".join(page.read_text("utf-8") for page in PAGES)
    own = [module for module in modules(folder) if Path(module).parent.as_posix() == folder]
    assert own
    assert [module for module in own if f"`{module}`" not in text] == []
