"""macOS: a launch agent. Written to Apple's documentation and not tried on a real Mac."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path

from offhook.desk.autostart.job import Job, Run, Status, must, write

LABEL = "offhook"


def switch_on(job: Job, run: Run) -> Status:
    """Start offhook now and at every login. Raises AutostartFailed."""
    write(_agent(), agent(job))
    run(("launchctl", "bootout", f"{_domain()}/{LABEL}"))  # an older one
    must(run, "launchctl", "bootstrap", _domain(), str(_agent()))
    return status(run)


def switch_off(run: Run) -> None:
    """Stop offhook if launchd runs it, and remove the agent."""
    if _agent().exists():
        run(("launchctl", "bootout", f"{_domain()}/{LABEL}"))
        _agent().unlink(missing_ok=True)


def status(run: Run) -> Status:
    """Say whether offhook starts at login."""
    return Status(True, "launchd", str(_agent())) if _agent().exists() else Status(False, "", "")


def agent(job: Job) -> bytes:
    """Return the property list of the agent; it is started again after a failure only."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(job.command),
            "WorkingDirectory": str(job.folder),
            "EnvironmentVariables": {"OFFHOOK_HOME": str(job.home)},
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
        }
    )


def _agent() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"


def _domain() -> str:
    if sys.platform == "win32":
        raise OSError("Windows has no launchd")
    return f"gui/{os.getuid()}"
