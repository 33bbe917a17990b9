"""Runs an engine: `python -m transcribe_worker.recognizer`."""

from shared.privacy import forbid_core_dumps, stop_telemetry

if __name__ == "__main__":
    forbid_core_dumps()
    stop_telemetry()  # before the libraries are imported
    from transcribe_worker.recognizer.process import main

    main()
