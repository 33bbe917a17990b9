"""What all tests share: a home of their own, its database, and real calls with known words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from shared import home as folders
from shared.privacy import stop_telemetry
from shared.settings import Settings
from shared.store.store import Store
from tests import databases, groups, postgres, pulse, tables
from tests.forks import command_line
from tests.postgres import PostgresServer
from tests.pulse import PulseServer
from tests.stage import DEFAULTS, ONE_THREAD, QUICK_WORDS, Stage
from tests.voices import LONG_CALL, SHORT_CALL, Call, speak, write_wav
from transcribe_worker.model_files import bundled_folder

DEFAULTS.update(ONE_THREAD, OFFHOOK_WEB_PORT="0")
#: The tests of whole calls that have the settings of a home that nobody has configured.
COUNT_WORDS = ("test_dropped_recordings.py", "test_recorded_calls.py", "test_recordings_elsewhere.py")
# A busy machine makes examples slowly, and that is no fault of theirs.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")
stop_telemetry()  # of the libraries that tests load into this process


def skip_or_fail(reason: str) -> None:
    """Skip where a real part is missing, and fail in CI, where every part is to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests belong into one process, and begin with the long ones."""
    groups.arrange(items)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("OFFHOOK_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module", autouse=True)
def quick_words(request: pytest.FixtureRequest) -> Iterator[None]:
    """Decode with little effort, except where an acceptance test counts the words, as a person would."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.name not in COUNT_WORDS:
            for name, value in QUICK_WORDS.items():
                patch.setitem(DEFAULTS, name, value)
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of the store on both databases."""
    databases.parametrize(metafunc)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process's own, with an up-to-date database to make others of."""
    if why := postgres.missing():
        skip_or_fail(why)
    server = PostgresServer()
    try:
        server.make_template()
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The setting `database`: a PostgreSQL database of this test's own, or nothing for SQLite."""
    if getattr(request, "param", databases.SQLITE) == databases.SQLITE:
        yield ""
        return
    with request.getfixturevalue("postgres_server").database() as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    """Settings of a fresh home, with its folders."""
    settings = Settings(home=tmp_path / "home", database=database)
    folders.prepare(settings)
    return settings


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store of the fresh home, whose tables are those of `tests.tables`."""
    with Store.of_home(settings) as store:
        yield tables.use(store)


@pytest.fixture(scope="session", autouse=True)
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have a process ready that runs the commands of stages."""
    with command_line(tmp_path_factory.mktemp("commands")):
        yield


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A home in which nothing runs yet."""
    return Stage(tmp_path / "home")


@pytest.fixture
def bundled() -> Path:
    """The folder of the model that is installed beside offhook."""
    folder = bundled_folder()
    if folder is None:
        skip_or_fail("no model is installed beside offhook (extra tiny-en)")
    assert folder
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PulseServer]:
    """A sound server of this test's own."""
    if why := pulse.missing():
        skip_or_fail(why)
    with PulseServer(tmp_path / "pulse") as server:
        yield server


@pytest.fixture(scope="session")
def short_call() -> Call:
    """A call of a quarter of a minute."""
    return speak(SHORT_CALL)


@pytest.fixture(scope="session")
def long_call() -> Call:
    """A call of more than three minutes."""
    return speak(LONG_CALL)


@pytest.fixture(scope="session")
def call(long_call: Call) -> Call:
    """The long call: seconds of work for one thread, in two stretches, enough to be interrupted in."""
    return long_call


@pytest.fixture
def short_wav(short_call: Call, tmp_path: Path) -> Path:
    """The short call as a file outside the home."""
    path = tmp_path / "short call.wav"
    write_wav(path, short_call.samples)
    return path
