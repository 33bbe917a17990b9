"""`/metrics` gives monitoring its figures, for those who may have them, and names nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from offhook.web.networks import networks
from shared.errors import SettingsError
from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.store import Store
from tests.desk import DeskServer, serving
from tests.stage import Stage

#: What Prometheus' own linter asks of names.
NAME = re.compile(r"offhook_[a-z]+(_[a-z]+)*")
UNITS = ("seconds", "bytes", "total", "info", "bucket", "count", "sum", "created")
SECRET = "Zwetschgenmann"
#: A program on another machine, as a proxy on this one would pass it on.
FAR = {"x-forwarded-for": "192.0.2.7"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """A server with recordings in several states."""
    stage = Stage(tmp_path_factory.mktemp("metrics") / "home")
    with serving(stage) as server:
        with Store.of_home(Settings(home=stage.home)) as store:
            fill(store)
        yield server


def fill(store: Store) -> None:
    for code in ("empty_file", "empty_file", SECRET.lower() + " "):
        failed = store.records.add(source="added", title=SECRET, recording_path=f"/{SECRET}.wav")
        claim = store.claims.claim(failed.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim
        store.claims.fail(claim, Failure(code, SECRET))
    done = store.records.add(source="added", title=SECRET, recording_path=f"/2/{SECRET}.wav")
    claim = store.claims.claim(done.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.complete(claim, [], duration_seconds=90.0)
    store.records.add(source="added", title=SECRET, recording_path=f"/3/{SECRET}.wav", candidate_id=SECRET)
    store.workers.enter("worker-000000000000", "worker", 7)


def scraped(desk: DeskServer, **headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    answer = httpx.get(f"{desk.url}/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = tuple(value for name, value in sample.labels.items() if name != "machine")
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_a_scrape_of_this_machine_has_the_figures_of_the_queue(desk: DeskServer):
    found = scraped(desk)

    assert found["offhook_recordings"] == {
        ("queued",): 1.0,
        ("processing",): 0.0,
        ("completed",): 1.0,
        ("failed",): 3.0,
        ("cancelled",): 0.0,
    }
    assert found["offhook_queue_oldest_seconds"][()] > 0
    assert found["offhook_recordings_completed_total"] == {("tiny.en",): 1.0}
    assert found["offhook_recordings_failed_total"] == {("empty_file",): 2.0, ("other",): 1.0}
    assert found["offhook_transcribed_audio_seconds_total"] == {("tiny.en",): 90.0}
    assert found["offhook_up"] == {("database",): 1.0, ("storage",): 1.0}
    assert found["offhook_processes"][("worker",)] == 1.0


def test_requests_are_counted_by_route_and_never_by_address(desk: DeskServer):
    httpx.get(f"{desk.url}/records/7")
    httpx.get(f"{desk.url}/{SECRET}")
    httpx.request(SECRET.upper(), f"{desk.url}/healthz")
    with closing(desk.client()) as client:
        client.get("/records/7")
        client.get(f"/{SECRET}")

    found = scraped(desk)
    requests = found["offhook_web_requests_total"]
    assert requests[("GET", "other", "401")] >= 2  # a stranger does not get as far as a route
    assert requests[("GET", "/records/{record_id}", "404")] == 1
    assert requests[("GET", "other", "404")] >= 1
    assert requests[("other", "/healthz", "405")] == 1
    assert found["offhook_web_response_seconds_count"][("/records/{record_id}",)] == 1


def test_no_metric_names_a_call_or_a_person(desk: DeskServer):
    text = httpx.get(f"{desk.url}/metrics").text

    assert SECRET.lower() not in text.lower()


def test_names_follow_the_conventions_of_prometheus(desk: DeskServer):
    text = httpx.get(f"{desk.url}/metrics").text
    families = list(text_string_to_metric_families(text))

    assert families
    for family in families:
        assert NAME.fullmatch(family.name), family.name
        assert family.documentation.endswith("."), family.name
        assert family.type != "counter" or f"{family.name}_total" in text
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert labels <= {
        *("state", "machine", "model", "error_code", "kind", "part", "version"),
        *("method", "route", "status", "le"),
    }


def test_openmetrics_is_answered_to_those_who_ask_for_it(desk: DeskServer):
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = httpx.get(f"{desk.url}/metrics", headers=accept)

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_what_a_proxy_passes_on_needs_a_token_of_the_scope(desk: DeskServer):
    url = f"{desk.url}/metrics"
    made = {
        scope: desk.stage.offhook("token", "create", scope, "--scope", scope) for scope in ("metrics", "read")
    }
    tokens = {scope: it.stdout.strip() for scope, it in made.items()}

    def status(**headers: str) -> int:
        return httpx.get(url, headers={**FAR, **headers}).status_code

    assert status() == 403
    assert status(authorization=f"Bearer {tokens['read']}") == 403
    assert status(authorization=f"Bearer {'x' * 43}") == 403
    assert status(authorization=f"Bearer {tokens['metrics']}") == 200
    token = {"authorization": f"Bearer {tokens['metrics']}"}
    assert httpx.get(f"{desk.url}/api/v1/records", headers=token).status_code == 403


def test_a_page_of_another_site_cannot_read_them(desk: DeskServer):
    url = f"{desk.url}/metrics"

    assert httpx.get(url, headers={"host": "rebound.test"}).status_code == 421
    assert httpx.get(url, headers={"origin": "https://evil.test"}).status_code == 403


def test_addresses_of_the_setting_are_networks_too():
    found = networks("metrics_addresses", "10.0.0.7, 192.0.2.0/24 2001:db8::/32")

    assert [str(each) for each in found] == ["10.0.0.7/32", "192.0.2.0/24", "2001:db8::/32"]
    with pytest.raises(SettingsError, match="metrics_addresses"):
        networks("metrics_addresses", "monitor.example")


def test_a_database_that_is_gone_is_told_with_the_metrics_of_the_server_alone(tmp_path: Path):
    with serving(Stage(tmp_path / "home")) as desk:
        for path in desk.stage.home.glob("offhook.db*"):
            path.rename(path.with_name(f"away-{path.name}"))
        found = scraped(desk)

        assert found["offhook_up"] == {("database",): 0.0, ("storage",): 1.0}
        assert "offhook_recordings" not in found
        assert found["offhook_build_info"]
