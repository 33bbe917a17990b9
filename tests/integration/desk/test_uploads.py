"""Recordings that are sent over HTTP: by the tus protocol, and as the body of one request."""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shared.store.store import Store
from tests.desk import DeskServer, serving
from tests.integration.inbox.files import recording
from tests.stage import Stage
from tests.waiting import until

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}


def coded(**given: str) -> str:
    return ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in given.items())


def begin(client: httpx.Client, size: int, name: str = "call.wav", **given: str) -> httpx.Response:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": coded(filename=name, **given)}
    return client.post("/api/v1/uploads", headers=headers)


def begun(client: httpx.Client, size: int, **given: str) -> str:
    answer = begin(client, size, **given)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def patch(client: httpx.Client, where: str, content: bytes, offset: int, **headers: str) -> httpx.Response:
    return client.patch(where, content=content, headers={**CHUNK, "Upload-Offset": str(offset), **headers})


def patched_when_free(client: httpx.Client, where: str, content: bytes, offset: int) -> httpx.Response:
    """Send on as soon as the request before has let go of the file."""
    found: list[httpx.Response] = []

    def is_free() -> bool:
        found.append(patch(client, where, content, offset, Accept="application/json"))
        return found[-1].status_code != 423

    until(is_free, "the file is free")
    return found[-1]


def offset(client: httpx.Client, where: str) -> int:
    return int(client.head(where, headers=TUS).headers["upload-offset"])


def path_of(answer: httpx.Response) -> Path:
    return Path(answer.json()["record"]["recording_path"])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_protocol_says_what_it_can(client: httpx.Client) -> None:
    told = client.options("/api/v1/uploads").headers
    assert told["tus-version"] == told["tus-resumable"] == "1.0.0"
    assert told["tus-extension"] == "creation,termination,expiration"
    assert told["tus-max-size"] == "16000000000"


def test_a_recording_that_is_sent_in_pieces_is_a_record(client: httpx.Client, desk_store: Store) -> None:
    content = recording(1)
    where = begun(client, len(content), title="Ada", candidate_id="C1", fingerprint="call.wav-1-2")
    first = patch(client, where, content[:1000], 0)
    assert (first.status_code, first.headers["upload-offset"]) == (204, "1000")
    assert "GMT" in first.headers["upload-expires"]
    (listed,) = client.get("/api/v1/uploads", params={"fingerprint": "call.wav-1-2"}).json()["uploads"]
    assert (listed["offset"], listed["size_bytes"], where) == (
        *(1000, len(content)),
        f"/api/v1/uploads/{listed['id']}",
    )
    assert client.get("/api/v1/uploads", params={"fingerprint": "other"}).json() == {"uploads": []}
    last = patch(client, where, content[1000:], 1000, Accept="application/json")
    row = last.json()["record"]
    assert (last.status_code, last.headers["offhook-record"]) == (200, str(row["id"]))
    assert (row["title"], row["candidate_id"], row["source"]) == ("Ada", "C1", "upload")
    assert path_of(last).read_bytes() == content
    assert desk_store.records.get(row["id"]).size_bytes == len(content)


def test_a_client_that_missed_the_last_answer_learns_of_the_record(client: httpx.Client) -> None:
    content = recording(2)
    where = begun(client, len(content))
    done = patch(client, where, content, 0)
    assert (done.status_code, done.content) == (204, b"")
    told = client.head(where, headers=TUS).headers
    assert told["upload-offset"] == told["upload-length"] == str(len(content))
    assert told["offhook-record"] == done.headers["offhook-record"]
    assert str(client.get(where).json()["record_id"]) == done.headers["offhook-record"]
    assert code(patch(client, where, b"", len(content))) == (404, "unknown_upload")


def test_requests_that_break_the_protocol_are_refused(client: httpx.Client) -> None:
    where = begun(client, 100)
    old = client.head(where, headers={"Tus-Resumable": "0.2.0"})
    assert (old.status_code, old.headers["tus-version"]) == (412, "1.0.0")
    assert client.head(where).status_code == 412
    assert code(client.post("/api/v1/uploads", headers=TUS)) == (400, "bad_request")
    assert patch(client, where, b"x", 0, **{"Content-Type": "text/plain"}).status_code == 415
    assert code(patch(client, where, b"x", 7)) == (409, "wrong_offset")
    assert code(patch(client, where, bytes(101), 0)) == (413, "largest_file_gb")
    assert patch(client, where, b"x", 0, **{"Upload-Offset": "-1"}).status_code == 400
    assert code(patch(client, f"{where}0", b"x", 0)) == (404, "unknown_upload")
    assert offset(client, where) == 0
    assert client.delete(where, headers=TUS).status_code == 204
    assert client.head(where, headers=TUS).status_code == 404


def test_what_is_no_recording_is_refused_with_the_reason(client: httpx.Client) -> None:
    refused = begin(client, 10, name="notes.txt")
    assert code(refused) == (415, "not_a_recording")
    assert "notes.txt" in refused.json()["error"]["message"]
    assert code(begin(client, 0)) == (422, "empty_file")
    assert code(begin(client, 10**14)) == (413, "largest_file_gb")
    assert code(begin(client, 10, language="zz")) == (422, "settings")
    assert code(begin(client, 10, language="de")) == (422, "model_missing")
    assert client.get("/api/v1/uploads").json() == {"uploads": []}


def pieces(content: bytes) -> Iterator[bytes]:
    """A body without a length."""
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


def test_a_body_without_a_length_is_taken_up_to_the_announced_one(client: httpx.Client) -> None:
    where = begun(client, 3_000_000)
    too_much = client.patch(where, content=pieces(bytes(5_000_000)), headers={**CHUNK, "Upload-Offset": "0"})
    assert code(too_much) == (413, "largest_file_gb")
    assert offset(client, where) <= 3_000_000
    client.delete(where, headers=TUS)


def raw(desk: DeskServer, client: httpx.Client, where: str, length: int, at: int = 0) -> socket.socket:
    """Send the head of a PATCH request over a connection of its own."""
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    head = {
        **{"Host": f"127.0.0.1:{desk.port}", "Cookie": cookie, **CHUNK},
        **{"X-CSRF-Token": client.headers["X-CSRF-Token"], "Upload-Offset": str(at)},
        "Content-Length": str(length),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    connection = socket.create_connection(("127.0.0.1", desk.port))
    connection.sendall(f"PATCH {where} HTTP/1.1\r\n{lines}\r\n".encode())
    return connection


def test_what_arrived_before_a_connection_was_cut_is_kept(desk: DeskServer, client: httpx.Client) -> None:
    content = recording(3, seconds=100.0)
    where = begun(client, len(content))
    with raw(desk, client, where, len(content)) as connection:
        connection.sendall(content[:1_500_000])
        until(lambda: offset(client, where) > 0, "the first block is written")
        assert code(patch(client, where, b"x", offset(client, where))) == (423, "upload_busy")
    until(lambda: offset(client, where) == 1_500_000, "the rest of it is written")
    done = patched_when_free(client, where, content[1_500_000:], 1_500_000)
    assert path_of(done).read_bytes() == content


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_recording_is_never_in_memory(
    desk: DeskServer, client: httpx.Client, desk_store: Store
) -> None:
    assert desk.process
    status = Path(f"/proc/{desk.process.pid}/status")

    def most_megabytes() -> float:
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found
        return int(found[1]) / 1000

    before, size = most_megabytes(), 150_000_000
    where = begun(client, size)
    block = bytes(1_000_000)
    done = client.patch(
        where, content=(block for _ in range(size // len(block))), headers={**CHUNK, "Upload-Offset": "0"}
    )
    assert done.status_code == 204, done.text
    assert most_megabytes() - before < 20
    Path(desk_store.records.get(int(done.headers["offhook-record"])).recording_path).unlink()


def test_known_content_is_told(client: httpx.Client) -> None:
    content = recording(4)
    answers = [
        client.post("/api/v1/records", params={"name": f"{number}.wav"}, content=content) for number in (1, 2)
    ]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert [answer.json()["was_known"] for answer in answers] == [False, True]
    assert len({answer.json()["record"]["id"] for answer in answers}) == 1
    assert answers[0].headers["location"] == f"/api/v1/records/{answers[0].json()['record']['id']}"


def test_a_script_sends_a_recording_with_curl_and_a_token(desk: DeskServer, tmp_path: Path) -> None:
    token = desk.stage.read("token", "create", "ours", "--scope", "write")["token"]
    file = tmp_path / "call.wav"
    file.write_bytes(recording(5))
    where = f"{desk.url}/api/v1/records?name=call.wav&title=With%20Ada&priority=7&preset=fast"
    curl = ["curl", "-sS", "--data-binary", f"@{file}", "-H", f"Authorization: Bearer {token}", where]
    done = subprocess.run(curl, capture_output=True, text=True, timeout=30)
    assert '"title":"With Ada"' in done.stdout.replace(": ", ":"), done.stdout + done.stderr
    assert '"options":{"preset":"fast"}' in done.stdout.replace(": ", ":")


def test_a_request_that_does_not_say_what_it_brings_is_refused(client: httpx.Client) -> None:
    def send(content: bytes = b"x", **params: str) -> tuple[int, str]:
        return code(client.post("/api/v1/records", params=params, content=content))

    assert send() == (400, "bad_request")
    assert send(name="x.pdf") == (415, "not_a_recording")
    assert send(name="x.wav", titel="Ada") == (400, "bad_request")
    assert send(name="x.wav", preset="best") == (422, "settings")
    assert send(b"", name="x.wav") == (422, "empty_file")
    form = client.post("/api/v1/records", params={"name": "x.wav"}, files={"file": b"x"})
    assert code(form) == (400, "bad_request")
    assert client.get("/api/v1/uploads").json() == {"uploads": []}


@pytest.mark.parametrize("end", [DeskServer.kill, DeskServer.stop], ids=["killed", "stopped"])
def test_a_server_that_ends_in_mid_upload_goes_on_where_it_was(
    tmp_path: Path, end: Callable[[DeskServer], None]
) -> None:
    content = recording(6, seconds=100.0)
    with serving(Stage(tmp_path / "home")) as server:
        client = server.client()
        where = begun(client, len(content))
        with raw(server, client, where, len(content)) as connection:
            connection.sendall(content[:2_000_000])
            until(lambda: offset(client, where) > 0, "the first block is written")
            end(server)
        server.start()
        arrived = offset(client, where)
        assert 1 << 20 <= arrived <= 2_000_000
        done = patch(client, where, content[arrived:], arrived, Accept="application/json")
        assert path_of(done).read_bytes() == content
        client.close()


def test_an_upload_that_was_whole_when_the_server_was_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    content = recording(7)
    with serving(Stage(tmp_path / "home")) as server:
        client = server.client()
        where = begun(client, len(content))
        patch(client, where, content[:-1], 0)
        server.kill()
        (part,) = (server.stage.home / "uploads").iterdir()
        part.write_bytes(content)
        server.start()
        until(lambda: client.get(where).json().get("record_id"), "the upload is a record")
        client.close()
