"""Windows: a task of the Task Scheduler, run when its owner logs on. Not tried on a real Windows machine.

The task is given as XML: `schtasks /SC ONLOGON` alone asks for every user's logon, which takes admin rights.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from offhook.desk.autostart.job import Job, Run, Status, must

TASK = "offhook"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def switch_on(job: Job, run: Run) -> Status:
    """Start offhook at every logon of this user. Raises AutostartFailed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "offhook.xml")
        path.write_bytes(task(job, _user()).encode("utf-16"))
        must(run, "schtasks", "/Create", "/TN", TASK, "/XML", str(path), "/F")
    return status(run)


def switch_off(run: Run) -> None:
    """Delete the task. Raises AutostartFailed."""
    if status(run).enabled:
        must(run, "schtasks", "/Delete", "/TN", TASK, "/F")


def status(run: Run) -> Status:
    """Say whether the task is there."""
    enabled = run(("schtasks", "/Query", "/TN", TASK)).code == 0
    return Status(True, "Task Scheduler", "") if enabled else Status(False, "", "")


def task(job: Job, user: str) -> str:
    """Return the task as XML; the defaults end a task after three days and on battery."""
    command = " ".join(f'"{word}"' for word in job.command)
    arguments = f'/d /s /c "set "OFFHOOK_HOME={job.home}" && {command}"'
    text = f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="{NAMESPACE}">
  <Triggers><LogonTrigger><UserId>{escape(user)}</UserId></LogonTrigger></Triggers>
  <Principals><Principal id="user">
    <UserId>{escape(user)}</UserId>
    <LogonType>InteractiveToken</LogonType>
    <RunLevel>LeastPrivilege</RunLevel>
  </Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
  </Settings>
  <Actions Context="user"><Exec>
    <Command>cmd.exe</Command>
    <Arguments>{escape(arguments)}</Arguments>
    <WorkingDirectory>{escape(str(job.folder))}</WorkingDirectory>
  </Exec></Actions>
</Task>
"""
    ElementTree.fromstring(text.split("\n", 1)[1])  # a task that is not XML is a fault here
    return text


def _user() -> str:
    domain, name = os.environ.get("USERDOMAIN"), os.environ.get("USERNAME", "")
    return f"{domain}\\{name}" if domain else name
