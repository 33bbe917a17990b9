"""A real server with the S3 protocol for tests: OpenStack Swift in one process, on a port of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.swift_node import KEY, SECRET

#: Debian's Python, for which its packages are installed.
PYTHON = Path("/usr/bin/python3")
NODE = Path(__file__).with_name("swift_node.py")
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def missing() -> str | None:
    """Return why there can be no server, None if there can."""
    if sys.platform == "win32" or not PYTHON.exists():
        return "the server for tests is Debian's"
    if subprocess.run([PYTHON, "-c", "import swift"], capture_output=True).returncode:
        return "no OpenStack Swift is installed (Debian's package python3-swift)"
    return None


class S3Server:
    """A server with a folder of its own; it can be killed, and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(PYTHON), str(NODE), str(self.folder), str(self.port)]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={"PATH": "/usr/bin:/bin"}
            )
        assert self._process.stdout
        said = self._process.stdout.readline().strip()
        assert said, (self.folder / "log").read_text()
        self.port = int(said)

    def kill(self) -> None:
        """End it without warning."""
        if self._process:
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None

    def url(self, bucket: str, port: int = 0) -> str:
        """Return the setting that names a bucket here, or behind another port."""
        return f"s3://{bucket}/team?endpoint=http://127.0.0.1:{port or self.port}&region=us-east-1"

    def make_bucket(self, bucket: str, *, versioned: bool = False) -> str:
        """Make a bucket; return the setting that names it."""
        client = self.client()
        client.create_bucket(Bucket=bucket)
        if versioned:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return self.url(bucket)

    def versions(self, bucket: str) -> list[str]:
        """Return the keys of all versions in a bucket, of marks of deletions too."""
        found: Mapping[str, Any] = self.client().list_object_versions(Bucket=bucket)
        return [it["Key"] for it in (*found.get("Versions", ()), *found.get("DeleteMarkers", ()))]

    def client(self) -> Any:
        """Return a client of boto3, as somebody else's program would have."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )


@contextmanager
def server(folder: Path) -> Iterator[S3Server]:
    """Run a server."""
    found = S3Server(folder)
    found.start()
    try:
        yield found
    finally:
        found.kill()
