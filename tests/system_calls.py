"""What offhook's processes ask of the system, by strace: whom they connect to, and which files they write."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Calls that name an address of another program, and calls that make or change a file.
SENDING = ("connect", "sendto", "sendmsg", "sendmmsg")
WRITING = ("open", "openat", "openat2", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2")
WRITING_ALWAYS = frozenset(WRITING) - {"open", "openat", "openat2"}
TRACE = (
    "strace",
    "-D",
    "-f",
    "-y",
    "--seccomp-bpf",
    "-s",
    "400",
    "-e",
    f"trace={','.join(SENDING + WRITING)}",
)
#: strace fills a short process number up with spaces.
SEEN = re.compile(r"^(\d+) ", re.MULTILINE)
ENDED = re.compile(r"^(\d+) +\+\+\+ (?:exited|killed)", re.MULTILINE)
CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<arguments>.*)$", re.MULTILINE)
FAMILY = re.compile(r"sa_family=AF_(?P<family>\w+)(?P<rest>[^}]*)")
PORT = re.compile(r"sin6?_port=htons\((?P<port>\d+)\)")
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "(::1|::ffff:127\.[\d.]+)"')
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
QUOTED = re.compile(r'(?:(?:AT_FDCWD|\d+)(?:<(?P<folder>[^>]*)>)?, )?"(?P<path>(?:[^"\\]|\\.)*)"')
ON_THIS_MACHINE = {"UNIX", "NETLINK", "UNSPEC"}
NAME_LOOKUP_PORT = 53
#: PulseAudio's client library writes a key there, with which the sound server knows a person's programs.
SOUND_SERVER_KEY = Path(".config", "pulse")
#: Devices, and files of the kernel that stand for the process itself.
NO_FILES = ("/dev/null", "/dev/tty", "/proc/self/", "/dev/shm/")


def missing() -> str | None:
    """Say what this machine lacks, if it lacks anything."""
    return None if shutil.which("strace") else "strace is not installed"


@dataclass(frozen=True)
class Watched:
    """Processes that run with nothing of this process's environment, in a folder that was empty."""

    folder: Path
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def home(self) -> Path:
        """The home of the person, which offhook has no business in."""
        return self.folder / "person"

    @property
    def offhook_home(self) -> Path:
        return self.folder / "offhook"

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing that switches anything off, such as CI, which some libraries look for."""
        return {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.defpath)),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "OFFHOOK_HOME": str(self.offhook_home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.temporary),
            **dict(self.settings),
        }

    def prepare(self) -> Watched:
        """Make the folders."""
        for path in (self.home / SOUND_SERVER_KEY.parent, self.temporary, self.folder / "logs"):
            path.mkdir(parents=True)
        return self

    def start(self, *module: str, **options: object) -> subprocess.Popen[str]:
        """Start a module of offhook; the process is its own, strace only looks on."""
        log = self.folder / "logs" / f"{len(self.logs)} {' '.join(module)[:60].replace('/', '_')}"
        log.touch()
        command = [*TRACE, "-o", str(log), sys.executable, "-m", *module]
        return subprocess.Popen(command, cwd=self.home, env=self.environment, text=True, **options)  # type: ignore[call-overload,no-any-return]

    def offhook(self, *arguments: str) -> str:
        """Run a command to its end and return its output; a message on stderr is no failure here."""
        process = self.start("offhook", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, _ = process.communicate(timeout=120)
        return str(output)

    @contextmanager
    def process(self, *module: str) -> Iterator[subprocess.Popen[str]]:
        """Run a module until the block ends, and end it in good order."""
        process = self.start(*module, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    @property
    def logs(self) -> Sequence[Path]:
        return sorted((self.folder / "logs").iterdir())

    def sent(self) -> list[str]:
        """Calls that named an address outside this machine, or looked a name up."""
        return [f"{log.name}: {call}" for log in self.logs for call in _sent(_finished(log))]

    def written(self) -> list[str]:
        """Files outside of offhook's home and of the temporary folder that were written, made or moved to."""
        own = (self.offhook_home, self.temporary, self.home / SOUND_SERVER_KEY)
        return [
            f"{log.name}: {path}" for log in self.logs for path in _written(_finished(log), self.home, own)
        ]

    def left(self) -> list[Path]:
        """What lies in the person's home."""
        key = self.home / SOUND_SERVER_KEY
        return [
            path
            for path in self.home.rglob("*")
            if path not in key.parents and key not in (path, path.parent)
        ]


def _finished(log: Path) -> str:
    """What strace has written once it is done with all processes."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        if text and set(SEEN.findall(text)) == set(ENDED.findall(text)):
            return text
        time.sleep(0.1)
    raise AssertionError(f"{log.name} was not watched to its end: {text[-300:]}")


def _sent(text: str) -> Iterator[str]:
    for call in CALL.finditer(text):
        if call["name"] in SENDING:
            for address in FAMILY.finditer(call["arguments"]):
                port = PORT.search(address["rest"])
                looked_up = port and int(port["port"]) == NAME_LOOKUP_PORT
                near = address["family"] in ON_THIS_MACHINE or LOOPBACK.search(address["rest"])
                if looked_up or not near:
                    yield call[0]
        elif '"/etc/resolv.conf"' in call["arguments"]:
            yield call[0]


def _written(text: str, folder: Path, own: Sequence[Path]) -> Iterator[Path]:
    for call in CALL.finditer(text):
        name, arguments = call["name"], call["arguments"]
        if name in WRITING_ALWAYS or (name in WRITING and WRITES.search(arguments)):
            for found in QUOTED.finditer(arguments.rpartition(") = ")[0] or arguments):
                path = Path(os.path.normpath(Path(found["folder"] or folder) / found["path"]))
                if not (str(path).startswith(NO_FILES) or any(path.is_relative_to(each) for each in own)):
                    yield path
