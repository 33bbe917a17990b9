"""`offhook autostart`: files and commands of each system, and the real systemd where there is one."""

from __future__ import annotations

import configparser
import inspect
import plistlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from offhook.desk.autostart import linux, macos, this_system, windows
from offhook.desk.autostart.job import AutostartFailed, Job, Ran, run

SYSTEMS = (linux, macos, windows)


class System:
    """Stands for the programs of a system: notes what is run, and fails what it is told to."""

    def __init__(self, *failing: str) -> None:
        self.failing, self.commands = failing, list[tuple[str, ...]]()

    def __call__(self, command: Sequence[str]) -> Ran:
        self.commands.append(tuple(command))
        failed = any(word in self.failing for word in command)
        return Ran(1, "refused") if failed else Ran(0, "")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    folder = tmp_path / 'a "b" 50%'
    return Job((str(folder / "python"), str(folder / "start $1.py")), folder, tmp_path / "home one")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


@pytest.mark.parametrize("name", ["switch_on", "switch_off", "status"])
def test_every_system_has_the_same_functions(name: str) -> None:
    assert len({str(inspect.signature(getattr(system, name))) for system in SYSTEMS}) == 1


def test_each_platform_has_its_module() -> None:
    assert [this_system(name) for name in ("linux", "darwin", "win32")] == list(SYSTEMS)


def test_with_systemd_a_unit_is_enabled_and_off_leaves_nothing(job: Job, user: Path) -> None:
    system = System()
    assert linux.switch_on(job, system).how == "systemd"
    assert ("systemctl", "--user", "enable", "--now", "offhook.service") in system.commands
    assert files(user) == [".config/systemd/user/offhook.service"]
    linux.switch_off(system)
    assert ("systemctl", "--user", "disable", "--now", "offhook.service") in system.commands
    assert files(user) == []
    assert not linux.status(system).enabled


def test_without_systemd_it_is_the_session_that_starts_offhook(job: Job, user: Path) -> None:
    system = System("show-environment")
    assert linux.switch_on(job, system).how == "desktop session"
    assert files(user) == [".config/autostart/offhook.desktop"]
    linux.switch_off(system)
    assert files(user) == []


def test_the_desktop_entry_starts_the_command_with_its_home(job: Job) -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(linux.entry(job))
    command = parser["Desktop Entry"]["Exec"].replace("\\\\", "\\").replace("%%", "%")
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True)
    assert words.stdout.splitlines() == ["env", f"OFFHOOK_HOME={job.home}", *job.command]


def test_systemd_takes_the_unit(tmp_path: Path, job: Job) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    job.folder.mkdir()
    program = Path(job.command[0])
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / "offhook.service"
    path.write_text(linux.unit(job))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_escapes_what_systemd_would_replace(job: Job) -> None:
    unit = linux.unit(job)
    assert 'a \\"b\\" 50%%/start $$1.py"' in unit
    assert f"WorkingDirectory={job.folder}".replace("%", "%%") in unit


def test_a_system_that_refuses_is_an_error_with_its_words(job: Job) -> None:
    with pytest.raises(AutostartFailed, match="systemctl has refused: refused"):
        linux.switch_on(job, System("enable"))


def test_a_launch_agent_is_loaded_and_off_leaves_nothing(job: Job, user: Path) -> None:
    system = System()
    path = user / "Library" / "LaunchAgents" / "offhook.plist"
    assert macos.switch_on(job, system).path == str(path)
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"] == list(job.command)
    assert agent["EnvironmentVariables"] == {"OFFHOOK_HOME": str(job.home)}
    assert system.commands[-1][:2] == ("launchctl", "bootstrap")
    macos.switch_off(system)
    assert system.commands[-1][:2] == ("launchctl", "bootout")
    assert files(user) == []


def test_a_windows_task_is_for_one_user_without_rights_and_without_a_limit(job: Job) -> None:
    text = windows.task(job, "PC\\Ana & Bo")
    parsed = ElementTree.fromstring(text.split("\n", 1)[1])
    found = {element.tag.split("}")[1]: element.text for element in parsed.iter()}
    assert found["UserId"] == "PC\\Ana & Bo"
    assert found["RunLevel"] == "LeastPrivilege"
    assert found["ExecutionTimeLimit"] == "PT0S"
    assert found["Arguments"] is not None
    assert f"OFFHOOK_HOME={job.home}" in found["Arguments"]
    assert f'"{job.command[1]}"' in found["Arguments"]


def test_windows_is_asked_to_create_and_to_delete_the_task(job: Job) -> None:
    system = System()
    windows.switch_on(job, system)
    create = system.commands[0]
    assert (create[:5], create[-1]) == (("schtasks", "/Create", "/TN", "offhook", "/XML"), "/F")
    assert not Path(create[5]).exists()
    windows.switch_off(system)
    assert system.commands[-1] == ("schtasks", "/Delete", "/TN", "offhook", "/F")


def test_a_program_that_is_missing_has_failed() -> None:
    assert run(["no-such-program-of-any-system"]).code == 127
