"""Installs offhook into .venv, the first time, and runs its workers until Ctrl-C."""

# Standard library only, in words that an old Python can parse: it is to say that it is old.
from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import launcher
from installer import DEVELOPERS, ROOT, WINDOWS, StartError, install, program, tail_of
from shared.locks import FileLock
from shared.privacy import TELEMETRY_OFF
from shared.windows import CREATE_NEW_PROCESS_GROUP, creation_flags

SAMPLE = ROOT / "offhook" / "sample" / "sample-call.wav"
DEMO_SECONDS = 300
MOST_TEST_PROCESSES = 6
TEST_HOME = "test-home"  # in .venv: the tests take the network that tells voices apart from there
CLOCK_SECONDS = 2.0  # the coarsest time of a file, on FAT
STOP_SECONDS = 15  # honcho itself kills a worker 5 s after another one stopped
OWN_GROUP = creation_flags(CREATE_NEW_PROCESS_GROUP)  # what start_new_session is elsewhere


HELP = (
    "test: run the tests, with --long the long ones, the rest is for pytest; lint: check style and types; "
    "uninstall: remove the offhook launcher"
)
LINTERS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    *(("mypy", "--platform", platform) for platform in ("linux", "win32", "darwin")),
    ("lint-imports",),
)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    venv = ROOT / ".venv"
    home = Path(os.environ.get("OFFHOOK_HOME") or "~/Offhook").expanduser().absolute()
    try:
        check_python(sys.version_info[:3])
        if options.command == "uninstall":
            return uninstall(home)
        if options.command:
            install(venv, {"tiny-en", *DEVELOPERS})
            if options.command == "lint":
                return run_linters(venv)
            fetch_voices(venv, venv / TEST_HOME)
            return run_tests(venv, options.pytest_arguments)
        if install(venv, {"tiny-en"}):
            fetch_voices(venv, home)
        offhook = command_to_type(venv)
        print(f"Recordings go here:  {home / 'inbox'}\nHow they get on:     {offhook} status\n")
        return demonstrate(venv, home) if options.demo else run(venv, home, offhook)
    except (StartError, KeyboardInterrupt) as error:
        print(str(error) or "\nStopped before it was done.", file=sys.stderr)
        return 1


def command_to_type(venv: Path) -> str:
    """Make `offhook` a command; return what to type, which is a path where PATH does not have it."""
    path = launcher.place(os.environ, WINDOWS)
    problem = launcher.install(path, Path(program(venv, "offhook")), WINDOWS)
    if not problem and launcher.is_on_path(path, os.environ):
        return "offhook"
    print(problem or f"{path.parent} is not on PATH; to type just `offhook`, add it there.")
    if WINDOWS and not problem:
        return f'"{path}"'
    return program(venv, "offhook").removesuffix(".exe").removeprefix(f"{Path.cwd()}{os.sep}")


def uninstall(home: Path) -> int:
    """Remove what lies outside this folder and the home; say what is left for a person to delete."""
    print(launcher.uninstall(launcher.place(os.environ, WINDOWS)))
    print(f"Delete {ROOT} to remove offhook itself. Recordings and transcripts stay in {home}.")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """What follows `test` is for pytest: argparse would claim its -h and reorder the rest."""
    parser = argparse.ArgumentParser(prog="start.py", description=__doc__, allow_abbrev=False)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--demo", action="store_true", help="transcribe a sample call, print it and stop")
    choice.add_argument("command", nargs="?", choices=["test", "lint", "uninstall"], help=HELP)
    own = 1 if arguments[:1] == ["test"] else len(arguments)
    return parser.parse_args(arguments[:own], argparse.Namespace(pytest_arguments=arguments[own:]))


def check_python(version: tuple[int, ...]) -> None:
    if not (3, 11) <= version[:2] <= (3, 13):
        this, other = ".".join(map(str, version)), "py -3.13" if WINDOWS else "python3.13"
        raise StartError(f"offhook needs Python 3.11, 3.12 or 3.13, not {this}. Try: {other} start.py")


def fetch_voices(venv: Path, home: Path) -> None:
    """Fetches the network that tells voices apart, if it is not there. offhook works without it, too."""
    if (home / "models" / "voices.onnx").exists():
        return
    print("Fetching the network that tells voices apart …")
    try:
        ask_offhook(venv, home, "models", "pull", "voices")
    except StartError as error:
        print(f"Voices are not told apart yet. {error}", file=sys.stderr)


def environment(venv: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(Path(program(venv, "python")).parent), os.environ.get("PATH", os.defpath)])
    own = {"PATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    return {**os.environ, **TELEMETRY_OFF, **own, **more}


def run(venv: Path, home: Path, offhook: str) -> int:
    with workers(venv, home) as honcho, suppress(KeyboardInterrupt):
        announced, started_at = False, time.time()
        while honcho.poll() is None:  # unlike wait(), this lets Ctrl-C through on Windows
            time.sleep(0.2)
            announced = announced or announce_desk(home, started_at, offhook)
        if honcho.returncode != 0:
            raise StartError("A worker ended, so offhook stopped. Its last lines above say why.")
    return 0


def announce_desk(home: Path, started_at: float, offhook: str) -> bool:
    """Print where the desk is, once its server listens; return whether it does."""
    announcement = home / "web.json"
    try:
        if announcement.stat().st_mtime < started_at - CLOCK_SECONDS:  # that of a server that was killed
            return False
        address = json.loads(announcement.read_text(encoding="utf-8"))["url"]
    except (OSError, ValueError, KeyError):
        return False
    print(f"\nThe desk is at {address}\nTo open it, signed in:  {offhook} open\n")
    return True


@contextmanager
def workers(venv: Path, home: Path, log: IO[bytes] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the Procfile under honcho, and stops it at the end.

    Workers stop by themselves when they find the lock free that this process holds: it may be killed, and
    on Windows honcho ends only the shell around each worker.
    """
    path = venv / f"starter-{os.getpid()}.lock"
    lock = FileLock(path)
    if not lock.acquire():
        raise StartError(f"{path} is held by another process. Start again.")
    # No .env file, which could name another home; no Ctrl-C either, over which a starting honcho trips.
    command = [program(venv, "python"), "-m", "honcho", "start", "-f", "Procfile", "-e", os.devnull]
    env = environment(venv, OFFHOOK_HOME=str(home), OFFHOOK_STARTER_LOCK=str(path))
    honcho = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True, creationflags=OWN_GROUP
    )
    try:
        yield honcho
    finally:
        stop(honcho, lock)
        with suppress(OSError):
            path.unlink()


def stop(honcho: subprocess.Popen[bytes], lock: FileLock) -> None:
    for impatience in (signal.SIGINT, signal.SIGTERM):
        signal.signal(impatience, signal.SIG_IGN)
    # Workers end when it is free, and honcho with them. A signal may reach a honcho that is not ready for it.
    lock.release()
    with suppress(subprocess.TimeoutExpired):
        honcho.wait(STOP_SECONDS)
    honcho.kill()


def run_tests(venv: Path, pytest_arguments: list[str]) -> int:
    """Runs pytest. Its processes share the processors, so no library starts a thread on each of them."""
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is pytest's to answer
    command = [program(venv, "python"), "-m", "pytest", *for_pytest(pytest_arguments, os.cpu_count() or 1)]
    return subprocess.call(command, cwd=ROOT, env=environment(venv, OPENBLAS_NUM_THREADS="1"))


def run_linters(venv: Path) -> int:
    for name, *arguments in LINTERS:
        failed = subprocess.call([program(venv, name), *arguments], cwd=ROOT, env=environment(venv))
        if failed:
            return failed
    return 0


def for_pytest(arguments: list[str], processors: int) -> list[str]:
    """What pytest is called with: several processes, as most tests wait for something; `--long` is ours."""
    chosen = ["-m", "long"] if "--long" in arguments else []
    processes = str(min(2 * processors, MOST_TEST_PROCESSES))
    several = ["-n", processes, "--dist", "loadgroup", "--no-loadscope-reorder"]
    return [*several, *chosen, *(argument for argument in arguments if argument != "--long")]


def demonstrate(venv: Path, home: Path) -> int:
    log_path = venv / "demo.log"
    with log_path.open("wb") as log, workers(venv, home, log) as honcho:
        print("Transcribing a sample call:")
        hand_in_sample(venv, home)
        record = await_transcript(venv, home, honcho)
        if record["status"] != "completed":
            why = record["error"] or "the workers ended, or took too long"
            raise StartError(
                f"No transcript: {why}. The workers' last lines:\n{tail_of(log_path.read_bytes())}"
            )
        print(f"\n{ask_offhook(venv, home, 'show', str(record['id'])).strip()}\n")
    return 0


def hand_in_sample(venv: Path, home: Path) -> None:
    record = sample_record(venv, home)
    if record["status"] in ("failed", "cancelled"):
        ask_offhook(venv, home, "retry", str(record["id"]))
    elif record["status"] == "waiting":
        for folder in (home, home / "inbox"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = Path(shutil.copyfile(SAMPLE, home / "inbox" / f"{SAMPLE.name}.part"))
        part.chmod(0o600)
        part.replace(part.with_suffix(""))


def await_transcript(venv: Path, home: Path, honcho: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The sample's record as it is when it, the workers or the five minutes have come to an end."""
    deadline, shown = time.monotonic() + DEMO_SECONDS, ""
    while True:
        over = honcho.poll() is not None or time.monotonic() > deadline
        record = sample_record(venv, home)
        news = f"  {record['status']} {record['progress']:.0%} {record['error'] or ''}".rstrip()
        if news != shown:
            print(news)
        if over or record["status"] in ("completed", "failed", "cancelled"):
            return record
        shown = news
        time.sleep(0.5)


def sample_record(venv: Path, home: Path) -> dict[str, Any]:
    """The sample's record: a completed one, else the newest, else one that is still waited for."""
    sha256 = hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    waiting = {"status": "waiting", "progress": 0.0, "error": None}
    try:
        records = json.loads(ask_offhook(venv, home, "list", "--json", "--limit", "10000"))["records"]
    except StartError as error:  # the workers may be making the database just now
        return waiting | {"error": str(error)}
    same = [record for record in records if record["sha256"] == sha256]
    return max(same, key=lambda record: (record["status"] == "completed", record["id"]), default=waiting)


def ask_offhook(venv: Path, home: Path, *arguments: str) -> str:
    command, env = [program(venv, "offhook"), *arguments], environment(venv, OFFHOOK_HOME=str(home))
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise StartError(done.stderr.strip())
    return done.stdout


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
