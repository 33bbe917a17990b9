"""Kills offhook's processes at random moments, and checks whether anything is lost or done twice.

The Procfile's processes run in their own home. A killed one is started again at once, while dozens of
recordings a minute are dropped and captured. At the end every file is accounted for, and every transcript
must be that of a run without kills. The exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from stress import decodings
from stress.contents import Speech, speeches
from stress.decodings import Decodings
from stress.disturbance import Moments, disturb
from stress.feeder import Call, Drop, Feeder
from stress.finishing import finish, undisturbed
from stress.supervisor import CAPTURE, WORKER, Supervisor
from stress.verdicts import Home, Verdict, judge, look
from stress.watch import Watch
from tests.stage import Stage

EVERY_SECONDS = 1.0
MOST_RECLAIM_SECONDS, MOST_TWICE_PERCENT = 5.0, 3.0
#: Random kills are not the recording's fault, so no number of them may fail it here.
SETTINGS = {"LOG_LEVEL": "DEBUG", "MAX_CRASHES": "1000", "MAX_ATTEMPTS": "1000"}


#: What workers log of followed calls.
_LIVE = re.compile(
    r"(followed$|not followed further|no longer ours|completed at the end of its call"
    r"|left to the queue|takes over|a call cannot be followed)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Outcome:
    """The actions and findings of a campaign."""

    killed: Counter[str]
    disturbed_seconds: float
    seconds: float  # with all that comes before and after
    drops: Sequence[Drop]
    calls: Sequence[Call]
    reclaims: Sequence[float]
    decoded: Decodings
    verdict: Verdict
    live: Counter[str]  # what became of calls that were decoded while they were recorded
    live_queue: str

    @property
    def wrongs(self) -> list[str]:
        """Return all faults, a line each."""
        waits = self.live_queue == "wait"  # for the ends of calls
        slow = [seconds for seconds in self.reclaims if seconds > MOST_RECLAIM_SECONDS and not waits]
        twice = self.decoded.twice_percent
        return [
            *self.verdict.faults,
            *self.decoded.faults,
            *[f"slow: a dead worker's recording was claimed after {seconds:.1f} s" for seconds in slow],
            *[f"decoded twice: {twice:.1f} %" for _ in [twice] if twice > MOST_TWICE_PERCENT],
        ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--every", type=float, default=EVERY_SECONDS, help="seconds to a kill, in the mean")
    parser.add_argument("--folder", type=Path, help="a new folder to work in, which is left to be looked at")
    parser.add_argument(
        "--live-queue", default="share", choices=["share", "wait"], help="the setting of that name"
    )
    chosen = parser.parse_args()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{chosen.kills} kills with seed {chosen.seed}; {time.strftime('%F %T')}, {machine}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.folder or Path(folder)
        outcome = campaign(place, chosen.kills, chosen.seed, chosen.every, chosen.live_queue)
    print(report(outcome))
    return 1 if outcome.wrongs else 0


def campaign(
    folder: Path, kills: int, seed: int, every: float = EVERY_SECONDS, live_queue: str = "share"
) -> Outcome:
    """Kill this many processes in a home in `folder`, and account for every file."""
    began, chance, moments = time.monotonic(), random.Random(seed), Moments()
    folder.mkdir(parents=True, exist_ok=True)
    spoken = speeches(chance)
    expected = undisturbed(stage_in(folder, "undisturbed"), {s.name: s.wav(0) for s in spoken})
    if unheard := [name for name, (segments, _) in expected.items() if not segments]:
        raise RuntimeError(f"Nothing is heard in {', '.join(unheard)}, so no comparison means anything.")
    stage = stage_in(folder, "home", **replayed(folder, spoken), LIVE_QUEUE=live_queue)
    with Supervisor(stage, folder / "logs") as processes, Watch(stage.home, moments.announce) as watch:
        feeder = Feeder(stage, spoken, seed, announce=moments.announce, waiting=lambda: watch.waiting)
        with feeder:
            disturbing = time.monotonic()
            how = {"kills": kills, "every": every, "chance": chance}
            killed = disturb(processes, watch, moments, **how, is_calm=lambda: feeder.in_long_call)
            disturbed_seconds = time.monotonic() - disturbing
        left = finish(stage.home, processes)
    home = look(stage.home)
    capture_deaths = [death.moment for death in processes.deaths if death.name == CAPTURE]
    verdict = judge(home, feeder.drops, feeder.calls, capture_deaths, expected)
    verdict.stuck += left
    verdict.wrong += [*processes.faults, *feeder.faults, *watch.faults, *compare_calls(folder, home)]
    decoded = decodings.read(processes.log_of(WORKER))
    seconds = time.monotonic() - began
    live = Counter(_LIVE.findall(processes.log_of(WORKER).read_text("utf-8", "replace")))
    done = (feeder.drops, feeder.calls, watch.reclaims, decoded, verdict)
    return Outcome(killed, disturbed_seconds, seconds, *done, live, live_queue)


def stage_in(folder: Path, name: str, **settings: str) -> Stage:
    given = {f"OFFHOOK_{name}": value for name, value in {**SETTINGS, **settings}.items()}
    return Stage(folder / name, tuple(given.items()))


def replayed(folder: Path, spoken: Sequence[Speech]) -> dict[str, str]:
    """Return settings that play speech on both sides of every captured call."""
    sides = {}
    for side, speech in zip(("MICROPHONE", "LOOPBACK"), [s for s in spoken if s.is_long], strict=True):
        path = folder / f"{side.lower()}.wav"
        path.write_bytes(speech.wav(0))
        sides[side] = f"replay:{path}"
    return sides


def compare_calls(folder: Path, home: Home) -> list[str]:
    """Return the captured calls whose words differ from those of an undisturbed run.

    Who said them is known of calls that offhook recorded alone, so the files differ.
    """
    mine = [r for r in home.records if r["source"] == "capture" and r["id"] in home.transcripts]
    calls = {f"{record['title']} ({record['id']})": record for record in mine}  # titles may be the same
    files = {name: Path(record["recording_path"]) for name, record in calls.items()}
    contents = {name: path.read_bytes() for name, path in files.items() if path.exists()}
    expected = undisturbed(stage_in(folder, "undisturbed calls"), contents)
    return [
        f"{name}: another transcript"
        for name, transcript in expected.items()
        if home.transcripts[calls[name]["id"]][0] != transcript[0]
    ]


def report(outcome: Outcome) -> str:
    """Format the figures of a campaign, and its faults."""
    verdict, decoded, reclaims = outcome.verdict, outcome.decoded, outcome.reclaims
    killed = ", ".join(f"{name} {count}" for name, count in outcome.killed.most_common())
    corrupt = sum(drop.speech is None for drop in outcome.drops)
    copies = sum(len(drop.names) - 1 for drop in outcome.drops)
    lost_ms = 1000 * max((call.missing_seconds for call in outcome.calls), default=0.0)
    return "\n".join(
        [
            f"killed in {outcome.disturbed_seconds:.0f} s: {killed}; altogether {outcome.seconds:.0f} s",
            f"dropped: {len(outcome.drops)} files, of which {corrupt} corrupt, and {copies} copies; "
            f"captured: {len(outcome.calls)} calls",
            f"followed calls: {', '.join(f'{count} {what}' for what, count in outcome.live.most_common())}",
            f"lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, stuck {len(verdict.stuck)}, "
            f"wrong {len(verdict.wrong)}, left over {len(verdict.left_over)}",
            f"lost of a call at most: {lost_ms:.0f} ms",
            f"from a worker's death to the next claim of its recording: {len(reclaims)} times, "
            f"median {median(reclaims or [0]):.1f} s, at most {max(reclaims, default=0):.1f} s",
            f"decoded twice: {decoded.twice_percent:.2f} % of {decoded.once_seconds:.0f} s of audio; "
            f"in flight at a death and begun again: at most {decoded.begun_again} stretches, "
            f"{decoded.begun_again_seconds:.0f} s",
            *outcome.wrongs,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
