"""Passwords in URLs are never shown."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.settings_sources import load
from shared.urls import masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:s3cret@host:5432/offhook", "postgresql://ada:***@host:5432/offhook"),
        ("postgresql://ada:s3c@ret@host/offhook", "postgresql://ada:***@host/offhook"),
        ("postgresql://:s3cret@host/offhook", "postgresql://:***@host/offhook"),
        ("postgresql://host/x?user=a&password=s3cret&sslmode=require", "sslmode=require"),
        ("postgresql://host/offhook?sslpassword=s3cret", "postgresql://host/offhook?sslpassword=***"),
        ("postgresql://ada@host/offhook", "postgresql://ada@host/offhook"),
        ("s3://bucket/prefix?endpoint=http://host:9000", "s3://bucket/prefix?endpoint=http://host:9000"),
        ("/home/ada/offhook.db", "/home/ada/offhook.db"),
    ],
)
def test_a_password_is_masked_and_nothing_else(url: str, shown: str) -> None:
    assert "s3cret" not in masked(url)
    assert "s3c@ret" not in masked(url)
    assert masked(url).endswith(shown)


def test_settings_show_no_url_with_a_password() -> None:
    assert "s3cret" not in repr(load({"OFFHOOK_DATABASE": "postgresql://ada:s3cret@host/offhook"}))


def test_another_kind_of_url_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="must begin with postgresql://") as caught:
        load({"OFFHOOK_DATABASE": "mysql://ada:s3cret@host/offhook"})
    assert "s3cret" not in str(caught.value)
