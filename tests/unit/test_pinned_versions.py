"""The pinned versions are those that pyproject.toml allows, each with its hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.stage import ROOT

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
SETS = {
    "constraints.txt": ("tiny-en",),
    "constraints-team.txt": ("tiny-en", "team"),
    "constraints-dev.txt": ("tiny-en", "team", "test", "lint"),
}


def asked_for(pyproject: str, extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads(pyproject)["project"]
    lines = [
        *project["dependencies"],
        *(line for e in extras for line in project["optional-dependencies"][e]),
    ]
    return [Requirement(line) for line in lines]


def not_met(constraints: str, requirements: list[Requirement]) -> list[str]:
    """The requirements for which no version, or one that they do not allow, is pinned."""
    versions: dict[str, list[str]] = {}
    for name, version in PINNED.findall(constraints):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return [
        str(requirement)
        for requirement in requirements
        if not (found := versions.get(canonicalize_name(requirement.name)))
        or not all(requirement.specifier.contains(version) for version in found)
    ]


def test_a_machine_without_a_team_gets_none_of_its_packages() -> None:
    own, team = (set(PINNED.findall((ROOT / name).read_text("utf-8"))) for name in list(SETS)[:2])
    added = {name for name, _ in team - own}
    assert {"boto3", "psycopg", "prometheus-client"} <= added
    assert own <= team


@pytest.mark.parametrize("name", SETS)
def test_each_requirement_is_met_by_what_is_pinned(name: str) -> None:
    requirements = asked_for((ROOT / "pyproject.toml").read_text("utf-8"), SETS[name])
    assert not_met((ROOT / name).read_text("utf-8"), requirements) == []


@pytest.mark.parametrize(
    ("constraints", "missing"),
    [("huey==3.4.9\n", ["huey~=3.5.0"]), ("peewee==4.5.0\n", ["huey~=3.5.0"]), ("huey==3.5.4\n", [])],
)
def test_a_version_that_is_too_old_or_missing_is_noticed(constraints: str, missing: list[str]) -> None:
    assert not_met(constraints, [Requirement("huey~=3.5.0")]) == missing


@pytest.mark.parametrize("name", SETS)
def test_each_pinned_version_has_hashes_and_no_file_names_a_host(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_all_files_pin_the_same_versions() -> None:
    *run, develop = (set(PINNED.findall(Path(ROOT / name).read_text("utf-8"))) for name in SETS)
    assert set().union(*run) <= develop
