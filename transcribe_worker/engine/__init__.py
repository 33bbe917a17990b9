"""The worker's side of the engine process; no native code."""
