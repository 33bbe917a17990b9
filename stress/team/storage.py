"""The storage of a campaign: a shared folder, or an S3 server of its own that is killed and started again.

The server is OpenStack Swift with its S3 interface (`tests/swift_node.py`), run by the system's Python.
"""

from __future__ import annotations

import hashlib
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stress.programs import Program
from stress.team.network import Address, free_port
from tests.stage import ROOT
from tests.waiting import until

FOLDER, S3 = "folder", "s3"
SYSTEM_PYTHON = "/usr/bin/python3"
BUCKET, PREFIX = "calls", "team"
KEY, SECRET = "test:tester", "testing"
READY_SECONDS = 60.0


class Objects(ABC):
    """Where the objects are. `program` and `address` are those of a server, None for a shared folder."""

    program: Program | None = None
    address: Address | None = None
    environment: Mapping[str, str] = MappingProxyType({})  # of whoever uses it

    @abstractmethod
    def setting(self, address: Address | None) -> str:
        """Return the setting `storage` of a machine that reaches the server by this address."""

    @abstractmethod
    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of everything that lies there by its key."""


class Folder(Objects):
    """A folder that all machines share."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir()

    def setting(self, address: Address | None) -> str:
        """Return the folder."""
        return str(self._place)

    def hashes(self) -> dict[str, str]:
        """Read every file."""
        found = sorted(path for path in self._place.rglob("*") if path.is_file())
        return {str(path.relative_to(self._place)): _hash(path.read_bytes()) for path in found}


class Server(Objects):
    """An S3 server of its own."""

    def __init__(self, place: Path, logs: Path) -> None:
        place.mkdir()
        self.environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        self.address = Address("127.0.0.1", free_port())
        command = [SYSTEM_PYTHON, str(ROOT / "tests" / "swift_node.py"), str(place), str(self.address.port)]
        self.program = Program("storage", command, os.environ, logs / "storage.log")
        self.program.start()
        until(self._answers, "the S3 server", READY_SECONDS)
        self._client().create_bucket(Bucket=BUCKET)

    def setting(self, address: Address | None) -> str:
        """Return the URL of the bucket."""
        return f"s3://{BUCKET}/{PREFIX}?endpoint=http://{address}&region=us-east-1"

    def hashes(self) -> dict[str, str]:
        """Fetch every object."""
        client, found = self._client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for it in page.get("Contents", []):
                content = client.get_object(Bucket=BUCKET, Key=it["Key"])["Body"].read()
                found[it["Key"].removeprefix(f"{PREFIX}/")] = _hash(content)
        return found

    def _client(self) -> Any:
        import boto3

        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=f"http://{self.address}", **keys)

    def _answers(self) -> bool:
        assert self.address
        with suppress(OSError), socket.create_connection((self.address.host, self.address.port), 1):
            return True
        return False


@contextmanager
def objects_in(folder: Path, kind: str, logs: Path) -> Iterator[Objects]:
    """Make a storage, and end its server."""
    place = folder / "objects"
    made: Objects = Server(place, logs) if kind == S3 else Folder(place)
    try:
        yield made
    finally:
        if made.program and made.program.process:
            made.program.process.kill()
            made.program.process.wait()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
