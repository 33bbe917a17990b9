"""Transcription for programs that were made for OpenAI's API: they send a file and wait for its text.

The file becomes a record like any other, with a high priority. A client that hangs up leaves it in the queue;
one that sends the same file again gets the same record.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from archive import transcript
from offhook.desk import model_names, record_choices
from offhook.desk.adding import Added
from offhook.desk.desk import Desk
from offhook.desk.part_file import PartFile
from offhook.desk.queueing import transcribe_otherwise
from offhook.desk.record_choices import API, RecordChoices, file_name
from offhook.desk.uploading import Uploads
from offhook.web.awaiting import Finishing, HungUp
from offhook.web.call import Answers, BadCall, seen_by
from offhook.web.form import Form
from offhook.web.openai_answers import GRANULARITIES, RESPONSE_FORMATS, WORD, answer
from offhook.web.openai_errors import NotNow, NotTranscribed, TranscriptionFailed, answering
from offhook.web.receiving import Receiver
from offhook.web.tus_headers import content_length
from offhook.web.work import STORAGE, Work
from shared.errors import BadRecording
from shared.store.transitions import CANCELLED, COMPLETED
from shared.store.values import Record
from shared.workers import Liveness

log = logging.getLogger(__name__)

#: A program that waits goes first, as a person at the terminal does.
PRIORITY = "10"
#: What OpenAI calls an MP3, and the inbox does not.
_MPGA = ".mpga"
_OWN_FAULTS = {BadRecording.code} | {kind.code for kind in BadRecording.__subclasses__()}


@dataclass(frozen=True)
class Asked:
    """What a program asks for: the settings of its record, and the shape of the answer."""

    chosen: RecordChoices
    response_format: str
    granularities: Collection[str]


def transcriptions(desk: Desk, work: Work) -> Answers:
    """Return what answers with transcripts."""
    finishing = Finishing(desk, work)

    async def answer(request: Request) -> Response:
        return await Transcriptions(seen_by(request, desk), work, finishing).answer(request)

    return answering(answer)


class Transcriptions:
    """Takes a file of one visitor and answers with its transcript."""

    def __init__(self, desk: Desk, work: Work, finishing: Finishing) -> None:
        self._desk, self._work, self._uploads = desk, work, Uploads(desk)
        self._finishing = finishing

    async def answer(self, request: Request) -> Response:
        """Take a form with a file, wait, and answer with the transcript."""
        await self._work.run(_require_progress, self._desk)
        form, part = await self._form(request)
        try:
            asked = await self._work.run(read, self._desk, form)
            name = _name(form)
            upload = await self._work.run(self._uploads.received, part, name, asked.chosen)
        except BaseException:
            await self._work.run(self._uploads.abandon, part)
            raise
        added = await self._work.run_as(STORAGE, self._uploads.finish, upload.id)
        return await self._finished(request, added, asked)

    async def _form(self, request: Request) -> tuple[Form, PartFile]:
        """Receive a form, its file into a file. Raises BadCall."""
        form, part, receiver = Form(request.headers.get("content-type", "")), None, None
        length = content_length(request.headers)
        try:
            async for piece in request.stream():
                form.feed(piece)
                if receiver is None and form.file_name is not None:
                    part = await self._work.run(self._uploads.open, _name(form), length)
                    receiver = Receiver(part, self._work)
                if receiver:
                    await receiver.take(form.file_bytes())
            form.end()
            assert part
            assert receiver
            await receiver.flush()
        except BaseException:
            if part:
                await self._work.run(self._uploads.abandon, part)
            raise
        return form, part

    async def _finished(self, request: Request, added: Added, asked: Asked) -> Response:
        try:
            record = await self._finishing.wait(request, added.record.id)
            if await self._work.run(transcribe_otherwise, self._desk, record, asked.chosen.options):
                record = await self._finishing.wait(request, record.id)
        except HungUp:
            log.info("recording %d: its client has gone; it stays in the queue", added.record.id)
            raise ClientDisconnect from None
        if record.transcription_status != COMPLETED:
            raise _failure(record)
        return await self._work.run(self._answered, record, asked)

    def _answered(self, record: Record, asked: Asked) -> Response:
        found = transcript.load(self._desk.store, record, self._desk.settings.my_name)
        response = answer(found, asked.response_format, asked.granularities)
        response.headers["Offhook-Record"] = str(record.id)
        return response


def read(desk: Desk, form: Form) -> Asked:
    """Read the fields of a form. Raises BadCall, SettingsError, ModelMissing."""
    response_format = form.field("response_format", "json")
    granularities = form.fields.get("timestamp_granularities", [])
    if response_format not in RESPONSE_FORMATS:
        raise BadCall(f"response_format must be one of {', '.join(RESPONSE_FORMATS)}.")
    if set(granularities) - set(GRANULARITIES):
        raise BadCall(f"timestamp_granularities must be of {', '.join(GRANULARITIES)}.")
    language = form.field("language", "auto") or "auto"
    given = {"language": language} if language != "auto" else {}
    if model := model_names.chosen(desk, form.field("model"), language):
        given["model"] = model
    if prompt := form.field("prompt"):
        given["initial_prompt"] = prompt
    if WORD in granularities and not desk.settings.word_timestamps:
        given["word_timestamps"] = "true"
    return Asked(record_choices.read({**given, "priority": PRIORITY}, API), response_format, granularities)


def _failure(record: Record) -> NotTranscribed:
    """Return why there is no transcript: its own fault, or one that may pass."""
    is_its_own = record.error_code in _OWN_FAULTS or record.transcription_status == CANCELLED
    why = record.transcription_error or f"The recording is {record.transcription_status}."
    error = NotTranscribed(why) if is_its_own else TranscriptionFailed(why)
    error.code = record.error_code or record.transcription_status
    return error


def _name(form: Form) -> str:
    name = file_name(form.file_name or "")
    return f"{name.removesuffix(_MPGA)}.mp3" if name.lower().endswith(_MPGA) else name


def _require_progress(desk: Desk) -> None:
    """Refuse what would wait for a person. Raises NotNow."""
    if desk.store.controls.paused():
        raise NotNow("The queue is paused. `offhook resume` ends the pause.")
    liveness = Liveness(desk.store, desk.settings.locks)
    if not any(liveness.is_alive(it) for it in desk.store.workers.every("worker")):
        raise NotNow("No worker runs, so nothing is transcribed. Start one: python start.py")
