"""What is left of calls that workstations have sent is removed on a machine without a worker, too."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from archive.incoming import folder_of
from offhook.desk.desk import Desk
from offhook.desk.left_calls import remove_left_calls
from shared import home
from tests.waiting import until


def test_a_web_server_removes_parts_that_belong_to_no_call_after_an_hour(tmp_path: Path) -> None:
    stopping = threading.Event()
    with Desk({"home": str(tmp_path / "home")}) as desk:
        home.prepare(desk.settings)
        old, fresh = (folder_of(desk.settings) / f"{name * 36}-{'0' * 16}.part" for name in "ab")
        for path in (old, fresh):
            path.write_bytes(b"part")
        two_hours_ago = time.time() - 7_200
        os.utime(old, (two_hours_ago, two_hours_ago))
        thread = threading.Thread(target=remove_left_calls, args=(desk, stopping, 0.02))
        thread.start()
        try:
            until(lambda: not old.exists(), "the part is removed")
        finally:
            stopping.set()
            thread.join()
        assert fresh.exists()
