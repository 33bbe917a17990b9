"""Kills processes and servers at random moments, freezes workers, and cuts links."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from stress.team.network import CUT, DEAF, RESET, STALLED, Link
from stress.team.site import DATABASE, ENGINE, OUTBOX, STORAGE, WEB, WORKER, Machine, Site

#: Of a hundred kills.
KILLS = {OUTBOX: 40, WORKER: 18, ENGINE: 12, WEB: 14, DATABASE: 6, STORAGE: 10}
#: Chances of a trouble beside each kill.
LINK_TROUBLE, FROZEN = 0.5, 0.06
#: Seconds that a trouble of a link lasts; some last longer than a lease.
TROUBLE_SECONDS = {STALLED: (1.0, 15.0), DEAF: (0.5, 6.0), CUT: (0.5, 10.0), RESET: (0.0, 0.0)}
#: A frozen worker wakes up after its lease has run out.
FROZEN_SECONDS = (9.0, 14.0)


def disturb(
    site: Site, *, kills: int, every: float, chance: random.Random, tell: Callable[[int], None]
) -> Counter[str]:
    """Kill this many at random intervals; return how many of each were killed, and of each trouble.

    `tell` is called with the number of each kill.
    """
    done: Counter[str] = Counter()
    frozen: list[threading.Thread] = []
    for number in range(1, kills + 1):
        time.sleep(min(chance.expovariate(1 / every), 4 * every))
        site.mind()
        done[_kill(site, chance)] += 1
        if chance.random() < LINK_TROUBLE:
            done[f"link {_trouble(_links(site), chance)}"] += 1
        if chance.random() < FROZEN:
            frozen.append(_freeze(chance.choice(site.servers), chance.uniform(*FROZEN_SECONDS)))
            done["worker frozen"] += 1
        tell(number)
    for thread in frozen:
        thread.join()
    return done


def _kill(site: Site, chance: random.Random) -> str:
    (target,) = chance.choices(list(KILLS), list(KILLS.values()))
    kill: dict[str, Callable[[Site, random.Random], str]] = {
        OUTBOX: lambda site, chance: _kill_one(OUTBOX, site.workstations, chance),
        WORKER: lambda site, chance: _kill_one(WORKER, site.servers, chance),
        WEB: lambda site, chance: _kill_one(WEB, site.webs, chance),
        ENGINE: _kill_engine,
        DATABASE: _kill_postgres,
        STORAGE: _kill_storage,
    }
    return kill[target](site, chance)


def _kill_one(kind: str, machines: Sequence[Machine], chance: random.Random) -> str:
    chance.choice(machines).program.kill()
    return kind


def _kill_engine(site: Site, chance: random.Random) -> str:
    program = chance.choice(site.servers).program
    engines = program.children()
    if not engines:
        return _kill_one(WORKER, site.servers, chance)
    program.kill_child(chance.choice(engines))
    return ENGINE


def _kill_postgres(site: Site, chance: random.Random) -> str:
    site.postgres.end_at_once(chance)
    return DATABASE


def _kill_storage(site: Site, chance: random.Random) -> str:
    return STORAGE if site.objects.end_at_once() else _kill_one(WEB, site.webs, chance)


def _links(site: Site) -> list[Link]:
    return [link for machine in site.machines for link in machine.links]


def _trouble(links: Sequence[Link], chance: random.Random) -> str:
    kind = chance.choice(list(TROUBLE_SECONDS))
    chance.choice(links).trouble(kind, chance.uniform(*TROUBLE_SECONDS[kind]))
    return kind


def _freeze(machine: Machine, seconds: float) -> threading.Thread:
    """Stop a worker for a while, and let it go on as if nothing had happened; its engine runs meanwhile."""
    process = machine.program.process
    assert process
    process.send_signal(signal.SIGSTOP)

    def wake() -> None:
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)  # one that was killed meanwhile gets nothing

    thread = threading.Thread(target=wake, name="freezer")
    thread.start()
    return thread
