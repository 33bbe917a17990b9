"""Programs made for OpenAI's API transcribe here: the `openai` package against the real server and model."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx
import openai
import pysubs2
import pytest

from shared.files import Fingerprint, sha256_of
from shared.store.store import Store
from shared.store.transitions import QUEUED
from shared.store.values import Record
from tests.desk import DeskServer
from tests.integration.inbox.files import recording
from tests.voices import Call, word_error_rate
from tests.waiting import until

WHERE = "/v1/audio/transcriptions"


@pytest.fixture(scope="module")
def token(desk: DeskServer) -> str:
    made = desk.stage.read("token", "create", "program", "--scope", "write", "--scope", "read")
    return str(made["token"])


@pytest.fixture(scope="module")
def program(desk: DeskServer, token: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{desk.url}/v1", api_key=token, max_retries=0, timeout=120) as program:
        yield program


@pytest.fixture(scope="module")
def worker(desk: DeskServer) -> Iterator[None]:
    """A real worker, for the tests that want a transcript."""
    with desk.stage.process("transcribe_worker"):
        until(lambda: "worker" in desk.stage.running(), "the worker runs")
        yield


@pytest.fixture
def plain(desk: DeskServer, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with closing(httpx.Client(base_url=desk.url, headers=headers, timeout=60)) as plain:
        yield plain


def refused(answer: httpx.Response) -> tuple[int, str, str | None, str]:
    error = answer.json()["error"]
    return answer.status_code, error["type"], error["param"], error["code"]


def test_nothing_is_taken_while_nobody_would_transcribe_it(
    plain: httpx.Client, desk_store: Store, short_wav: Path
) -> None:
    answer = plain.post(WHERE, files={"file": short_wav.read_bytes()}, data={"model": "whisper-1"})
    assert refused(answer) == (503, "server_error", None, "not_now")
    assert "python start.py" in answer.json()["error"]["message"]
    assert desk_store.records.newest(1) == []


def test_a_program_gets_the_text_of_a_file(
    program: openai.OpenAI, worker: None, desk_store: Store, short_call: Call, short_wav: Path
) -> None:
    found = program.audio.transcriptions.create(file=short_wav, model="whisper-1")
    assert word_error_rate(short_call.words, found.text) < 0.3
    (record,) = desk_store.records.newest(5)
    assert (record.source, record.title, record.priority) == ("api", "short call", 10)


@pytest.mark.parametrize("granularities", [["word", "segment"], ["word"], ["segment"], None])
def test_a_program_gets_segments_and_words_with_their_times(
    program: openai.OpenAI,
    worker: None,
    short_call: Call,
    short_wav: Path,
    granularities: list[str] | None,
) -> None:
    given = {"timestamp_granularities": granularities} if granularities else {}
    found = program.audio.transcriptions.create(
        file=short_wav, model="whisper-1", response_format="verbose_json", **given
    )
    assert found.duration == pytest.approx(short_call.duration_seconds, abs=0.1)
    assert found.language == "en"
    assert bool(found.words) == ("word" in (granularities or ()))
    assert bool(found.segments) == ("segment" in (granularities or ["segment"]))
    if found.words:
        assert word_error_rate(found.text, " ".join(word.word for word in found.words)) == 0.0
        assert all(0 <= word.start <= word.end <= found.duration + 0.1 for word in found.words)
    if found.segments:
        assert word_error_rate(found.text, " ".join(it.text for it in found.segments)) == 0.0
        assert [it.start for it in found.segments] == sorted(it.start for it in found.segments)


def test_a_program_gets_subtitles_and_plain_text(
    program: openai.OpenAI, worker: None, short_call: Call, short_wav: Path
) -> None:
    def ask(form: str) -> str:
        return str(
            program.audio.transcriptions.create(file=short_wav, model="tiny.en", response_format=form)  # type: ignore[call-overload]
        )

    for form in ("srt", "vtt"):
        cues = pysubs2.SSAFile.from_string(ask(form), form)
        assert len(cues) > 2
        assert cues[-1].end / 1000 <= short_call.duration_seconds + 0.5
    assert word_error_rate(short_call.words, ask("text")) < 0.3


def test_the_same_file_again_is_the_same_recording(
    program: openai.OpenAI, worker: None, desk_store: Store, short_wav: Path
) -> None:
    program.audio.transcriptions.create(file=short_wav, model="whisper-1")
    (before,) = desk_store.records.newest(5)
    program.audio.transcriptions.create(file=("another name.wav", short_wav.read_bytes()), model="whisper-1")
    (after,) = desk_store.records.newest(5)
    assert (after.id, after.attempts) == (before.id, before.attempts)


def test_another_prompt_transcribes_it_again(
    program: openai.OpenAI, worker: None, desk_store: Store, short_wav: Path
) -> None:
    program.audio.transcriptions.create(file=short_wav, model="whisper-1")
    before = desk_store.records.newest(1)[0].completed_at or 0.0
    for _ in range(2):
        program.audio.transcriptions.create(file=short_wav, model="whisper-1", prompt="Ada", language="en")
    (record,) = desk_store.records.newest(5)
    assert record.options["initial_prompt"] == "Ada"
    assert (record.completed_at or 0.0) > before


def test_models_are_those_of_this_machine(program: openai.OpenAI) -> None:
    names = [model.id for model in program.models.list()]
    assert names[0] == "whisper-1"
    assert "tiny.en" in names
    assert program.models.retrieve("tiny.en").owned_by == "offhook"
    with pytest.raises(openai.NotFoundError, match="offhook models pull small"):
        program.models.retrieve("small")


def test_a_missing_model_is_named_with_the_remedy(
    program: openai.OpenAI, worker: None, short_wav: Path
) -> None:
    with pytest.raises(openai.NotFoundError, match="offhook models pull small") as refusal:
        program.audio.transcriptions.create(file=short_wav, model="small")
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError, match="hears English only"):
        program.audio.transcriptions.create(file=short_wav, model="whisper-1", language="de")


def test_what_is_no_recording_is_a_bad_request(program: openai.OpenAI, worker: None) -> None:
    with pytest.raises(openai.BadRequestError, match="ending of a recording") as refusal:
        program.audio.transcriptions.create(file=("notes.txt", b"x" * 3_000_000), model="whisper-1")
    assert (refusal.value.code, refusal.value.param) == ("not_a_recording", "file")
    with pytest.raises(openai.BadRequestError) as refusal:
        program.audio.transcriptions.create(file=("notes.wav", b"not audio" * 100), model="whisper-1")
    assert (refusal.value.code, refusal.value.type) == ("not_a_recording", "invalid_request_error")


def test_translations_are_not_made_here(plain: httpx.Client) -> None:
    answer = plain.post("/v1/audio/translations", files={"file": b"x"}, data={"model": "whisper-1"})
    assert answer.status_code == 404


def test_a_program_without_a_token_is_refused(desk: DeskServer, short_wav: Path) -> None:
    with openai.OpenAI(base_url=f"{desk.url}/v1", api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            stranger.audio.transcriptions.create(file=short_wav, model="whisper-1")


def test_a_form_in_another_order_or_that_breaks_off_leaves_nothing(
    desk: DeskServer, plain: httpx.Client, worker: None
) -> None:
    def form(*parts: str, end: str = "--B--\r\n") -> httpx.Response:
        body = "".join(f"--B\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + end
        return plain.post(
            WHERE, content=body.encode(), headers={"Content-Type": "multipart/form-data; boundary=B"}
        )

    file = 'name="file"; filename="a.wav"\r\n\r\nnot audio'
    assert refused(form(file, 'name="response_format"\r\n\r\nxml')) == (
        *(400, "invalid_request_error"),
        *(None, "bad_request"),
    )
    for broken in (
        form(file, end=""),
        form('name="model"\r\n\r\nwhisper-1'),
        form(file, file),
        form('name="picture"; filename="a.wav"\r\n\r\nx'),
        form('name="prompt"\r\n\r\n' + "x" * 300_000, file),
        form("x\r\n\r\nno name"),
        plain.post(WHERE, content=b"x", headers={"Content-Type": "text/plain"}),
    ):
        assert refused(broken)[3] == "bad_request", broken.text
    assert [it for it in (desk.stage.home / "uploads").iterdir() if it.is_file()] == []


@contextmanager
def sent_to_a_paused_queue(
    desk: DeskServer, token: str, store: Store, title: str
) -> Iterator[tuple[socket.socket, Record]]:
    """A client that waits for its transcript, in vain: the queue was paused once its file arrived."""
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="%s.wav"\r\n\r\n' % title.encode()
        + recording(len(title))
        + b"\r\n--B--\r\n"
    )
    head = (
        f"POST {WHERE} HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    def record() -> Record | None:
        return next((it for it in store.records.newest(20) if it.title == title), None)

    with socket.create_connection(("127.0.0.1", desk.port), timeout=60) as connection:
        connection.sendall(head.encode() + body[:-10])
        until(lambda: list((desk.stage.home / "uploads").glob("*.*")), "the file arrives")
        store.controls.set_paused(True)
        try:
            connection.sendall(body[-10:])
            until(record, "it is a record")
            found = record()
            assert found
            yield connection, found
        finally:
            store.controls.set_paused(False)


def test_a_client_that_hangs_up_leaves_its_recording_in_the_queue(
    desk: DeskServer, worker: None, token: str, desk_store: Store
) -> None:
    log = desk.log[-1]
    with sent_to_a_paused_queue(desk, token, desk_store, "left") as (connection, record):
        connection.close()
        until(lambda: "its client has gone" in log.read_text("utf-8"), "the server notices")
        assert desk_store.records.get(record.id).transcription_status == QUEUED


def test_a_client_is_told_that_its_recording_was_cancelled(
    desk: DeskServer, worker: None, token: str, desk_store: Store
) -> None:
    with sent_to_a_paused_queue(desk, token, desk_store, "cancelled") as (connection, record):
        desk_store.records.cancel(record.id)
        with connection.makefile("r", encoding="utf-8", newline="") as lines:
            answer = "".join(iter(lines.readline, "\r\n")) + lines.read(60)
    assert answer.startswith("HTTP/1.1 400 ")
    assert "The recording is cancelled" in answer


def test_a_recording_that_is_underway_with_other_settings_is_done_again_with_those_asked_for(
    desk: DeskServer, program: openai.OpenAI, desk_store: Store, worker: None, tmp_path: Path
) -> None:
    path, log = tmp_path / "underway.wav", desk.log[-1]
    path.write_bytes(recording(77))
    content = {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}
    with desk_store.transaction():
        record = desk_store.records.add(source="added", title="underway", recording_path=str(path), **content)
        busy = desk_store.workers.every("worker")[0].id
        claim = desk_store.claims.claim(record.id, worker_id=busy, model="tiny.en", lease_seconds=60)
    assert claim
    with ThreadPoolExecutor(1) as pool:
        ask = program.audio.transcriptions.create
        asked = pool.submit(ask, file=path, model="whisper-1", prompt="Ada")
        until(lambda: f"recording {record.id}: taken" in log.read_text("utf-8"), "the file was taken")
        desk_store.claims.complete(claim, [])
        asked.result(60)
    assert desk_store.records.get(record.id).options["initial_prompt"] == "Ada"
