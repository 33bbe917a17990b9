"""No text that others have written commands a terminal: titles, names, errors, transcripts, devices."""

from __future__ import annotations

import json
import logging
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.library import safe_name
from offhook.cli import COMMANDS
from shared.logs import DiscreetFormatter
from shared.plain_text import escaped_json, lines, one_line
from shared.store.claims import Failure
from shared.store.deliveries import EVENTS
from shared.store.hooks import PROGRAM
from shared.store.store import Store
from tests.stage import Stage
from tests.tables import said
from tests.terminal import terminal

#: Sets the window's title, clears the screen and reorders what follows: in 7 bits, in 8 bits and in Unicode.
HOSTILE = "call\x1b]0;owned\x07\x1b[2J\x9b31m\x85\x90q\x9c\x7f\b\r\u202e\u2066\u2069\u061c\u200f\ufeff\nend"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
#: What rich and click write for colours, the cursor and the alternate screen.
OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[mAKHJhl]|\r\n|\r")

#: Each command with arguments that make it print what others have written.
CALLS: dict[str, list[tuple[str, ...]]] = {
    "add": [("add", "{file}"), ("add", "{missing}")],
    "attach": [("attach", "{text}", "--candidate", "c")],
    "audit": [("audit",), ("audit", "--person", "{text}")],
    "autostart": [("autostart", "status"), ("autostart", "{text}")],
    "backup": [("backup", "{folder}")],
    "cancel": [("cancel", "{text}"), ("cancel", "1")],
    "config": [("config",)],
    "delete": [("delete", "1", "--dry-run"), ("delete", "--candidate", "{text}", "--dry-run")],
    "devices": [("devices",)],
    "doctor": [("doctor",)],
    "edit": [("edit", "2", "--print"), ("edit", "2", "--from", "{file}")],
    "export": [("export", "2", "--output", "{folder}"), ("export", "1")],
    "hooks": [
        ("hooks", "list"),
        ("hooks", "show", "1"),
        ("hooks", "add", "--program", "{missing}"),
        ("hooks", "add", "https://receiver.example/{text}"),
        ("hooks", "add", "https://receiver.example/", "--events", "{text}"),
        ("hooks", "redeliver", "{text}"),
    ],
    "join": [
        ("join", "{text}", "--token", "t"),
        ("join", "http://127.0.0.1:9", "--token", "t", "--certificate", "{missing}"),
    ],
    "leave": [("leave",)],
    "list": [("list",)],
    "machines": [("machines", "list"), ("machines", "drain", "{text}"), ("machines", "{text}")],
    "migrate-to": [("migrate-to", "{text}"), ("migrate-to", "postgresql://{text}", "--storage", "{folder}")],
    "models": [("models", "list"), ("models", "pull", "{text}")],
    "note": [("note", "2", "{text}"), ("note", "2", "x", "--at", "{text}"), ("show", "2")],
    "open": [("open", "--print"), ("open", "{text}")],
    "outbox": [("outbox",)],
    "password": [("password", "{text}")],
    "pause": [("pause", "{text}")],
    "person": [("person", "list"), ("person", "role", "{text}", "lead"), ("person", "{text}")],
    "prune": [("prune", "--older-than", "1h", "--dry-run"), ("prune", "--older-than", "{text}")],
    "rebuild": [("rebuild", "--dry-run"), ("rebuild", "{text}")],
    "record": [("record", "state"), ("record", "watch"), ("record", "{text}")],
    "relabel": [("relabel", "--all"), ("relabel", "{text}")],
    "replace": [
        ("replace", "{text}", "{text}", "--everywhere"),
        ("replace", "quarterly", "{text}", "2", "--dry-run"),
    ],
    "restore": [("restore", "{missing}")],
    "resume": [("resume", "{text}")],
    "retry": [("retry", "{text}"), ("retry", "--failed", "--language", "{text}")],
    "search": [("search", "quarterly")],
    "show": [
        ("show", "1"),
        ("show", "2"),
        ("show", "2", "--format", "srt"),
        ("show", "2", "--format", "txt"),
    ],
    "speaker": [("speaker", "2"), ("speaker", "2", "{text}", "{text}")],
    "status": [("status",)],
    "token": [("token", "create", "{text}"), ("token", "list"), ("token", "{text}")],
    "verify-storage": [("verify-storage",), ("verify-storage", "{text}")],
    "transcribe": [("transcribe", "{missing}"), ("transcribe", "{done}")],
}
JSON_CALLS = [("show", "2"), ("list",), ("status",), ("search", "quarterly"), ("config",), ("models", "list")]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every text that others can write is hostile."""
    home = tmp_path_factory.mktemp("template") / "home"
    stage = Stage(home)
    files = [home.with_name(name) for name in ("one.wav", "two.wav", "three.wav")]
    for path in files:
        path.write_bytes(path.name.encode())
    assert stage.offhook("add", *files, "--candidate", HOSTILE).returncode == 0
    model = home / "models" / "models--evil--x\x1b[31m\u202e"
    model.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (model / name).touch()
    with closing(sqlite3.connect(home / "offhook.db")) as database, database:
        database.execute("UPDATE call_records SET title = ?, project_id = ?", (HOSTILE, HOSTILE))
        failed = (
            "UPDATE call_records SET transcription_status = 'failed', transcription_error = ? WHERE id = 1"
        )
        database.execute(failed, (HOSTILE,))
        done = "UPDATE call_records SET transcription_status = 'completed', completed_at = 1 WHERE id = 2"
        database.execute(done)
        database.execute(
            "INSERT INTO captures (session_id, state, title, candidate_id, project_id, recording_path,"
            " layout, worker_id, started_at, duration_seconds, verdict)"
            " VALUES ('s', 'ended', ?, ?, ?, ?, 'mono', 'w', 1, 1, '{}')",
            (HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        )
    with Store.open(home / "offhook.db") as store:
        store.machines.beat(name=HOSTILE, version=HOSTILE, device=HOSTILE, models=[HOSTILE], workers=1)
        hook = store.hooks.add(PROGRAM, json.dumps(["/bin/tell", HOSTILE]), "", EVENTS.values())
        record = store.records.add(source="added", title="call", recording_path="/call.wav")
        claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
        assert claim
        store.claims.fail(claim, Failure("error", HOSTILE))
        delivery = store.deliveries.claim(hook.id, 60)
        assert delivery
        store.deliveries.note_failed(delivery, 3, HOSTILE, None)
        store.hooks.stop(hook.id, HOSTILE)
        words = {"start_seconds": 0.0, "end_seconds": 1.0, "text": f"{HOSTILE} quarterly"}
        store.transcripts.replace(2, said([words]))
    return home


@pytest.fixture
def hostile(template: Path, tmp_path: Path) -> Stage:
    """A copy of that home, under a name that is hostile too."""
    home = tmp_path / "home\x1b[31m\x9b\u202e"
    shutil.copytree(template, home)
    microphone = "replay:/x\x1b[31m\u202e.wav"
    return Stage(home, (("OFFHOOK_MICROPHONE", microphone), ("OFFHOOK_LOOPBACK", "none")))


def filled(arguments: tuple[str, ...], tmp_path: Path, template: Path) -> list[str]:
    """Arguments with hostile text and paths in them."""
    (tmp_path / "hostile \x1b[31m\u202e.wav").write_bytes(b"RIFF")
    places = {
        "text": HOSTILE,
        "file": tmp_path / "hostile \x1b[31m\u202e.wav",
        "done": template.with_name("two.wav"),
        "missing": tmp_path / "missing \x1b[31m\x9b\u202e.wav",
        "folder": tmp_path / "folder \x1b[31m\u202e",
    }
    return [argument.format(**places) for argument in arguments]


def unsafe(shown: str) -> list[str]:
    """The characters in it that command a terminal."""
    return FORBIDDEN.findall(shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_prints_what_commands_a_terminal(
    hostile: Stage, template: Path, tmp_path: Path, name: str
) -> None:
    for call in CALLS[name]:
        done = hostile.offhook(*filled(call, tmp_path, template))
        shown = done.stdout + done.stderr
        assert shown
        assert unsafe(shown) == []
        assert "Traceback" not in shown
        assert "fault in offhook" not in shown


@pytest.mark.parametrize(
    "call", [("list",), ("show", "1"), ("status",), ("delete", "1"), ("status", "--watch")]
)
def test_on_a_terminal_the_only_sequences_are_offhooks_own(hostile: Stage, call: tuple[str, ...]) -> None:
    pytest.importorskip("pty", reason="needs a pseudo-terminal")
    with terminal(hostile, *call) as shown:
        shown.wait_for("call.*owned")
        if call == ("delete", "1"):
            shown.wait_for(r"\[y/N\]")
        raw = shown._rest.decode()
    assert unsafe(OWN_SEQUENCES.sub("", raw)) == []
    assert "]0;owned" in raw.replace("\x1b", "")
    assert "\x1b[2J" not in raw or call[-1] == "--watch"


@pytest.mark.parametrize("call", JSON_CALLS, ids=[call[0] for call in JSON_CALLS])
def test_json_is_exact_and_safe_to_print(hostile: Stage, call: tuple[str, ...]) -> None:
    done = hostile.offhook(*call, "--json")
    assert unsafe(done.stdout) == []
    if call[0] in ("show", "list", "search", "status"):
        assert HOSTILE in json.dumps(json.loads(done.stdout), ensure_ascii=False).replace("\\n", "\n") or (
            HOSTILE in _texts(json.loads(done.stdout))
        )


def _texts(value: object) -> list[str]:
    """All texts in a JSON value."""
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _texts(entry)]
    if isinstance(value, list):
        return [text for entry in value for text in _texts(entry)]
    return [value] if isinstance(value, str) else []


def test_subtitles_and_file_names_keep_the_words_and_no_control_character(
    hostile: Stage, tmp_path: Path
) -> None:
    for form in ("txt", "srt", "vtt"):
        assert hostile.offhook("export", "2", "--format", form, "--output", tmp_path / "out").returncode == 0
    for path in (tmp_path / "out").iterdir():
        assert unsafe(path.name) == []
        assert unsafe(path.read_text("utf-8")) == []
        assert "end quarterly" in path.read_text("utf-8")


def test_a_log_has_no_line_that_others_have_written() -> None:
    record = logging.LogRecord("offhook", logging.INFO, "", 1, "model %s", (HOSTILE,), None)
    assert unsafe(DiscreetFormatter("%(message)s").format(record)) == []


def test_letters_that_scripts_need_stay_as_they_are() -> None:
    for text in ("می\u200cخواهم", "👩\u200d💻 क्\u200dष", "Ærø – naïve 会議 Straße", "שלום"):
        assert one_line(text) == text
        assert safe_name(text).startswith(text[:2])


def test_json_escapes_are_another_spelling_of_the_same_value() -> None:
    value = {"text": HOSTILE + "\udc9b\U000e0041\u2028"}
    printed = escaped_json(json.dumps(value, ensure_ascii=False))
    assert unsafe(printed) == []
    assert json.loads(printed) == value
    assert lines("one\r\ntwo\x1b") == "one\ntwo "
