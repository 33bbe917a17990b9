"""Reports progress to the worker while a job runs, so that an engine that hangs is noticed.

Progress is audio that was read, and a step of the model that has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

EVERY_SECONDS = 1.0
#: Decoding may loop within a stretch; steps after this many do not count as progress.
MOST_STEPS_PER_STRETCH = 400


class ProgressSignal:
    """Calls `report` with the length of a step: for every long step, and once a second for short ones."""

    def __init__(
        self, report: Callable[[float], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._report, self._monotonic = report, monotonic
        self._reported = monotonic()
        self._steps_left = MOST_STEPS_PER_STRETCH
        self.model_seconds = 0.0  # of all steps so far

    def advanced(self, step_seconds: float = 0.0) -> None:
        """Note progress; `step_seconds` is how long the model took for it."""
        now = self._monotonic()
        if max(step_seconds, now - self._reported) >= EVERY_SECONDS:
            self._report(step_seconds)
            self._reported = now

    def begin_stretch(self) -> None:
        """Let the steps of the model count again."""
        self._steps_left = MOST_STEPS_PER_STRETCH

    def step_ended(self, step_seconds: float) -> None:
        """Note that a step of the model has ended."""
        self.model_seconds += step_seconds
        self._steps_left -= 1
        if self._steps_left >= 0:
            self.advanced(step_seconds)

    def of(self, model: Any) -> Any:
        """Return a model like this one whose every native call is a step."""
        return _Stepping(model, self, self._monotonic)


class _Stepping:
    def __init__(self, model: Any, progress: ProgressSignal, monotonic: Callable[[], float]) -> None:
        self._model, self._progress, self._monotonic = model, progress, monotonic

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if not callable(found):
            return found

        def step(*args: Any, **options: Any) -> Any:
            began = self._monotonic()
            result = found(*args, **options)
            self._progress.step_ended(self._monotonic() - began)
            return result

        return step
