"""One campaign: a site, calls, disturbances, the wait for the end, and the verdict."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stress.team import fences
from stress.team.calls import Call, Feeder, Recorder
from stress.team.disturbance import disturb
from stress.team.hearing import heard_in
from stress.team.site import Site, Size
from stress.team.verdicts import Verdict, judge, unfinished

#: While everything is up, some progress is to be seen in this time, or the rest is stuck.
STILL_SECONDS = 90.0
LOOK_SECONDS = 1.0
TOLD_KILLS = 25


@dataclass(frozen=True)
class Plan:
    """What a campaign does."""

    size: Size
    calls: int
    kills: int
    seed: int
    every: float = 1.0  # seconds to a kill, in the mean
    storage: str = "folder"


@dataclass(frozen=True)
class Outcome:
    """The actions and findings of a campaign."""

    plan: Plan
    done: Counter[str]
    calls: Sequence[Call]
    claims: dict[str, int]
    disturbed_seconds: float
    finishing_seconds: float
    longest_still_seconds: float
    verdict: Verdict


def campaign(folder: Path, plan: Plan) -> Outcome:
    """Run a campaign in a new folder, and account for every call."""
    folder.mkdir(parents=True, exist_ok=True)
    heard = heard_in(folder)
    chance = random.Random(plan.seed)

    def tell(kill: int) -> None:
        if kill % TOLD_KILLS == 0:
            print(
                f"{time.strftime('%T')} {kill} kills, {len(feeder.made)} calls", file=sys.stderr, flush=True
            )

    with Site(folder, plan.size, plan.storage) as site:
        recorders = [Recorder(machine.name, machine.settings) for machine in site.workstations]
        feeder = Feeder(recorders, plan.calls, plan.kills * plan.every, random.Random(plan.seed + 1))
        began = time.monotonic()
        with feeder:
            done = disturb(site, kills=plan.kills, every=plan.every, chance=chance, tell=tell)
        disturbed_seconds = time.monotonic() - began
        left, longest_seconds = finish(site, feeder.made)
        finishing_seconds = time.monotonic() - began - disturbed_seconds
        verdict = judge(site, feeder.made, heard)
        verdict.stuck += left
        with site.postgres.connect() as connection:
            claims = fences.claims_taken(connection)
    verdict.wrong += [*site.faults, *feeder.faults]
    done["started in vain without a database"] = sum(machine.program.excused for machine in site.machines)
    seconds = (disturbed_seconds, finishing_seconds, longest_seconds)
    return Outcome(plan, done, feeder.made, claims, *seconds, verdict)


def finish(site: Site, calls: Sequence[Call]) -> tuple[list[str], float]:
    """Wait until all work is done; return what is stuck, and the longest time without any progress."""
    before, since, longest_seconds = unfinished(site, calls), time.monotonic(), 0.0
    while before and time.monotonic() - since < STILL_SECONDS:
        time.sleep(LOOK_SECONDS)
        site.mind()
        now = unfinished(site, calls)
        longest_seconds = max(longest_seconds, time.monotonic() - since)
        if now != before:
            before, since = now, time.monotonic()
    return before, longest_seconds


def report(outcome: Outcome) -> str:
    """Format the figures of a campaign, and its faults."""
    plan, verdict = outcome.plan, outcome.verdict
    real = sum(call.is_real for call in outcome.calls)
    done = ", ".join(f"{name} {count}" for name, count in outcome.done.most_common())
    claims = ", ".join(f"{name} {count}" for name, count in outcome.claims.items())
    size = plan.size
    kinds = ", ".join(f"{kind.replace('_', ' ')} {len(found)}" for kind, found in vars(verdict).items())
    return "\n".join(
        [
            f"{size.workstations} workstations, {size.servers} machines with workers, "
            f"{size.webs} web servers, storage {plan.storage}, seed {plan.seed}",
            f"{len(outcome.calls)} calls, of which {real} by the real engine",
            f"killed and cut in {outcome.disturbed_seconds:.0f} s: {done}",
            f"claims: {claims}",
            f"finished {outcome.finishing_seconds:.0f} s after the last kill; "
            f"without progress for {outcome.longest_still_seconds:.0f} s at most",
            kinds,
            *verdict.faults,
        ]
    )
