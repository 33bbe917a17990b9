"""The `offhook` command: one table of commands, each loaded when it is called."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import click

from offhook.commands.printing import make_printable, require_output, warn, warn_text
from offhook.desk.desk import Desk
from shared import streams
from shared.errors import OffhookError, StoreDamaged, StoreReadOnly, in_words
from shared.home import keep_private
from shared.privacy import stop_telemetry

#: Command -> where it lives. A command's libraries are loaded with it, so `status` answers at once.
COMMANDS = {
    "add": "offhook.commands.queue:add",
    "attach": "offhook.commands.record:attach",
    "audit": "offhook.commands.audit:audit",
    "autostart": "offhook.commands.autostart:autostart",
    "backup": "offhook.commands.backup:backup",
    "cancel": "offhook.commands.queue:cancel",
    "config": "offhook.commands.config:config",
    "delete": "offhook.commands.erase:delete",
    "devices": "offhook.commands.devices:devices",
    "doctor": "offhook.commands.doctor:doctor",
    "edit": "offhook.commands.edit:edit",
    "export": "offhook.commands.transcripts:export",
    "hooks": "offhook.commands.hooks:hooks",
    "join": "offhook.commands.outbox:join",
    "leave": "offhook.commands.outbox:leave",
    "list": "offhook.commands.listing:list_records",
    "machines": "offhook.commands.machines:machines",
    "migrate-to": "offhook.commands.migrate:migrate_to",
    "models": "offhook.commands.models:models",
    "note": "offhook.commands.note:note",
    "open": "offhook.commands.open:open_desk",
    "outbox": "offhook.commands.outbox:outbox",
    "password": "offhook.commands.password:password",
    "pause": "offhook.commands.queue:pause",
    "person": "offhook.commands.person:person",
    "prune": "offhook.commands.erase:prune",
    "rebuild": "offhook.commands.rebuild:rebuild",
    "record": "offhook.commands.record:record",
    "relabel": "offhook.commands.relabel:relabel",
    "replace": "offhook.commands.replace:replace",
    "restore": "offhook.commands.backup:restore",
    "resume": "offhook.commands.queue:resume",
    "retry": "offhook.commands.queue:retry",
    "search": "offhook.commands.search:search",
    "show": "offhook.commands.transcripts:show",
    "speaker": "offhook.commands.speaker:speaker",
    "status": "offhook.commands.status:status",
    "token": "offhook.commands.token:token",
    "transcribe": "offhook.commands.transcribe:transcribe",
    "verify-storage": "offhook.commands.verify_storage:verify_storage",
}


class LazyGroup(click.Group):
    """A group that imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Raises OutputLost if its output could not be written."""
        try:
            super().invoke(ctx)
        except click.exceptions.Exit as ending:
            code = ending.exit_code
        except StoreReadOnly as error:  # the disk may be full, which SQLite says only to those that write
            raise ctx.obj.read_only or error from error
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            if damage := ctx.obj.damaged_values():
                raise StoreDamaged(_damage(ctx.obj.settings.database_file, damage)) from error
            raise
        else:
            code = 0
        require_output()
        ctx.exit(code)


def _damage(database: Path, found: list[str]) -> str:
    more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
    return (
        f"{database} has values that offhook did not write: {found[0]}{more}. "
        "Delete that recording, or restore a backup; `offhook doctor` lists them all."
    )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", metavar="FOLDER", help="Folder with all data (default: OFFHOOK_HOME or ~/Offhook).")
@click.version_option(package_name="offhook")
@click.pass_context
def offhook(ctx: click.Context, home: str | None) -> None:
    """Turn recordings of calls into transcripts, on this machine."""
    ctx.obj = ctx.with_resource(Desk({"home": home}))


def main(arguments: list[str] | None = None) -> None:
    """Run a command; errors become a message on stderr and exit code 1."""
    streams.complete()
    keep_private()
    stop_telemetry()
    make_printable()
    logging.getLogger().addHandler(logging.NullHandler())  # what a person is to know is printed, not logged
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    """Run a command and return its exit code."""
    try:
        return offhook.main(arguments, prog_name="offhook", standalone_mode=False) or 0
    except click.ClickException as error:
        warn_text(_usage(error))
        return error.exit_code
    except click.Abort:
        warn("", "Aborted!")
    except OffhookError as error:
        warn_text(f"offhook: {error}")
    except OSError as error:
        warn_text(f"offhook: {in_words(error)}.")
    except UnicodeEncodeError:
        warn("offhook: An argument is not valid text.")
    except Exception as error:
        warn_text(f"offhook: {_as_fault(error)}")
    return 1


def _usage(error: click.ClickException) -> str:
    """Return what click says of a wrong call."""
    said = io.StringIO()
    error.show(said)
    return said.getvalue().rstrip("\n")


def _as_fault(error: Exception) -> str:
    """Describe a fault of offhook's own; its traceback goes to a file, for those who mend it."""
    said = f"This is a fault in offhook itself ({type(error).__name__}: {in_words(error)})."
    with contextlib.suppress(OSError):
        handle, report = tempfile.mkstemp(prefix="offhook-fault-", suffix=".txt", text=True)
        os.close(handle)
        Path(report).write_text("".join(traceback.format_exception(error)), "utf-8")
        return f"{said} Details are in {report}."
    return said
