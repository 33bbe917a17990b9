"""Records both sides of a call and puts the recording into the queue; knows nothing of transcription."""

from capture_worker.capture import DualStreamCapture
from capture_worker.plan import Plan
from capture_worker.session import RecordingSession

__all__ = ["DualStreamCapture", "Plan", "RecordingSession"]
