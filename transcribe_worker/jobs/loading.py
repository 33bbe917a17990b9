"""How the model of a recording is loaded, by the settings."""

from __future__ import annotations

from shared.settings import Settings
from transcribe_worker import model_files
from transcribe_worker.engine.messages import Load
from transcribe_worker.engine.setup import Wishes


def loading(settings: Settings, model: str, *, threads: int, lanes: int, is_background: bool = False) -> Load:
    """Return the command that loads a model with so many threads, 0 for all cores. Raises ModelMissing."""
    wishes = Wishes(settings.device, settings.compute_type, threads, lanes, settings.batch_size)
    folder = model_files.find(settings.models, model)
    return Load(
        model, folder, wishes, settings.engine_memory_gb, settings.tuning, is_background=is_background
    )
