"""Measures a team's server with 1,000,000 recordings and 20,000,000 segments: `python -m bench.team`.

It starts a PostgreSQL of its own and fills it by COPY, which takes half an hour and 30 GB; `--folder` keeps
it for the next run. The page is written to `bench/results/team.md`.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench import team_claims, team_queries, team_web, team_workers
from bench.figures import machine, percentile
from bench.scale import HEAD, RESULTS, Figure
from bench.team_fill import fill
from shared import home
from shared.settings import Settings
from shared.store.store import Store
from stress.team import postgres as team_postgres

#: As a person would set up a server with 24 GiB of memory that also runs workers.
AS_A_SERVER = {
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "work_mem": "64MB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
}
#: For filling, which begins again after a crash anyway.
TO_FILL = {
    **AS_A_SERVER,
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "16GB",
    "autovacuum": "off",
}
MOST_CLAIMS = 5_000
#: One is a hint; a worker of a team takes the first of several.
CANDIDATES = (1, 16)


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and everything that was started
    segments = options.segments or 20 * options.records
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the database's server is another user
        place = options.folder.absolute() if options.folder else folder / "database"
        filled_seconds = made(folder, place, options.records, segments)
        if options.only_fill:
            return
        with served(folder, place, AS_A_SERVER) as settings:
            pieces = [f"# A team's server\n\n{_head(options.records, segments, settings, filled_seconds)}\n"]
            for part in options.parts.split(","):
                for piece in PARTS[part](settings, options.times):
                    print(piece, flush=True)
                    pieces.append(piece)
    options.out.write_text("\n".join(pieces), "utf-8")


@contextmanager
def served(folder: Path, place: Path, server_settings: dict[str, str]) -> Iterator[Settings]:
    """Run the database's server; yield the settings of a home that uses it."""
    with team_postgres.served(server_settings, place) as server:
        settings = Settings(home=folder / "home", database=server.url_at(server.address, "bench"))
        home.prepare(settings)
        yield settings


def made(folder: Path, place: Path, records: int, segments: int) -> float | None:
    """Fill a database; return how many seconds it took, None if it was full already."""
    mark = place / "full"
    if mark.exists():
        return None
    with served(folder, place, TO_FILL) as settings:
        Store.of_home(settings).disconnect()
        seconds = fill(settings.database, records, segments)
    mark.write_text(f"{records} {segments}")
    return seconds


def queries(settings: Settings, times: int) -> Iterator[str]:
    """Report what a desk asks for."""
    with Store.of_home(settings) as store:
        for title, found in (
            ("Counts and lists", team_queries.counts_and_lists(store, times)),
            ("Searches", team_queries.searches(store, times)),
        ):
            yield f"## {title}\n\n{HEAD}"
            yield from (figure.row() for figure in found)
            over = [figure for figure in found if percentile(figure.milliseconds, 95) > team_queries.GOAL_MS]
            yield f"\n{len(found) - len(over)} of {len(found)} are within the goal.\n"


def claims(settings: Settings, times: int) -> Iterator[str]:
    """Report how many claims a second there are."""
    for candidates in CANDIDATES:
        yield from _claimed(settings, candidates)


def _claimed(settings: Settings, candidates: int) -> Iterator[str]:
    with psycopg.connect(settings.database) as connection:
        waiting = [number for (number,) in connection.execute(_WAITING, [MOST_CLAIMS])]
        connection.execute(_AS_BEFORE, [waiting])
    found = team_claims.claim_all(settings, waiting, candidates)
    counted = Counter(record_id for each in found for record_id in each.record_ids)
    assert counted == Counter(waiting), "each is claimed exactly once"
    seconds = max(each.ended for each in found) - min(each.began for each in found)
    won, lost = ([taken for each in found for taken in getattr(each, name)] for name in ("won", "lost"))
    what = "a recording" if candidates == 1 else f"the first of {candidates} recordings"
    yield f"## {len(found)} claimers of {what}; {len(waiting):,} recordings, each offered to two of them\n"
    yield (
        f"{len(waiting) / seconds:,.0f} claims a second (goal: 1,000), and {len(lost) / seconds:,.0f} tries "
        "a second that came too late. Each recording went to one claimer.\n"
    )
    yield f"{HEAD}\n{Figure('a claim', won).row()}\n{Figure('a try that comes too late', lost).row()}\n"
    with psycopg.connect(settings.database) as connection:
        connection.execute(_AS_BEFORE, [waiting])


#: The measure of workers cancels what waits.
_WAITING = """SELECT id FROM call_records WHERE transcription_status IN ('queued', 'cancelled')
    ORDER BY id LIMIT %s"""
_AS_BEFORE = """UPDATE call_records SET transcription_status = 'queued', claim_token = NULL, attempts = 0,
    lease_expires_at = NULL, worker_id = NULL, worker_host = NULL, started_at = NULL WHERE id = ANY(%s)"""

PARTS: dict[str, Callable[[Settings, int], Iterator[str]]] = {
    "queries": queries,
    "claims": claims,
    "workers": team_workers.report,
    "web": team_web.report,
}


def _head(records: int, segments: int, settings: Settings, filled_seconds: float | None) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    with psycopg.connect(settings.database) as connection:
        (version,) = connection.execute("SHOW server_version").fetchone() or ("",)
        (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    filled = f", filled in {filled_seconds / 60:.0f} minutes" if filled_seconds else ""
    return (
        f"{machine()}, PostgreSQL {version.split()[0]} on the same machine; {records:,} recordings, "
        f"{segments:,} segments, {size / 1e9:.1f} GB{filled}; commit {commit.stdout.strip()}, "
        f"{time.strftime('%F')}; load average {os.getloadavg()[0]:.1f} when it began, {os.cpu_count()} cores."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000, help="how many recordings there are")
    parser.add_argument("--segments", type=int, help="how many segments they have in all (20 times as many)")
    parser.add_argument("--times", type=int, default=20, help="how often each is measured")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--folder", type=Path, help="make the database here and keep it, or take it")
    parser.add_argument("--out", type=Path, default=RESULTS / "team.md", help="where the page goes")
    parser.add_argument("--only-fill", action="store_true", help="fill the database, and measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
