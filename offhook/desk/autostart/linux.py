"""Linux: a systemd user unit, or a desktop entry in the session's autostart folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from offhook.desk.autostart.job import Job, Run, Status, must, write

UNIT = "offhook.service"
SYSTEMCTL = ("systemctl", "--user")


def switch_on(job: Job, run: Run) -> Status:
    """Start offhook at every login, with systemd now as well. Raises AutostartFailed."""
    if _runs_systemd(run):
        write(_unit(), unit(job).encode())
        must(run, *SYSTEMCTL, "daemon-reload")
        must(run, *SYSTEMCTL, "enable", "--now", UNIT)
        _entry().unlink(missing_ok=True)
    else:
        write(_entry(), entry(job).encode())
    return status(run)


def switch_off(run: Run) -> None:
    """Remove everything that `switch_on` has made; a unit that runs is stopped."""
    _entry().unlink(missing_ok=True)
    if not (_unit().exists() or _wanted().is_symlink()):
        return
    run((*SYSTEMCTL, "disable", "--now", UNIT))
    _unit().unlink(missing_ok=True)
    _wanted().unlink(missing_ok=True)  # where no systemd answers
    run((*SYSTEMCTL, "daemon-reload"))


def status(run: Run) -> Status:
    """Say whether and how offhook starts at login."""
    if _unit().exists():
        return Status(run((*SYSTEMCTL, "is-enabled", UNIT)).code == 0, "systemd", str(_unit()))
    if _entry().exists():
        return Status(True, "desktop session", str(_entry()))
    return Status(False, "", "")


def unit(job: Job) -> str:
    """Return the systemd unit; only start.py is signalled, and stops its workers itself.

    `env` finds the program, since systemd takes no executable with a quote in its path.
    """
    command = " ".join(_in_unit(word).replace("$", "$$") for word in job.command)
    folder = str(job.folder).replace("%", "%%")
    return f"""[Unit]
Description=offhook records calls and transcribes them

[Service]
ExecStart=/usr/bin/env {command}
WorkingDirectory={folder}
Environment={_in_unit(f"OFFHOOK_HOME={job.home}")}
Restart=on-failure
RestartSec=10
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=default.target
"""


def entry(job: Job) -> str:
    """Return the desktop entry, after the Desktop Entry Specification 1.5."""
    words = ("env", f"OFFHOOK_HOME={job.home}", *job.command)
    command = " ".join(_in_entry(word) for word in words)
    folder = str(job.folder).replace("\\", "\\\\")
    return f"[Desktop Entry]\nType=Application\nName=offhook\nExec={command}\nPath={folder}\nTerminal=false\n"


def _in_unit(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _in_entry(word: str) -> str:
    quoted = '"' + re.sub(r'([\\"`$])', r"\\\1", word).replace("%", "%%") + '"'
    return quoted.replace("\\", "\\\\")  # the value of a key is escaped once more


def _config() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _unit() -> Path:
    return _config() / "systemd" / "user" / UNIT


def _wanted() -> Path:
    return _unit().parent / "default.target.wants" / UNIT


def _entry() -> Path:
    return _config() / "autostart" / "offhook.desktop"


def _runs_systemd(run: Run) -> bool:
    return run((*SYSTEMCTL, "show-environment")).code == 0
