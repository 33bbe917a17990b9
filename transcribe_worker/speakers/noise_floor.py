"""Estimates the noise floor of a side: the loudness that it has while nobody speaks."""

from __future__ import annotations

HOP_SECONDS = 10
#: The floor is that of half a minute: within it everybody pauses.
WINDOW_HOPS = 3
#: A tenth of the ticks is quieter. Even a fast speaker is silent between words for a tenth of the time.
SHARE = 0.1
#: Below this (-70 dBFS) noise does not matter: nobody hears words in it.
QUIETEST_FLOOR = 140


def noise_floor(ticks: bytes, ticks_per_second: int) -> bytes:
    """Return the noise floor of each tick, in the unit of ticks: half decibels below full scale."""
    hop = HOP_SECONDS * ticks_per_second
    around = WINDOW_HOPS // 2 * hop
    found = bytearray()
    for start in range(0, len(ticks), hop):
        window = sorted(ticks[max(0, start - around) : start + hop + around], reverse=True)
        floor = min(QUIETEST_FLOOR, window[round(SHARE * (len(window) - 1))])
        found += bytes([floor]) * min(hop, len(ticks) - start)
    return bytes(found)
