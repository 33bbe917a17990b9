"""Where an S3 storage is, from `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&style=path`.

Credentials are not in it: a URL is shown and logged. They come from where boto3 looks for them: the AWS
variables, the files in `~/.aws`, or the role of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from archive.storage.errors import BadKey
from archive.storage.keys import checked_prefix
from shared.errors import SettingsError

STYLES = ("path", "virtual")
_KNOWN = {"endpoint", "region", "style"}


@dataclass(frozen=True)
class S3Url:
    """A bucket, what all keys in it begin with, and how its server is reached.

    `style` says where a request names the bucket: in its path, or in the name of the host (`virtual`).
    """

    bucket: str
    prefix: str
    endpoint: str | None
    region: str | None
    style: str

    @classmethod
    def read(cls, given: str) -> S3Url:
        """Read a setting. Raises SettingsError."""
        try:
            found = urlsplit(given)
            asked = dict(parse_qsl(found.query, strict_parsing=True)) if found.query else {}
            prefix = checked_prefix(_prefix(found))
        except (ValueError, BadKey):
            raise _wrong("is not s3://BUCKET/PREFIX?endpoint=URL, with a prefix in lower case") from None
        endpoint = asked.get("endpoint")
        style = asked.get("style", "path" if endpoint else "virtual")
        if found.username or found.password or "@" in (endpoint or ""):
            raise _wrong(
                "must have no credentials in it. Give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        if unknown := asked.keys() - _KNOWN:
            raise _wrong(f"has {', '.join(sorted(unknown))}, and may have endpoint, region and style alone")
        if not found.hostname or style not in STYLES:
            raise _wrong("needs a bucket, and a style of path or virtual")
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise _wrong("needs an endpoint that begins with https:// (or http://, within a safe network)")
        return cls(found.netloc, prefix, endpoint, asked.get("region"), style)


def _prefix(found: SplitResult) -> str:
    path = found.path.strip("/")
    return f"{path}/" if path else ""


def _wrong(why: str) -> SettingsError:
    return SettingsError(f"storage {why}.")
