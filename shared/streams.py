"""The standard streams of a process that was started without some of them.

`offhook list >&-`, a service or a program without a console leaves `sys.stdout` None and file number 1 free.
The next file that is opened would get that number, and a library that prints would write into it.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def complete() -> None:
    """Open the null device for each standard stream that is missing, before any other file is opened."""
    opened = _occupy()
    for number, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            place = number if number in opened else os.devnull
            stream = open(place, mode, encoding="utf-8", errors="replace", closefd=place == os.devnull)  # noqa: SIM115
            setattr(sys, name, stream)


def silence(stream: TextIO) -> None:
    """Send what is still written to a stream to the null device, so that no flush at the exit fails."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # it is not a file
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, number)
    finally:
        os.close(nowhere)


def _occupy() -> set[int]:
    """Open the null device under each of the numbers 0 to 2 that is free, for child processes as well."""
    opened = set()
    while (number := os.open(os.devnull, os.O_RDWR)) < len(STREAMS):
        os.set_inheritable(number, True)
        opened.add(number)
    os.close(number)
    return opened
