"""What the desk's pages weigh: they are plain modules without a build step, so each line is sent."""

from __future__ import annotations

import gzip

from offhook.web.assets import FOLDER

#: Goal for the scripts of all pages together.
MOST_BYTES = 100_000


def test_the_scripts_of_all_pages_stay_within_their_goal():
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in FOLDER.rglob("*.js")}
    assert sum(sizes.values()) <= MOST_BYTES, sizes
