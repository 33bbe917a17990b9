"""A server that is killed while it stores a text has stored it whole, or still has it as a draft."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from offhook.desk import drafts, reading
from offhook.desk.desk import Desk
from tests.integration.commands.spoken import spoken
from tests.stage import ROOT
from tests.tables import execute

CHANGES = """
import sys
from offhook.desk import passage_edits, reading
from offhook.desk.desk import Desk
from tests.deaths import die_before_statement

desk = Desk({"home": sys.argv[1]})
passage = reading.window(desk, 1, 1, 1).passages[0]
text = "Hello Max, Ada Lovelace here, good evening"
wanted = passage_edits.Wording(5, passage.last_word, text, passage.version)

die_before_statement(int(sys.argv[2]))
passage_edits.edit(desk, 1, wanted)
"""
NEW = "Hello Max, Ada Lovelace here, good evening"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_death_before_any_statement_of_a_change_loses_no_text(desk: Desk) -> None:
    spoken(desk.settings, desk.store)
    before = reading.window(desk, 1, 1, 1).passages[0]
    drafts.put(desk, 1, 5, NEW, before.version)
    for deaths in range(100):
        command = [sys.executable, "-c", CHANGES, str(desk.settings.home), str(deaths)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        (now,) = reading.window(desk, 1, 1, 1).passages
        execute("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert (now.text, now.draft, desk.store.edits.of_record(1)) == (before.text, NEW, [])
    assert deaths >= 6
    assert (now.text, now.draft) == (NEW, None)
