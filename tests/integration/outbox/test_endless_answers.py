"""A server that sends without end: what it sends does not fill the disk of a workstation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from offhook.desk.at_the_server import AtTheServer
from outbox_worker.errors import OnlyAtTheServer
from shared.store.joining import JoinedServer
from tests.workstations import HandedOver

CALL = HandedOver(b"as long as this")


class Endless(BaseHTTPRequestHandler):
    """Answers every request with the call, and goes on if it is asked for another one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        is_call = CALL.session_id in self.path
        self.send_response(200)
        self.send_header("Content-Length", str(len(CALL.content) if is_call else 1 << 40))
        self.end_headers()
        with suppress(OSError):  # the workstation has hung up
            self.wfile.write(CALL.content)
            while not is_call:
                self.wfile.write(bytes(1 << 16))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def source(tmp_path: Path) -> Iterator[AtTheServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever).start()
        joined = JoinedServer(f"http://127.0.0.1:{server.server_port}", "token", "team", "ada", 0.0)
        yield AtTheServer(joined, tmp_path, len(CALL.content))
        server.shutdown()


def test_a_recording_that_is_longer_than_it_was_is_not_fetched(source: AtTheServer) -> None:
    with source.open(f"calls/{CALL.session_id}.wav") as file:
        assert file.read() == CALL.content
    with pytest.raises(OnlyAtTheServer, match="more than the recording has"):
        source.open("calls/another.wav")
