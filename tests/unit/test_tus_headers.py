"""The headers of tus: what clients of every kind write is read, and nothing else passes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.web.call import BadCall
from offhook.web.tus_headers import http_date, metadata, number

names = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1)


@given(st.dictionaries(names, st.text(max_size=40), max_size=8), st.sampled_from((",", ", ", " ,\t")))
def test_what_a_client_writes_is_read_as_it_was_meant(meant: dict[str, str], between: str) -> None:
    pairs = [f"{name} {base64.b64encode(text.encode()).decode()}".rstrip() for name, text in meant.items()]
    assert metadata(between.join(pairs)) == meant


@given(st.text())
def test_any_other_metadata_is_refused_or_read_as_text(header: str) -> None:
    try:
        found = metadata(header)
    except BadCall:
        return
    assert all(isinstance(name, str) and value.encode().decode() == value for name, value in found.items())


@given(st.integers(0, 10**18 - 1))
def test_a_number_of_bytes_is_read(size: int) -> None:
    assert number({"upload-length": str(size)}, "upload-length") == size


@given(st.text() | st.integers(max_value=-1).map(str) | st.integers(min_value=10**18).map(str))
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return
    with pytest.raises(BadCall, match="upload-offset"):
        number({"upload-offset": text}, "upload-offset")


def test_a_missing_number_is_named() -> None:
    with pytest.raises(BadCall, match="Upload-Length is missing"):
        number({}, "Upload-Length")


def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(BadCall, match="twice"):
        metadata("title QQ==,title Qg==")


def test_times_are_written_as_http_does() -> None:
    assert http_date(0.0) == "Thu, 01 Jan 1970 00:00:00 GMT"
