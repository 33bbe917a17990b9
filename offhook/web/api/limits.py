"""Types with limits that several modules take in bodies and addresses."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

#: A text that a person types for a passage or a note, and a name or a word.
LongText = Annotated[str, Meta(max_length=20_000)]
Name = Annotated[str, Meta(max_length=200)]
WordNumber = Annotated[int, Meta(ge=0, lt=2**31)]
Milliseconds = Annotated[int, Meta(ge=0, lt=2**40)]
RowNumber = Annotated[int, Meta(ge=0, lt=2**62)]
