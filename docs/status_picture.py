"""Takes the picture of `offhook status` for the README: `python -m docs.status_picture`.

Real processes transcribe synthesised calls in a home of their own; rich draws what a terminal shows.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import time
from pathlib import Path

from rich.console import Console

from offhook.commands.status import render
from offhook.desk.desk import Desk
from offhook.desk.overview import overview
from tests.stage import Stage
from tests.voices import LONG_CALL, SHORT_CALL, speak, write_wav

PICTURE = Path(__file__).with_name("status.svg")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        sound = Path(folder, "sound.wav")
        write_wav(sound, speak(LONG_CALL, seed=1).samples)
        sides = tuple((f"OFFHOOK_{side}", f"replay:{sound}") for side in ("MICROPHONE", "LOOPBACK"))
        stage = Stage(Path(folder, "Offhook"), sides)
        with (
            stage.process("capture_worker"),
            stage.process("transcribe_worker"),
            stage.process("transcribe_worker.inbox"),
        ):
            stage.wait_for((stage.home / "control.json").exists, "the capture worker")
            stage.offhook("record", "start", "--title", "Call with Mr. Sato")
            for number, title in enumerate(("Call with Ms. Weber", "Reference Mr. Olsen")):
                stage.drop_call(speak(SHORT_CALL, seed=number), f"{title}.wav")
                stage.finished(title)
            (stage.inbox / "Voice memo.wav").write_bytes(b"Dear Sir or Madam,\nthis is no recording.\n")
            stage.finished("Voice memo")
            stage.drop_call(speak(LONG_CALL), "Interview Mr. Okafor.wav")
            stage.drop_call(speak(SHORT_CALL, seed=9), "Call back.wav")
            while not any(running["progress"] > 0.4 for running in stage.read("status")["running"]):
                time.sleep(0.1)
            with Desk({"home": stage.home}) as desk:
                draw(desk)


def draw(desk: Desk) -> None:
    """Draw the status of a home."""
    console = Console(record=True, width=94, file=io.StringIO(), force_terminal=True)
    console.print(render(overview(desk)))
    picture = console.export_svg(title="offhook status")
    PICTURE.write_text(
        re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL), "utf-8"
    )  # fonts of the web


if __name__ == "__main__":
    main()
