"""An engine of another version: offhook was updated while its worker runs."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from shared.errors import EngineUnusable
from shared.settings import RecordOptions
from tests.conftest import skip_or_fail
from transcribe_worker.engine.messages import Done, Job, Load
from transcribe_worker.engine.setup import Wishes
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.model_files import bundled_folder

#: An engine whose every line is changed before it is sent.
OTHER = """
import json, runpy
from transcribe_worker.engine import messages
encode = messages.encode

def as_another_version(message):
    found = json.loads(encode(message))
    {change}
    return "".join(json.dumps(line) + "\\n" for line in lines)

messages.encode = as_another_version
runpy.run_module("transcribe_worker.recognizer", run_name="__main__")
"""
LATER = (
    'lines = [{"protocol": found["protocol"], "type": "mood", "good": True}, found | {"mood": {"good": [1]}}]'
)
MAJOR = 'lines = [found | {"protocol": 99}]'
GARBAGE = 'lines = ["not a message"]'


def engine(change: str) -> Engine:
    return Engine([sys.executable, "-c", OTHER.replace("{change}", change)], silence_seconds=30)


@pytest.fixture
def model() -> Load:
    folder = bundled_folder()
    if folder is None:
        skip_or_fail("the model tiny.en is not installed")
    return Load("tiny.en", folder, Wishes("cpu", "int8"))


def nothing() -> None:
    """A heartbeat that lets the work go on."""


def test_an_engine_of_a_later_version_that_says_more_still_works(model: Load, short_wav: Path) -> None:
    with closing(engine(LATER)) as later:
        later.load(model)
        events = list(later.transcribe(Job(short_wav, RecordOptions()), nothing))
    assert isinstance(events[-1], Done)


def test_an_engine_that_speaks_another_protocol_is_refused_with_what_to_do(model: Load) -> None:
    with closing(engine(MAJOR)) as other:
        with pytest.raises(EngineUnusable, match=r"version 99 of .* Stop the worker and start it again"):
            other.load(model)
        assert other.pid is None


def test_an_engine_that_sends_garbage_is_refused_with_what_it_sent(model: Load) -> None:
    with closing(engine(GARBAGE)) as other:
        with pytest.raises(EngineUnusable, match="not a message"):
            other.load(model)
