"""The password with which a person signs in to the desk from another machine."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from base64 import b64decode, b64encode
from hashlib import scrypt

from offhook.desk.desk import Desk
from shared.errors import OffhookError

SHORTEST, LONGEST = 12, 1000
#: OWASP, "Password Storage": as strong as N = 2^17 with p = 1, in 8 MB instead of 128.
COST, BLOCK_SIZE, PARALLEL = 2**13, 8, 10
SALT_BYTES, KEY_BYTES = 16, 32
#: What scrypt may take: a stored hash with larger parameters is refused.
MOST_MEMORY_BYTES = 64 * 2**20


class TooManyGuesses(OffhookError):
    """Too many wrong secrets. Wait a minute."""

    code = "too_many"


class UnfitPassword(OffhookError):
    """A password has 12 to 1,000 characters."""

    code = "unfit_password"


def set_password(desk: Desk, password: str) -> None:
    """Keep the hash of a password; all browsers have to sign in again. Raises UnfitPassword."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UnfitPassword
    desk.store.access.keep_password(hashed(password))


def remove_password(desk: Desk) -> bool:
    """Remove the password; False if there is none. Whoever is signed in has to sign in again."""
    had_one = desk.store.access.password() is not None
    desk.store.access.keep_password(None)
    return had_one


def hashed(password: str) -> str:
    """Return a hash that can be stored: the function's name, its parameters, the salt and the key."""
    salt = secrets.token_bytes(SALT_BYTES)
    key = _key(password, salt, COST, BLOCK_SIZE, PARALLEL)
    parts = ("scrypt", COST, BLOCK_SIZE, PARALLEL, b64encode(salt).decode(), b64encode(key).decode())
    return "$".join(map(str, parts))


def is_right(password: str, stored: str) -> bool:
    """Whether a password is the one that was hashed; compared in constant time."""
    try:
        _, cost, block_size, parallel, salt, key = stored.split("$")
        right = b64decode(key)
        found = _key(password, b64decode(salt), int(cost), int(block_size), int(parallel))
    except ValueError:  # damaged
        return False
    return hmac.compare_digest(found, right)


def _key(password: str, salt: bytes, cost: int, block_size: int, parallel: int) -> bytes:
    """Return the key of a password; keyboards differ in how they compose letters, so it is normalised."""
    text = unicodedata.normalize("NFKC", password).encode(errors="replace")
    return scrypt(
        text, salt=salt, n=cost, r=block_size, p=parallel, maxmem=MOST_MEMORY_BYTES, dklen=KEY_BYTES
    )
