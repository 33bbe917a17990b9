"""The desk in a browser, and the same for programs: one server, on this machine alone."""
