"""The models that programs may ask for by name."""

from __future__ import annotations

from offhook.desk.desk import Desk
from transcribe_worker import model_files

#: What programs made for OpenAI's service ask for: it means the default model.
DEFAULT = "whisper-1"


def present(desk: Desk) -> list[str]:
    """Return the names of the models on this machine, the default one first."""
    here = [model.name for model in model_files.listed(desk.settings.models) if model.folder]
    return [DEFAULT, *here]


def chosen(desk: Desk, name: str, language: str) -> str | None:
    """Return the model that a name means, None for the default one. Raises ModelMissing."""
    is_default = name in ("", DEFAULT)
    model_files.find(desk.settings.models, desk.settings.model if is_default else name, language)
    return None if is_default else name
