"""A storage in a bucket of Amazon S3, or of any server that speaks its protocol.

boto3 signs, retries and speaks HTTP. A recording is there once its put or the end of its multipart upload is
confirmed: nobody sees a part of it. A request is signed with the hash of its body, so the server refuses a
part that has changed on its way. The hash of the whole is kept beside it.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from archive.storage.errors import StorageAway, StorageRefused
from archive.storage.keys import checked, checked_prefix
from archive.storage.s3_clock import ServerClock
from archive.storage.s3_errors import translated
from archive.storage.s3_url import S3Url
from archive.storage.storage import nothing
from shared.errors import ExtraMissing, RecordingChanged, RecordingMissing
from shared.files import open_regular

#: A copy within the storage is one request up to this size.
LARGEST_COPY_BYTES = 5 << 30
#: The smallest part of a multipart upload is 5 MiB, and there are 10,000 at most.
PART_BYTES = 8 << 20
MOST_PARTS = 9_000
CONNECT_SECONDS, ANSWER_SECONDS = 5, 15
ATTEMPTS = 3
HASH = "sha256"


class S3Storage:
    """The recordings in one bucket, whose keys there begin with a prefix."""

    def __init__(self, where: S3Url) -> None:
        self._where, self._bucket = where, where.bucket
        self._name = f"s3://{where.bucket}/{where.prefix}"

    @classmethod
    def of_url(cls, url: str) -> S3Storage:
        """Return the storage at a URL; nothing is sent yet. Raises SettingsError."""
        return cls(S3Url.read(url))

    @property
    def _client(self) -> Any:
        return _client_of(self._where)

    def open(self, key: str) -> BinaryIO:
        """Open a recording as a stream from the server."""
        client = self._client
        with translated(self._name):
            found = client.get_object(**self._at(key))
        return cast(BinaryIO, io.BufferedReader(_Body(found["Body"], self._name)))

    def put(self, key: str, path: Path, sha256: str, keep: Callable[[], None] = nothing) -> None:
        """Send a file: in one request if it is small, else part by part."""
        client = self._client
        with open_regular(path) as file, translated(self._name):
            size_bytes = path.stat().st_size
            about = {**self._at(key), "Metadata": {HASH: sha256}, "ContentType": "application/octet-stream"}
            if size_bytes <= PART_BYTES:
                body = file.read()
                _compare(hashlib.sha256(body).hexdigest(), sha256, path)
                client.put_object(**about, Body=body)
            else:
                _Multipart(client, about).send(file, max(PART_BYTES, size_bytes // MOST_PARTS), path, keep)
            self._verify(key, size_bytes, sha256)

    def move(self, old: str, new: str) -> None:
        """Copy a recording within the storage, then delete the old one."""
        client = self._client
        if old != new and (self.exists(old) or not self.exists(new)):
            with translated(self._name):
                found = client.head_object(**self._at(old))
                sha256 = _hash_in(found)
                about = {"Metadata": {HASH: sha256}, "MetadataDirective": "REPLACE"}
                client.copy(self._at(old), **self._at(new), ExtraArgs=about, Config=_copying())
                self._verify(new, found["ContentLength"], sha256)
            self.delete(old)

    def delete(self, key: str) -> None:
        """Delete a recording; in a bucket that keeps versions, all of them and the marks of deletions."""
        client = self._client
        with translated(self._name):
            if client.get_bucket_versioning(Bucket=self._bucket).get("Status"):
                self._delete_versions(key)
            else:
                client.delete_object(**self._at(key))
        if self.exists(key):
            raise StorageAway(f"{self._name} has not deleted a recording yet.")

    def _delete_versions(self, key: str) -> None:
        """Delete every version; the listing says whether they are gone, whatever the answers were.

        OpenStack Swift 2.30 answers some of these with an error although the version is gone.
        """
        client, refused = self._client, None
        for version in list(self._versions(key)):
            try:
                client.delete_object(**self._at(key), VersionId=version)
            except client.exceptions.ClientError as error:
                refused = error
        if any(self._versions(key)):
            raise refused or StorageAway(f"{self._name} has not deleted every version yet.")

    def exists(self, key: str) -> bool:
        """Ask for its head."""
        try:
            self.size(key)
        except RecordingMissing:
            return False
        return True

    def size(self, key: str) -> int:
        """Return the size that its head states."""
        client = self._client
        try:
            with translated(self._name):
                return int(client.head_object(**self._at(key))["ContentLength"])
        except RecordingMissing:
            self._require_bucket()
            raise

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield keys, a thousand for each request."""
        pages = self._client.get_paginator("list_objects_v2")
        beginning = self._where.prefix
        with translated(self._name):
            for page in pages.paginate(Bucket=self._bucket, Prefix=beginning + checked_prefix(prefix)):
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(beginning)

    def local_path(self, key: str) -> None:
        """There are no files."""
        checked(key)

    def clear_up(self, older_than: float) -> int:
        """Abort the multipart uploads of processes that have died: their parts take room."""
        client = self._client
        removed = 0
        with translated(self._name):
            pages = client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._where.prefix):
                for found in page.get("Uploads", ()):
                    if found["Initiated"].timestamp() < older_than:
                        client.abort_multipart_upload(
                            Bucket=self._bucket, Key=found["Key"], UploadId=found["UploadId"]
                        )
                        removed += 1
        return removed

    def _require_bucket(self) -> None:
        """Raise StorageRefused if the bucket is missing: the head of a recording has the same answer then."""
        try:
            with translated(self._name):
                self._client.head_bucket(Bucket=self._bucket)
        except RecordingMissing:
            raise StorageRefused(f"There is no bucket {self._bucket}.") from None

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._where.prefix + checked(key)}

    def _versions(self, key: str) -> Iterator[str]:
        """Yield every version of one key, marks of deletions among them."""
        own = self._at(key)["Key"]
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=own):
            for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if found["Key"] == own:
                    yield found["VersionId"]

    def _verify(self, key: str, size_bytes: int, sha256: str) -> None:
        """Ask for what was just stored. Raises StorageAway if it is not that."""
        found = self._client.head_object(**self._at(key))
        if (found["ContentLength"], _hash_in(found)) != (size_bytes, sha256):
            raise StorageAway(f"{self._name} has not stored what it was sent.")


class _Multipart:
    """One recording that is sent in parts; nothing of it is there until all are."""

    def __init__(self, client: Any, about: dict[str, Any]) -> None:
        self._client, self._about = client, about
        self._at = {name: about[name] for name in ("Bucket", "Key")}

    def send(self, file: BinaryIO, part_bytes: int, path: Path, keep: Callable[[], None]) -> None:
        """Send all parts, then compare the hash, then let it be there. Raises RecordingChanged."""
        upload = self._client.create_multipart_upload(**self._about)["UploadId"]
        digest = hashlib.sha256()
        parts: list[dict[str, object]] = []
        try:
            while block := file.read(part_bytes):
                digest.update(block)
                number = len(parts) + 1
                sent = self._client.upload_part(**self._at, UploadId=upload, PartNumber=number, Body=block)
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
                keep()
            _compare(digest.hexdigest(), self._about["Metadata"][HASH], path)
            self._client.complete_multipart_upload(
                **self._at, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            self._abort(upload)
            raise

    def _abort(self, upload: str) -> None:
        """Abort it if the server can be reached; else `clear_up` does, a day later."""
        try:
            self._client.abort_multipart_upload(**self._at, UploadId=upload)
        except Exception:  # of botocore: the error that led here is the one to tell
            return


class _Body(io.RawIOBase):
    """What the server sends, with the storage's errors."""

    def __init__(self, body: Any, where: str) -> None:
        self._body, self._where = body, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with translated(self._where):
            block = self._body.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._body.close()
        super().close()


def _copying() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=LARGEST_COPY_BYTES, use_threads=False)


def _hash_in(head: Any) -> str:
    """Return the hash that is kept beside a recording; servers may write its name in other letters."""
    beside: dict[str, str] = {name.lower(): found for name, found in head["Metadata"].items()}
    return beside.get(HASH, "")


def _compare(found: str, sha256: str, path: Path) -> None:
    if found != sha256:
        raise RecordingChanged(f"{path} is not the recording that was to be stored.")


@lru_cache(maxsize=4)
def _client_of(where: S3Url) -> Any:
    """Return the client of a storage: threads may share one, and to make one takes a quarter of a second.

    Checksums of newer kinds than Amazon's first are left out: other servers refuse them. Raises ExtraMissing.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ExtraMissing(
            f'A storage in S3 needs the package boto3. Install it: "{sys.executable}" -m pip install boto3'
        ) from error
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": where.style, "payload_signing_enabled": True},
    )
    with translated(f"s3://{where.bucket}"):
        client = boto3.session.Session().client(
            "s3", endpoint_url=where.endpoint, region_name=where.region, config=config
        )
    ServerClock().use_for(client)
    return client
