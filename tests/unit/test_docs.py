"""The documentation is held to the code, in both directions."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import Field, fields
from itertools import groupby
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

import click
import pytest

import archive
import capture_worker
import offhook as offhook_package
import outbox_worker
import shared
import transcribe_worker
from capture_worker.control.protocol import ACTIONS, SUBSCRIPTIONS
from capture_worker.levels import Level, Levels
from capture_worker.notices import NOTICES
from offhook.cli import COMMANDS
from offhook.cli import offhook as program
from offhook.commands.doctor import HOME_CHECKS, MACHINE_CHECKS, _settings
from offhook.desk.views import FLAGS
from shared.control_port import AUTHENTICATE
from shared.errors import OffhookError
from shared.home import Home
from shared.inbox_names import SUFFIXES
from shared.languages import LANGUAGES
from shared.settings import MOST_ENGINE_MEMORY_GB, RecordOptions, Settings
from shared.settings_sources import load
from shared.store.transitions import STATES, TRANSITIONS
from shared.words import FLAGS_OF_WORDS
from tests.markdown import DOCS, ROOT, blocks, code, headings, prose, read, rows, section, slug
from transcribe_worker.jobs import retry
from transcribe_worker.media import flags
from transcribe_worker.recognition.checks import CHECKS

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
PACKAGES = (shared, archive, capture_worker, transcribe_worker, outbox_worker, offhook_package)
SHELLS = {"sh", "bash", "shell", "console", "powershell"}
#: What may stand before `offhook` in a command line.
PREFIXES = {"python", "python3", "py", "-m", "sudo", "time", "watch"}


# Commands


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that can be run, by its full name, with the group of all of them first."""
    yield "", program
    for name in COMMANDS:
        command = program.get_command(click.Context(program), name)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        yield from ((f"{name} {sub}".strip(), leaf) for sub, leaf in inner.items())


ALL_COMMANDS = dict(commands())


def heading_of(name: str) -> str:
    return f"offhook {name}" if name else "For all commands"


def documented_options(name: str) -> dict[str, str]:
    """Every option in the table of a command's section, with its meaning."""
    table = [row for row in rows(section(read("cli.md"), heading_of(name))) if row[0].startswith("`-")]
    return {word.split()[0]: meaning for cell, meaning in table for word in code(cell)}


def options(name: str) -> list[click.Option]:
    command = ALL_COMMANDS[name]
    # Below the program's own context, or click would remember a help option without its -h.
    context = click.Context(command, parent=click.Context(program, **program.context_settings))
    return [p for p in command.get_params(context) if isinstance(p, click.Option)]


def test_every_command_has_its_section_and_no_other_is_documented() -> None:
    sections = {h for h in headings(read("cli.md")) if h.startswith("offhook ")}
    assert sections == {heading_of(name) for name in ALL_COMMANDS if name}


def test_the_overview_of_commands_names_each_of_them() -> None:
    begin = read("cli.md").split("\n## ")[0]
    assert {code(row[0])[0] for row in rows(begin)} == {name for name in ALL_COMMANDS if name}


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_option_is_documented_and_none_that_does_not_exist(name: str) -> None:
    real = {word for option in options(name) for word in (*option.opts, *option.secondary_opts)}
    assert set(documented_options(name)) == real


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_the_usage_of_every_command_is_documented_as_it_is(name: str) -> None:
    command = ALL_COMMANDS[name]
    pieces = " ".join(command.collect_usage_pieces(click.Context(command)))
    usage = f"Usage: `{f'offhook {name}'.strip()} {pieces}`"
    assert usage in section(read("cli.md"), heading_of(name))


@pytest.mark.parametrize("name", [name for name in ALL_COMMANDS if name])
def test_every_default_choice_and_exit_code_of_a_command_is_documented(name: str) -> None:
    text = section(read("cli.md"), heading_of(name))
    for option in options(name):
        if option.show_default and not option.is_flag:
            assert f"default: {option.default}" in documented_options(name)[option.opts[-1]]
        if isinstance(option.type, click.Choice):
            assert f"[{'|'.join(option.type.choices)}]" in text.replace("\\|", "|")
    exit_codes = re.search(r"^Exit codes: (.+?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert exit_codes, "no exit codes"
    assert re.findall(r"(?:^|; ?|;\n)(\d) ", exit_codes[1]) == ["0", "1", "2"]


def test_every_command_has_an_example() -> None:
    lines = [line for _, line in command_lines(DOCS / "cli.md")]
    without = [name for name in ALL_COMMANDS if name and not any(_runs(name, line) for line in lines)]
    assert without == []


def _runs(name: str, line: list[str]) -> bool:
    return line[: len(name.split())] == name.split()


# Command lines in examples


def command_lines(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Each command line of offhook in the examples of a page: as written, and its arguments."""
    for language, content in blocks(page.read_text("utf-8")):
        if language in SHELLS:
            joined = re.sub(r"[\\`]\n\s*", " ", content)
            prompts = language == "console"
            for line in joined.splitlines():
                if not prompts or line.startswith("$ "):
                    yield from ((line, arguments) for arguments in offhook_calls(line.removeprefix("$ ")))


def offhook_calls(line: str) -> Iterator[list[str]]:
    """The arguments of each call of offhook in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    simple = (
        list(words) for is_word, words in groupby(lexer, lambda w: not set(w) <= set("|&;<>")) if is_word
    )
    for words in simple:
        called = [i for i, word in enumerate(words) if PurePath(word).name in ("offhook", "offhook.exe")]
        # In `cd offhook` and `pip install offhook` it is an argument.
        if called and all("=" in word or word in PREFIXES for word in words[: called[0]]):
            yield words[called[0] + 1 :]


def parse(arguments: list[str]) -> None:
    """Have click parse a command line without running it. Raises UsageError."""
    context = program.make_context("offhook", list(arguments))
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)


def pages_with_commands() -> list[Path]:
    return [page for page in PAGES if any(command_lines(page))]


@pytest.mark.parametrize("page", pages_with_commands(), ids=lambda page: page.name)
def test_every_command_line_in_an_example_is_one_that_offhook_takes(page: Path) -> None:
    for line, arguments in command_lines(page):
        try:
            parse(arguments)
        except click.exceptions.Exit:  # --help and --version
            continue
        except click.UsageError as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")


@pytest.mark.parametrize(
    "line",
    [
        "offhook nonsense",
        "offhook list --nonsense",
        "offhook list --status nonsense",
        "offhook models nonsense",
        "OFFHOOK_MODEL=small offhook show ID | less",
        ".venv/bin/offhook cancel",
        "python -m offhook export --format doc 1",
    ],
)
def test_a_command_line_that_offhook_does_not_take_is_noticed(line: str) -> None:
    (arguments,) = offhook_calls(line)
    with pytest.raises(click.UsageError):
        parse(arguments)


def test_an_option_in_running_text_is_an_option_of_some_command() -> None:
    real = {word for name in ALL_COMMANDS for o in options(name) for word in (*o.opts, *o.secondary_opts)}
    elsewhere = {"--demo", "--stdio", "--audio", "--references", "--batched"}  # of start.py, workers, benches
    for page in PAGES:
        named = {
            word for cell in code(prose(page.read_text("utf-8"))) for word in re.findall(r"--[a-z-]+", cell)
        }
        assert named - real - elsewhere == set(), page.name


# Settings


#: The default that depends on the machine.
ENGINE_MEMORY = f"half of the memory, `{MOST_ENGINE_MEMORY_GB}` at most"


def setting_rows() -> dict[str, list[str]]:
    return {code(row[0])[0]: row[1:] for row in rows(section(read("settings.md"), "All settings"))}


def plain(value: object) -> str:
    """A default as config.toml has it."""
    if value == "":
        return "(empty)"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def limits(field: Field[Any]) -> str:
    metadata = field.metadata
    if field.name == "language":
        return f"`auto`, or one of the {len(LANGUAGES)} codes Whisper knows"
    if "choices" in metadata:
        return ", ".join(f"`{choice}`" for choice in metadata["choices"])
    if "least" in metadata:
        return f"{metadata['least']} to {metadata['most']}"
    if "schemes" in metadata:
        schemes = [f"`{scheme}://`" for scheme in metadata["schemes"] if scheme != "postgres"]
        return f"empty, or a URL that begins with {' or '.join(schemes)}"
    kind = type(field.default)
    text = "a text, not empty" if metadata.get("filled") else "a text"
    return {bool: "true or false", str: text}.get(kind, "a folder")


def test_every_setting_is_documented_and_no_other() -> None:
    assert list(setting_rows()) == [f.name for f in fields(Settings)]


@pytest.mark.parametrize("field", fields(Settings), ids=lambda f: f.name)
def test_a_setting_is_documented_with_default_limits_and_variable(field: Field[Any]) -> None:
    name, default = field.name, field.default
    documented = setting_rows()[name]
    assert documented[0] == (plain(default) if name != "engine_memory_gb" else ENGINE_MEMORY)
    assert documented[1] == limits(field)
    assert documented[2] == f"`OFFHOOK_{name.upper()}`"


@pytest.mark.parametrize("field", fields(Settings), ids=lambda f: f.name)
def test_the_meaning_of_a_setting_begins_as_offhook_config_has_it(field: Field[Any]) -> None:
    name, doc = field.name, field.metadata["doc"]
    assert setting_rows()[name][4].startswith(doc)


def test_what_may_be_chosen_for_one_recording_is_documented_with_its_option() -> None:
    chosen = {name: row[3] for name, row in setting_rows().items() if row[3] != "no"}
    assert chosen == {f.name: f"`{f.metadata['flag'].split('/')[0]}`" for f in fields(RecordOptions)}


def test_the_example_config_is_one_that_offhook_takes(tmp_path: Path) -> None:
    examples = [content for language, content in blocks(read("settings.md")) if language == "toml"]
    assert examples
    for example in examples:
        (tmp_path / "config.toml").write_text(example, "utf-8")
        settings = load({"OFFHOOK_HOME": str(tmp_path)})
        for name, value in tomllib.loads(example).items():
            assert getattr(settings, name) == value


def test_every_variable_that_the_docs_name_is_that_of_a_setting() -> None:
    real = {f"OFFHOOK_{f.name.upper()}" for f in fields(Settings)}
    elsewhere = {"OFFHOOK_NAME", "OFFHOOK_REAL_SPEECH", "OFFHOOK_TAKE_PICTURES"}  # any setting; of tests
    for page in PAGES:
        named = set(re.findall(r"\bOFFHOOK_[A-Z_]*[A-Z]", page.read_text("utf-8")))
        assert named - real - elsewhere == set(), page.name


# States, errors, flags, files


def states_page(heading: str) -> list[list[str]]:
    return rows(section(read("states-and-errors.md"), heading))


def test_every_state_is_documented() -> None:
    assert [code(row[0])[0] for row in states_page("States")][: len(STATES)] == list(STATES)


def test_every_transition_is_documented_as_it_is_built() -> None:
    table = states_page("States")[len(STATES) :]
    documented = {code(row[0])[0]: (set(code(row[1])), code(row[2])[0]) for row in table}
    assert documented == {name: (set(t.sources), t.target) for name, t in TRANSITIONS.items()}


def test_a_transition_that_does_not_count_its_attempt_is_documented_so() -> None:
    uncounted = {n for n, t in TRANSITIONS.items() if "- 1" in _sql(t.writes.get("attempts"))}
    documented = {code(row[0])[0] for row in states_page("States") if "attempt does not count" in row[-1]}
    assert documented == uncounted


def _sql(value: object) -> str:
    return f"{getattr(value, 'op', '')} {getattr(value, 'rhs', '')}"


def test_the_waits_between_attempts_are_documented_as_they_are() -> None:
    waits = {row[0]: row[1] for row in states_page("Attempts and crashes")}
    growing = waits["an error, first attempt"]
    assert f"{retry.FIRST_WAIT_SECONDS:g} s" in growing
    assert f"{retry.LONGEST_WAIT_SECONDS:g} s at most" in growing
    assert waits["the engine crashed"] == f"{retry.CRASH_WAIT_SECONDS:g} s"
    assert waits["the model cannot be loaded"] == f"{retry._WAITS_SECONDS['hold']:g} s"
    assert waits["the file changed"] == f"{retry._WAITS_SECONDS['start_over']:g} s"


@pytest.mark.parametrize("name", ["max_attempts", "max_crashes", "lease_seconds", "settle_seconds"])
def test_a_default_that_the_states_page_repeats_is_the_real_one(name: str) -> None:
    text = read("states-and-errors.md")
    default = next(f.default for f in fields(Settings) if f.name == name)
    assert set(re.findall(rf"`{name}`[^.`]*?\((\d+)\)", text)) == {f"{default:g}"}


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def codes() -> set[str]:
    """The code of every error class."""
    list(modules())
    return {kind.code for kind in _family(OffhookError)}


def _family(kind: type[OffhookError]) -> set[type[OffhookError]]:
    return {kind}.union(*(_family(child) for child in kind.__subclasses__()))


def documented_codes() -> list[list[str]]:
    pages = (states_page("Errors of a recording"), states_page("Errors of commands and programs"))
    return [row for page in pages for row in page]


def test_every_error_code_is_documented_once_and_no_other() -> None:
    assert sorted(code(row[0])[0] for row in documented_codes()) == sorted(codes())


def test_every_error_has_a_meaning_and_a_remedy() -> None:
    assert [row[0] for row in documented_codes() if not all(row[1:]) or len(row) != 3] == []


def test_every_flag_is_documented_with_its_meaning() -> None:
    documented = {code(row[0])[0]: row[1] for row in states_page("Flags")}
    assert documented.keys() == FLAGS.keys()
    for flag, meaning in FLAGS.items():
        assert documented[flag].split(" ", 1)[1] == meaning.split(" ", 1)[1], flag


def test_every_flag_that_a_recording_can_get_has_words_for_people() -> None:
    assert flags_in_code() == set(FLAGS)


def test_every_doubt_is_documented() -> None:
    assert {code(row[0])[0] for row in states_page("Doubts")} == set(CHECKS)


def flags_in_code() -> set[str]:
    """The flags that the opener of recordings may note, and those of what was noticed in words."""
    return {*FLAGS_OF_WORDS, *(value for name, value in vars(flags).items() if name.isupper())}


def test_every_flag_that_a_header_gets_is_one_of_them() -> None:
    (path,) = [path for path, _ in sources() if path.name == "riff.py"]
    noted = re.findall(r'\("([a-z]+(?:_[a-z]+)+)",\)', path.read_text("utf-8"))
    assert noted
    assert set(noted) <= flags_in_code()


def test_the_endings_that_the_inbox_takes_are_documented() -> None:
    taken = section(read("states-and-errors.md"), "Into the inbox").split("decides")[0]
    assert set(code(taken)) == SUFFIXES


def test_the_folders_of_the_home_are_documented() -> None:
    documented = {code(row[0])[0].rstrip("/") for row in states_page("Files")}
    made = {name for name, member in vars(Home).items() if isinstance(member, property)}
    paths = {getattr(Settings(), name).name for name in made}
    assert documented == paths | {"config.toml"}


def test_the_checks_of_doctor_are_documented() -> None:
    (row,) = [row for row in rows(section(read("json.md"), "offhook doctor")) if "checks[].check" in row[0]]
    assert code(row[-1]) == [
        check.__name__.strip("_") for check in (*MACHINE_CHECKS, _settings, *HOME_CHECKS)
    ]


# Recording


def capture_page(heading: str) -> list[list[str]]:
    return rows(section(read("capture.md"), heading))


def test_every_notice_is_documented_and_no_other() -> None:
    assert [code(row[0])[0] for row in capture_page("Notices")] == list(NOTICES)


def test_every_action_of_the_protocol_is_documented_with_its_parameters() -> None:
    events = {"level", "state", "warning", "words"}
    table = [row for row in capture_page("The protocol") if not set(code(row[0])) & events]
    own = {**dict.fromkeys(SUBSCRIPTIONS, ("on",)), AUTHENTICATE: ("nonce", "proof")}
    real = {name: action.params + action.switches for name, action in ACTIONS.items()} | own
    assert {code(row[0])[0]: tuple(code(row[1])) for row in table} == real


def test_every_key_of_a_level_event_is_documented() -> None:
    (row,) = [row for row in capture_page("The protocol") if code(row[0]) == ["level"]]
    event = Levels(Level(), Level(), 0.0).as_event()
    assert set(code(row[1])) == event.keys() - {"type"}


# Links


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text("utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.is_relative_to(ROOT), target
        assert path.exists(), target
        if anchor:
            assert anchor in {slug(heading) for heading in headings(path.read_text("utf-8"))}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.~…:/])/(?:home|tmp|work|root|Users)/\S*", page.read_text("utf-8")) == []
