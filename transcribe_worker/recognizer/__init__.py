"""The engine process, with the model; run as `python -m transcribe_worker.recognizer`."""
