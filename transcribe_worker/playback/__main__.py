"""`python -m transcribe_worker.playback`: reads one recording for the desk, then ends."""

from __future__ import annotations

from transcribe_worker.playback.process import main

if __name__ == "__main__":
    raise SystemExit(main())
