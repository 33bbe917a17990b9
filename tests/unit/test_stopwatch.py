"""What the log tells of the time that a recording took."""

from __future__ import annotations

from transcribe_worker.jobs.stopwatch import Stopwatch


def test_parts_are_named_in_order_and_add_up():
    moments = iter([10.0, 10.25, 11.25, 11.75])
    watch = Stopwatch(lambda: next(moments))
    watch.lap("claimed")
    watch.lap("decoded")
    watch.lap("claimed")

    assert str(watch) == "1.750 s: claimed 0.750, decoded 1.000"


def test_what_others_have_counted_is_told_apart():
    moments = iter([0.0, 1.0])
    watch = Stopwatch(lambda: next(moments))
    watch.lap("decoded")
    watch.note({"speech": 0.125, "model": 0.5})

    assert str(watch) == "1.000 s: decoded 1.000; of it speech 0.125, model 0.500"
