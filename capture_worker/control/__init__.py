"""The capture protocol over a socket and over stdio."""
