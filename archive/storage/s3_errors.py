"""What an error of boto3 means for a storage. Nothing here needs boto3 to be installed, unless it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archive.storage.errors import StorageAway, StorageError, StorageFull, StorageRefused
from shared.errors import OffhookError, RecordingMissing

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "NotFound"}
_FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "EntityTooLarge", "413", "507"}
_REFUSED = {"NoSuchBucket", "InvalidBucketName", "AuthorizationHeaderMalformed", "PermanentRedirect"}
_REFUSED_STATUS = {401, 403}
_FULL_STATUS = {413, 507}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise RecordingMissing or StorageError for what boto3 raises inside; `where` names the storage."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import S3CopyFailedError

    try:
        yield
    except ClientError as error:
        raise _of_answer(error.response, where) from error
    except (BotoCoreError, Boto3Error, S3CopyFailedError) as error:
        raise _of_client(error, where) from error


def _of_answer(response: dict[str, dict[str, object]], where: str) -> OffhookError:
    """Return the error for an answer of the server."""
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _MISSING:
        return RecordingMissing(f"The recording is not in {where}.")
    if code in _FULL or status in _FULL_STATUS:
        return StorageFull(f"{where} is full, or over its quota ({code}).")
    if code in _REFUSED or status in _REFUSED_STATUS:
        return StorageRefused(f"{where} refuses this machine ({code}).")
    return StorageAway(f"{where} answers with an error ({code or status}).")


def _of_client(error: Exception, where: str) -> StorageError:
    """Return the error for a request that got no answer, or was never sent."""
    from botocore import exceptions

    without = (
        *(exceptions.NoCredentialsError, exceptions.PartialCredentialsError),
        *(exceptions.CredentialRetrievalError, exceptions.ProfileNotFound, exceptions.NoRegionError),
    )
    if isinstance(error, without):
        return StorageRefused(
            f"There are no usable credentials or no region for {where} ({type(error).__name__}). "
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for offhook's processes."
        )
    return StorageAway(f"{where} cannot be reached ({type(error).__name__}).")
