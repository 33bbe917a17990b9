"""Commands called inside this process, and records in each state for them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offhook.cli import main
from shared.store.claims import Claim, Failure
from shared.store.store import Store
from tests.stage import Stage
from tests.tables import said

FAULT = "fault in offhook itself"


@dataclass(frozen=True)
class Done:
    """How a command went."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as strict JSON."""
        return json.loads(self.out, parse_constant=_no_json)


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@dataclass(frozen=True)
class Cli:
    """The command line of one home, in this process."""

    home: Path

    def __call__(self, *arguments: object) -> Done:
        """Run a command. No traceback may reach a person, and no mistake of theirs is a fault of ours."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
        code: Any = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main(["--home", str(self.home), *map(str, arguments)])
            except SystemExit as ending:
                code = ending.code
        done = Done(code or 0, *(_content(stream) for stream in (out, err)))
        assert "Traceback" not in done.err
        assert FAULT not in done.err, done.err
        return done

    def record(self, record_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self("show", record_id, "--json").json
        return found

    def records(self, *arguments: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("list", "--json", *arguments).json["records"]
        return found


def in_a_process(stage: Stage) -> Callable[..., Done]:
    """Commands in processes of their own: how deep a value may be nested depends on the whole stack."""

    def offhook(*arguments: object) -> Done:
        told = stage.offhook(*map(str, arguments), timeout=30)
        return Done(told.returncode, told.stdout, told.stderr)

    return offhook


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer: Any = stream.buffer
    return str(buffer.getvalue().decode("utf-8"))


def claimed(store: Store, title: str, **columns: Any) -> Claim:
    """A recording that a worker holds."""
    record = store.records.add(source="added", title=title, recording_path=f"/{title}.wav", **columns)
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim is not None
    return claim


def completed(store: Store, title: str, *texts: str, **columns: Any) -> int:
    """A recording with a transcript."""
    claim = claimed(store, title, **columns)
    rows = [{"start_seconds": 3661.5 + n, "end_seconds": 3662.25 + n, "text": t} for n, t in enumerate(texts)]
    return int(store.claims.complete(claim, said(rows), duration_seconds=4000.0, language="en").id)


def failed(store: Store, title: str) -> int:
    """A recording that was given up."""
    failure = Failure("empty_file", f"{title}.wav is empty (0 bytes).")
    return int(store.claims.fail(claimed(store, title), failure).id)


def one_in_each_state(store: Store) -> dict[str, int]:
    """Ids of a completed, a failed, a cancelled, a processing and a queued recording."""
    found = {
        "completed": completed(store, "completed", "Good morning."),
        "failed": failed(store, "failed"),
    }
    found["cancelled"] = store.records.cancel(claimed(store, "cancelled").record.id).id
    found["processing"] = claimed(store, "processing").record.id
    found["queued"] = store.records.add(source="added", title="queued", recording_path="/queued.wav").id
    return found
