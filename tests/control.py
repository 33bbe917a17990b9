"""A client's first steps with the capture worker, by hand: connect, and prove the token."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from shared import control_port
from shared.control_port import CLIENT, SERVER


def described(control: Path) -> dict[str, Any]:
    """What control.json says."""
    found: dict[str, Any] = json.loads(control.read_text())
    return found


def connect(control: Path, timeout_seconds: float) -> socket.socket:
    """Connect to a capture worker, and say nothing."""
    found = described(control)
    if "port" in found:
        return socket.create_connection(("127.0.0.1", found["port"]), timeout_seconds)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_seconds)
    connection.connect(found["socket"])
    return connection


def first_request() -> dict[str, Any]:
    """The parameters of the first request."""
    return {"nonce": control_port.new_nonce()}


def second_request(control: Path, first: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the second request, once the worker has proved itself."""
    token, nonces = described(control)["token"], (first["nonce"], answered["nonce"])
    assert answered["proof"] == control_port.proof(token, SERVER, *nonces)
    return {"proof": control_port.proof(token, CLIENT, *nonces)}
