"""The way to the server: its certificate is checked, and the proxies of the system are kept to."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.outbox_states import SENT
from shared.store.store import Store
from stress.team.network import Network
from tests import team as teams
from tests.conftest import skip_or_fail
from tests.desk import DeskServer
from tests.stage import Stage
from tests.team import LOOPBACK, PERSON, Team, Workstation


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that is its own authority, with its key beside it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        skip_or_fail("openssl is not installed: sudo apt install openssl")
    folder = tmp_path_factory.mktemp("certificate")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    about = ("-subj", "/CN=team.test", "-addext", f"subjectAltName=IP:{LOOPBACK}", "-days", "2")
    files = ("-out", folder / "team.pem", "-keyout", folder / "team.key")
    subprocess.run([str(openssl), "req", "-x509", *curve, *about, *files], check=True, capture_output=True)
    return folder / "team.pem"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Team]:
    """A team's server with TLS."""
    own = {
        "OFFHOOK_WEB_CERTIFICATE": str(certificate),
        "OFFHOOK_WEB_KEY": str(certificate.with_suffix(".key")),
    }
    stage = Stage(tmp_path_factory.mktemp("secure") / "server", tuple(own.items()))
    assert stage.offhook("person", "add", PERSON, "--no-password").returncode == 0
    trusts = ssl.create_default_context(cafile=certificate)
    server = DeskServer(stage, origin=f"https://{LOOPBACK}", trusts=trusts).start()
    with Network() as network, Store.of_home(Settings(home=stage.home)) as store:
        yield Team(server, network, store)
    server.stop()


@pytest.fixture
def desk8(tmp_path: Path, secure: Team) -> Iterator[Workstation]:
    with teams.workstation(tmp_path, secure) as found:
        yield found


def join(desk8: Workstation, *more: str | Path) -> subprocess.CompletedProcess[str]:
    token, _ = desk8.team.token()
    return desk8.stage.offhook("join", desk8.team.desk.url, "--token", token, *more)


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(desk8: Workstation) -> None:
    done = join(desk8)
    assert done.returncode == 1
    assert "certificate" in done.stderr
    assert "--certificate" in done.stderr
    assert desk8.store.outbox.joined() is None


def test_an_authority_of_ones_own_is_trusted_from_then_on(desk8: Workstation, certificate: Path) -> None:
    assert join(desk8, "--certificate", certificate).returncode == 0
    record = desk8.queued("over TLS")
    with desk8.outbox():
        desk8.reaches(record, SENT)


def test_another_authority_than_the_servers_is_refused(
    desk8: Workstation, certificate: Path, tmp_path: Path
) -> None:
    files = ("-out", tmp_path / "other.pem", "-keyout", tmp_path / "other.key")
    other = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", *files)
    subprocess.run(other, check=True, capture_output=True)
    done = join(desk8, "--certificate", tmp_path / "other.pem")
    assert done.returncode == 1
    assert "is not valid" in done.stderr


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(desk8: Workstation) -> None:
    done = desk8.stage.offhook("join", "http://team.example", "--token", "t")
    assert done.returncode == 1
    assert "in the clear" in done.stderr


def test_the_proxy_of_the_system_carries_what_leaves_this_machine(
    desk8: Workstation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as proxy:
        asked: list[bytes] = []

        def listen() -> None:
            with proxy.accept()[0] as connection:
                asked.append(connection.recv(200))

        thread = threading.Thread(target=listen)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOOPBACK}:{proxy.getsockname()[1]}")
        done = desk8.stage.offhook("join", "https://team.invalid", "--token", "t")
        thread.join(10)
    assert done.returncode == 1
    assert asked[0].startswith(b"CONNECT team.invalid:443")
    assert b"Bearer" not in asked[0]


def test_no_proxy_is_asked_for_this_machine(
    desk8: Workstation, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:9")
    assert join(desk8, "--certificate", certificate).returncode == 0
