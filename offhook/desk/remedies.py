"""What a person can do about a recording that was not transcribed, by the code of its error.

`docs/states-and-errors.md` has the same codes.
"""

from __future__ import annotations

from shared.store.transitions import FAILED
from shared.store.values import Record

_LOOK = "Look for the original file, and add that one."
_LIMIT = "Raise the setting {code} (offhook config lists it), then transcribe the recording again."
_REMEDIES = {
    "bad_recording": "Read the message. If the file is damaged, add another copy of it.",
    "bad_options": "Transcribe it again: that drops its damaged options.",
    "empty_file": _LOOK,
    "no_audio": _LOOK,
    "damaged_header": f"{_LOOK} A sound editor may import this one as raw audio.",
    "not_a_recording": "Convert it to WAV, FLAC or MP3, and add that file.",
    "largest_file_gb": _LIMIT,
    "longest_hours": _LIMIT,
    "slowest_decoding": f"{_LIMIT} Or convert it to WAV.",
    "engine_memory_gb": f"{_LIMIT} Or choose a smaller model for it.",
    "recording_missing": "Put the file back where it was, or drop it here. Then transcribe it again.",
    "recording_damaged": "Add the original again, or restore the storage and transcribe it again.",
    "storage_away": "Bring the storage back, or mount its share. The recording waits until it is there.",
    "storage_full": "Make room in the storage. The recording waits until there is some.",
    "storage_refused": "Check the storage's credentials and their permissions. The recording waits for it.",
    "bad_key": "Restore a backup of the database: this one is damaged.",
    "recording_changed": "Nothing: it is read again from the start.",
    "model_missing": "Fetch the model: offhook models pull NAME. The recording waits until it is there.",
    "engine_unusable": "Fetch the model again, or check the settings device and compute_type.",
    "engine_crashed": "Transcribe it again. If it happens again, choose a smaller model.",
    "engine_failed": "Transcribe it again. If it happens again, logs/worker.log says more.",
    "worker_gone": "Transcribe it again. If it happens again, logs/worker.log says more.",
}
_OTHERS = "Put right what the message names. Then transcribe it again."
#: What such a recording needs while it still waits for another attempt.
_BY_ITSELF = "Nothing: it is tried again by itself."
_NEEDS_A_PERSON = ("model_missing", "engine_unusable", "storage_full", "storage_refused")


def remedy(record: Record) -> str | None:
    """Return what to do about a record's error, in one or two sentences; None without an error."""
    code = record.error_code
    if not code:
        return None
    if record.transcription_status != FAILED and code not in _NEEDS_A_PERSON:
        return _BY_ITSELF
    return _REMEDIES.get(code, _OTHERS).format(code=code)
