"""Records both sides of a call; knows nothing of what becomes of the recording."""

from capture_worker.capture import DualStreamCapture
from capture_worker.session import RecordingSession

__all__ = ["DualStreamCapture", "RecordingSession"]
