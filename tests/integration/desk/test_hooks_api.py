"""Hooks over HTTP, and the desk's server as the one that delivers."""

from __future__ import annotations

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from offhook.web.work import LONG, QUICK, THREADS
from shared.settings import Settings
from shared.store.store import Store
from tests.desk import serving
from tests.integration.hooks.receivers import receiving
from tests.stage import Stage
from tests.voices import Call
from tests.waiting import until

PRIVATE = (("OFFHOOK_HOOK_PRIVATE_HOSTS", "127.0.0.1"),)
TELLS = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read())"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("hooks") / "home", PRIVATE)


def test_a_webhook_is_added_tried_stopped_and_removed_over_http(local: Stage):
    with serving(local) as desk, closing(desk.client()) as client, receiving() as receiver:
        added = client.post("/api/v1/hooks", json={"url": receiver.url(), "events": ["failed"]})
        assert added.status_code == 201
        hook = f"/api/v1/hooks/{added.json()['id']}"
        assert client.post(f"{hook}/test").json() == {"received": True, "status": 204, "error": None}
        (got,) = receiver.received
        assert Webhook(added.json()["secret"]).verify(got.body, dict(got.headers))["type"] == "test"

        shown = client.get(hook, params={"limit": 5}).json()
        assert (shown["hook"]["events"], shown["deliveries"]) == (["record.failed"], [])
        assert "secret" not in shown["hook"]
        assert client.post(f"{hook}/stop").status_code == 204
        assert client.get("/api/v1/hooks").json()["hooks"][0]["stopped_at"]
        assert client.get("/api/v1/queue").json()["stopped_hooks"][0]["why"]
        assert client.post(f"{hook}/start").status_code == 204
        assert client.post("/api/v1/deliveries/redeliver-failed").json() == {"count": 0}
        assert client.delete(hook).status_code == 204
        assert client.get(hook).status_code == 404
        assert client.post("/api/v1/deliveries/7/redeliver").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"url": "https://localhost/"}, 422),
        ({"url": "http://receiver.example/"}, 422),
        ({"url": "https://receiver.example/", "events": ["begun"]}, 400),
        ({"url": "https://receiver.example/", "events": []}, 400),
        ({"url": ""}, 400),
        ({"program": "/bin/sh"}, 400),
        ({"url": '["/bin/sh"]', "kind": "program"}, 422),
    ],
)
def test_neither_a_private_host_nor_a_program_is_added_over_http(
    client: httpx.Client, body: dict[str, object], status: int
):
    assert client.post("/api/v1/hooks", json=body).status_code == status
    assert client.get("/api/v1/hooks").json() == {"hooks": []}


def test_a_real_transcription_ends_in_a_delivered_webhook_and_a_run_program(tmp_path: Path, short_call: Call):
    stage, told = Stage(tmp_path / "home", PRIVATE), tmp_path / "told"
    with receiving() as receiver:
        webhook = stage.read("hooks", "add", receiver.url(), "--with-words")
        stage.offhook("hooks", "add", "--program", sys.executable, "--", "-c", TELLS, told)
        stage.drop_call(short_call, "Call with Ada.wav")
        with (
            stage.process("transcribe_worker"),
            stage.process("transcribe_worker.inbox"),
            serving(stage),
        ):
            record = stage.finished("Call with Ada")
            until(lambda: receiver.received and told.is_file() and told.read_text(), "both are notified")
            until(lambda: all_delivered(stage), "both deliveries are noted")
    (got,) = receiver.received
    message = Webhook(webhook["secret"]).verify(got.body, dict(got.headers))
    assert message["data"]["id"] == record["id"]
    assert message["data"]["title"] == "Call with Ada"
    assert message["data"]["text"].split() == stage_words(stage, record["id"])
    assert "text" not in json.loads(told.read_text())["data"]


def all_delivered(stage: Stage) -> bool:
    with Store.of_home(Settings(home=stage.home)) as store:
        return [counts["delivered"] for counts in store.deliveries.counts().values()] == [1, 1]


def stage_words(stage: Stage, record_id: int) -> list[str]:
    passages = stage.read("show", str(record_id))["passages"]
    return " ".join(passage["text"] for passage in passages).split()


def test_receivers_that_do_not_answer_hold_up_nothing_else(local: Stage):
    with (
        serving(local) as desk,
        closing(desk.client()) as client,
        ThreadPoolExecutor(2 * THREADS[QUICK]) as pool,
        ExitStack() as held,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hook = client.post("/api/v1/hooks", json={"url": url}).json()["id"]
        tries = [pool.submit(client.post, f"/api/v1/hooks/{hook}/test") for _ in range(2 * THREADS[QUICK])]
        for _ in range(THREADS[LONG]):
            held.enter_context(silent.accept()[0])
        assert client.get("/api/v1", timeout=5).status_code == 200
        assert not any(it.done() for it in tries)
        silent.close()
        held.close()
        assert not any(it.result().json()["received"] for it in tries)
