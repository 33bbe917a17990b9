"""Decodes damaged and invalid recordings: `python -m stress.inputs`.

Hand-made kinds of bad input, then valid headers that hypothesis damages, each in a child process with a time
limit. None may crash, hang, be silently wrong, or open another file. Ends with 1 if one does.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from stress.cases import Case
from stress.children import opened_by_the_system, run_all
from stress.kinds import kinds
from stress.mutations import mutations
from stress.outcomes import OTHER_FILES, Tally

#: System calls are watched for this many damaged cases, and for all hand-made ones.
WATCHED_MUTATIONS = 100


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    if options.case:
        return _run([Case.load(path) for path in options.case], options)
    began = time.monotonic()
    handmade = [case for case in kinds() if options.long or not case.size_bytes]
    print(f"{len(handmade)} hand-made kinds, {options.cases} mutations, seed {options.seed}")
    damaged = mutations(options.cases, options.seed)
    failed = _run([*handmade, *damaged], options)
    failed |= _watch([*handmade, *damaged[:WATCHED_MUTATIONS]])
    print(f"{time.monotonic() - began:.0f} s")
    return failed


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stress.inputs", description=__doc__)
    parser.add_argument("--cases", type=int, default=2_000, help="how many mutations (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the mutations (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="children at once (default: 2)")
    parser.add_argument("--no-long", dest="long", action="store_false", help="leave out files of many hours")
    parser.add_argument(
        "--faults", type=Path, default=Path("stress-faults"), help="where faulty cases are kept"
    )
    parser.add_argument("--case", type=Path, nargs="+", help="run only cases that were kept")
    return parser.parse_args(arguments)


def _run(cases: Iterable[Case], options: argparse.Namespace) -> int:
    tally = Tally()
    for case, outcome in run_all(cases, options.workers):
        if (fault := tally.note(case, outcome)) or options.case:
            kept = case.save(options.faults) if fault and not options.case else ""
            print(f"{case.name}: {fault or 'right'}: {outcome}; {case.truth} {kept}")
    print("\n".join(tally.lines()))
    return int(bool(tally.faults))


def _watch(cases: list[Case]) -> int:
    """Watch the system calls of some cases, if strace is installed."""
    if shutil.which("strace") is None:
        print("system calls:                        not watched, strace is not installed")
        return 0
    others = opened_by_the_system(case for case in cases if not case.size_bytes)
    print(f"{OTHER_FILES} (strace, {len(cases)} cases):".ljust(36) + f"{len(others):>7,}")
    print("\n".join(others))
    return int(bool(others))


if __name__ == "__main__":
    sys.exit(main())
