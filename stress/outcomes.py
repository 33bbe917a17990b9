"""Judges outcomes: correct, or one of a few faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stress.cases import Case, Truth

CRASHED, HUNG, SILENTLY_WRONG, OTHER_FILES = "crashed", "hung", "silently wrong", "other files opened"
WRONGLY_REFUSED, WRONGLY_FLAGGED = "wrongly refused", "wrongly flagged"
FAULTS = (CRASHED, HUNG, SILENTLY_WRONG, OTHER_FILES, WRONGLY_REFUSED, WRONGLY_FLAGGED)
LEAST_TONE_SHARE = 0.9


def fault_of(truth: Truth, outcome: Mapping[str, Any]) -> str | None:
    """Return the fault of an outcome, None if it is correct."""
    if outcome["result"] in (CRASHED, HUNG):
        return str(outcome["result"])
    if outcome["others"]:
        return OTHER_FILES
    if outcome["result"] == "refused":
        return None if truth.codes is None or outcome["code"] in truth.codes else WRONGLY_REFUSED
    if truth.codes:
        return SILENTLY_WRONG
    return _fault_of_accepted(truth, outcome)


def _fault_of_accepted(truth: Truth, outcome: Mapping[str, Any]) -> str | None:
    flags = tuple(outcome["flags"])
    if truth.flags is not None and flags != truth.flags:
        return WRONGLY_FLAGGED
    if flags and truth.flags is None:
        return None
    if truth.seconds is not None and abs(outcome["seconds"] - truth.seconds) > truth.tolerance_seconds:
        return SILENTLY_WRONG
    return SILENTLY_WRONG if truth.tones and outcome["tone_share"] < LEAST_TONE_SHARE else None


@dataclass
class Tally:
    """Counts of the outcomes of all cases."""

    cases: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def note(self, case: Case, outcome: Mapping[str, Any]) -> str | None:
        """Count an outcome; return its fault."""
        self.cases += 1
        self.accepted += outcome["result"] == "accepted"
        if outcome["result"] == "refused":
            self.refused[outcome["code"]] += 1
        self.flagged.update(outcome.get("flags", ()))
        fault = fault_of(case.truth, outcome)
        if fault:
            self.faults[fault] += 1
        return fault

    def lines(self) -> list[str]:
        """Format the counts, a line each."""
        counted = [("cases", self.cases), ("accepted", self.accepted)]
        counted += [(f"  of these {flag}", count) for flag, count in sorted(self.flagged.items())]
        counted += [("refused", self.refused.total())]
        counted += [(f"  as {code}", count) for code, count in sorted(self.refused.items())]
        counted += [(fault, self.faults[fault]) for fault in FAULTS]
        return [f"{name + ':':<36}{count:>7,}" for name, count in counted]
