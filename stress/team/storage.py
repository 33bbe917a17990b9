"""The storage of a campaign: a shared folder, or an S3 server of its own that is killed and started again."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from stress.team.network import Address
from tests import s3

FOLDER, S3 = "folder", "s3"
BUCKET, PREFIX = "calls", "team/"
#: By which a machine knows the storage again.
MARK = ".offhook-storage"


class Objects(ABC):
    """Where the objects are. `address` is that of a server, None for a shared folder."""

    address: Address | None = None
    environment: Mapping[str, str] = MappingProxyType({})  # of whoever uses it

    @abstractmethod
    def setting(self, address: Address | None) -> str:
        """Return the setting `storage` of a machine that reaches the server by this address."""

    @abstractmethod
    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of everything that lies there by its key."""

    @abstractmethod
    def end_at_once(self) -> bool:
        """Kill the server, and start it again; False if there is none."""


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
        found = sorted(path for path in self._place.rglob("*") if path.is_file() and path.name != MARK)
        return {str(path.relative_to(self._place)): _hash(path.read_bytes()) for path in found}

    def end_at_once(self) -> bool:
        """Return False: there is no server."""
        return False


class Bucket(Objects):
    """A bucket of an S3 server."""

    environment = MappingProxyType(s3.ENVIRONMENT)

    def __init__(self, server: s3.S3Server) -> None:
        self._server = server
        server.make_bucket(BUCKET)
        self.address = Address("127.0.0.1", server.port)

    def setting(self, address: Address | None) -> str:
        """Return the URL of the bucket."""
        return f"s3://{BUCKET}/{PREFIX}?endpoint=http://{address}&region=us-east-1"

    def hashes(self) -> dict[str, str]:
        """Fetch every object."""
        client, found = self._server.client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for key in [it["Key"] for it in page.get("Contents", [])]:
                content = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                found[key.removeprefix(PREFIX)] = _hash(content)
        return found

    def end_at_once(self) -> bool:
        """Kill the server, and start it again."""
        self._server.kill()
        self._server.start()
        return True


@contextmanager
def objects_in(folder: Path, kind: str) -> Iterator[Objects]:
    """Make a storage, and end its server."""
    place = folder / "objects"
    if kind == FOLDER:
        yield Folder(place)
        return
    with s3.server(place) as server:
        yield Bucket(server)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
