"""`offhook doctor`: is everything there that offhook needs, and if not, what to do."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import click

from archive import glossary
from archive.rebuild import orphans
from archive.uploads import KEPT_SECONDS
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say, say_marked
from offhook.commands.wording import counted
from offhook.desk.desk import Desk
from offhook.desk.file_modes import Exposed, make_private
from offhook.desk.overview import overview
from offhook.desk.storage_state import storage_state
from offhook.desk.team_server import REFUSED, server_view, trouble
from shared import home
from shared.errors import OffhookError, StoreError, in_words
from shared.privacy import telemetry_is_off
from transcribe_worker import model_files, voice_files

VALUES_SHOWN = 10
BRING_BACK = "Keep a copy of the home, and restore a backup, or `offhook rebuild` from the library."
LITTLE_BYTES, TOO_LITTLE_BYTES = 2_000_000_000, 200_000_000
MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}


@dataclass(frozen=True)
class Finding:
    """What a check found, and the remedy where one is needed."""

    check: str
    state: Literal["ok", "warning", "error"]
    message: str
    remedy: str | None = None


@click.command()
@json_option
@pass_desk
@click.pass_context
def doctor(ctx: click.Context, desk: Desk, as_json: bool) -> None:
    """Check everything offhook needs, with a remedy for what is missing."""
    findings = list(_findings(desk))
    if as_json:
        print_json({"checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark, colour = MARKS[finding.state]
            say_marked(mark, colour, f"{finding.check:<10} {finding.message}")
            if finding.remedy:
                say(f"  {'':<10} -> {finding.remedy}")
    ctx.exit(1 if any(finding.state == "error" for finding in findings) else 0)


def _findings(desk: Desk) -> Iterator[Finding]:
    """Run all checks; without settings there is no home to look into."""
    for check in MACHINE_CHECKS:
        yield from _checked(check, desk)
    settings = list(_checked(_settings, desk))
    yield from settings
    for check in HOME_CHECKS if settings[0].state == "ok" else ():
        yield from _checked(check, desk)


def _checked(check: Callable[[Desk], Iterator[Finding]], desk: Desk) -> Iterator[Finding]:
    """Run a check; what it cannot cope with is a finding too."""
    name = check.__name__.strip("_")
    try:
        yield from check(desk)
    except StoreError as error:
        yield Finding(name, "error", str(error), "" if error.is_sound else BRING_BACK)
    except OffhookError as error:
        yield Finding(name, "error", str(error))
    except Exception as error:
        message = f"{type(error).__name__}: {in_words(error)}"
        yield Finding(name, "error", message, "Run python start.py to install offhook again.")


def _settings(desk: Desk) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"home is {desk.settings.home}")


def _python(desk: Desk) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield (
        Finding("python", "ok", f"Python {version}")
        if good
        else Finding(
            "python", "error", f"Python {version} is not supported", "Install Python 3.11, 3.12 or 3.13."
        )
    )


def _ffmpeg(desk: Desk) -> Iterator[Finding]:
    import av

    version = ".".join(map(str, av.library_versions["libavformat"]))
    yield Finding("ffmpeg", "ok", f"FFmpeg libraries inside PyAV {av.__version__} (libavformat {version})")


def _engine(desk: Desk) -> Iterator[Finding]:
    import ctranslate2
    import faster_whisper

    device = "CPU and GPU" if ctranslate2.get_cuda_device_count() else "CPU"
    message = f"faster-whisper {faster_whisper.__version__}, CTranslate2 {ctranslate2.__version__}, {device}"
    yield Finding("engine", "ok", message)


def _telemetry(desk: Desk) -> Iterator[Finding]:
    if telemetry_is_off():
        yield Finding("telemetry", "ok", "off, in offhook and in the libraries it uses")
    else:
        remedy = "Set ORT_DISABLE_TELEMETRY=1 before offhook starts."
        yield Finding("telemetry", "error", "onnxruntime would report to its maker", remedy)


def _audio(desk: Desk) -> Iterator[Finding]:
    from capture_worker.devices import check_devices, substitutes

    remedy = "`offhook devices` lists what is there; transcribing needs none."
    wanted = {"microphone": desk.settings.microphone, "loopback": desk.settings.loopback}
    found = check_devices(wanted)
    if found["reason"]:
        yield Finding("audio", "warning", f"Calls cannot be recorded: {found['reason']}")
        return
    instead = substitutes(wanted, found)
    for side in [side for side, name in wanted.items() if name.casefold() != "none"]:
        if side in instead:
            yield Finding("audio", "warning", instead[side], f"`offhook devices` lists them; set {side}.")
        elif found[side]:
            yield Finding("audio", "ok", f"{side} {found[side]['name']}")
        else:
            yield Finding("audio", "warning", f"No {side}, so that side is not recorded", remedy)


def _model(desk: Desk) -> Iterator[Finding]:
    if joined := desk.store.outbox.joined():
        yield Finding("model", "ok", f"{joined.name} has the models, and transcribes")
        return
    folder = model_files.find(desk.settings.models, desk.settings.model, desk.settings.language)
    yield Finding("model", "ok", f"{desk.settings.model} in {folder}")
    if found := glossary.terms(desk.settings.glossary):
        yield Finding("model", "ok", f"{counted(len(found), 'term')} to listen for in the glossary")


def _voices(desk: Desk) -> Iterator[Finding]:
    named = desk.settings.voices_model
    path = voice_files.find(desk.settings.models, named)
    remedy = "Correct the setting voices_model" if named else f"Run: offhook models pull {voice_files.NAME}"
    if not desk.settings.voices:
        yield Finding("voices", "ok", "not told apart, by the setting voices")
    elif path is None:
        missing = named or "the network for it"
        message = f"Voices in one channel are not told apart: {missing} is missing"
        yield Finding("voices", "warning", message, remedy)
    elif named or voice_files.is_known(path):
        yield Finding("voices", "ok", f"told apart with {path}")
    else:
        yield Finding("voices", "warning", f"{path} is damaged, or of another version", remedy)


def _folders(desk: Desk) -> Iterator[Finding]:
    home.prepare(desk.settings)
    settings = desk.settings
    recordings = (settings.inbox, settings.recording, settings.uploads, settings.library)
    for folder in (settings.home, *recordings, settings.models):
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            remedy = "Make it writable, or choose another folder with OFFHOOK_HOME."
            yield Finding("folders", "error", f"{folder} cannot be written: {error.strerror}", remedy)
            return
    yield Finding("folders", "ok", f"{desk.settings.home} and its folders can be written")


def _access(desk: Desk) -> Iterator[Finding]:
    """Make the home private; what stays readable by others is named."""
    modes = make_private(desk.settings)
    for found in modes.exposed[:VALUES_SHOWN]:
        yield _open_to_others(found)
    if (more := len(modes.exposed) - VALUES_SHOWN) > 0:
        yield Finding("access", "error", f"{more:,} more in {desk.settings.home} can be read by others")
    if not modes.exposed:
        tightened = (
            f"; {modes.tightened:,} of its files and folders were not, and now are" if modes.tightened else ""
        )
        yield Finding("access", "ok", f"{desk.settings.home} can be read by its owner alone{tightened}")


def _open_to_others(found: Exposed) -> Finding:
    if found.owner is None:
        remedy = "Choose a folder on a disk that keeps modes, with OFFHOOK_HOME."
        return Finding(
            "access", "error", f"{found.path} can be read by others, and its mode cannot be changed", remedy
        )
    remedy = (
        f'Let its owner or an administrator run `chmod go= "{found.path}"`, or make it yours with `chown`.'
    )
    return Finding(
        "access", "error", f"{found.path} belongs to {found.owner} and can be read by others", remedy
    )


def _disk(desk: Desk) -> Iterator[Finding]:
    free = shutil.disk_usage(desk.settings.home).free
    message, remedy = f"{free / 1e9:,.1f} GB free", "Make room, or move OFFHOOK_HOME to a larger disk."
    if free < LITTLE_BYTES:
        yield Finding("disk", "error" if free < TOO_LITTLE_BYTES else "warning", message, remedy)
    else:
        yield Finding("disk", "ok", message)


def _database(desk: Desk) -> Iterator[Finding]:
    path = desk.store.name
    if wrong := desk.store.check():
        yield Finding("database", "error", f"{path} {wrong}", BRING_BACK)
        return
    damage = desk.damaged_values()
    for value in damage[:VALUES_SHOWN]:
        yield Finding("database", "error", f"{path}: {value}", "Delete that recording, or restore a backup.")
    if not damage:
        yield Finding("database", "ok", f"{path} is sound")


def _library(desk: Desk) -> Iterator[Finding]:
    """Look for transcripts that the database has lost, as when it was emptied or replaced."""
    lost = orphans(desk.settings, desk.store)
    if not lost:
        yield Finding("library", "ok", "every transcript in it has its recording in the database")
        return
    message = (
        f"{counted(len(lost), 'transcript')} in {desk.settings.library} without a recording in the database"
    )
    yield Finding("library", "error", message, BRING_BACK)


def _storage(desk: Desk) -> Iterator[Finding]:
    found = storage_state(desk)
    if found is None:
        yield Finding("storage", "ok", "recordings are files of this home")
        return
    if found.trouble:
        yield Finding("storage", "error", found.trouble)
    else:
        yield Finding("storage", "ok", f"{found.name} answers")
    if found.to_delete:
        what = f"{counted(found.to_delete, 'deleted recording')} still to be removed from the storage"
        yield Finding("storage", "warning", what, "A worker removes them as soon as it can.")


def _uploads(desk: Desk) -> Iterator[Finding]:
    found = desk.store.uploads.every()
    what = f"{counted(len(found), 'unfinished upload')}" if found else "none is unfinished"
    days = f"{KEPT_SECONDS / 86_400:.0f} days"
    yield Finding("uploads", "ok", f"{what}; one that gets no byte for {days} is removed")


def _workers(desk: Desk) -> Iterator[Finding]:
    found = overview(desk)
    living = [worker["kind"] for worker in found["workers"] if worker["alive"]]
    for kind, what in (
        ("worker", "nothing is transcribed"),
        ("inbox", "nothing is taken from the inbox"),
        ("capture", "nothing can be recorded"),
    ):
        if kind in living:
            yield Finding("workers", "ok", f"{living.count(kind)} {kind} running")
        else:
            yield Finding("workers", "warning", f"No {kind} runs, so {what}", "Run python start.py.")
    for missing in found["missing_models"]:
        yield Finding("workers", "warning", f"{missing['records']} waiting: {missing['message']}")


def _hooks(desk: Desk) -> Iterator[Finding]:
    """Look for hooks that are notified of nothing, or in vain."""
    found = desk.store.hooks.every()
    for hook in found:
        if hook.stopped_at is not None:
            remedy = f"`offhook hooks test {hook.id}` tries it, `offhook hooks start {hook.id}` starts it."
            yield Finding("hooks", "warning", f"Hook {hook.id} is stopped: {hook.stopped_why}", remedy)
        elif hook.first_failed_at is not None:
            remedy = f"`offhook hooks show {hook.id}` says why."
            yield Finding("hooks", "warning", f"Hook {hook.id} does not receive its messages", remedy)
    living = {worker["kind"] for worker in overview(desk)["workers"] if worker["alive"]}
    if found and "web" not in living:
        message = "The desk's server does not run, so nothing is sent to hooks"
        yield Finding("hooks", "warning", message, "Run python start.py.")
    elif all(hook.stopped_at is None and hook.first_failed_at is None for hook in found):
        yield Finding("hooks", "ok", f"{counted(len(found), 'hook')}")


def _server(desk: Desk) -> Iterator[Finding]:
    """Look for what keeps recordings from the joined server."""
    server = server_view(desk)
    if server is None:
        yield Finding("server", "ok", "none is joined; recordings are transcribed here")
    elif said := trouble(server):
        remedy = f"`offhook join {server['url']}` with a new token." if server["state"] == REFUSED else None
        yield Finding("server", "warning", said, remedy)
    else:
        yield Finding("server", "ok", f"{server['name']} ({server['url']}), as {server['person']}")
    living = {worker["kind"] for worker in overview(desk)["workers"] if worker["alive"]}
    if server and "outbox" not in living:
        yield Finding("server", "warning", "No outbox runs, so nothing is sent to it", "Run python start.py.")


MACHINE_CHECKS = (_python, _ffmpeg, _engine, _telemetry)
HOME_CHECKS = (
    _model,
    _voices,
    _audio,
    _folders,
    _access,
    _disk,
    _database,
    _library,
    _storage,
    _uploads,
    _workers,
    _server,
    _hooks,
)
