"""How the model of a recording is loaded, and what its job says by the settings."""

from __future__ import annotations

from dataclasses import replace

from shared.settings import Settings
from transcribe_worker import model_files, voice_files
from transcribe_worker.engine.messages import Job, Load
from transcribe_worker.engine.setup import Wishes
from transcribe_worker.media.limits import RecordingLimits


def loading(settings: Settings, model: str, *, threads: int, lanes: int, is_background: bool = False) -> Load:
    """Return the command that loads a model with so many threads, 0 for all cores. Raises ModelMissing."""
    wishes = Wishes(settings.device, settings.compute_type, threads, lanes, settings.batch_size)
    folder = model_files.find(settings.models, model)
    return Load(
        model, folder, wishes, settings.engine_memory_gb, settings.tuning, is_background=is_background
    )


def by_settings(job: Job, settings: Settings) -> Job:
    """Return a job with the limits of the settings, and the network for voices if its options want it."""
    voices = voice_files.find(settings.models, settings.voices_model) if job.options.voices else None
    return replace(job, limits=RecordingLimits.of(settings), voices=voices)
