"""Signs of life: what the engine tells its worker while a job goes on, so that a hanging one can be told.

Only what brings the end nearer is a sign: audio that was read, and a step of the model that is through.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

EVERY_SECONDS = 1.0
#: Decoding may go round in circles within a stretch; after so many steps they are no progress any more.
MOST_STEPS_PER_STRETCH = 400


class ProgressSignal:
    """Tells that the work goes on: each step that took its time, and short ones once a second."""

    def __init__(
        self, tell: Callable[[float], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._monotonic = tell, monotonic
        self._told = monotonic()
        self._steps_left = MOST_STEPS_PER_STRETCH
        self.model_seconds = 0.0  # of all steps so far

    def advanced(self, step_seconds: float = 0.0) -> None:
        """Note progress; `step_seconds` is how long it took the model."""
        now = self._monotonic()
        if max(step_seconds, now - self._told) >= EVERY_SECONDS:
            self._tell(step_seconds)
            self._told = now

    def begin_stretch(self) -> None:
        """Let the steps of the model count again."""
        self._steps_left = MOST_STEPS_PER_STRETCH

    def through(self, step_seconds: float) -> None:
        """Note that a step of the model is through."""
        self.model_seconds += step_seconds
        self._steps_left -= 1
        if self._steps_left >= 0:
            self.advanced(step_seconds)

    def of(self, model: Any) -> Any:
        """A model like this one, whose every native call is a step."""
        return _Stepping(model, self, self._monotonic)


class _Stepping:
    def __init__(self, model: Any, signs: ProgressSignal, monotonic: Callable[[], float]) -> None:
        self._model, self._signs, self._monotonic = model, signs, monotonic

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if not callable(found):
            return found

        def step(*args: Any, **options: Any) -> Any:
            began = self._monotonic()
            result = found(*args, **options)
            self._signs.through(self._monotonic() - began)
            return result

        return step
