"""Every test asserts something, itself or through a helper of the tests."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.markdown import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted((ROOT / "tests").rglob("*.py"))
#: The names of tests that cannot assert, each with the reason.
EXCUSED: dict[str, str] = {}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def keys_of_names(module: str, tree: ast.Module) -> dict[str, str]:
    """Name -> `module.name` of what a file defines itself or imports from the tests."""
    keys = {node.name: f"{module}.{node.name}" for node in ast.walk(tree) if isinstance(node, Function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("tests."):
            keys |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return keys


def called_keys(function: Function, keys: dict[str, str]) -> set[str]:
    """`module.name` of the functions of the tests that a function calls; methods are none of them."""
    found = set()
    for name in (ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)):
        owner, _, own_name = name.rpartition(".")
        if not owner and name in keys:
            found.add(keys[name])
        elif owner in keys:
            found.add(f"{keys[owner]}.{own_name}")
    return found


def asserts_itself(function: Function) -> bool:
    checks = {"pytest.raises", "pytest.warns", "expect"}  # the last one is Playwright's
    calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or not checks.isdisjoint(calls)


def without_assertion(sources: dict[str, str]) -> list[str]:
    """The tests in these files, by module, that neither assert nor call a function that does."""
    asserting, calls = set(), {}
    for module, source in sources.items():
        tree = ast.parse(source)
        keys = keys_of_names(module, tree)
        for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
            key = f"{module}.{function.name}"
            calls[key] = called_keys(function, keys)
            if asserts_itself(function):
                asserting.add(key)
    while more := {key for key, called in calls.items() if called & asserting} - asserting:
        asserting |= more
    return [key for key in calls if key.rpartition(".")[2].startswith("test_") and key not in asserting]


def test_every_test_has_an_assertion() -> None:
    found = without_assertion({module_name(path): path.read_text("utf-8") for path in FILES})
    assert sorted(name.rpartition(".")[2] for name in found) == sorted(EXCUSED)


HELPERS = "def check(): assert True\ndef ask(): return check()\ndef run(): subprocess.run(check=True)\n"
IMPORTS = "import subprocess\nfrom tests import helpers\nfrom tests.helpers import ask, check, run\n"


@pytest.mark.parametrize(
    "body",
    [
        "assert True",
        "\n with pytest.raises(OSError): run()",
        "check()",
        "ask()",
        "helpers.ask()",
        "x = ask()",
    ],
)
def test_what_asserts_itself_or_through_a_helper_counts(body: str) -> None:
    sources = {"tests.helpers": HELPERS, "tests.test_it": f"{IMPORTS}def test_it(): {body}"}
    assert without_assertion(sources) == []


@pytest.mark.parametrize(
    "body", ["run()", "helpers.run()", "subprocess.check()", "unknown.ask()", "ask", "'assert True'"]
)
def test_what_only_runs_does_not_count(body: str) -> None:
    sources = {"tests.helpers": HELPERS, "tests.test_it": f"{IMPORTS}def test_it(): {body}"}
    assert without_assertion(sources) == ["tests.test_it.test_it"]
