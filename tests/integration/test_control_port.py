"""Who reaches the capture worker: its owner, however many strangers press in, and nobody in its place."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from capture_worker.control.address import LONGEST_SOCKET_PATH_BYTES
from offhook.desk.recorder import CaptureClient
from shared import control_port
from shared.capture_errors import CaptureNotRunning, CaptureSilent
from shared.control_port import CLIENT, SERVER, SERVER_LOCK
from shared.locks import FileLock
from tests.control import connect, described
from tests.pulse import PulseServer
from tests.stage import Stage

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no sockets with a path")
SECRETS = ("Ms. Okafor", "C-17")
#: More than there are places for, authenticated or not.
FLOOD = 200


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it, which a test's own may not be."""
    with tempfile.TemporaryDirectory(prefix="oh-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def far_stage(tmp_path: Path, server: PulseServer) -> Stage:
    """A home whose path is too long for a socket, as every one is on Windows."""
    return Stage(tmp_path / ("x" * LONGEST_SOCKET_PATH_BYTES) / "home", tuple(server.environment.items()))


@contextmanager
def recorder(stage: Stage) -> Iterator[Path]:
    """A capture worker that listens; yields its control file."""
    stage.home.parent.mkdir(parents=True, exist_ok=True)
    control = stage.home / "control.json"
    with stage.process("capture_worker"):
        stage.wait_for(control.exists, "the capture worker")
        yield control


@contextmanager
def pressing(control: Path, stop: threading.Event) -> Iterator[None]:
    """Strangers who take every place that there is, and try again whenever they lose one."""

    def press() -> None:
        with ExitStack() as held:
            while not stop.is_set():
                for _ in range(FLOOD // 4):
                    with suppress(OSError):
                        held.enter_context(connect(control, 1))
                time.sleep(0.05)
                held.pop_all().close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_strangers_who_take_every_place_keep_the_owner_from_nothing(far_stage: Stage) -> None:
    with recorder(far_stage) as control, ExitStack() as held:
        assert "port" in described(control)
        for _ in range(FLOOD):
            held.enter_context(connect(control, 5))
        started = far_stage.offhook("record", "start")
        assert started.returncode == 0, started.stderr
        for _ in range(FLOOD):
            held.enter_context(connect(control, 5))
        assert far_stage.read("record", "state")["state"] == "recording"
        stopped = far_stage.offhook("record", "stop")
        assert stopped.returncode == 0, stopped.stderr


def test_strangers_who_press_in_all_the_time_keep_the_owner_from_nothing(far_stage: Stage) -> None:
    with recorder(far_stage) as control, pressing(control, threading.Event()):
        for _ in range(5):
            with CaptureClient(control) as owner:
                assert owner.request("get_recording_state")["state"] == "idle"


def test_a_client_that_is_connected_stays_whoever_comes(far_stage: Stage) -> None:
    with recorder(far_stage) as control, CaptureClient(control) as owner, ExitStack() as held:
        for _ in range(FLOOD):
            held.enter_context(connect(control, 5))
        assert owner.request("get_recording_state")["state"] == "idle"


class Impostor:
    """Another program that listens where `control.json` says that a capture worker does."""

    def __init__(self, stage: Stage, answer: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        stage.home.mkdir(parents=True)
        port = self._server.getsockname()[1]
        self.token = control_port.new_token()
        content = {"port": port, "token": self.token, "pid": os.getpid()}
        (stage.home / "control.json").write_text(json.dumps(content))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                connection.settimeout(5)
                with connection, suppress(OSError):
                    while line := connection.recv(65_536):
                        self.heard += line
                        connection.sendall(self._answer(line))

    def close(self) -> None:
        self._server.close()


def reply(request_id: int, **result: str) -> bytes:
    return json.dumps({"id": request_id, "ok": True, "result": result}).encode() + b"\n"


def agreeing(line: bytes) -> bytes:
    """Whatever is asked has been done."""
    return reply(json.loads(line)["id"], nonce="7" * 64, proof="7" * 64)


def reflecting(line: bytes) -> bytes:
    """What the client sends is sent back as the server's."""
    request = json.loads(line)
    nonce = request["params"].get("nonce") or ""
    return reply(request["id"], nonce=nonce, proof=control_port.proof("", CLIENT, nonce, nonce))


@pytest.mark.parametrize(
    "answer",
    [
        agreeing,
        reflecting,
        lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        lambda line: line,
        lambda _: b"[]\n",
    ],
)
def test_a_program_that_took_the_port_of_a_dead_worker_hears_nothing(
    stage: Stage, answer: Callable[[bytes], bytes]
) -> None:
    impostor = Impostor(stage, answer)
    try:
        title, candidate = SECRETS
        done = stage.offhook("record", "start", "--title", title, "--candidate", candidate)
    finally:
        impostor.close()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "No capture worker runs" in done.stderr
    assert impostor.heard
    for secret in (*SECRETS, impostor.token, "start_recording"):
        assert secret.encode() not in impostor.heard


def test_a_proof_holds_for_one_role_one_token_and_one_conversation() -> None:
    token, nonces = control_port.new_token(), ("a" * 64, "b" * 64)
    proofs = {
        control_port.proof(token, SERVER, *nonces),
        control_port.proof(token, CLIENT, *nonces),
        control_port.proof(token, CLIENT, *reversed(nonces)),
        control_port.proof(control_port.new_token(), CLIENT, *nonces),
    }
    assert len(proofs) == 4


@POSIX_ONLY
def test_the_socket_in_the_home_folder_is_its_owners_alone_and_goes_with_the_worker(
    short_folder: Path,
) -> None:
    stage = Stage(short_folder / "home")
    with recorder(stage) as control:
        path = Path(described(control)["socket"])
        assert path.is_relative_to(stage.home)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with CaptureClient(control) as owner:
            assert owner.request("get_recording_state")["state"] == "idle"
    assert not path.exists()


@POSIX_ONLY
def test_a_socket_that_a_killed_worker_left_is_replaced(short_folder: Path) -> None:
    stage = Stage(short_folder / "home")
    with recorder(stage) as control:
        path = Path(described(control)["socket"])
    for _ in range(2):
        with stage.process("capture_worker") as worker:
            stage.wait_for(path.exists, "the socket")
            stage.wait_for(lambda: _answers(control), "an answer")
            worker.kill()
            worker.wait()
            assert path.exists()
            with pytest.raises(CaptureNotRunning):
                CaptureClient(control)
    with stage.process("capture_worker"):
        stage.wait_for(lambda: _answers(control), "an answer")


def _answers(control: Path) -> bool:
    try:
        CaptureClient(control).close()
    except CaptureNotRunning:
        return False
    return True


@POSIX_ONLY
def test_a_worker_that_stands_still_is_not_taken_for_none(short_folder: Path) -> None:
    stage = Stage(short_folder / "home")
    with stage.process("capture_worker") as worker:
        control = stage.home / "control.json"
        stage.wait_for(lambda: _answers(control), "the capture worker")
        worker.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(CaptureSilent, match="does not answer"):
                CaptureClient(control, connect_seconds=0.5)
        finally:
            worker.send_signal(signal.SIGCONT)


def test_a_worker_that_is_about_to_listen_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    lock = FileLock(tmp_path / "locks" / SERVER_LOCK)
    assert lock.acquire()
    began = time.monotonic()
    with pytest.raises(CaptureSilent):
        CaptureClient(tmp_path / "control.json", connect_seconds=0.3)
    assert time.monotonic() - began >= 0.3
    lock.release()
    with pytest.raises(CaptureNotRunning):
        CaptureClient(tmp_path / "control.json")
