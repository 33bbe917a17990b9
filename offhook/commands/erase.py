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
from archive.erasing import Eraser, ErasurePlan
from archive.library import Library
from archive.removing import ErasureWaits
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import confirm, print_json, say, warn
from offhook.commands.wording import counted, short
from offhook.desk.desk import Desk
from shared.errors import RecordNotFound
from shared.store.records import FINISHED

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
        warn(f"There is nothing of {candidate_id}.")


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
        warn("No finished recording is that old.")


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
        if not self.dry_run:
            desk.make_room()
        self._library = Library(desk.settings, desk.store)
        self.eraser = Eraser(desk.settings, desk.store, self._library)

    def of_records(self, record_ids: Iterable[int]) -> list[ErasurePlan]:
        """Look for all there is of some recordings. Raises RecordNotFound."""
        try:
            return [self.eraser.of_record(self.desk.store.records.get(record_id)) for record_id in record_ids]
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
            found, receipt = self._mark(look, candidate_id)
            stuck = self._erase()
            is_out = self.eraser.remove_objects()
            scrubbed = self.eraser.scrub(SCRUB_SECONDS)
        self._report(found, receipt, finished=scrubbed and is_out and not stuck)
        if not is_out:
            warn("The storage cannot be used now. A worker deletes the recordings there as soon as it can.")
        if not scrubbed:
            warn(
                "The database is in use, or the disk has no room for a second copy of it. "
                "A worker removes what is left in the database as soon as it can."
            )
        if stuck:
            raise stuck[0]
        return len(found)

    def _mark(
        self, look: Callable[[], list[ErasurePlan]], candidate_id: str | None
    ) -> tuple[list[ErasurePlan], Path | None]:
        """Mark what is there by now, files having moved and states changed while somebody read the question.

        Nothing changes its state between the look and the mark; but the hashes of a receipt take their time.
        """
        found = look()
        receipt = self._receipt(candidate_id, found) if candidate_id is not None and found else None
        try:
            with self.desk.store.transaction():
                found = found if receipt else look()
                ids = [plan.record_id for plan in found if plan.record_id is not None]
                sessions = [plan.session_id for plan in found if plan.record_id is None]
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
            files=_all(plan.files for plan in found),
            objects=[it for plan in found for it in plan.objects],
            stay=len(_all(plan.stay for plan in found)),
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
                (warn if self.as_json else say)(f"Recording {record_id}: deleted")
        return stuck

    def _report(self, found: list[ErasurePlan], receipt: Path | None = None, finished: bool = False) -> None:
        if self.as_json:
            print_json(_view(found, receipt, self.dry_run, finished))
            return
        if self.dry_run and found:
            for plan in found:
                say(*_described(plan))
            say(f"{_counted(found)} would go. Nothing was deleted.")
        for path in _all(plan.stay for plan in found):
            warn(f"{short(str(path))} is your own file and stays.")
        if receipt:
            say(f"Receipt: {short(str(receipt))}")


def _ask(command: str, found: list[ErasurePlan]) -> None:
    listed = [f"  {path}" for path in _all(plan.files for plan in found)]
    listed += [line for plan in found for line in _stored(plan)]
    what = f'recording {found[0].record_id} "{found[0].title}" and its files'
    if len(found) > 1 or found[0].record_id is None:
        listed = [line for plan in found for line in _described(plan)]
        what = _counted(found)
    confirm(command, f"Delete {what}?", *listed, "")


def _described(plan: ErasurePlan) -> list[str]:
    head = f'Recording {plan.record_id or plan.session_id} "{plan.title}", {plan.status}'
    return [head, *(f"  {path}" for path in plan.files), *_stored(plan)]


def _stored(plan: ErasurePlan) -> list[str]:
    return [f"  {it.size_bytes / 1e6:,.1f} MB in the storage" for it in plan.objects]


def _counted(found: list[ErasurePlan]) -> str:
    files = _all(plan.files for plan in found)
    megabytes = sum(plan.size_bytes for plan in found) / 1e6
    return f"{counted(len(found), 'recording')} with {counted(len(files), 'file')}, {megabytes:,.1f} MB"


def _view(found: list[ErasurePlan], receipt: Path | None, dry_run: bool, finished: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "finished": finished,
        "recordings": [
            {
                "id": plan.record_id,
                "session_id": plan.session_id,
                "title": plan.title,
                "status": plan.status,
                "files": [str(path) for path in plan.files],
                "size_bytes": plan.size_bytes,
                "stay": [str(path) for path in plan.stay],
            }
            for plan in found
        ],
        "receipt": str(receipt) if receipt else None,
    }


def _all(parts: Iterable[tuple[Path, ...]]) -> list[Path]:
    return [path for part in parts for path in part]
