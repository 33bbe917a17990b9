"""Measures calls that are transcribed while they are recorded: `python -m bench.live` (Linux).

Real processes record and transcribe calls that are replayed in real time. Hours are simulated: a recorder
writes all but the last minute at once, and the rest in real time. Each finished transcript is compared with
what decoding the file afterwards gives. The page is written to `bench/results/live.md`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench.figures import machine, table
from bench.goals import HEAD, Figure
from bench.live_calls import Calls
from bench.live_sound import clips_of

RESULTS = Path(__file__).parent / "results" / "live.md"
LAYOUTS = ("mono", "split")
Section = tuple[str, list[Figure]]
PARTS = ("replayed", "simulated", "joined", "muted", "idle")


def sections(options: argparse.Namespace, calls: Calls) -> Iterator[Section]:
    """Yield the figures of each part, with its title."""
    parts: dict[str, Callable[[], Iterable[Section]]] = {
        "replayed": lambda: _replayed(options, calls),
        "simulated": lambda: _simulated(options, calls),
        "joined": lambda: [("A worker that starts 5 minutes after the call", calls.joined(300, 420))],
        "muted": lambda: [("Muted for an hour, then talk", calls.muted(3600))],
        "idle": lambda: [("Nobody speaks", calls.idle(60))],
    }
    for part in options.parts:
        yield from parts[part]()


def _replayed(options: argparse.Namespace, calls: Calls) -> Iterator[Section]:
    for minutes in options.minutes:
        for layout in options.layouts:
            yield f"{minutes:g} minutes, {layout}, in real time", calls.replayed(60 * minutes, layout)


def _simulated(options: argparse.Namespace, calls: Calls) -> Iterator[Section]:
    for length in options.simulated:
        hours, _, talk = length.partition(":")
        share = float(talk or 1)
        title = f"{float(hours):.3g} h simulated, {share:.0%} of it talk"
        yield title, calls.simulated(3600 * float(hours), share, options.times)


def page(head: str, found: Iterable[Section]) -> str:
    """Format figures as Markdown."""
    return "\n".join([f"# Calls transcribed while they are recorded\n\n{head}\n", *map(shown, found)])


def shown(section: Section) -> str:
    """Format the figures of one part."""
    title, figures = section
    return f"## {title}\n\n{table(HEAD, [figure.row() for figure in figures])}"


def main() -> None:
    options = _options()
    sound = "recordings of people" if options.real else "synthesised voices"
    head = f"{machine()}; tiny.en, careful; calls strung together from {sound}."
    found: list[Section] = []
    for section in sections(options, Calls(clips_of(options.real))):
        found.append(section)
        print(shown(section), flush=True)
        options.results.write_text(page(head, found), "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument(
        "--real", type=Path, nargs="+", default=[], metavar="FOLDER", help="as bench.accuracy"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, nargs="+", default=[10.0], help="calls in real time")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS), help="of those")
    parser.add_argument(
        "--simulated",
        nargs="+",
        default=["0.1667", "1", "4:0.5", "12:0.1667"],
        metavar="HOURS[:TALK]",
        help="simulated calls, and which share of them is talk",
    )
    parser.add_argument("--times", type=int, default=1, help="how often each of these is measured")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
