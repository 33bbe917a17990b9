"""What the real engine hears in the calls that have speech, when nothing disturbs it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from capture_worker.wav import WavWriter
from shared.settings import RecordOptions, Settings
from stress.team.calls import REAL_MODEL, Recordings
from transcribe_worker.engine.messages import Decoded, Job
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.loading import by_settings, loading

Texts = tuple[str, ...]


def heard_in(folder: Path) -> set[Texts]:
    """Return the transcripts that calls with speech may have."""
    settings = Settings(home=folder / "hearing", model=REAL_MODEL, preset="fast", voices=False, cpu_threads=1)
    engine = Engine()
    try:
        engine.load(loading(settings, REAL_MODEL, threads=1, lanes=settings.lanes))
        found = {_heard(engine, settings, folder / "spoken.wav", pcm) for pcm in Recordings().spoken}
    finally:
        engine.close()
    if () in found:
        raise RuntimeError("Nothing is heard in a call, so no comparison means anything.")
    return found


def _heard(engine: Engine, settings: Settings, path: Path, pcm: bytes) -> Texts:
    writer = WavWriter(path, channels=1)
    writer.write(pcm)
    writer.close()
    options = RecordOptions(**{name: getattr(settings, name) for name in vars(RecordOptions())})
    job = by_settings(replace(Job(path, options)), settings)
    with closing(engine.transcribe(job, lambda: None)) as events:
        windows = [window for it in events if isinstance(it, Decoded) for window in it.windows]
    path.unlink()
    return tuple(segment.text for window in windows for segment in window.segments)
