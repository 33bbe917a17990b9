"""The metrics of a home as families of prometheus-client. Labels have few values and name no person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from offhook.desk.health import State
from offhook.web.metrics.traffic import Traffic
from shared.store.figures import Figures, Seen
from shared.store.store import Store
from shared.store.tallies import COMPLETED, FAILED, OTHER, RETRIED, Tally, bounded

#: Name, text, labels, and what a tally gives: whether it counts, the labels' values, the number.
_TALLIED: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("recordings_completed", "Recordings that were transcribed", COMPLETED, ("model",), "count"),
    ("recordings_failed", "Recordings that have failed", FAILED, ("error_code",), "count"),
    ("attempts_retried", "Attempts that ended in another one", RETRIED, ("error_code",), "count"),
    ("transcribed_audio_seconds", "Audio of completed recordings", COMPLETED, ("model",), "audio_seconds"),
    ("transcribing_seconds", "Time from claim to completion", COMPLETED, ("model",), "seconds"),
)


def stored_families(store: Store) -> list[Metric]:
    """Return what the database knows. Raises StoreError."""
    figures = store.figures
    machines = figures.machines()
    named = machine_names(machines)

    def name(host: str) -> str:
        return named.get(host) or (host or store.host)[:12]

    return [
        *_queue(figures),
        *_tallied(store.tallies.every(), name),
        *_machines(machines, name),
        *_handed_over(figures),
    ]


def served_families(traffic: Traffic, state: State) -> list[Metric]:
    """Return what this process knows: its requests, and whether database and storage answer it."""
    up = _gauge("up", "Whether a part answers within a second", ("part",))
    for part, answers in state.parts.items():
        up.add_metric((part,), float(answers))
    build = _gauge("build_info", "The version of offhook", ("version",))
    build.add_metric((version("offhook"),), 1.0)
    return [up, build, *_requests(traffic)]


def machine_names(machines: Sequence[Seen]) -> dict[str, str]:
    """Return the label of each host: its machine's name, with a part of the host where two have one name."""
    times = Counter(machine.name for machine in machines)
    return {
        it.host: it.name if times[it.name] == 1 else f"{it.name}-{it.host[:8]}" for it in machines if it.name
    }


def _queue(figures: Figures) -> Iterator[Metric]:
    states = _gauge("recordings", "Recordings in each state", ("state",))
    for state, count in figures.states().items():
        states.add_metric((state,), count)
    yield states
    yield _single(
        "queue_oldest_seconds",
        "For how long the oldest queued recording has been waiting; 0 if none waits",
        figures.oldest_queued_seconds(),
    )
    failed = _gauge("failed_recordings", "Recordings that are failed now, by the code", ("error_code",))
    counts: Counter[str] = Counter()
    for code, count in figures.failed_by_code().items():
        counts[bounded(code) or OTHER] += count
    for code, count in counts.items():
        failed.add_metric((code,), count)
    yield failed


def _tallied(tallies: Sequence[Tally], name: Callable[[str], str]) -> Iterator[Metric]:
    for metric, text, event, labels, column in _TALLIED:
        family = CounterMetricFamily(f"offhook_{metric}", f"{text}.", labels=("machine", *labels))
        sums: Counter[tuple[str, ...]] = Counter()
        for tally in tallies:
            if tally.event == event:
                key = (name(tally.host), *(getattr(tally, label) for label in labels))
                sums[key] += getattr(tally, column)
        for key, number in sums.items():
            family.add_metric(key, number)
        yield family


def _machines(machines: Iterable[Seen], name: Callable[[str], str]) -> Iterator[Metric]:
    seen = _gauge("machine_seen_age_seconds", "Time since a machine was last seen", ("machine",))
    draining = _gauge("machine_draining", "Whether a machine takes no further recordings", ("machine",))
    processes = _gauge("processes", "Processes of offhook on a machine", ("machine", "kind"))
    for machine in machines:
        label = name(machine.host)
        seen.add_metric((label,), machine.seen_seconds_ago)
        draining.add_metric((label,), float(machine.draining))
        for kind, count in machine.processes.items():
            processes.add_metric((label, kind), count)
    yield from (seen, draining, processes)


def _handed_over(figures: Figures) -> Iterator[Metric]:
    unsent = figures.unsent()
    yield _single("outbox_recordings", "Recordings that the server does not have yet", unsent.recordings)
    yield _single("outbox_bytes", "The size of these recordings", unsent.bytes)
    yield _single("outbox_oldest_seconds", "The age of the oldest of them", unsent.oldest_seconds)
    yield _single("incoming_recordings", "Recordings that workstations are sending", figures.arriving())


def _requests(traffic: Traffic) -> Iterator[Metric]:
    labels = ("method", "route", "status")
    counts = CounterMetricFamily("offhook_web_requests", "Requests to this server.", labels=labels)
    for key, count in traffic.requests.items():
        counts.add_metric(key, count)
    yield counts
    name, text = "offhook_web_response_seconds", "Time until an answer began."
    times = HistogramMetricFamily(name, text, labels=("route",))
    for route, each in traffic.times.items():
        times.add_metric((route,), list(each.cumulative()), each.sum_seconds)
    yield times
    yield _single("web_requests_in_progress", "Requests and streams that are open", traffic.in_progress)


def _gauge(name: str, text: str, labels: Sequence[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"offhook_{name}", f"{text}.", labels=labels)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"offhook_{name}", f"{text}.", value=value)
