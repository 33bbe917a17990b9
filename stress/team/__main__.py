"""Kills, freezes and cuts off the machines of a team, and checks that no call is lost or done twice.

Workstations with real outboxes record calls, machines with real workers transcribe them, on a real PostgreSQL
and a shared folder or S3 server. All of them are killed at random moments, links are cut, and clocks are an
hour apart. In the end every call is accounted for. The exit code is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from stress.team.campaign import Plan, campaign, report
from stress.team.site import Size
from stress.team.storage import FOLDER, S3


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--every", type=float, default=1.2, help="seconds to a kill, in the mean")
    parser.add_argument("--workstations", type=int, default=20)
    parser.add_argument("--servers", type=int, default=3, help="machines that run a worker")
    parser.add_argument("--webs", type=int, default=2, help="web servers")
    parser.add_argument("--storage", default=S3, choices=(FOLDER, S3))
    parser.add_argument("--folder", type=Path, help="a new folder to work in, which is left to be looked at")
    chosen = parser.parse_args()
    size = Size(chosen.workstations, chosen.servers, chosen.webs)
    plan = Plan(size, chosen.calls, chosen.kills, chosen.seed, chosen.every, chosen.storage)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and everything that was started
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{plan.calls} calls, {plan.kills} kills; {time.strftime('%F %T')}, {machine}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        outcome = campaign(chosen.folder or Path(folder), plan)
    print(report(outcome))
    return 1 if outcome.verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
