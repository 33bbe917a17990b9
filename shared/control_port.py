"""How a program reaches the capture worker of a home: file names, and the proofs that both sides exchange.

Neither side sends the token. Each sends a random nonce, and the HMAC-SHA256 (RFC 2104) of its own role and
both nonces under the token. So a program that has taken the port of a dead worker learns nothing.
"""

from __future__ import annotations

import hmac
import secrets

AUTHENTICATE = "authenticate"
SERVER, CLIENT = "server", "client"
SERVER_LOCK, SOCKET = "capture-server.lock", "control.sock"
#: Of a nonce, in characters.
SHORTEST_NONCE, LONGEST_NONCE = 16, 128


def new_token() -> str:
    """Make a secret of 256 bits."""
    return secrets.token_urlsafe(32)


def new_nonce() -> str:
    """Make a value that was never used before: 64 hexadecimal digits."""
    return secrets.token_hex(32)


def is_nonce(value: object) -> bool:
    """Whether a value may be a nonce: ASCII of 16 to 128 characters."""
    return isinstance(value, str) and value.isascii() and SHORTEST_NONCE <= len(value) <= LONGEST_NONCE


def proof(token: str, role: str, client_nonce: str, server_nonce: str) -> str:
    """Return the proof that a role knows the token, valid for these nonces alone: 64 hexadecimal digits."""
    said = f"{role} {client_nonce} {server_nonce}".encode()
    return hmac.digest(token.encode(), said, "sha256").hex()


def is_proof(given: object, expected: str) -> bool:
    """Compare a proof in constant time."""
    return hmac.compare_digest(str(given).encode(errors="replace"), expected.encode())
