"""The engine process: holds the model; run as `python -m transcribe_worker.recognizer`."""
