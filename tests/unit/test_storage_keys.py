"""Keys of a storage cannot lead anywhere else, and URLs of S3 hold no secret."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.storage.errors import BadKey
from archive.storage.keys import checked, checked_prefix, key_of
from archive.storage.s3_url import S3Url
from archive.storage.storage import storage_of
from shared.errors import SettingsError
from shared.settings import Settings

BAD = (
    *(
        "",
        "/",
        "/etc/passwd",
        "..",
        "../a.wav",
        "a/../b.wav",
        "a//b",
        "a/",
        "./a",
        "a/./b",
        ".hidden",
        "a/.part",
    ),
    *(
        "c:/a.wav",
        "c:a",
        r"a\b",
        r"\\host\share",
        "a\0b",
        "a\nb",
        "a b",
        "a.wav ",
        "a.",
        "A.wav",
        "ä.wav",
        "a" * 201,
    ),
    *(
        "con",
        "con.wav",
        "calls/nul.wav",
        "calls/com1",
        "aux/a.wav",
        "lpt9.txt",
        "%2e%2e/a",
        "a;b",
        "a|b",
        "a:b",
    ),
)


@pytest.mark.parametrize("key", BAD)
def test_a_key_that_is_not_one_of_offhook_s_is_refused(key: str) -> None:
    with pytest.raises(BadKey):
        checked(key)


@given(st.text(max_size=30))
def test_no_text_as_a_key_leaves_the_storage(text: str) -> None:
    try:
        key = checked(text)
    except BadKey:
        return
    assert not key.startswith(("/", "."))
    assert ".." not in key.split("/")
    assert key.isascii()


def test_a_recording_has_another_key_each_time() -> None:
    session = str(uuid.uuid4())
    first, second = (key_of(session, ".WAV", 1_795_000_000.0) for _ in range(2))
    assert first != second
    assert first.startswith(f"calls/2026/11/{session}-")
    assert first.endswith(".wav")
    assert key_of(session, ".w v", 0.0).endswith(".bin")


def test_a_prefix_is_made_of_whole_names() -> None:
    assert checked_prefix("") == ""
    assert checked_prefix("calls/2026/") == "calls/2026/"
    with pytest.raises(BadKey):
        checked_prefix("../")


def test_a_url_says_where_the_bucket_is() -> None:
    url = S3Url.read("s3://calls/team/a?endpoint=https://s3.example.org&region=eu-1")
    assert url == S3Url("calls", "team/a/", "https://s3.example.org", "eu-1", "path")
    assert S3Url.read("s3://calls") == S3Url("calls", "", None, None, "virtual")


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://key:secret@calls",
        "s3://calls?endpoint=https://key:secret@host",
        "s3://calls?endpoint=ftp://host",
        "s3://calls?style=other",
        "s3://calls?secret=x",
        "s3://calls/../up",
    ],
)
def test_a_url_with_a_secret_or_without_sense_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        S3Url.read(url)
    assert "key:secret" not in str(refused.value)


@pytest.mark.parametrize("setting", ["calls", "./calls", "file:///calls", "https://host/calls"])
def test_a_storage_is_a_whole_path_or_a_bucket(setting: str) -> None:
    with pytest.raises(SettingsError):
        storage_of(Settings(storage=setting))
