"""A home with a server's database: what its commands say of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from shared.settings import Settings
from shared.store.store import Store
from tests.stage import ROOT

WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from shared.errors import SettingsError
from shared.store.store import Store
try:
    Store.open("postgresql://ada:s3cret@host/offhook")
except SettingsError as error:
    print(error)
"""


def offhook(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OFFHOOK_HOME": str(settings.home), "OFFHOOK_DATABASE": settings.database}
    command = [sys.executable, "-m", "offhook", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_commands_work_on_the_records_of_the_server_and_show_no_password(
    store: Store, settings: Settings
) -> None:
    secret = Settings(home=settings.home, database=settings.database.replace("offhook@", "offhook:s3cret@"))
    store.records.add(source="added", title="Interview", recording_path="/calls/1.wav")

    listed, config, found = (
        offhook(secret, *arguments)
        for arguments in (("list", "--json"), ("config", "--json"), ("doctor", "--json"))
    )

    assert [it["title"] for it in json.loads(listed.stdout)["records"]] == ["Interview"]
    assert "offhook:***@" in json.loads(config.stdout)["settings"]["database"]["value"]
    assert "s3cret" not in listed.stdout + config.stdout + config.stderr + found.stdout + found.stderr
    assert not settings.database_file.exists()


def test_without_the_driver_the_remedy_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRIVER], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert "pip install offhook[team]" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
