"""The desk for other machines: never without TLS and a password, and then behind a page to sign in."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from offhook.web.binding import binding
from offhook.web.visitors import MOST_PASSWORDS
from shared.errors import OffhookError
from shared.settings import Settings
from tests.conftest import skip_or_fail
from tests.desk import DeskServer
from tests.stage import ROOT, Stage

ADDRESS = "127.0.0.2"
PASSWORD = "correct horse battery"
NAMES = f"DNS:desk.test,IP:{ADDRESS}"


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path


def made(folder: Path, name: str = "desk") -> Pair:
    """A certificate that is its own authority."""
    openssl = shutil.which("openssl")
    if openssl is None:
        skip_or_fail("openssl is not installed: sudo apt install openssl")
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    about = ("-subj", "/CN=desk.test", "-addext", f"subjectAltName={NAMES}", "-days", "2")
    command = [str(openssl), "req", "-x509", *curve, *about, "-out", pair.certificate, "-keyout", pair.key]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return made(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[DeskServer]:
    """A server under another address with TLS and a password; the address is a second one of this machine."""
    try:
        socket.create_server((ADDRESS, 0)).close()
    except OSError:
        skip_or_fail(f"{ADDRESS} is no address of this machine")
    own = {
        "OFFHOOK_WEB_ADDRESS": ADDRESS,
        "OFFHOOK_WEB_CERTIFICATE": str(pair.certificate),
        "OFFHOOK_WEB_KEY": str(pair.key),
        "OFFHOOK_WEB_HOSTS": "desk.test",
    }
    stage = Stage(tmp_path_factory.mktemp("elsewhere") / "home", tuple(own.items()))
    assert stage.offhook("password", input=PASSWORD + "\n").returncode == 0
    trusts = ssl.create_default_context(cafile=pair.certificate)
    server = DeskServer(stage, origin=f"https://{ADDRESS}", trusts=trusts).start()
    yield server
    server.stop()


@pytest.fixture
def visitor(elsewhere: DeskServer) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=elsewhere.url, verify=elsewhere.trusts, headers={"Origin": elsewhere.url}
    ) as client:
        yield client


def refused(home: Path, **settings: str) -> str:
    """Return why a server does not start."""
    own = tuple((f"OFFHOOK_{name.upper()}", value) for name, value in settings.items())
    done = subprocess.run(
        [sys.executable, "-m", "offhook.web"],
        cwd=ROOT,
        env=Stage(home, own).environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1
    assert not (home / "web.json").exists()
    return done.stderr


def test_the_server_does_not_start_for_others_without_tls_and_a_password(tmp_path: Path, pair: Pair):
    home = tmp_path / "home"
    said = refused(home, web_address="0.0.0.0")
    assert "Others can reach 0.0.0.0" in said
    for missing in ("web_certificate, web_key", "offhook password", "web_hosts"):
        assert missing in said
    certificate, key = str(pair.certificate), str(pair.key)
    said = refused(
        home, web_address="0.0.0.0", web_certificate=certificate, web_key=key, web_hosts="desk.test"
    )
    assert "offhook password" in said
    assert "web_key" not in said
    assert "web_hosts" not in said
    assert Stage(home).offhook("password", input=PASSWORD + "\n").returncode == 0
    said = refused(home, web_address="0.0.0.0", web_hosts="desk.test")
    assert "web_certificate, web_key" in said
    assert "offhook password" not in said


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, pair: Pair):
    other = made(tmp_path, "other")
    text, missing, locked = tmp_path / "text.pem", tmp_path / "no.pem", tmp_path / "locked.key"
    text.write_text("no certificate", "utf-8")
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "utf-8")
    for certificate, key, said in (
        (pair.certificate, other.key, f"The key {other.key} is not that of the certificate"),
        (missing, pair.key, f"web_certificate cannot be read: {missing}"),
        (pair.certificate, missing, f"web_key cannot be read: {missing}"),
        (tmp_path, pair.key, "web_certificate cannot be read"),
        (text, pair.key, "in PEM form"),
        (pair.certificate, text, "in PEM form"),
        (pair.certificate, locked, "needs a password"),
        (pair.certificate, None, "web_key is missing"),
        (None, pair.key, "web_certificate is missing"),
    ):
        given = {"web_certificate": str(certificate or ""), "web_key": str(key or "")}
        with pytest.raises(OffhookError) as found:
            binding(Settings(home=tmp_path, **given), has_password=True)
        assert said in str(found.value)
    assert "not that of" in refused(
        tmp_path / "home", web_certificate=str(pair.certificate), web_key=str(other.key)
    )


def test_names_and_addresses_that_are_none_are_refused(tmp_path: Path):
    for given in ({"web_address": "desk.test"}, {"web_address": "*"}, {"web_address": "127.0.0.1:80"}):
        with pytest.raises(OffhookError, match="web_address must be an IP address"):
            binding(Settings(home=tmp_path, **given), has_password=True)
    for name in ("*", "http://desk.test", "desk.test:8484", "desk.test/", "de sk", "0.0.0.0", "-desk"):
        with pytest.raises(OffhookError, match="web_hosts must be names"):
            binding(Settings(home=tmp_path, web_hosts=name), has_password=True)


def test_the_desk_is_reached_under_its_names_alone(tmp_path: Path, pair: Pair):
    tls = {"web_certificate": str(pair.certificate), "web_key": str(pair.key)}
    everywhere = Settings(home=tmp_path, web_address="0.0.0.0", web_hosts="Desk.test, 192.0.2.7", **tls)
    assert binding(everywhere, has_password=True).origins(443) == [
        *("https://desk.test", "https://192.0.2.7", "https://127.0.0.1", "https://localhost"),
    ]
    six = Settings(home=tmp_path, web_address="2001:db8::7", **tls)
    assert binding(six, has_password=True).origins(8484) == ["https://[2001:db8::7]:8484"]
    here = binding(Settings(home=tmp_path), has_password=False)
    assert here.origins(8484) == ["http://127.0.0.1:8484", "http://localhost:8484"]
    assert here.tls is None


def test_a_person_signs_in_from_elsewhere_with_the_password(elsewhere: DeskServer, browser: Browser):
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.goto(f"{elsewhere.url}/?from=link")
        page.get_by_label("Password").fill("wrong horse battery")
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_role("alert").inner_text() == "The password is wrong."
        assert context.cookies() == []
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{elsewhere.url}/")
        assert page.get_by_role("heading", name="Calls", exact=True).is_visible()
        (cookie,) = context.cookies()
        assert cookie["name"] == f"__Host-offhook_{elsewhere.port}"
        assert cookie["secure"]
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Password").wait_for()
        with httpx.Client(base_url=elsewhere.url, verify=elsewhere.trusts) as thief:
            header = {"Cookie": f"{cookie['name']}={cookie['value']}"}
            assert thief.get("/api/v1", headers=header).status_code == 401


def test_a_token_is_not_signed_out(elsewhere: DeskServer, visitor: httpx.Client):
    made = elsewhere.stage.read("token", "create", "program", "--scope", "write")
    header = {"Authorization": f"Bearer {made['token']}"}
    assert visitor.delete("/api/v1/session", headers=header).status_code == 400
    assert visitor.delete("/api/v1/session", headers=header).status_code == 400


def test_a_link_of_offhook_open_signs_in_over_tls_too(elsewhere: DeskServer):
    with closing(elsewhere.client()) as client:
        assert client.get("/api/v1").json()["scopes"] == ["read", "write"]


def test_a_form_of_another_site_signs_nobody_in(elsewhere: DeskServer, visitor: httpx.Client):
    for origin in ("https://evil.test", "null", f"http://{ADDRESS}:{elsewhere.port}", None):
        headers = {"Origin": origin} if origin else {}
        with httpx.Client(base_url=elsewhere.url, verify=elsewhere.trusts, headers=headers) as client:
            answer = client.post("/sign-in", data={"password": PASSWORD})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert "set-cookie" in visitor.post("/sign-in", data={"password": PASSWORD}).headers


def test_the_password_leads_to_no_other_site(visitor: httpx.Client):
    for to in ("https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/sign-in"):
        answer = visitor.post("/sign-in", data={"password": PASSWORD, "to": to})
        assert 'content="0;url=/"' in answer.text


def test_a_form_that_is_none_is_a_wrong_password(visitor: httpx.Client):
    for body, status in ((b"", 401), (b"\xff\x00=%zz", 401), (b"password=" + b"x" * 2000, 401)):
        assert visitor.post("/sign-in", content=body).status_code == status
    assert visitor.post("/sign-in", content=b"x" * 20_000).status_code == 413


def test_browsers_use_tls_again_where_the_name_is_not_of_this_machine_alone(visitor: httpx.Client):
    port = visitor.base_url.port
    answer = visitor.get("/sign-in", headers={"Host": f"desk.test:{port}"})
    assert answer.headers["strict-transport-security"] == "max-age=2592000"
    assert "strict-transport-security" not in visitor.get("/sign-in").headers


def test_without_tls_nothing_is_answered(elsewhere: DeskServer):
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{ADDRESS}:{elsewhere.port}/sign-in", timeout=10)


def test_a_password_is_not_taken_without_tls(desk: DeskServer, client: httpx.Client):
    assert desk.stage.offhook("password", input=PASSWORD + "\n").returncode == 0
    with httpx.Client(base_url=desk.url, headers={"Origin": desk.url}) as stranger:
        assert stranger.post("/sign-in", data={"password": PASSWORD}).status_code == 403
        assert "password" not in stranger.get("/").text.replace("offhook password", "")
    assert client.get("/api/v1").status_code == 401  # a new password signs everybody out


def test_the_home_has_no_password(elsewhere: DeskServer, visitor: httpx.Client):
    visitor.post("/sign-in", data={"password": PASSWORD})
    everything = [path for path in elsewhere.stage.home.parent.rglob("*") if path.is_file()]
    assert any(b"scrypt$8192$8$10$" in path.read_bytes() for path in everything)
    assert not [path for path in everything if PASSWORD.encode() in path.read_bytes()]


def test_a_short_password_is_refused(elsewhere: DeskServer, visitor: httpx.Client):
    for unfit in ("x" * 11, "", "x" * 1001):
        done = elsewhere.stage.offhook("password", input=unfit + "\n")
        assert done.returncode == 1
        assert "12 to 1,000" in done.stderr
    assert visitor.post("/sign-in", data={"password": PASSWORD}).status_code == 200


def test_guesses_of_the_password_are_refused_without_a_look(elsewhere: DeskServer, visitor: httpx.Client):
    answers = [visitor.post("/sign-in", data={"password": f"guess {n}"}) for n in range(MOST_PASSWORDS + 1)]
    assert answers[-1].status_code == 429
    assert "Too many wrong" in answers[-1].text
    assert visitor.post("/sign-in", data={"password": PASSWORD}).status_code == 429
    with closing(elsewhere.client()) as client:  # a link of this machine still opens
        assert client.get("/api/v1").status_code == 200


def test_without_its_password_nobody_from_elsewhere_signs_in(elsewhere: DeskServer):
    with closing(elsewhere.client()) as client:
        done = elsewhere.stage.offhook("password", "--remove")
        assert "every browser is signed out" in done.stdout
        assert client.get("/api/v1").status_code == 401
    assert elsewhere.stage.offhook("password", "--remove").stdout == "There is no password.\n"
