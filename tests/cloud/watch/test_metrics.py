"""What Prometheus is told by a service of several processes, and the rules that go by it."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

import cloud.watch
from cloud.embedded.ports import free_port
from cloud.settings import Unfit, read
from cloud.watch.figures import FRESH
from tests.cloud.run.market import Market, market
from tests.cloud.run.served import Served, served

RULES = Path(cloud.watch.__file__).parent
UNPACKED = Path(".cache/prometheus/usr/bin").absolute()  # scripts/setup tests
Told = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Served]:
    """A service of two processes that Prometheus may ask."""
    folder, listen = tmp_path_factory.mktemp("watched"), f"127.0.0.1:{port}"
    with served(folder, USHER_WORKERS="2", USHER_METRICS_LISTEN=listen) as service:
        yield service


@pytest.fixture(scope="module")
def place(watched: Served) -> Market:
    return market(watched, capacity=3)


def scrape(port: int) -> Told:
    """Return every sample by its name and labels, as Prometheus reads them."""
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=20)
    assert answer.is_success
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(told: Told, name: str, **labels: str) -> float:
    return sum(value for (n, has), value in told.items() if n == name and labels.items() <= has)


def test_requests_of_all_processes_are_counted_by_group_and_status(
    watched: Served, place: Market, port: int
) -> None:
    before = scrape(port)
    for _ in range(40):  # whichever process takes each
        with watched.client() as http:  # a connection of its own
            assert http.get(f"{place.orders}").status_code == 401
    after = scrape(port)
    asked = {"group": "orders", "status": "401"}
    name = "usher_http_requests_total"
    assert total(after, name, **asked) - total(before, name, **asked) == 40
    timed = "usher_http_request_seconds_count"
    assert total(after, timed, group="orders") - total(before, timed, group="orders") == 40


def test_a_path_that_is_none_makes_no_label(watched: Served, place: Market, port: int) -> None:
    with watched.client() as http:
        assert http.get("/no/such/path").status_code == 404
    groups = {dict(has)["group"] for (n, has) in scrape(port) if n == "usher_http_requests_total"}
    assert "none" in groups
    assert all(re.fullmatch(r"[a-z-]+( [a-z-]+)*", group) for group in groups), groups


def test_the_business_is_told_by_tenant(watched: Served, place: Market, port: int) -> None:
    told = scrape(port)
    slug = watched.one_row("SELECT slug FROM tenant WHERE tenant_id = $1", place.tenant)["slug"]
    assert total(told, "usher_figures_up") == 1
    assert total(told, "usher_tickets_sold", tenant=slug) == 0
    assert total(told, "usher_messages_dead") == 0


def test_without_its_database_the_rest_is_told(watched: Served, place: Market, port: int) -> None:
    """The figures say that they are away; requests are counted on."""
    scrape(port)
    watched.rows("ALTER FUNCTION figures RENAME TO hidden")
    try:
        told = until_away(port)
        assert total(told, "usher_http_requests_total") > 0
        assert not any(n == "usher_tickets_sold" for n, _ in told)
    finally:
        watched.rows("ALTER FUNCTION hidden RENAME TO figures")


def until_away(port: int) -> Told:
    """Return what is told once the answer before it may no longer be given again."""
    until = time.monotonic() + FRESH
    while True:
        asked = time.monotonic()
        told = scrape(port)
        if total(told, "usher_figures_up") == 0:
            return told
        assert asked < until, "an old answer is given for longer than is said"
        time.sleep(0.05)


def test_a_taken_port_is_said_before_anything_is_served(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        service = Served(tmp_path / "data", tmp_path / "log", USHER_METRICS_LISTEN=listen)
        done = subprocess.run(
            [sys.executable, "-m", "cloud", "serve"],
            env=service.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "Usher is at" not in done.stdout
    assert "Choose another metrics_listen" in " ".join(done.stderr.split())


@pytest.mark.parametrize("listen", ["9464", "localhost:", "127.0.0.1:99999", ":9464"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(Unfit, match="metrics_listen is HOST:PORT"):
        read(None, {"USHER_METRICS_LISTEN": listen})


def program(name: str) -> str:
    """Return where one of Debian's Prometheus programs is."""
    found = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    assert found is not None, "`scripts/setup tests` fetches Debian's prometheus"
    return found


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[httpx.Client]:
    """Run a Prometheus that asks us every second and goes by our rules; give its API."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES / "alerts.yml")],
        "scrape_configs": [
            {"job_name": "usher", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML too
    listen = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program("prometheus"), f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address={listen}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://{listen}/api/v1", trust_env=False) as http:
            yield http
    finally:
        process.terminate()
        process.wait(30)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as it is kept."""
    told: dict[str, Any] = json.loads((RULES / "dashboard.json").read_text())
    return told


def panels() -> list[str]:
    """Return what the dashboard's panels ask of Prometheus."""
    return [each["expr"] for panel in dashboard()["panels"] for each in panel["targets"]]


def asked(http: httpx.Client, query: str) -> list[float]:
    """Return what Prometheus knows of a query, as soon as that is anything."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            answer = http.get("/query", params={"query": query})
            if answer.is_success and (found := answer.json()["data"]["result"]):
                return [float(each["value"][1]) for each in found]
        time.sleep(0.2)
    raise AssertionError(f"Prometheus knows nothing of {query}")


def test_a_real_prometheus_asks_us_and_takes_our_rules(
    watched: Served, place: Market, port: int, tmp_path: Path
) -> None:
    """Each panel's expression is one, and those that are not by organizer draw something."""
    with watched.client(place.owner) as http:
        assert http.get(place.orders).is_success
    with prometheus(tmp_path, port) as http:
        assert asked(http, 'up{job="usher"}') == [1]
        assert asked(http, "usher_figures_up") == [1]
        assert asked(http, "sum(usher_http_requests_total)") > [0]
        for expression in panels():
            query = expression.replace("$tenant", ".*")
            assert http.get("/query", params={"query": query}).is_success, expression
            if "by (tenant)" not in expression:  # those have lines for what there is alone
                assert asked(http, query), expression
        groups = http.get("/rules").json()["data"]["groups"]
    rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert len(rules) == (RULES / "alerts.yml").read_text().count("alert: ")
    assert not [name for name, health in rules.items() if health == "err"]


def test_the_rules_hold_what_their_tests_say() -> None:
    for words in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run(
            [program("promtool"), *words], cwd=RULES, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alarm_has_a_test_and_says_what_to_do() -> None:
    rules = (RULES / "alerts.yml").read_text()
    alarms = re.findall(r"alert: (\w+)", rules)
    tested = (RULES / "alerts_test.yml").read_text().split("exp_alerts")
    assert rules.count("action: ") == rules.count("summary: ") == len(alarms)
    for alarm in alarms:
        assert any(part.rstrip().endswith(f"alertname: {alarm}") for part in tested[:-1]), alarm


def test_each_alarm_leads_to_its_part_of_the_runbook() -> None:
    alarms = re.findall(r"alert: (\w+)", (RULES / "alerts.yml").read_text())
    said = re.findall(r"runbook: (\S+)", (RULES / "alerts.yml").read_text())
    assert said == [f"cloud/watch/README.md#{alarm.lower()}" for alarm in alarms]
    parts = (RULES / "README.md").read_text().split("\n### ")[1:]
    heads = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    assert sorted(heads) == sorted(alarms)
    assert all(len(words) > 100 for words in heads.values())


def exported(port: int) -> dict[str, set[str]]:
    """Return the names that a running service exports, with their labels; a family without a
    sample yet has no labels that are known."""
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=20).text
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        names.setdefault(family.name, set())
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def expressions() -> list[str]:
    """Return everything that the rules and the dashboard ask of Prometheus."""
    rules = (RULES / "alerts.yml").read_text()
    asked = re.findall(r"expr: (?:\|\n)?((?:.|\n)+?)\n +(?:for|labels):", rules)
    assert len(asked) == rules.count("expr:")
    lists = [
        each["query"]["query"]
        for each in dashboard()["templating"]["list"]
        if each["type"] == "query"
    ]
    return [*asked, *panels(), *lists]


def test_rules_and_dashboard_name_what_a_running_service_tells(
    watched: Served, place: Market, port: int
) -> None:
    """Every metric that they go by, and every label by which they choose or group."""
    with watched.client(place.owner) as http:
        http.get(place.orders)
    there = exported(port)
    for expression in expressions():
        named = set(re.findall(r"\busher_[a-z_]+", expression))
        assert named, expression
        assert named <= there.keys(), expression
        labels = set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression))
        for group in re.findall(r"\bby \(([^)]*)\)", expression):
            labels |= {each.strip() for each in group.split(",")}
        known = set[str]().union(*(there[name] for name in named))
        assert labels <= known | {"tenant"}, expression
