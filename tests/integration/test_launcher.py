"""The `offhook` command that start.py makes: a script in a folder of the user's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import launcher

ROOT = Path(__file__).parents[2]
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="runs a shell script")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a checkout whose name has a space and a quote."""
    path = tmp_path / "it's here" / ".venv" / "bin" / "offhook"
    path.parent.mkdir(parents=True)
    path.write_text('#!/bin/sh\necho "$#" "$1"\nexit 7\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def command(tmp_path: Path, program: Path) -> Path:
    """Its launcher, for a user with a home of their own."""
    path = launcher.place({"HOME": str(tmp_path / "user")}, windows=False)
    assert launcher.install(path, program, windows=False) == ""
    return path


@POSIX_ONLY
def test_the_command_passes_its_arguments_on_and_ends_as_the_program_does(command: Path) -> None:
    done = subprocess.run([command, "a b", "c"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "2 a b\n")


@POSIX_ONLY
def test_after_the_checkout_has_moved_the_command_says_what_to_do_until_it_is_made_again(
    command: Path, program: Path
) -> None:
    checkout = program.parents[2]
    moved = checkout.rename(checkout.with_name("elsewhere")) / ".venv" / "bin" / "offhook"
    done = subprocess.run([command], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Run `python start.py`" in done.stderr
    launcher.install(command, moved, windows=False)
    assert subprocess.run([command], capture_output=True).returncode == 7


@pytest.mark.parametrize("link", [False, True])
def test_a_file_that_is_not_ours_is_neither_replaced_nor_removed(tmp_path: Path, link: bool) -> None:
    other = tmp_path / "other"
    other.write_text("somebody's")
    path = tmp_path / "offhook"
    if link:
        path.symlink_to(other)
    else:
        other.rename(path)
    assert "left alone" in launcher.install(path, tmp_path / "program", windows=False)
    assert "no launcher" in launcher.uninstall(path)
    assert path.read_text() == "somebody's"


def test_a_folder_that_cannot_be_made_is_named_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "bin").write_text("a file")
    assert "could not be written" in launcher.install(tmp_path / "bin" / "offhook", tmp_path, windows=False)


def test_an_uninstalled_command_leaves_nothing(command: Path) -> None:
    launcher.uninstall(command)
    assert list(command.parent.iterdir()) == []


def test_on_windows_it_is_a_cmd_file_below_local_app_data(tmp_path: Path) -> None:
    path = launcher.place({"LOCALAPPDATA": str(tmp_path)}, windows=True)
    assert path == tmp_path / "Programs" / "offhook" / "offhook.cmd"
    assert launcher.install(path, Path("C:/100%/offhook.exe"), windows=True) == ""
    lines = path.read_bytes().split(b"\r\n")
    assert lines[0] == b"@echo off"
    assert lines[-2].endswith(b'offhook.exe" %*')
    assert b"100%%" in lines[-2]


def test_uninstall_removes_the_command_and_says_what_stays(command: Path, tmp_path: Path) -> None:
    user = {"HOME": str(tmp_path / "user"), "LOCALAPPDATA": str(tmp_path / "local")}
    environment = {**os.environ, **user, "OFFHOOK_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, ROOT / "start.py", "uninstall"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "home") in done.stdout
    assert not command.exists()
