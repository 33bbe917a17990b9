"""`offhook edit`: a transcript is corrected in the person's own editor."""

from __future__ import annotations

import re
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli, Done, completed
from tests.integration.commands.spoken import CALL, file_of, say_again, spoken
from tests.remains import remains

#: What a person does in an editor: substitute a pattern in the file.
EDITOR = """
import re, sys
path = sys.argv[-1]
text = open(path, encoding="utf-8").read()
changed = re.sub(sys.argv[1], sys.argv[2].replace("\\\\n", "\\n"), text, flags=re.M)
open(path, "w", encoding="utf-8").write(changed)
"""
Edits = Callable[[str, str], Done]


@pytest.fixture
def call(settings: Settings, store: Store) -> Record:
    return spoken(settings, store)


@pytest.fixture
def edit(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edits:
    """Edit recording 1: replace a pattern in its text."""
    script = tmp_path / "my editor.py"
    script.write_text(EDITOR)

    def run(pattern: str, by: str, *arguments: str) -> Done:
        monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script), pattern, by]))
        return cli("edit", 1, *arguments)

    return run


def lines(cli: Cli) -> list[str]:
    """The lines of the text to edit, without comments."""
    text = cli("edit", 1, "--print").out
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_text_has_a_line_for_each_passage_with_its_time_and_speaker(cli: Cli, call: Record) -> None:
    assert cli("edit", 1, "--print").out.startswith("# Recording 1: Call with Ada\n# Version ")
    assert lines(cli) == [
        "[00:00:00.000] Me: Good morning, this is Max.",
        "[00:00:05.000] Call with Ada: Hello Max, Aida loveless here.",
        "[00:00:10.000] Call with Ada: I wrote about the analytical engine.",
        "[00:00:15.000] Me: Thank you, Miss loveless.",
    ]


def test_changed_words_are_shown_found_and_in_the_files_with_their_times(
    cli: Cli, call: Record, edit: Edits, settings: Settings
) -> None:
    assert edit("Aida loveless", "Ada Lovelace").out == (
        "Recording 1: 2 places corrected, 0 passages given to another speaker. "
        "`offhook edit 1 --undo` undoes that.\n"
    )
    assert "[00:00:05] Call with Ada: Hello Max, Ada Lovelace here." in cli("show", 1).out
    (hit,) = cli("search", "lovelace", "--json").json["hits"]
    assert (hit["moment_seconds"], hit["name"]) == (6.2, "Call with Ada")
    assert len(cli("search", "loveless", "--json").json["hits"]) == 1
    for suffix in ("txt", "srt", "vtt"):
        assert "Ada Lovelace" in " ".join(file_of(settings, call, suffix).split())
    assert not any((settings.home / "edits").iterdir())


def test_a_change_is_undone_as_a_whole(cli: Cli, call: Record, edit: Edits, settings: Settings) -> None:
    before = lines(cli), file_of(settings, call)
    edit("[Ll]oveless", "Lovelace")
    edit("Max", "Moritz")
    assert cli("edit", 1, "--undo").out.startswith("Recording 1: the last change is undone (edit, 20")
    assert "Lovelace" in lines(cli)[3]
    assert "Max" in lines(cli)[0]
    assert cli("edit", 1, "--undo", "--json").json["undone"] == "edit"
    assert (lines(cli), file_of(settings, call)) == before
    assert cli("edit", 1, "--undo") == Done(0, "", "Recording 1 has no change that can be undone.\n")


def test_another_name_gives_a_passage_to_another_speaker(
    cli: Cli, call: Record, edit: Edits, store: Store
) -> None:
    done = edit("Call with Ada: I wrote", "Me: You wrote")
    assert "1 place corrected, 1 passage given to another speaker." in done.out
    assert lines(cli)[2] == "[00:00:10.000] Me: You wrote about the analytical engine."
    done = edit("Me: Thank", "Charles: Thank")
    assert done.out.endswith("Charles is new in this recording.\n")
    assert lines(cli)[3] == "[00:00:15.000] Charles: Thank you, Miss loveless."
    assert store.overlays.names(1) == {"them 2": "Charles"}


def test_a_passage_is_parted_by_a_second_line_with_its_time(cli: Cli, call: Record, edit: Edits) -> None:
    edit(r"(\[00:00:05.000\] Call with Ada: Hello Max,) Aida", r"\1\n[00:00:05.000] Me: Ada")
    assert lines(cli)[1:3] == [
        "[00:00:05.000] Call with Ada: Hello Max,",
        "[00:00:05.800] Me: Ada loveless here.",
    ]


def test_words_that_nobody_said_are_taken_away_and_their_line_stays(
    cli: Cli, call: Record, edit: Edits
) -> None:
    edit("(Miss|loveless.)", "")
    assert lines(cli)[3] == "[00:00:15.000] Me: Thank you,"
    edit("Thank you,", "")
    assert lines(cli)[3] == "[00:00:15.000] Me:"
    assert "[00:00:15]" not in cli("show", 1).out
    assert cli("search", "thank").out == ""
    edit("^(.*15.000. Me:)", r"\1 Thanks")
    assert lines(cli)[3] == "[00:00:15.000] Me: Thanks"


def test_a_correction_that_is_put_back_is_withdrawn(
    cli: Cli, call: Record, edit: Edits, store: Store
) -> None:
    edit("engine", "machine")
    edit("machine", "engine")
    assert store.overlays.corrections(1) == ()


def test_nothing_changed_is_said(cli: Cli, call: Record, edit: Edits, store: Store) -> None:
    assert edit("nothing like it", "x").out == "Recording 1: nothing was changed\n"
    assert edit("^# Correct.*$", "# my comment\n\n  ").out == "Recording 1: nothing was changed\n"
    assert edit("^#.*\n", "").out == "Recording 1: nothing was changed\n"
    assert store.edits.of_record(1) == []


@pytest.mark.parametrize(
    ("pattern", "by", "line", "why"),
    [
        (r"^.*00:05.000.*\n", "", 9, "the line of 00:00:05.000 is missing."),
        (r"^.*00:15.000.*\n", "", 11, "the line of 00:00:15.000 is missing."),
        (r"\[00:00:05.000\]", "[00:00:05.001]", 9, "no passage begins at 00:00:05.001."),
        (r"\[00:00:05.000\] ", "", 9, "it does not begin with a time in brackets"),
        ("Hello Max, ", "Hello Max,\n", 10, "it does not begin with a time in brackets"),
        ("Me: Good morning, this", "Good morning, this", 8, "there is no name with a colon"),
        ("Me: Good", ": Good", 8, "there is no name before the colon."),
        (r"(^.*00:05.000.*\n)(^.*00:10.000.*\n)", r"\2\1", 9, "the line of 00:00:05.000 is missing."),
        (r"(^.*00:15.000.*\n)", r"\1[00:00:00.000] Me: again", 12, "the lines of 00:00:00.000 are not"),
        (r"(^.*00:15.000.*\n)", r"\1[00:00:15.000] Ada:", 12, "none of the words of its passage"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_nothing_is_lost(
    cli: Cli, call: Record, edit: Edits, settings: Settings, pattern: str, by: str, line: int, why: str
) -> None:
    before = lines(cli)
    edit("loveless", "Lovelace")
    assert cli("edit", 1, "--undo").code == 0
    done = edit(rf"{pattern}", by)
    kept = settings.home / "edits" / "1.txt"
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: Line {line}: {why}")
    assert f"Your text is kept in {kept}; `offhook edit 1` goes on with it." in done.err
    assert lines(cli) == before
    assert kept.exists()


def test_a_text_that_was_refused_is_gone_on_with(cli: Cli, call: Record, edit: Edits) -> None:
    edit("Hello Max, Aida", "Hello Max,\nAda")
    assert edit("Max,\nAda", "Max, Ada").code == 0
    assert lines(cli)[1] == "[00:00:05.000] Call with Ada: Hello Max, Ada loveless here."
    edit("^.*Hello.*$", "")
    assert edit("nothing", "x", "--fresh").out == "Recording 1: nothing was changed\n"


def test_a_transcript_that_changed_meanwhile_is_not_overwritten_and_the_text_is_kept(
    cli: Cli, call: Record, settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom shared.store.store import Store\n"
        f"with Store.open(Path({str(settings.database_file)!r})) as store, store.edits.change(1, 'edit'):\n"
        "    store.overlays.correct(1, 0, 0, 'Fine')\n"
        "path = Path(sys.argv[-1])\npath.write_text(path.read_text().replace('Max', 'Moritz'))\n"
    )
    monkeypatch.setenv("VISUAL", shlex.join([sys.executable, str(script)]))
    done = cli("edit", 1)
    assert done.code == 1
    assert "has changed meanwhile, so nothing was taken over. Your text is kept in" in done.err
    assert lines(cli)[0] == "[00:00:00.000] Me: Fine morning, this is Max."
    assert "Moritz" in (settings.home / "edits" / "1.txt").read_text()
    assert "--fresh" in cli("edit", 1).err
    assert "Moritz" in (settings.home / "edits" / "1.txt").read_text()


def test_a_recording_is_edited_once_at_a_time(
    cli: Cli, call: Record, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "editor.py").write_text(
        "import pathlib, sys, time\n"
        f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.02)\n"
    )
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(tmp_path / "editor.py")]))
    first = threading.Thread(target=Cli(settings.home), args=("edit", 1))
    first.start()
    try:
        while not (settings.home / "edits" / "1.txt").exists():
            pass
        assert cli("edit", 1, "--fresh") == Done(1, "", "offhook: Recording 1 is being edited already.\n")
    finally:
        (tmp_path / "go").touch()
        first.join()


def test_an_editor_that_fails_loses_nothing(
    cli: Cli, call: Record, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor-anywhere")
    done = cli("edit", 1)
    assert done.code == 1
    assert "Set the variable EDITOR to your editor." in done.err
    assert str(settings.home / "edits" / "1.txt") in done.err


def test_without_a_terminal_and_an_editor_the_way_for_programs_is_named(
    cli: Cli, call: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    message = "offhook: edit needs a terminal. Use --print and --from in programs.\n"
    assert cli("edit", 1) == Done(1, "", message)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_feed", ["\n", "\r\n"])
def test_a_program_edits_without_an_editor(
    cli: Cli, call: Record, tmp_path: Path, encoding: str, line_feed: str
) -> None:
    path = tmp_path / "edited.txt"
    text = cli("edit", 1, "--print").out.replace("Aida", "Ada").replace("\n", line_feed)
    path.write_bytes(text.encode(encoding))
    assert cli("edit", 1, "--from", path, "--json").json["corrected"] == 1
    assert "made of another transcript" in cli("edit", 1, "--from", path).err
    assert cli("edit", 1, "--from", tmp_path / "missing.txt").code == 1
    path.write_bytes(b"\xff\xfe")
    assert cli("edit", 1, "--from", path).code == 1


def test_passages_that_begin_at_the_same_time_have_marks_of_their_own(
    cli: Cli, settings: Settings, store: Store
) -> None:
    record = spoken(settings, store, said=[(ME, "one two")])
    with store.edits.change(record.id, "edit"):
        store.overlays.assign(record.id, 1, 1, THEM)
    settings_of_words = "UPDATE segments SET words = replace(words, '0.4,', '0.0,')"
    store.database.connections.execute_sql(settings_of_words)
    assert [line.split()[0] for line in lines(cli)] == ["[00:00:00.000]", "[00:00:00.000-2]"]
    assert lines(cli)[1].endswith(": two")


def test_a_name_with_a_colon_is_read_as_it_was_written(
    cli: Cli, settings: Settings, store: Store, edit: Edits
) -> None:
    spoken(settings, store, "Talk: Ada")
    assert edit("Max,", "Moritz,").code == 0
    assert lines(cli)[1] == "[00:00:05.000] Talk: Ada: Hello Moritz, Aida loveless here."


def test_what_found_no_place_is_shown_and_can_be_dropped(
    cli: Cli, call: Record, edit: Edits, settings: Settings, store: Store
) -> None:
    edit("Aida loveless", "Ada Lovelace")
    assert cli("speaker", 1, "--words", "6", "me").code == 0
    store.records.requeue(1)
    say_again(settings, store, call, [CALL[0], (THEM, "Nothing like it.")])
    with store.edits.change(1, "speaker"):
        store.overlays.rename(1, ME, "Max")
    shown = cli("show", 1).out
    assert "No longer in the transcript:" in shown
    assert '[00:00:05] "Max," was said by Max' in shown
    assert '[00:00:05] "Aida" was corrected to "Ada"' in shown
    assert '# [00:00:06] "loveless" was corrected to "Lovelace"' in cli("edit", 1, "--print").out
    assert cli("edit", 1, "--drop-unplaced").out.startswith("Recording 1: ")
    assert "No longer" not in cli("show", 1).out
    cli("edit", 1, "--undo")
    assert "No longer" in cli("show", 1).out


def test_a_passage_is_given_to_somebody_who_is_known_from_elsewhere_or_to_nobody(
    cli: Cli, call: Record, edit: Edits, settings: Settings, store: Store
) -> None:
    with store.edits.change(1, "speaker"):
        store.overlays.rename(1, "them 3", "Charles")
    edit("Call with Ada: I wrote", "charles: I wrote")
    edit("Me: Thank", "Unknown: Thank")
    assert [label.speaker for label in store.overlays.of_persons(1)[0]] == ["them 3", "unsure"]


def test_the_text_of_an_edit_goes_with_its_recording(
    cli: Cli, call: Record, edit: Edits, settings: Settings
) -> None:
    edit("^.*Hello.*$", "quixotic")
    for name in (".1.txt.swp", "1.txt~", "#1.txt#"):
        (settings.home / "edits" / name).write_text("quixotic")
    (settings.home / "edits" / "11.txt").write_text("of another recording")
    assert remains(settings.home, ["quixotic"])
    assert cli("delete", 1, "--yes").code == 0
    assert remains(settings.home, ["quixotic"]) == set()
    assert (settings.home / "edits" / "11.txt").exists()


def test_words_without_times_cannot_be_edited_and_the_remedy_is_named(cli: Cli, store: Store) -> None:
    completed(store, "call", "No word has a time.")
    assert "`offhook retry 1 --word-timestamps`" in cli("edit", 1).err


@pytest.mark.parametrize(
    "arguments", [["--undo", "--fresh"], ["--print", "--json"], ["--print", "--from", "x"]], ids=" ".join
)
def test_ways_that_do_not_go_together_are_wrong_usage(cli: Cli, arguments: list[str]) -> None:
    assert cli("edit", 1, *arguments).code == 2


def test_every_mark_is_a_time(cli: Cli, call: Record) -> None:
    assert all(re.match(r"\[\d\d:\d\d:\d\d\.\d{3}\] ", line) for line in lines(cli))
