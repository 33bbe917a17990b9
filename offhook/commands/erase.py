"""Commands that delete for good: delete, prune."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from archive import receipts
from archive.erasing import FINISHED, Eraser, ErasurePlan, ErasureWaits
from archive.library import Library
from offhook.commands.options import confirm, json_option, pass_desk
from offhook.commands.printing import print_json, printable, short
from offhook.desk.desk import Desk
from shared.errors import RecordNotFound

#: How long a worker may take to let go of a recording that is deleted under it.
LET_GO_SECONDS = 5.0
#: How long others may read the database before a worker is left to scrub it.
SCRUB_SECONDS = 10.0
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Age(click.ParamType[float]):
    """An age such as 90d, in seconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number and its unit."""
        found = re.fullmatch(r"(\d{1,6})([hdwmy])", str(value).strip().lower(), re.ASCII)
        if found is None:
            self.fail(
                "Give a number and h, d, w, m or y, such as 12h, 90d, 8w, 6m (months) or 2y.", param, ctx
            )
        return int(found[1]) * _HOURS[found[2]] * 3600.0


def erasing_options(command: _Command) -> _Command:
    """Give a deleting command its `--dry-run` and `--yes`."""
    command = click.option("--yes", is_flag=True, help="Do not ask.")(command)
    return click.option("--dry-run", is_flag=True, help="Show what would go, and delete nothing.")(command)


@click.command()
@click.argument("record_ids", metavar="[ID...]", type=int, nargs=-1)
@click.option("--candidate", "candidate_id", help="Delete all there is of this person.")
@erasing_options
@json_option
@pass_desk
def delete(
    desk: Desk, record_ids: tuple[int, ...], candidate_id: str | None, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Delete recordings with all that was made of them.

    A recording that was queued where it is (by `add` or `transcribe`) stays there.
    """
    if bool(record_ids) == (candidate_id is not None):
        raise click.UsageError("Give recordings, or --candidate.")
    erasure = Erasure(desk, "delete", dry_run=dry_run, yes=yes, as_json=as_json)
    if candidate_id is None:
        erasure.run(lambda: erasure.of_records(dict.fromkeys(record_ids)))
    elif not erasure.run(lambda: erasure.eraser.of_candidate(candidate_id), candidate_id):
        _say(f"There is nothing of {candidate_id}.")


@click.command()
@click.option(
    "--older-than", "age_seconds", type=Age(), required=True, help="Age, such as 90d: h, d, w, m (months), y."
)
@click.option(
    "--status", "states", type=click.Choice(FINISHED), multiple=True, help="Only those in this state."
)
@erasing_options
@json_option
@pass_desk
def prune(
    desk: Desk, age_seconds: float, states: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Delete finished recordings of a certain age; never one that waits or is being transcribed."""
    erasure = Erasure(desk, "prune", dry_run=dry_run, yes=yes, as_json=as_json)

    def look() -> list[ErasurePlan]:
        old = erasure.eraser.older_than(age_seconds, states or FINISHED)
        return [erasure.eraser.of_record(record) for record in old]

    if not erasure.run(look):
        _say("No finished recording is that old.")


@dataclass
class Erasure:
    """One call of a deleting command."""

    desk: Desk
    command: str
    dry_run: bool
    yes: bool
    as_json: bool

    def __post_init__(self) -> None:
        desk = self.desk
        self._library = Library(desk.settings, desk.records)
        self.eraser = Eraser(desk.settings, desk.database, desk.records, self._library)

    def of_records(self, record_ids: Iterable[int]) -> list[ErasurePlan]:
        """Look for all there is of some recordings. Raises RecordNotFound."""
        try:
            return [self.eraser.of_record(self.desk.records.get(record_id)) for record_id in record_ids]
        except RecordNotFound:
            if not self.dry_run:  # perhaps a command that was killed has got this far
                self.eraser.resume()
            raise

    def run(self, look: Callable[[], list[ErasurePlan]], candidate_id: str | None = None) -> int:
        """Show what would go, or ask and delete it; return how many recordings that are.

        What an interrupted command has left undone goes, too. Raises ErasureWaits.
        """
        found = look()
        if self.dry_run:
            self._report(found)
            return len(found)
        if found and not self.yes:
            _ask(self.command, found)
        with self._library.alone():
            found, receipt = self._doom(look, candidate_id)
            stuck = self._erase()
            scrubbed = self.eraser.scrub(SCRUB_SECONDS)
        self._report(found, receipt, finished=scrubbed and not stuck)
        if not scrubbed:
            _say(
                "The database is in use, or the disk has no room to write it anew. "
                "A worker deletes the last traces in it as soon as it can."
            )
        if stuck:
            raise stuck[0]
        return len(found)

    def _doom(
        self, look: Callable[[], list[ErasurePlan]], candidate_id: str | None
    ) -> tuple[list[ErasurePlan], Path | None]:
        """Mark what is there by now, files having moved and states changed while somebody read the question.

        Nothing changes its state between the look and the mark; but the hashes of a receipt take their time.
        """
        found = look()
        receipt = self._receipt(candidate_id, found) if candidate_id is not None and found else None
        try:
            with self.desk.database.atomic():
                found = found if receipt else look()
                ids = [traces.record_id for traces in found if traces.record_id is not None]
                sessions = [traces.session_id for traces in found if traces.record_id is None]
                self.eraser.mark(ids, sessions, receipt=receipt)
        except BaseException:
            if receipt:  # of what is not going to be
                receipt.unlink()
            raise
        return found, receipt

    def _receipt(self, candidate_id: str, found: list[ErasurePlan]) -> Path:
        return receipts.write(
            self.desk.settings.receipts,
            candidate_id,
            recordings=len(found),
            files=_all(traces.files for traces in found),
            stay=len(_all(traces.stay for traces in found)),
            now=time.time(),
        )

    def _erase(self) -> list[ErasureWaits]:
        """Delete what is marked and can be deleted; return what stands in the way of the rest."""
        stuck = []
        for record_id in self.eraser.marked():
            try:
                self.eraser.erase(record_id, LET_GO_SECONDS)
            except ErasureWaits as error:
                stuck.append(error)
            else:
                click.echo(f"Recording {record_id}: deleted", err=self.as_json)
        return stuck

    def _report(self, found: list[ErasurePlan], receipt: Path | None = None, finished: bool = False) -> None:
        if self.as_json:
            print_json(_view(found, receipt, self.dry_run, finished))
            return
        if self.dry_run and found:
            for traces in found:
                click.echo(_described(traces))
            click.echo(f"{_counted(found)} would go. Nothing was deleted.")
        for path in _all(traces.stay for traces in found):
            _say(f"{short(str(path))} stays, for it is your own.")
        if receipt:
            click.echo(f"Receipt: {short(str(receipt))}")


def _ask(command: str, found: list[ErasurePlan]) -> None:
    listed = "".join(f"\n  {path}" for path in _all(traces.files for traces in found))
    what = f'recording {found[0].record_id} "{printable(found[0].title)}" and its files'
    if len(found) > 1 or found[0].record_id is None:
        listed = "".join(f"\n{_described(traces)}" for traces in found)
        what = _counted(found)
    confirm(command, f"Delete {what}?{listed}\n")


def _described(traces: ErasurePlan) -> str:
    name = traces.record_id or traces.session_id
    head = printable(f'Recording {name} "{traces.title}", {traces.status}')
    return "\n".join([head, *(f"  {printable(str(path))}" for path in traces.files)])


def _counted(found: list[ErasurePlan]) -> str:
    files = _all(traces.files for traces in found)
    recordings = f"{len(found)} recording{'' if len(found) == 1 else 's'}"
    megabytes = sum(traces.size_bytes for traces in found) / 1e6
    return f"{recordings} with {len(files)} file{'' if len(files) == 1 else 's'}, {megabytes:,.1f} MB"


def _view(found: list[ErasurePlan], receipt: Path | None, dry_run: bool, finished: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "finished": finished,
        "recordings": [
            {
                "id": traces.record_id,
                "session_id": traces.session_id,
                "title": traces.title,
                "status": traces.status,
                "files": [str(path) for path in traces.files],
                "size_bytes": traces.size_bytes,
                "stay": [str(path) for path in traces.stay],
            }
            for traces in found
        ],
        "receipt": str(receipt) if receipt else None,
    }


def _all(parts: Iterable[tuple[Path, ...]]) -> list[Path]:
    return [path for part in parts for path in part]


def _say(message: str) -> None:
    click.echo(printable(message), err=True)
