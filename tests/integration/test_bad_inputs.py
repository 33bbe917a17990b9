"""The corpus of bad input: a short run of it, and proof that it notices what is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stress import inputs
from stress.cases import Case, either, heard
from stress.children import Child, opened_by_the_system, run_all
from stress.container_kinds import external_reference
from stress.wav_kinds import PLAIN, SECONDS
from tests.conftest import skip_or_fail

ROOT = Path(__file__).parents[2]
GOOD = Case("good", PLAIN, heard(SECONDS))


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    with closing(Child(tmp_path)) as child:
        yield child


def test_no_bad_input_crashes_hangs_deceives_or_has_another_file_opened(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stress.inputs", "--no-long", "--cases", "100"]
    done = subprocess.run([*command, "--faults", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "crashed:                                  0" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_fault_ends_with_1_and_is_kept_to_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Case("wrong", PLAIN, either(SECONDS + 1))
    monkeypatch.setattr(inputs, "kinds", lambda: [GOOD, wrong])
    assert inputs.main(["--cases", "0", "--faults", str(tmp_path)]) == 1
    assert "wrong: silently wrong" in capsys.readouterr().out
    (kept,) = tmp_path.iterdir()
    assert inputs.main(["--case", str(kept)]) == 1
    assert "wrong: silently wrong" in capsys.readouterr().out


def test_a_child_that_dies_is_a_crash_and_the_next_case_goes_on(child: Child) -> None:
    command = child._command
    child._command = [sys.executable, "-c", "import os; input(); os.abort()"]
    assert child.run(GOOD)["result"] == "crashed"
    child._command = command
    assert child.run(GOOD)["result"] == "accepted"


def test_a_child_that_hangs_is_ended(child: Child) -> None:
    assert child.run(GOOD)["result"] == "accepted"
    child.close()
    child._command = [sys.executable, "-c", "print('{}', flush=True)\nwhile True: input()"]
    child.run(GOOD)
    assert child.run(Case("slow", PLAIN, heard(SECONDS), limit_seconds=0.5))["result"] == "hung"


OPENING = """
import stress.decoding as it
real = it.open_recording
def also_open_another(path):
    open(it.__file__).close()
    return real(path)
it.open_recording = also_open_another
it.main()
"""


def test_a_file_that_is_opened_besides_is_noticed_from_within(child: Child) -> None:
    child._command = [sys.executable, "-c", OPENING]
    assert [Path(name).name for name in child.run(GOOD)["others"]] == ["decoding.py"]


def start_with(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children run this code instead of their own."""
    start = Child._start

    def start_otherwise(child: Child) -> subprocess.Popen[str]:
        at = child._command.index("-m")
        child._command[at : at + 2] = ["-c", code]
        return start(child)

    monkeypatch.setattr(Child, "_start", start_otherwise)


def test_a_file_that_is_opened_besides_is_noticed_in_the_system_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if shutil.which("strace") is None:
        skip_or_fail("strace is not installed")
    assert opened_by_the_system([GOOD]) == []
    start_with(OPENING, monkeypatch)
    (line,) = opened_by_the_system([GOOD])
    assert "decoding.py" in line


UNLOCKED = """
import stress.decoding as it
from transcribe_worker.media import recording
recording.CONTAINER_OPTIONS = {"enable_drefs": "1", "use_absolute_path": "1"}
locked = recording.av.open
recording.av.open = lambda *arguments, io_open, **options: locked(*arguments, **options)
it.main()
"""


@pytest.mark.parametrize(("levels", "opened"), [(0, '"/target.wav"'), (1, '"target.wav"')])
def test_a_reference_to_another_file_would_be_followed_without_the_locks(
    monkeypatch: pytest.MonkeyPatch, levels: int, opened: str
) -> None:
    if shutil.which("strace") is None:
        skip_or_fail("strace is not installed")
    reference = Case("reference", external_reference(levels), either(1.0), ".mov")
    assert opened_by_the_system([reference]) == []
    start_with(UNLOCKED, monkeypatch)
    (line,) = opened_by_the_system([reference])
    assert opened in line


def test_a_watched_child_that_ends_takes_no_system_calls_with_it_unnoticed() -> None:
    if shutil.which("strace") is None:
        skip_or_fail("strace is not installed")
    hanging = Case("hanging", PLAIN, heard(SECONDS), limit_seconds=0.0)
    assert opened_by_the_system([GOOD, hanging, GOOD]) == ["hanging: hung while it was watched"]


def test_all_workers_share_the_cases() -> None:
    cases = [Case(f"good {number}", PLAIN, heard(SECONDS)) for number in range(5)]
    found = list(run_all(cases, workers=2))
    assert sorted(case.name for case, _ in found) == [case.name for case in cases]
    assert {outcome["result"] for _, outcome in found} == {"accepted"}
