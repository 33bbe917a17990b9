"""Who said what, as `offhook show` and `offhook export` print it in every format."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import docx
import pytest

from archive.exports import FORMATS
from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.store import Store
from tests.integration.commands.calling import Cli
from tests.integration.commands.spoken import spoken
from tests.stage import ROOT, Stage
from tests.terminal import terminal
from tests.transcripts import said_by


@pytest.fixture
def call(settings: Settings, store: Store) -> int:
    """A call of two, the second of whom has a name; one word may be another speaker's."""
    record = spoken(settings, store)
    with store.edits.change(record.id, "speaker"):
        store.overlays.rename(record.id, THEM, "Ada Lovelace")
        store.overlays.correct(record.id, 7, 8, "Lovelace")
    labels = [it for it in store.overlays.labels(record.id) if it.first_word]
    store.overlays.relabel(record.id, [said_by(ME, 0, 4, 0.6), *labels])
    return record.id


def test_show_says_who_said_what_and_where_that_is_doubtful(cli: Cli, call: int) -> None:
    assert cli("show", call).out.splitlines()[-4:] == [
        "[00:00:00] Me (?): Good morning, this is Max.",
        "[00:00:05] Ada Lovelace: Hello Max, Lovelace here.",
        "[00:00:10] Ada Lovelace: I wrote about the analytical engine.",
        "[00:00:15] Me: Thank you, Miss loveless.",
    ]


def test_show_gives_each_speaker_a_colour_on_a_terminal_alone(
    cli: Cli, settings: Settings, call: int
) -> None:
    assert "\x1b" not in cli("show", call).out
    with terminal(Stage(settings.home), "show", str(call)) as shown:
        assert shown.ends() == 0
        assert b"\x1b[36mMe: \x1b[0m" in shown._rest
        assert b"\x1b[35mAda Lovelace: \x1b[0m" in shown._rest
    plain = Stage(settings.home, (("NO_COLOR", "1"),))
    with terminal(plain, "show", str(call)) as shown:
        assert shown.ends() == 0
        assert b"\x1b[3" not in shown._rest


def test_show_prints_a_word_document_into_a_file_and_never_on_a_terminal(
    settings: Settings, call: int
) -> None:
    stage = Stage(settings.home)
    command = [sys.executable, "-m", "offhook", "show", str(call), "--format", "docx"]
    done = subprocess.run(command, cwd=ROOT, env=stage.environment, capture_output=True, check=True)
    texts = [it.text for it in docx.Document(io.BytesIO(done.stdout)).paragraphs]
    assert texts[-1] == "Me [00:00:15]\nThank you, Miss loveless."
    with terminal(stage, "show", str(call), "--format", "docx") as shown:
        assert shown.ends() == 1
        assert "offhook export" in " ".join(shown.shown.split())


@pytest.mark.parametrize("form", FORMATS)
def test_export_writes_who_said_what_in_every_format(cli: Cli, call: int, tmp_path: Path, form: str) -> None:
    done = cli("export", call, "--format", form, "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == f"Call with Ada-{call}.{form}"
    raw = written.read_bytes()
    text = (
        "\n".join(it.text for it in docx.Document(io.BytesIO(raw)).paragraphs)
        if form == "docx"
        else raw.decode()
    )
    assert "Ada Lovelace" in text
    assert "(?)" in text or form == "json"
    assert "Max, Lovelace here." in text.replace("\n", " ")


def test_export_without_the_package_for_word_documents_says_how_to_get_it(
    cli: Cli, call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    done = cli("export", call, "--format", "docx", "-o", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert "pip install python-docx" in done.err
    assert list((tmp_path / "out").iterdir()) == []


def test_transcribe_prints_no_word_document(cli: Cli, tmp_path: Path) -> None:
    assert cli("transcribe", tmp_path / "call.wav", "--format", "docx").code == 2
