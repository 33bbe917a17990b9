"""The passwords of people: Argon2id by argon2-cffi, which comes with the extra `team`."""

from __future__ import annotations

import secrets
import sys
import unicodedata
from functools import cache
from typing import Any

from offhook.desk.password import LONGEST, UnfitPassword
from shared.errors import OffhookError

SHORTEST = 10
#: Bits of a generated password: 96, in 16 characters.
GENERATED_BYTES = 12


class AccountsUnavailable(OffhookError):
    """Accounts need the package argon2-cffi, which is not installed."""

    code = "accounts_unavailable"


def hashed(name: str, password: str) -> str:
    """Return the hash of a person's new password. Raises UnfitPassword, AccountsUnavailable."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UnfitPassword(f"A person's password has {SHORTEST} to {LONGEST:,} characters.")
    if name in password.casefold() or password.casefold() in name:
        raise UnfitPassword("A password must not have the person's name in it.")
    return str(_hasher().hash(_plain(password)))


def generated() -> str:
    """Return a password that nobody guesses."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def is_right(password: str, stored: str | None) -> bool:
    """Whether a password is the one that was hashed; without a hash it takes as long to say no."""
    if len(password) > LONGEST:
        return False
    hasher = _hasher()
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        hasher.verify(stored or _nobodys(), _plain(password))
    except (VerificationError, InvalidHashError):  # wrong, or damaged
        return False
    return stored is not None


def hashed_again(password: str, stored: str) -> str | None:
    """Return a new hash of a right password if today's parameters are others than those of `stored`."""
    hasher = _hasher()
    return str(hasher.hash(_plain(password))) if hasher.check_needs_rehash(stored) else None


@cache
def _hasher() -> Any:
    """Return the hasher: RFC 9106's second choice, 64 MiB and three passes. Raises AccountsUnavailable."""
    try:
        from argon2 import PasswordHasher, profiles
    except ImportError as error:
        raise AccountsUnavailable(
            "Accounts need the package argon2-cffi, which is not installed. "
            f'Install it: "{sys.executable}" -m pip install argon2-cffi'
        ) from error
    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


@cache
def _nobodys() -> str:
    """Return the hash of a password that nobody has."""
    return str(_hasher().hash(secrets.token_urlsafe()))


def _plain(password: str) -> bytes:
    """Return what is hashed; keyboards differ in how they compose letters."""
    return unicodedata.normalize("NFKC", password).encode(errors="replace")
