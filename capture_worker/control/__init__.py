"""The capture protocol and who speaks it: the socket, stdio and their clients."""
