"""`offhook hooks`: adding, trying and looking after those who are notified."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.store import Store
from tests.integration.hooks.receivers import receiving
from tests.stage import Stage


@pytest.fixture
def local(tmp_path: Path) -> Stage:
    """A home whose hooks may be on this machine."""
    return Stage(tmp_path / "home", (("OFFHOOK_HOOK_PRIVATE_HOSTS", "127.0.0.1"),))


def fail_one(stage: Stage) -> int:
    """Let a recording fail in a home; return its number."""
    with Store.of_home(Settings(home=stage.home)) as store:
        record = store.records.add(source="added", title="call", recording_path="/call.wav")
        claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim
        store.claims.fail(claim, Failure("no_audio", "There is none."))
    return record.id


def test_the_secret_is_shown_once_and_signs_the_test_message(local: Stage):
    with receiving() as receiver:
        added = local.read("hooks", "add", receiver.url())
        tested = local.offhook("hooks", "test", "1")
    (got,) = receiver.received
    assert tested.stdout == "Hook 1: received (204)\n"
    assert Webhook(added["secret"]).verify(got.body, dict(got.headers))["type"] == "test"
    for command in (("list",), ("show", "1")):
        assert added["secret"] not in local.offhook("hooks", *command, "--json").stdout


def test_while_a_secret_is_replaced_both_sign_and_at_once_the_new_one_alone(local: Stage):
    with receiving() as receiver:
        secrets = [local.read("hooks", "add", receiver.url())["secret"]]
        secrets.append(local.read("hooks", "secret", "1")["secret"])
        local.offhook("hooks", "test", "1")
        secrets.append(local.read("hooks", "secret", "1", "--at-once")["secret"])
        local.offhook("hooks", "test", "1")
    both, alone = receiver.received
    for got, valid in ((both, secrets[:2]), (alone, secrets[2:])):
        for secret in valid:
            assert Webhook(secret).verify(got.body, dict(got.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[1]).verify(alone.body, dict(alone.headers))


def test_a_program_has_no_secret(local: Stage):
    local.offhook("hooks", "add", "--program", sys.executable)
    done = local.offhook("hooks", "secret", "1")
    assert (done.returncode, "is a program" in done.stderr) == (1, True)


def test_a_test_that_is_not_received_says_why(local: Stage):
    with receiving((500, {}, b"")) as receiver:
        local.offhook("hooks", "add", receiver.url())
        tested = local.offhook("hooks", "test", "1")
    assert (tested.returncode, tested.stdout) == (1, "")
    assert "Hook 1 has not received the message. It answered 500." in tested.stderr


def test_a_program_is_added_with_its_arguments_and_can_be_tried(local: Stage, tmp_path: Path):
    told = tmp_path / "told"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    done = local.offhook("hooks", "add", "--program", sys.executable, "--", "-c", code, told)
    assert (done.returncode, done.stdout) == (0, "Hook 1: added\n")
    assert local.read("hooks", "list")["hooks"][0]["command"][1:] == ["-c", code, str(told)]
    assert local.offhook("hooks", "test", "1").stdout == "Hook 1: received (0)\n"
    assert '"type":"test"' in told.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["http://receiver.example/"], "needs https://"),
        (["https://user:secret@receiver.example/"], "may not have a user"),
        (["https://localhost/"], "not a public address"),
        (["https://[::1]/"], "not a public address"),
        (["https://169.254.169.254/latest"], "not a public address"),
        (["file:///etc/passwd"], "is not a URL"),
        (["--program", "/nowhere/tell"], "is not a program"),
        (["https://127.0.0.1/", "--events", "completed,begun"], "There is no event begun"),
        (["https://127.0.0.1/", "--events", ""], "There is no event (empty)"),
    ],
)
def test_what_cannot_be_a_hook_is_refused_with_the_reason(local: Stage, words: list[str], said: str):
    done = local.offhook("hooks", "add", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert local.read("hooks", "list") == {"hooks": []}


@pytest.mark.parametrize("words", [[], ["https://a.example/", "https://b.example/"]])
def test_one_url_or_a_program_is_wanted(local: Stage, words: list[str]):
    assert local.offhook("hooks", "add", *words).returncode == 2


def test_a_stopped_hook_is_named_by_status_and_doctor_until_it_is_started(local: Stage):
    local.offhook("hooks", "add", "https://127.0.0.1/")
    fail_one(local)
    local.offhook("hooks", "stop", "1")

    assert "Hook 1 is stopped: A person has stopped it." in local.offhook("status").stdout
    assert local.read("status")["stopped_hooks"][0]["id"] == 1
    assert "Hook 1 is stopped" in local.offhook("doctor").stdout
    refused = local.offhook("hooks", "redeliver", "1")
    assert (refused.returncode, "offhook hooks start 1" in refused.stderr) == (1, True)

    assert local.offhook("hooks", "start", "1").returncode == 0
    assert local.read("status")["stopped_hooks"] == []
    assert local.offhook("hooks", "redeliver", "--failed").stdout == "1 failed message to be sent again\n"
    (delivery,) = local.read("hooks", "show", "1")["deliveries"]
    assert (delivery["state"], delivery["attempts"]) == ("waiting", 0)


def test_doctor_says_that_nothing_is_sent_while_the_desk_does_not_run(local: Stage):
    local.offhook("hooks", "add", "https://127.0.0.1/")
    assert "nothing is sent to hooks" in local.offhook("doctor").stdout


def test_a_removed_hook_goes_with_its_deliveries(local: Stage):
    local.offhook("hooks", "add", "https://127.0.0.1/")
    record_id = fail_one(local)
    shown = local.offhook("hooks", "show", "1").stdout
    assert "record.failed" in shown
    assert local.offhook("hooks", "remove", "1").stdout == "Hook 1: removed\n"
    gone = local.offhook("hooks", "show", "1")
    assert (gone.returncode, "There is no hook 1." in gone.stderr) == (1, True)
    assert local.offhook("show", str(record_id)).returncode == 0


@pytest.mark.parametrize("words", [[], ["7", "--failed"]])
def test_either_a_delivery_or_all_that_failed_is_sent_again(local: Stage, words: list[str]):
    assert local.offhook("hooks", "redeliver", *words).returncode == 2


def test_a_delivery_that_is_not_there_is_named(local: Stage):
    done = local.offhook("hooks", "redeliver", "7")
    assert (done.returncode, "There is no delivery 7." in done.stderr) == (1, True)
