"""When a decoded case is right, and that every fault is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stress.cases import Case, Truth, either, heard, refused
from stress.kinds import kinds
from stress.mutations import mutations
from stress.outcomes import (
    CRASHED,
    HUNG,
    OTHER_FILES,
    SILENTLY_WRONG,
    WRONGLY_FLAGGED,
    WRONGLY_REFUSED,
    Tally,
    fault_of,
)


def accepted(seconds: float, *flags: str, share: float = 1.0) -> dict[str, Any]:
    return {"result": "accepted", "seconds": seconds, "flags": flags, "tone_share": share, "others": []}


REFUSED: dict[str, Any] = {"result": "refused", "code": "no_audio", "others": []}


@pytest.mark.parametrize(
    ("truth", "outcome", "fault"),
    [
        (heard(2), accepted(2.01), None),
        (heard(2), accepted(2.1), SILENTLY_WRONG),
        (heard(2), accepted(2.0, share=0.3), SILENTLY_WRONG),
        (heard(2, tones=False), accepted(2.0, share=0.3), None),
        (heard(2), accepted(2.0, "cut_short"), WRONGLY_FLAGGED),
        (heard(2, "cut_short"), accepted(2.0), WRONGLY_FLAGGED),
        (heard(2, "cut_short"), accepted(1.0, "cut_short"), SILENTLY_WRONG),
        (heard(2), REFUSED, WRONGLY_REFUSED),
        (refused("no_audio"), REFUSED, None),
        (refused("damaged_header"), REFUSED, WRONGLY_REFUSED),
        (refused("no_audio"), accepted(0.1), SILENTLY_WRONG),
        (either(2), REFUSED, None),
        (either(2), accepted(1.0, "damaged_audio"), None),
        (either(2), accepted(1.0), SILENTLY_WRONG),
        (either(None), accepted(77.0), None),
        (either(2), {"result": "crashed", "said": "SIGSEGV"}, CRASHED),
        (either(2), {"result": "hung", "said": ""}, HUNG),
        (either(2), accepted(2.0) | {"others": ["/etc/passwd"]}, OTHER_FILES),
        (either(2), REFUSED | {"others": ["/etc/passwd"]}, OTHER_FILES),
    ],
)
def test_every_fault_is_told_and_nothing_else(truth: Truth, outcome: dict[str, Any], fault: str | None):
    assert fault_of(truth, outcome) == fault


def test_the_counts_tell_what_became_of_all_cases():
    tally = Tally()
    for outcome in (accepted(2.0), accepted(1.0), REFUSED, {"result": "hung"}):
        tally.note(Case("a case", b"", either(2)), outcome)
    said = [" ".join(line.split()) for line in tally.lines()]
    assert {"cases: 4", "accepted: 2", "refused: 1", "as no_audio: 1", "hung: 1"} <= set(said)
    assert {"silently wrong: 1", "crashed: 0"} <= set(said)


def test_a_case_that_was_kept_is_the_same_again(tmp_path: Path):
    case = Case("a case: of 2", bytes(range(256)), heard(2, "cut_short"), ".mp3", 4_000, 3.0)
    again = Case.load(case.save(tmp_path / "kept"))
    assert again == case
    path = again.write(tmp_path)
    assert (path.suffix, path.stat().st_size, path.read_bytes()[:256]) == (".mp3", 4_000, case.content)


def test_there_are_many_hand_made_kinds_each_with_a_name_of_its_own():
    names = [case.file_name + case.suffix for case in kinds()]
    assert len(names) == len(set(names))
    assert len(names) > 250


def test_a_seed_gives_the_same_mutations_again_and_another_one_others():
    once, again, other = (list(mutations(60, seed)) for seed in (1, 1, 2))
    assert once == again
    assert [case.content for case in once] != [case.content for case in other]
    assert len({case.content for case in once}) > 55
