"""The files by which a team's server is set up are sound, as far as their own programs can tell.

No container and no unit is started here: that needs a Docker engine, and systemd as the first process.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from setuptools import find_packages

from shared.settings import Settings
from tests.conftest import skip_or_fail
from tests.stage import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SETTINGS = {f"OFFHOOK_{f.name.upper()}" for f in fields(Settings)}
#: Of 10; systemd calls up to 4 "OK".
MOST_EXPOSED = "25"


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        skip_or_fail(f"no {name} is installed: sudo apt install {package}")
    assert found
    return found


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, over an interpreter that is there."""
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/offhook/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text, "utf-8")
    return sorted(tmp_path.iterdir())


def test_systemd_takes_every_unit(units: list[Path]) -> None:
    command = [program("systemd-analyze", "systemd"), "verify", *map(str, units)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert units
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_gives_its_process_little(unit: Path) -> None:
    threshold = f"--threshold={MOST_EXPOSED}"
    command = [program("systemd-analyze", "systemd"), "security", "--offline=yes", threshold, str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


def test_compose_takes_the_file() -> None:
    command = [program("docker-compose", "docker-compose"), "--file", str(ROOT / "compose.yaml"), "config"]
    given = {"PATH": "/usr/bin:/bin", "TEAM_DB_PASSWORD": "secret", "TEAM_HOST": "calls.example"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=given)

    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert services["worker"]["environment"]["PGPASSWORD"] == "secret"


def test_compose_asks_for_the_password_rather_than_having_one() -> None:
    assert "TEAM_DB_PASSWORD:?" in compose()["services"]["db"]["environment"]["POSTGRES_PASSWORD"]


def test_containers_of_offhook_have_no_rights_and_every_variable_is_a_setting() -> None:
    own = [it for it in compose()["services"].values() if it["image"] == "offhook"]

    assert len(own) == 3
    for service in own:
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {name for name in service["environment"] if name.startswith("OFFHOOK_")} <= SETTINGS


def test_every_variable_of_the_units_and_of_the_image_is_a_setting() -> None:
    files = [*UNITS, DEPLOY / "systemd" / "offhook.env", DEPLOY / "Dockerfile"]
    named = {name for path in files for name in re.findall(r"\bOFFHOOK_[A-Z_]+", path.read_text("utf-8"))}

    assert named <= SETTINGS


def test_what_the_image_copies_is_enough_to_install_offhook(tmp_path: Path) -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line[0] == "!"]
    context, target = tmp_path / "context", tmp_path / "target"
    context.mkdir()
    for name in sent:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, context / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(context)], check=True, timeout=120)

    packages = ("archive*", "capture_worker*", "offhook*", "outbox_worker*", "shared*", "transcribe_worker*")
    assert set(find_packages(str(target))) == set(find_packages(str(ROOT), include=packages))
    assert (target / "offhook" / "web" / "templates").is_dir()
