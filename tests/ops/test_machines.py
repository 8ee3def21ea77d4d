"""Machines that the playbooks make of a bare Debian, booted: a ticket service and its gates.

One after the other, as an evening goes: set up, set up again, sell, enrol, admit, flood, hang,
update, replace, lose the database and bring it back.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.ops import broken
from tests.ops.doors import HELD, RED, SHOWN, UNSEEN, have_run, is_mostly, screen_of, shown
from tests.ops.evening import (
    CURL,
    EDGE,
    NORTH,
    SOUTH,
    TICKETS,
    Evening,
    buy,
    code_of,
    enrol,
    organize,
)  # fmt: skip
from tests.ops.machines import FEWEST, PYTHON, ROOT, Machine, missing, open_site, run, wanted
from tests.ops.strangers import FORGED, OTHERS, have_another_authority, serving, signing_in

CHANGED: Final = re.compile(
    r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M
)

in_full: Final = pytest.mark.skipif(
    wanted() == FEWEST, reason="two machines were asked for; `make machines` boots three for this"
)


@pytest.fixture(scope="module")
def dist() -> Path:
    """What is installed."""
    if why := missing():
        pytest.skip(why)
    told = os.environ | {"PYTHON_VERSION": PYTHON}
    run(ROOT / "scripts" / "release", cwd=ROOT, env=told, timeout=900)
    return ROOT / "dist"


@pytest.fixture(scope="module")
def evening(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """Machines that have just been installed."""
    with open_site(tmp_path_factory.mktemp("site")) as site:
        yield Evening(site, dist)


def _changes(done: "subprocess.CompletedProcess[str]") -> dict[str, int]:
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    found = {name: int(changed) for name, changed, _, _ in CHANGED.findall(done.stdout)}
    assert found
    return found


@pytest.mark.parametrize("side", ["edge", "cloud"])
def test_a_release_says_what_it_stands_on(dist: Path, side: str) -> None:
    """Each package that is pinned, with its hashes, in CycloneDX; and nothing else."""
    pinned = re.findall(r"^([a-z0-9.-]+)==([\w.+]+)", (dist / f"{side}.txt").read_text(), re.M)
    bill = json.loads((dist / f"{side}.cdx.json").read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "usher")
    named = {(each["name"], each["version"]): each for each in bill["components"]}
    assert named.keys() == set(pinned)
    assert all(each["externalReferences"][0]["hashes"] for each in named.values())


def test_a_bare_debian_becomes_a_service_and_a_gate(evening: Evening) -> None:
    """By one command; every unit that it enabled runs."""
    have_run(evening.gate, "usher-kiosk", UNSEEN)
    changed = _changes(evening.site.play("site.yml", evening.inventory))
    assert all(changed.values())
    assert evening.cloud.sh("systemctl --failed --no-legend") == ""
    assert '"ready":true' in evening.gate.sh(f"{CURL} https://{TICKETS}/readyz")


def test_what_the_runs_keep_is_the_technicians_alone(evening: Evening) -> None:
    """Keys and passwords on the controller, in a folder that the first run made."""
    kept = evening.site.folder / "kept"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in kept.iterdir() if each.stat().st_mode & 0o077] == ["ca.crt"]


def test_a_second_run_changes_nothing(evening: Evening) -> None:
    """Of what the first one made."""
    assert not any(_changes(evening.site.play("site.yml", evening.inventory)).values())


@pytest.mark.parametrize("name", ["cloud", "gate"])
def test_ssh_is_answered_to_keys_alone(evening: Evening, name: str) -> None:
    """Whatever the image that the machine was made of says."""
    machine = evening.site.machines[name]
    nobody = ("-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes", "-o", "ControlPath=none")
    ssh = ("ssh", *nobody, *evening.site.ssh[1:], f"root@{machine.address}", "true")
    assert "Permission denied (publickey)." in evening.site.run(*ssh, check=False).stderr


@in_full
def test_a_run_that_only_looks_would_change_nothing(evening: Evening) -> None:
    """It goes through to its end, too."""
    looked = evening.site.play("site.yml", evening.inventory, "--check", "--diff")
    assert not any(_changes(looked).values())


@pytest.mark.parametrize(
    ("weaker", "well"),
    [
        (f"{CURL} --tls-max 1.2 https://{TICKETS}/livez", f"{CURL} --tlsv1.3 https://{TICKETS}/livez"),
        (f"curl -sS -m 5 http://{TICKETS}/livez", ""),
        (f"curl -sS -m 5 -k https://{TICKETS}:8000/livez", ""),
        (f"curl -sS -m 5 -k https://{TICKETS}:5671/", ""),
    ],
)  # fmt: skip
def test_weak_ways_from_outside_are_refused(evening: Evening, weaker: str, well: str) -> None:
    """Older TLS, none at all, and what is the machine's own business."""
    assert not evening.gate.ok(weaker)
    assert not well or evening.gate.ok(well)


LISTENING: Final = "ss -tlnH | awk '{print $4}' | grep -oE '[0-9]+$' | sort -un"
ABROAD: Final = (
    "ss -tlnH | awk '$4 !~ /^(127[.]|.::1.:)/ {sub(/.*:/, \"\", $4); print $4}' | sort -un"
)


def test_nothing_else_of_a_service_is_in_reach(evening: Evening) -> None:
    """Of all that listens on it, SSH and the proxy alone."""
    within = set(evening.cloud.sh(LISTENING).split()) - {"22", "443"}
    assert {"5432", "5671", "6379", "8000", "9090"} <= within
    knock = f'timeout 1 bash -c "</dev/tcp/{TICKETS}/$port"'
    assert evening.gate.ok(f"port=443; {knock}")
    assert not evening.gate.ok(f"for port in {' '.join(within)}; do {knock} && exit; done; false")


def test_a_service_needs_no_firewall_to_keep_to_itself(evening: Evening) -> None:
    """Who speaks to nobody outside listens on the machine's own addresses: the port mapper too."""
    assert "4369" in evening.cloud.sh(LISTENING).split()
    assert set(evening.cloud.sh(ABROAD).split()) == {"22", "443"}


APP: Final = "postgresql://usher_app:{password}@localhost/usher?sslmode={mode}"
ROOT_CA: Final = "&sslrootcert=/etc/usher/ca.crt"
TLS: Final = "openssl s_client -CAfile /etc/usher/ca.crt -verify_return_error -brief </dev/null"
PAPERS: Final = "-cert /etc/usher/worker.crt -key /etc/usher/secrets/worker.key"


def _password(evening: Evening, name: str) -> str:
    return (evening.site.folder / "kept" / name).read_text().strip()


def test_the_database_speaks_to_its_roles_over_tls_alone(evening: Evening) -> None:
    """No TLS, an older one, another password, the superuser by TCP: all refused."""
    cloud, password = evening.cloud, _password(evening, "database_app")
    good = APP.format(password=password, mode="verify-full") + ROOT_CA
    ask = "psql -XAtc 'SELECT 1'"
    assert cloud.sh(f"{ask} '{good}'").strip() == "1"
    assert not cloud.ok(f"{ask} '{APP.format(password=password, mode='disable')}'")
    assert not cloud.ok(f"{ask} '{good}&ssl_max_protocol_version=TLSv1.2'")
    assert not cloud.ok(f"{ask} '{APP.format(password='wrong', mode='require')}'")
    assert not cloud.ok(f"{ask} 'postgresql://postgres@localhost/usher?sslmode=require'")
    assert not cloud.ok(f"psql -XAtc 'CREATE TABLE mine (n int)' '{good}'")
    have_another_authority(cloud)
    assert not cloud.ok(f"{ask} '{good.replace('/etc/usher', OTHERS)}'")
    as_root = "runuser -u postgres -- psql -XAtc"
    ways = "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules ORDER BY 1"
    assert cloud.sh(f'{as_root} "{ways}"').split() == ["hostssl|scram-sha-256", "local|peer"]
    kept = "SELECT DISTINCT left(rolpassword, 14) FROM pg_authid WHERE rolpassword IS NOT NULL"
    assert cloud.sh(f'{as_root} "{kept}"').strip() == "SCRAM-SHA-256$"


def test_redis_does_for_its_user_what_the_service_needs(evening: Evening) -> None:
    """In the clear, as nobody, with others' keys or as an administrator: refused."""
    cloud, password = evening.cloud, _password(evening, "redis")
    ask = "redis-cli --no-auth-warning --tls --cacert /etc/usher/ca.crt"
    ours = f"{ask} --user usher --pass {password}"
    assert cloud.sh(f"{ours} SET usher:test 1").strip() == "OK"
    assert "NOPERM" in cloud.sh(f"{ours} GET other", check=False)
    assert "NOPERM" in cloud.sh(f"{ours} CONFIG GET requirepass", check=False)
    assert "NOPERM" in cloud.sh(f"{ours} FLUSHALL", check=False)
    assert "NOPERM" in cloud.sh(f"{ours} MIGRATE 127.0.0.1 1 usher:test 0 1", check=False)
    assert "WRONGPASS" in cloud.sh(f"{ask} --user usher --pass wrong PING 2>&1", check=False)
    assert "NOAUTH" in cloud.sh(f"{ask} GET usher:test", check=False)
    assert not cloud.ok("timeout 5 redis-cli -p 6379 PING | grep PONG")
    assert not cloud.ok(f"{TLS} -connect localhost:6379 -tls1_2")


def test_the_broker_asks_for_a_certificate(evening: Evening) -> None:
    """And speaks TLS 1.3; nobody is guest."""
    cloud = evening.cloud
    with_papers = f"(sleep 2) | {TLS.replace(' </dev/null', '')} -connect localhost:5671 {PAPERS}"
    assert cloud.ok(f"{with_papers} 2>&1 | grep -q 'Verification: OK'")
    assert "alert" in cloud.sh(
        f"(sleep 2) | {TLS.replace(' </dev/null', '')} -connect localhost:5671 2>&1", check=False
    )
    assert not cloud.ok(f"{TLS} -connect localhost:5671 {PAPERS} -tls1_2")
    assert not cloud.ok("timeout 5 bash -c '</dev/tcp/127.0.0.1/5672'")
    assert "guest" not in cloud.sh("rabbitmqctl --quiet list_users")
    rights = cloud.sh("rabbitmqctl --quiet --no-table-headers list_user_permissions usher-worker")
    assert rights.split() == ["usher", *["^usher\\..*"] * 3]


def test_the_broker_asks_for_a_password_too(evening: Evening) -> None:
    """A certificate alone, or a password alone, opens nothing; nor does another host's name."""
    cloud, password = evening.cloud, _password(evening, "broker_worker")
    papers = ("/etc/usher/worker.crt", "/etc/usher/secrets/worker.key")
    have_another_authority(cloud)
    address = "amqps://usher-worker:{}@localhost:5671/{}".format
    assert cloud.ok(signing_in(address(password, "usher"), *papers))
    assert "ACCESS_REFUSED" in cloud.sh(signing_in(address("wrong", "usher"), *papers), check=False)
    assert not cloud.ok(signing_in(address(password, "%2F"), *papers))
    assert not cloud.ok(signing_in(address(password, "usher")))
    forged = (f"{OTHERS}/localhost.crt", f"{OTHERS}/localhost.key")
    assert not cloud.ok(signing_in(address(password, "usher"), *forged))


def test_the_proxy_believes_the_api_alone(evening: Evening) -> None:
    """Who answers in its place with a certificate of another authority is told nothing."""
    cloud = evening.cloud
    have_another_authority(cloud)
    asked = f"{CURL} -o /dev/null -w '%{{http_code}}' https://{TICKETS}/livez"
    cloud.sh("systemctl stop usher-cloud-api")
    for papers, said in (
        (("/etc/usher/api.crt", "/etc/usher/secrets/api.key"), "200"),
        ((f"{OTHERS}/localhost.crt", f"{OTHERS}/localhost.key"), "503"),
    ):
        cloud.sh(serving(*papers))
        cloud.until("curl -sk -m 5 -o /dev/null https://localhost:8000/", 20)
        assert cloud.sh(asked) == said
        cloud.sh("systemctl stop stand-in")
    assert cloud.ok("grep -q 'upstream SSL certificate verify error' /var/log/nginx/error.log")
    cloud.sh("systemctl start usher-cloud-api")
    cloud.until(f"{CURL} https://{TICKETS}/readyz | grep -q '\"ready\":true'", 60)


def test_the_api_answers_its_proxy_alone(evening: Evening) -> None:
    """Whoever shows no certificate of the authority is not answered, on the machine itself too."""
    cloud = evening.cloud
    proxy = "--cert /etc/usher/proxy.crt --key /etc/usher/secrets/proxy.key"
    assert cloud.ok(f"{CURL} {proxy} https://localhost:8000/livez")
    assert not cloud.ok(f"{CURL} https://localhost:8000/livez")
    have_another_authority(cloud)
    assert not cloud.ok(f"{CURL} {FORGED} https://localhost:8000/livez")
    assert not cloud.ok(f"{CURL} {proxy} --tls-max 1.2 https://localhost:8000/livez")


def test_prometheus_has_the_rules_and_hears_both(evening: Evening) -> None:
    """The API's figures and the worker's."""
    evening.cloud.until(
        "curl -s 'localhost:9090/api/v1/query?query=sum(up)' | grep -q '\"2\"'", 120
    )
    assert "usher" in evening.cloud.sh("curl -s localhost:9090/api/v1/rules")


def test_the_gate_is_enrolled_and_admits(evening: Evening) -> None:
    """By a code from the console and six digits; then by the first guest before its camera."""
    organize(evening)
    gate = evening.gate
    enrol(evening, gate, "north")
    gate.until("systemctl is-active usher-gate usher-camera@left")
    gate.until(f"{EDGE} post door North", 180)
    (ticket,) = evening.api("GET", f"{evening.tenant}/events/{evening.event}/tickets")["items"]
    evening.code = code_of(evening, ticket["ticket_id"])
    with shown(gate, evening.code):
        gate.until(f"{EDGE} view | grep -q '\"entered\": 1'", 120)


# The units of whoever listens; what the first process listens for is handed to one of them.
FACING: Final = (
    "for pid in $(ss -ltnupH | grep -oE 'pid=[0-9]+' | cut -d= -f2 | sort -u);"
    " do ps -o unit= -p $pid; done | grep -vx init.scope | sort -u"
)
WALLED: Final = 2.0
# An administrator's shell is its child, and may do everything.
OPEN: Final = {"ssh.service": 9.6}


def _exposed(machine: Machine, unit: str) -> float:
    said = machine.sh(f"systemd-analyze security --no-pager '{unit}'")
    return float(re.findall(r"Overall exposure level for \S+: ([0-9.]+)", said)[0])


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("cloud", {"nginx.service", "rabbitmq-server.service", "redis-server.service"}),
        ("gate", {"usher-gate.service"}),
    ],
)
def test_who_takes_a_listener_over_has_little(evening: Evening, name: str, some: set[str]) -> None:
    """By systemd's own score, of all that listens: Debian's services and ours."""
    machine = evening.site.machines[name]
    levels = {unit: _exposed(machine, unit) for unit in machine.sh(FACING).split()}
    assert some <= levels.keys()
    assert {unit: level for unit, level in levels.items() if level > WALLED} == OPEN


GATE: Final = f"https://{NORTH}:8443/"


def test_weak_ways_to_a_gate_are_refused(evening: Evening) -> None:
    """Pages speak TLS 1.3 alone; other gates show who they are; the rest is its own business."""
    other = evening.cloud
    assert other.ok(f"{CURL} --tlsv1.3 {GATE}")
    assert not other.ok(f"{CURL} --tls-max 1.2 {GATE}")
    assert not other.ok(f"curl -sS -m 5 {GATE.replace('https', 'http')}")
    unnamed = f"(sleep 2) | {TLS.partition(' -verify')[0]} -brief -connect {NORTH}:"
    assert other.ok(f"{unnamed}8443")
    assert not other.ok(f"{unnamed}8444")
    assert not other.ok(f"timeout 5 bash -c '</dev/tcp/{NORTH}/5353'")


COUNT: Final = "runuser -u postgres -- psql -XAtc 'SELECT count(*) FROM {}' usher"
TOTALS: Final = (
    "runuser -u postgres -- psql -XAtc 'SELECT (SELECT count(*) FROM purchase),"
    " (SELECT count(*) FROM purchase_item), (SELECT count(*) FROM ticket WHERE NOT free),"
    " (SELECT count(*) FROM record), (SELECT count(*) FROM journal),"
    " (SELECT (count(*), sum(abs(amount))) FROM posting)' usher"
)
REFUSED: Final = (
    'grep -E \'"(GET|POST) /v1/tenants/[^/]+/(logs|sync)[^"]*" 429\' /var/log/nginx/access.log'
)
FLOOD: Final = f"{CURL} -Z --parallel-max 50 -o /dev/null https://{TICKETS}/livez?[1-1000000]"


def test_a_flood_is_told_to_wait_and_the_gate_is_heard(evening: Evening) -> None:
    """Also from the address that floods; and the proxy says it as the API would."""
    gate = evening.gate
    gate.sh(f"systemd-run --quiet --unit=flood {FLOOD}")
    asked = f"{CURL} -i https://{TICKETS}/livez | tr -d '\\r' | tee /run/said"
    gate.until(f"{asked} | grep 'HTTP/2 429'", 60)
    head, _, body = gate.sh("cat /run/said").partition("\n\n")
    assert {"retry-after: 1", "content-type: application/problem+json"} <= set(head.splitlines())
    assert json.loads(body)["code"] == "rate_limited"
    had = evening.cloud.sh(COUNT.format("record")).strip()
    with shown(gate, evening.code):  # in again: refused, and written down
        evening.cloud.until(f"test $({COUNT.format('record')}) -gt {had}", 60)
    assert gate.ok("systemctl is-active flood"), "it ended too soon to show anything"
    gate.sh("systemctl stop flood")
    assert not evening.cloud.ok(REFUSED)


def test_a_household_is_counted_as_one(evening: Evening) -> None:
    """In IPv6, as the API counts it: who floods is not somebody new at the next address."""
    cloud = evening.cloud
    addresses = ("fd77:1::1", "fd77:1::2", "fd77:2::1")
    cloud.sh("; ".join(f"ip -6 address add {each}/128 dev lo" for each in addresses))
    first, second, neighbour = (f"{CURL} --interface {each}" for each in addresses)
    there = f"--resolve {TICKETS}:443:[::1] https://{TICKETS}/livez"
    said = f"-o /dev/null -w '%{{http_code}}' {there}"
    more = f"-Z --parallel-max 50 -o /dev/null {there}?[1-1000000]"
    cloud.sh(f"systemd-run --quiet --unit=household {first} {more}")
    refused = f"grep 'limiting requests.*client: {addresses[1]}' /var/log/nginx/error.log"
    cloud.until(f"{second} {said}; {refused}", 60)  # by nginx: the API counts so, too
    assert cloud.sh(f"{neighbour} {said}") == "200"
    cloud.sh("systemctl stop household")


def test_logs_of_requests_are_turned_over(evening: Evening) -> None:
    """By itself each day; nginx writes to the new one then."""
    cloud = evening.cloud
    assert cloud.ok("systemctl is-active logrotate.timer")
    cloud.sh("logrotate --force /etc/logrotate.d/nginx")
    assert cloud.ok("test -s /var/log/nginx/access.log.1")
    evening.gate.until(f"{CURL} https://{TICKETS}/livez", 20)
    cloud.until("grep -q 'GET /livez' /var/log/nginx/access.log", 20)


def test_the_kiosk_shows_its_lane(evening: Evening) -> None:
    """The browser, in its sandbox and in the unit's, trusts the venue's authority and has a key."""
    gate = evening.gate
    address = gate.sh(f"{EDGE} key door").split()[-1]
    gate.sh(f"echo 'USHER_KIOSK_URL={address}' > /etc/usher/kiosk; systemctl restart usher-kiosk")
    visited = gate.until(f"{SHOWN} | grep https://localhost:8443/kiosk", 120)
    assert "('https://localhost:8443/kiosk', 'North')" in visited
    assert gate.sh("systemctl show -P NRestarts usher-kiosk").strip() == "0"
    with shown(gate, evening.code):  # in again
        end = time.monotonic() + 60
        while not is_mostly(screen_of(gate), RED):
            assert time.monotonic() < end, "the guest is not refused on the screen"
    gate.sh("systemctl stop usher-kiosk")
    gate.until("! pgrep -u usher-kiosk", 10)  # killed; each takes a moment to be gone


def test_an_agent_that_hangs_is_started_again(evening: Evening) -> None:
    """By systemd's watchdog; what it has written is there."""
    gate = evening.gate
    pid = gate.sh("systemctl show -P MainPID usher-gate").strip()
    gate.sh(f"kill -STOP {pid}")
    gate.until(
        f"test $(systemctl show -P MainPID usher-gate) != {pid} && systemctl is-active usher-gate",
        120,
    )
    assert "watchdog" in gate.sh("journalctl -u usher-gate --no-pager").lower()


def test_one_that_ends_again_and_again_is_told_of(evening: Evening) -> None:
    """It gives up, where whoever looks after the machine sees it; and runs again once mended."""
    gate = evening.gate
    have_run(gate, "usher-gate", "[Service]\nExecStart=\nExecStart=false\n")
    gate.sh("systemctl --no-block restart usher-gate")
    gate.until("test -s /run/usher-failed/usher-gate.service", 60)
    assert "usher-gate.service" in gate.sh("systemctl --failed --no-legend")
    assert "has given up" in gate.sh("journalctl --identifier=usher --priority=alert --no-pager")
    have_run(gate, "usher-gate", "")
    gate.sh("systemctl restart usher-gate")
    gate.until("systemctl is-active usher-gate", 60)


def test_another_authority_is_refused(evening: Evening) -> None:
    """Somebody's desk that lacks the first one makes no second, of which no machine knows."""
    other = evening.site.folder / "other"
    told = json.loads(json.dumps(evening.inventory))
    for group in told.values():
        group["vars"]["certificate_authority"] = str(other)
    done = evening.site.play("site.yml", told)
    assert f"{TICKETS} was set up under another authority" in " ".join(done.stdout.split())
    assert not other.exists()
    assert '"ready":true' in evening.gate.sh(f"{CURL} https://{TICKETS}/readyz")


SHOWS: Final = (
    'test "$(openssl s_client {0} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint)"'
    ' = "$(openssl x509 -noout -fingerprint -in {1})"'
)


def test_certificates_that_were_made_anew_are_shown(evening: Evening) -> None:
    """By whoever serves, before the run ends; nobody has a new one with the key of the old."""
    told = json.loads(json.dumps(evening.inventory))
    for group in told.values():  # a third of it is more than is left of those that are there
        group["vars"]["certificate_days"] = 300
    _changes(evening.site.play("site.yml", told))
    papers = "-cert /etc/usher/proxy.crt -key /etc/usher/secrets/proxy.key"
    for name, port in {
        "proxy": "443", "api": f"8000 {papers}", "cache": "6379", "broker": f"5671 {papers}",
        "database": "5432 -starttls postgres",
    }.items():  # fmt: skip
        evening.cloud.sh(SHOWS.format(f"-connect localhost:{port}", f"/etc/usher/{name}.crt"))
    evening.gate.sh(SHOWS.format("-connect localhost:8443", "/etc/usher/gate.crt"))
    for unit, key in (("api", "api.key"), ("worker", "worker.key")):
        held = f"/run/credentials/usher-cloud-{unit}.service/service.key"
        evening.cloud.sh(f"cmp {held} /etc/usher/secrets/{key}")


def _goes_back(evening: Evening, group: str, host: str, slip: broken.Slip) -> None:
    """Update to a release that runs, and says 500 when it is asked how it does."""
    told = json.loads(json.dumps(evening.inventory))
    wheel = Path(told[group]["vars"]["release_wheel"])
    bad = broken.with_a_slip(wheel, evening.site.folder / f"bad-{group}", slip)
    told[group]["vars"] |= {
        "release_version": "0.1.1", "release_wheel": str(bad), "release_patience": 9,
    }  # fmt: skip
    done = evening.site.play("update.yml", told, "--limit", group)
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert f"{host} was not well with 0.1.1; 0.1.0 is in force again" in said
    assert "returned error: 500" in said


def test_a_service_that_is_not_well_is_taken_back(evening: Evening) -> None:
    """Its units run, as systemd has it; it is asked whether it can serve."""
    cloud = evening.cloud
    _goes_back(evening, "clouds", TICKETS, broken.SERVICE)
    assert cloud.sh("readlink /opt/usher/current").strip() == "/opt/usher/releases/0.1.0"
    cloud.until(f"{CURL} https://{TICKETS}/readyz | grep -q '\"ready\":true'", 60)


@in_full
def test_a_release_that_is_not_well_is_taken_back(evening: Evening) -> None:
    """The gate runs what it ran before, and says so."""
    _goes_back(evening, "gates", NORTH, broken.GATE)
    assert not evening.spare.ok("test -e /opt/usher/releases/0.1.1"), "the next wave began"
    evening.gate.until("systemctl is-active usher-gate", 60)
    assert evening.gate.sh("readlink /opt/usher/current").strip() == "/opt/usher/releases/0.1.0"


@in_full
def test_one_that_stands_by_is_updated_too(evening: Evening) -> None:
    """A gate that is nobody's does not run; it holds nobody else's update up."""
    newer = json.loads(json.dumps(evening.inventory))
    newer["gates"]["vars"]["release_version"] = "0.1.2"
    _changes(evening.site.play("update.yml", newer, "--limit", SOUTH))
    assert evening.spare.sh("readlink /opt/usher/current").strip() == "/opt/usher/releases/0.1.2"
    assert not evening.spare.ok("systemctl is-active usher-gate")


@in_full
def test_a_gate_is_replaced(evening: Evening) -> None:
    """By one that stood by: the old one's log is taken along and its key refused; the new one knows
    who is inside."""
    key = {"name": "Playbooks", "scopes": ["devices:read", "devices:write"]}
    made = evening.api("POST", f"{evening.tenant}/api-keys", key)
    told = json.loads(json.dumps(evening.inventory))
    told["gates"]["vars"] |= {
        "enrolment_url": f"https://{TICKETS}",
        "enrolment_tenant": evening.tenant.rpartition("/")[2],
        "enrolment_key": made["key"],
        "enrolment_ca": str(evening.site.folder / "kept" / "ca.crt"),
        "drain_kept": str(evening.site.folder / "kept"),
    }
    done = evening.site.play("replace.yml", told, "-e", f"replaced={NORTH} replacement={SOUTH}")
    _changes(done)
    assert (evening.site.folder / "kept" / f"{NORTH}.ush").stat().st_size
    assert not evening.gate.ok("systemctl is-active usher-gate")
    assert evening.spare.ok("systemctl is-active usher-gate usher-camera@left")
    devices = evening.api("GET", f"{evening.tenant}/devices")["items"]
    gone = {each["name"]: bool(each["revoked_at"]) for each in devices if each["kind"] == "gate"}
    assert gone == {"north": True, "south": False}
    evening.spare.until(f"{EDGE} view | grep -q '\"entered\": 1'", 180)


@in_full
def test_gates_are_updated_in_waves(evening: Evening) -> None:
    """The other one lets in while the first is not back, and is not touched before it is well."""
    gate, spare = evening.gate, evening.spare
    # It comes back from repair, as nobody's.
    gate.sh("systemctl stop usher-gate; rm -rf /var/lib/usher/*")
    enrol(evening, gate, "north, repaired")
    for each in (gate, spare):
        each.until(f"{EDGE} post door North", 180)
    have_run(gate, "usher-gate", HELD)
    order = evening.api("GET", buy(evening))
    code = code_of(evening, order["items"][0]["ticket_id"])
    newer = json.loads(json.dumps(evening.inventory))
    newer["gates"]["vars"]["release_version"] = "0.2.0"
    with ThreadPoolExecutor(1) as desk:
        update = desk.submit(evening.site.play, "update.yml", newer, "--limit", "gates")
        gate.until("systemctl is-active usher-gate | grep -x activating", 300)
        with shown(spare, code):
            spare.until(f"{EDGE} view | grep -q '\"entered\": 2'", 60)
        assert gate.ok("systemctl is-active usher-gate | grep -x activating")
        assert not spare.ok("test -e /opt/usher/releases/0.2.0")
        gate.sh("touch /run/held-no-more")
        _changes(update.result())
    for each in (gate, spare):
        assert each.sh("readlink /opt/usher/current").strip() == "/opt/usher/releases/0.2.0"
        each.until(f"{EDGE} view | grep -q '\"entered\": 2'", 120)
    began, ended = "ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic"
    asked = "systemctl show -P {} usher-gate"
    assert int(gate.sh(asked.format(began))) < int(spare.sh(asked.format(ended)))


def _data(evening: Evening) -> str:
    """Return where the database is, whose version is Debian's."""
    return evening.cloud.sh("echo /var/lib/postgresql/*/main").strip()


def _restore(evening: Evening, *to: str) -> None:
    """Restore the database, to a moment or to the last change; have the service back."""
    evening.cloud.sh(" ".join(("usher-restore", *to)), timeout=600)
    evening.cloud.until(f"{CURL} https://{TICKETS}/readyz | grep -q '\"ready\":true'", 180)


def test_what_was_lost_comes_back_from_the_backup(evening: Evening) -> None:
    """All that was written, also after it was made; or to a moment, without what came later."""
    cloud, data = evening.cloud, _data(evening)
    cloud.sh("systemctl start usher-backup.service", timeout=300)
    first = buy(evening)
    moment = cloud.sh("sleep 1; date -u '+%F %T.%N+00'; sleep 1").strip()
    second = buy(evening)
    before = cloud.sh(TOTALS)
    # As after a crash: what was kept is handed over again, and holds nothing up.
    cloud.sh(
        f"cd {data}/pg_wal/archive_status; kept=$(ls *.done | grep -v backup | tail -n 1);"
        " mv $kept ${kept%done}ready"
    )
    cloud.sh("runuser -u postgres -- psql -XAtc 'SELECT pg_switch_wal()'")
    cloud.until(f'test -z "$(ls {data}/pg_wal/archive_status/*.ready 2>/dev/null)"')
    cloud.sh("systemctl stop usher-cloud-api usher-cloud-worker 'postgresql@*-main'")
    cloud.sh(f"rm -rf {data}")
    _restore(evening)
    assert cloud.sh(TOTALS) == before
    assert "not over yet" in cloud.sh("usher-restore 2099-01-01 2>&1", check=False)
    assert cloud.ok("systemctl is-active usher-cloud-api")
    assert {evening.api("GET", each)["state"] for each in (first, second)} == {"paid"}
    _restore(evening, f"'{moment}'")
    assert evening.api("GET", first)["state"] == "paid"
    assert "state" not in evening.api("GET", second)


def test_what_restores_left_is_forgotten_in_time(evening: Evening) -> None:
    """Not before: what was there before today's restore is kept."""
    cloud, data = evening.cloud, _data(evening)
    aside = f"{data}.20260101T000000Z"
    broken = "/var/backups/usher/base/20260101T000000Z.part"
    cloud.sh(f"install -d -o postgres {aside} {broken}; touch -d 2026-01-01 {aside} {broken}")
    kept = cloud.sh(f"ls -d {data}.*Z | sort").splitlines()
    cloud.sh("systemctl start usher-clean.service")
    left = cloud.sh(f"ls -d {data}.*Z | sort").splitlines()
    assert left == [each for each in kept if each != aside]
    assert left
    assert not cloud.ok(f"test -e {broken}")
