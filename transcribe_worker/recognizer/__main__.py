"""Runs an engine: `python -m transcribe_worker.recognizer`."""

from transcribe_worker.recognizer.process import main

if __name__ == "__main__":
    main()
