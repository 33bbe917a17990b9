"""`offhook person` and `offhook audit`, as somebody at the server uses them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.stage import Stage

PASSWORD = "correct horse battery"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    if importlib.util.find_spec("argon2") is None:
        skip_or_fail("argon2-cffi is not installed: pip install offhook[team]")
    return Stage(tmp_path / "home")


def people(stage: Stage) -> list[tuple[str, str]]:
    found = json.loads(stage.offhook("person", "list", "--json").stdout)["people"]
    return [(it["name"], it["role"]) for it in found]


def actions(stage: Stage) -> list[str]:
    found = json.loads(stage.offhook("audit", "--json").stdout)["entries"]
    return [f"{it['action']} {it['detail']}" for it in reversed(found)]


def test_who_makes_a_home_a_teams_is_told_of_tokens_that_see_everything(stage: Stage) -> None:
    assert stage.offhook("token", "create", "script").returncode == 0
    warnings = [stage.offhook("person", "add", name, "--no-password").stderr for name in ("ada", "bob")]
    assert ["Tokens that were made before" in it for it in warnings] == [True, False]


def test_people_are_added_changed_and_removed_and_all_of_it_is_noted(stage: Stage) -> None:
    assert stage.offhook("person", "add", "Ada", "--role", "admin", input=PASSWORD + "\n").returncode == 0
    done = stage.offhook("person", "add", "bob", "--generate")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()[-1]) == 16
    assert stage.offhook("person", "role", "bob", "lead").returncode == 0
    assert people(stage) == [("ada", "admin"), ("bob", "lead")]
    assert stage.offhook("person", "disable", "bob").returncode == 0
    assert "disabled" in stage.offhook("person", "list").stdout
    assert stage.offhook("person", "enable", "bob").returncode == 0
    assert stage.offhook("token", "create", "script", "--person", "bob").returncode == 0
    assert "script  (read; bob)" in stage.offhook("token", "list").stdout
    assert stage.offhook("person", "remove", "bob").returncode == 1  # nobody can answer the question
    assert stage.offhook("person", "remove", "bob", "--yes").returncode == 0
    assert people(stage) == [("ada", "admin")]
    assert stage.offhook("token", "list").stdout.strip().startswith("There are no tokens")
    assert actions(stage) == [
        "person_add ada (admin)",
        "person_add bob (member)",
        "person_role bob (lead)",
        "person_disable bob",
        "person_enable bob",
        "token_create script",
        "person_remove bob",
    ]


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("ada", "short", "10 to 1,000 characters"),
        ("ada", "lovely ada lovelace", "person's name"),
        ("Ada Lovelace", PASSWORD, "letters a to z"),
        ("-x", PASSWORD, ""),
    ],
)
def test_unfit_names_and_passwords_are_refused(stage: Stage, name: str, password: str, said: str) -> None:
    done = stage.offhook("person", "add", name, input=password + "\n")
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert people(stage) == []


def test_no_password_stands_in_a_command_the_database_or_the_log(stage: Stage) -> None:
    stage.offhook("person", "add", "ada", input=PASSWORD + "\n")
    assert stage.offhook("person", "add", "bob", PASSWORD).returncode == 2
    files = [path.read_bytes() for path in stage.home.rglob("*") if path.is_file()]
    assert [content for content in files if PASSWORD.encode() in content] == []


def test_a_home_with_people_takes_no_password_without_a_name(stage: Stage) -> None:
    assert stage.offhook("password", input=PASSWORD + "\n").returncode == 0
    stage.offhook("person", "add", "ada", input=PASSWORD + "\n")
    done = stage.offhook("password", input=PASSWORD + "\n")
    assert done.returncode == 1
    assert "offhook person password" in done.stderr


def test_the_log_is_narrowed_and_empty_without_people(stage: Stage) -> None:
    assert "A home without people keeps no log." in stage.offhook("audit").stderr
    stage.offhook("person", "add", "ada", "--no-password")
    assert "person_add" in stage.offhook("audit", "--action", "person_add", "--since", "2020-01-01").stdout
    assert stage.offhook("audit", "--person", "nobody").stdout == ""
