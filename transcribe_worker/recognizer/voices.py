"""Hears the voices of a recording beside its decoding; an error in it costs the voices, never the words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from shared.errors import in_words
from shared.speakers import VoiceTurn
from transcribe_worker.speech.stretches import Stretch, Window
from transcribe_worker.voices.listener import Listener
from transcribe_worker.voices.network import VoiceNetwork


class VoiceNetworks:
    """Keeps the network that was used last."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._network: VoiceNetwork | None = None

    def at(self, path: Path) -> VoiceNetwork:
        """Return the network of a file. Raises EngineFailed if it is unusable."""
        if self._network is None or self._path != path:
            self._network = VoiceNetwork(path)
            self._path = path
        return self._network


class Hearing:
    """Hears one recording. Without a network, and after an error, it finds no voices."""

    def __init__(self, path: Path | None, networks: VoiceNetworks, speakers: int) -> None:
        self._speakers = speakers
        self._listener: Listener | None = None
        if path is not None:
            self._try(lambda: self._begin(networks.at(path)))

    @property
    def seconds(self) -> float:
        """The time it has taken."""
        return self._listener.seconds if self._listener else 0.0

    @property
    def is_on(self) -> bool:
        """Whether voices are found."""
        return self._listener is not None

    def hear(self, stretch: Stretch) -> None:
        """Hear a stretch; all are to be heard, in order."""
        if listener := self._listener:
            self._try(lambda: listener.hear(stretch))

    def hear_early(self, window: Window) -> None:
        """Hear a window of a stretch that is not whole yet."""
        if listener := self._listener:
            self._try(lambda: listener.hear_early(window))

    def turns(self) -> tuple[VoiceTurn, ...]:
        """Return when which voice speaks, of all that was heard."""
        found: list[VoiceTurn] = []
        if listener := self._listener:
            self._try(lambda: found.extend(listener.turns(self._speakers)))
        return tuple(found)

    def _begin(self, network: VoiceNetwork) -> None:
        self._listener = Listener(network)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # the words are worth more than who said them
            self._listener = None
            sys.stderr.write(f"voices are not told apart: {type(error).__name__}: {in_words(error)}\n")
