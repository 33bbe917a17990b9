"""Takes recordings that are dropped into the inbox; run as `python -m transcribe_worker.inbox`."""
