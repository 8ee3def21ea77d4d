"""Machines that the playbooks make of a bare Debian, booted: a ticket service and its gates.

One after the other, as an evening goes: set up, set up again, sell, enrol, admit, hang, update,
lose the database and bring it back.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import qrcode
import yaml

from tests.ops.machines import FEWEST, ROOT, Machine, Site, missing, open_site, run, wanted
from tests.ops.variables import ANSIBLE

TICKETS: Final = "tickets.example"
NORTH: Final = "north.example"
SOUTH: Final = "south.example"
CHANGED: Final = re.compile(
    r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M
)
EDGE: Final = "systemd-run --quiet --wait --pipe --uid=usher-gate /opt/usher/current/bin/usher-edge"
CURL: Final = "curl -sS --cacert /etc/usher/ca.crt"

in_full: Final = pytest.mark.skipif(
    wanted() == FEWEST, reason="two machines were asked for; `make machines` boots three for this"
)


# A machine in a container has no screen and no console.
UNSEEN: Final = """[Service]
Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
StandardInput=null
TTYPath=
TTYReset=no
TTYVHangup=no
TTYVTDisallocate=no
UtmpIdentifier=
"""
# What the browser has been shown: its addresses and titles.
SHOWN: Final = (
    "python3 -c 'import sqlite3; print(sqlite3.connect("
    '"file:/var/lib/usher-kiosk/Default/History?immutable=1", uri=True)'
    '.execute("SELECT url, title FROM urls").fetchall())\''
)


class Evening:
    """What stands, and what has been found out about it."""

    def __init__(self, site: Site, dist: Path) -> None:
        self.site = site
        self.cloud = site.boot("cloud", TICKETS)
        self.gate = site.boot("gate", NORTH)
        self.spares = [site.boot("spare", SOUTH)] if wanted() > FEWEST else []
        site.wait()
        self.inventory = _inventory(site, dist, self)
        self.token = ""
        self.tenant = ""
        self.event = ""

    @property
    def spare(self) -> Machine:
        """The venue's second gate, which `in_full` tests have."""
        return self.spares[0]

    def api(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Ask the API as anybody does, from the gate's machine over the proxy."""
        said = body if isinstance(body, str) else json.dumps(body)
        given = f"-H 'content-type: {kind}' --data-binary @- <<'END'\n{said}\nEND" if body else ""
        who = f"-H 'authorization: Bearer {self.token}'" if self.token else ""
        told = self.gate.sh(f"{CURL} -X {method} {who} https://{TICKETS}{path} {given}")
        try:
            return json.loads(told) if told else None
        except ValueError:
            return told


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """Machines that have just been installed."""
    if why := missing():
        pytest.skip(why)
    run(ROOT / "scripts" / "release", cwd=ROOT, timeout=900)
    with open_site(tmp_path_factory.mktemp("site")) as site:
        yield Evening(site, ROOT / "dist")


def _inventory(site: Site, dist: Path, evening: Evening) -> dict[str, Any]:
    """Return the example inventories, for these machines."""
    told: dict[str, Any] = {}
    for file in ("cloud", "venue"):
        told |= yaml.safe_load((ANSIBLE / "inventories" / f"{file}.yml").read_text())
    kept = site.folder / "kept"
    kept.mkdir()
    common = {
        "ansible_user": "root",
        "machine_fetches": False,
        "certificate_authority": str(kept),
        "release_wheel": str(next(dist.glob("usher-*.whl"))),
    }
    told["clouds"]["hosts"] = {TICKETS: {"ansible_host": evening.cloud.address}}
    told["clouds"]["vars"] |= common | {
        "release_wheels": str(dist / "cloud-wheels.tar"),
        "release_requirements": str(dist / "cloud.txt"),
        "database_secrets": str(kept),
        "cache_secrets": str(kept),
        "broker_secrets": str(kept),
        "service_master_key": str(kept / "master.key"),
        "service_payments_key": "nobody's",
        "service_webhook_secrets": ["nobody's"],
    }
    # Its key is made once the gate is there; the browser comes as often as it is started.
    kiosk = {"gate_kiosk": True, "gate_kiosk_url": "https://localhost:8443/kiosk?key=none"}
    gates = dict(zip((NORTH, SOUTH), (evening.gate, *evening.spares), strict=False))
    told["gates"]["hosts"] = {name: {"ansible_host": each.address} for name, each in gates.items()}
    told["gates"]["hosts"][NORTH] |= kiosk
    told["gates"]["vars"] |= common | {
        "gate_cloud_ca": "/etc/usher/ca.crt",
        "gate_clock": "network",
        "gate_lanes": [{"id": "door", "unattended": True}],
        "gate_cameras": [{"name": "left", "source": "/srv/queue", "lane": "door", "fps": 5}],
        "release_wheels": str(dist / "edge-wheels.tar"),
        "release_requirements": str(dist / "edge.txt"),
    }
    return told


def _changes(done: "subprocess.CompletedProcess[str]") -> dict[str, int]:
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    found = {name: int(changed) for name, changed, _, _ in CHANGED.findall(done.stdout)}
    assert found
    return found


def test_a_bare_debian_becomes_a_service_and_a_gate(evening: Evening) -> None:
    """By one command; every unit that it enabled runs."""
    evening.gate.sh(
        "mkdir -p /etc/systemd/system/usher-kiosk.service.d &&"
        f" cat > /etc/systemd/system/usher-kiosk.service.d/unseen.conf <<'END'\n{UNSEEN}END"
    )
    changed = _changes(evening.site.play("site.yml", evening.inventory))
    assert all(changed.values())
    assert evening.cloud.sh("systemctl --failed --no-legend") == ""
    assert '"ready":true' in evening.gate.sh(f"{CURL} https://{TICKETS}/readyz")


def test_a_second_run_changes_nothing(evening: Evening) -> None:
    """Of what the first one made."""
    assert not any(_changes(evening.site.play("site.yml", evening.inventory)).values())


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


def test_redis_does_for_its_user_what_the_service_needs(evening: Evening) -> None:
    """In the clear, as nobody, with others' keys or as an administrator: refused."""
    cloud, password = evening.cloud, _password(evening, "redis")
    ask = "redis-cli --no-auth-warning --tls --cacert /etc/usher/ca.crt"
    ours = f"{ask} --user usher --pass {password}"
    assert cloud.sh(f"{ours} SET usher:test 1").strip() == "OK"
    assert "NOPERM" in cloud.sh(f"{ours} GET other", check=False)
    assert "NOPERM" in cloud.sh(f"{ours} CONFIG GET requirepass", check=False)
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


def test_the_api_answers_its_proxy_alone(evening: Evening) -> None:
    """Whoever shows no certificate of the authority is not answered, on the machine itself too."""
    cloud = evening.cloud
    proxy = "--cert /etc/usher/proxy.crt --key /etc/usher/secrets/proxy.key"
    assert cloud.ok(f"{CURL} {proxy} https://localhost:8000/livez")
    assert not cloud.ok(f"{CURL} https://localhost:8000/livez")
    assert not cloud.ok(f"{CURL} {proxy} --tls-max 1.2 https://localhost:8000/livez")


def test_prometheus_has_the_rules_and_hears_both(evening: Evening) -> None:
    """The API's figures and the worker's."""
    evening.cloud.until(
        "curl -s 'localhost:9090/api/v1/query?query=sum(up)' | grep -q '\"2\"'", 120
    )
    assert "usher" in evening.cloud.sh("curl -s localhost:9090/api/v1/rules")


def test_the_gate_is_enrolled_and_admits(evening: Evening) -> None:
    """By a code from the console and six digits; then by the first guest before its camera."""
    _organize(evening)
    _enrol(evening)
    code = evening.api("GET", f"{evening.tenant}/events/{evening.event}/tickets")["items"][0]
    text = evening.api(
        "GET", f"{evening.tenant}/events/{evening.event}/tickets/{code['ticket_id']}/code.txt"
    )
    gate = evening.gate
    gate.until("systemctl is-active usher-gate usher-camera@left")
    gate.until(f"{EDGE} post door North", 180)
    queue = evening.site.folder / "gate" / "root" / "srv" / "queue"
    _show(queue, text)
    gate.until(f"{EDGE} view | grep -q '\"entered\": 1'", 120)
    _hide(queue)


def test_the_kiosk_shows_its_lane(evening: Evening) -> None:
    """The browser, in its sandbox and in the unit's, trusts the venue's authority and has a key."""
    gate = evening.gate
    address = gate.sh(f"{EDGE} key door").split()[-1]
    gate.sh(f"echo 'USHER_KIOSK_URL={address}' > /etc/usher/kiosk; systemctl restart usher-kiosk")
    shown = gate.until(f"{SHOWN} | grep https://localhost:8443/kiosk", 120)
    assert "('https://localhost:8443/kiosk', 'North')" in shown
    assert gate.sh("systemctl show -P NRestarts usher-kiosk").strip() == "0"
    gate.sh("systemctl stop usher-kiosk")
    assert not gate.ok("pgrep -u usher-kiosk"), "a browser outlives its unit"


def _organize(evening: Evening) -> None:
    """Sign up, describe the evening, and put a guest on its list."""
    who = {"email": "olivia@example.org", "password": "lantern orbit velvet plum"}
    evening.api("POST", "/v1/accounts", who | {"name": "Olivia", "locale": "en"})
    mailed = evening.cloud.sh("usher-cloud admin mail olivia@example.org").splitlines()
    secret = next(line.strip() for line in mailed if line.startswith("  "))
    evening.api("POST", "/v1/accounts/verify", {"secret": secret})
    evening.token = evening.api("POST", "/v1/sessions", who)["access_token"]
    tenant = evening.api("POST", "/v1/tenants", {"slug": "hall", "name": "Hall"})["tenant_id"]
    evening.tenant = f"/v1/tenants/{tenant}"
    hall = {
        "name": "Hall", "timezone": "Europe/Berlin", "zones": [{"id": 1, "name": "Hall"}],
        "gates": [{"id": 1, "name": "North", "zone": 1, "direction": "both"}],
    }  # fmt: skip
    venue = evening.api("POST", f"{evening.tenant}/venues", hall)["venue_id"]
    now = int(evening.cloud.sh("date +%s"))
    at = [
        evening.cloud.sh(f"date -ud @{now + hours * 3600} +%FT%TZ").strip() for hours in (1, 2, 6)
    ]
    night = {
        "venue_id": venue, "name": "Night", "currency": "eur",
        "doors_at": at[0], "starts_at": at[1], "ends_at": at[2],
    }  # fmt: skip
    evening.event = evening.api("POST", f"{evening.tenant}/events", night)["event_id"]
    path = f"{evening.tenant}/events/{evening.event}"
    for name, price in (("Standing", 2500), ("Free", 0)):
        sold = {"name": name, "price": price, "capacity": 10, "entry": {"zones": [1]}}
        evening.api("POST", f"{path}/classes", sold)
    version = evening.api("GET", path)["organizer"]["version"]
    evening.api("POST", f"{path}/publish", {"version": version})
    listed = "class;name;email\nStanding;Ada;ada@example.org"
    job = evening.api("POST", f"{path}/guests", listed, "text/csv")["job_id"]
    asked = (
        f"-H 'authorization: Bearer {evening.token}' https://{TICKETS}{evening.tenant}/jobs/{job}"
    )
    evening.gate.until(f"{CURL} {asked} | grep -q done", 120)


def _enrol(evening: Evening) -> None:
    """Type the offer at the gate, and its digits at the console."""
    made = evening.api("POST", f"{evening.tenant}/devices/enrolments", {"name": "north"})
    gate = evening.gate
    gate.sh(
        "systemd-run --quiet --unit=enrol --uid=usher-gate --property=StateDirectory=usher"
        " --property=StandardOutput=file:/run/enrol.log"
        " --property=StandardError=file:/run/enrol.log"
        f" /opt/usher/current/bin/usher-edge enrol '{made['offer']}'"
    )
    said = gate.until("grep -oE '([0-9] ){3} +[0-9] [0-9] [0-9]' /run/enrol.log", 60)
    digits = "".join(each for each in said if each.isdigit())
    enrolment = f"{evening.tenant}/devices/enrolments/{made['enrolment_id']}"
    assert evening.api("POST", f"{enrolment}/digits", {"digits": digits})["state"] == "confirmed"
    gate.until("! systemctl is-active enrol", 60)
    gate.sh("systemctl start usher-gate")


def _show(queue: Path, text: str) -> None:
    queue.mkdir(mode=0o755, exist_ok=True)
    picture = qrcode.QRCode(border=8, box_size=6)
    picture.add_data(text)
    picture.make_image().get_image().convert("RGB").resize((640, 640)).save(queue / "guest.png")
    queue.chmod(0o755)
    (queue / "guest.png").chmod(0o644)


def _hide(queue: Path) -> None:
    shutil.rmtree(queue)


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


@in_full
def test_a_release_that_is_not_well_is_taken_back(evening: Evening) -> None:
    """The gate runs what it ran before, and says so."""
    broken = json.loads(json.dumps(evening.inventory))
    broken["gates"]["vars"] |= {"release_version": "0.1.1", "release_check": ["false"]}
    done = evening.site.play("update.yml", broken, "--limit", "gates")
    assert done.returncode != 0
    assert f"{NORTH} was not well with 0.1.1 and runs 0.1.0 again" in " ".join(done.stdout.split())
    assert not evening.spare.ok("test -e /opt/usher/releases/0.1.1"), "the next wave began"
    evening.gate.until("systemctl is-active usher-gate", 60)
    assert evening.gate.sh("readlink /opt/usher/current").strip() == "/opt/usher/releases/0.1.0"


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


def _buy(evening: Evening) -> str:
    """Buy a ticket; return the order's path."""
    wanted = {"event_id": evening.event, "items": [{"class_index": 1, "quantity": 1}]}
    order = evening.api("POST", f"{evening.tenant}/orders", wanted)
    assert order["state"] == "paid", order
    return f"{evening.tenant}/orders/{order['order_id']}"


def _restore(evening: Evening, *to: str) -> None:
    """Restore the database, to a moment or to the last change; have the service back."""
    evening.cloud.sh(" ".join(("usher-restore", *to)), timeout=600)
    evening.cloud.until(f"{CURL} https://{TICKETS}/readyz | grep -q '\"ready\":true'", 180)


COUNT: Final = "runuser -u postgres -- psql -XAtc 'SELECT count(*) FROM purchase' usher"


def test_what_was_lost_comes_back_from_the_backup(evening: Evening) -> None:
    """All that was written, also after it was made; or to a moment, without what came later."""
    cloud = evening.cloud
    cloud.sh("systemctl start usher-backup.service", timeout=300)
    first = _buy(evening)
    moment = cloud.sh("sleep 1; date -u '+%F %T.%N+00'; sleep 1").strip()
    second = _buy(evening)
    before = cloud.sh(COUNT)
    cloud.sh("runuser -u postgres -- psql -XAtc 'SELECT pg_switch_wal()'")
    cloud.until(
        'test -z "$(ls /var/lib/postgresql/15/main/pg_wal/archive_status/*.ready 2>/dev/null)"'
    )
    cloud.sh("systemctl stop usher-cloud-api usher-cloud-worker postgresql@15-main")
    cloud.sh("rm -rf /var/lib/postgresql/15/main")
    _restore(evening)
    assert cloud.sh(COUNT) == before
    assert {evening.api("GET", each)["state"] for each in (first, second)} == {"paid"}
    _restore(evening, f"'{moment}'")
    assert evening.api("GET", first)["state"] == "paid"
    assert "state" not in evening.api("GET", second)


def test_what_restores_left_is_forgotten_in_time(evening: Evening) -> None:
    """Not before: what was there before today's restore is kept."""
    cloud, aside = evening.cloud, "/var/lib/postgresql/15/main.20260101T000000Z"
    broken = "/var/backups/usher/base/20260101T000000Z.part"
    cloud.sh(f"install -d -o postgres {aside} {broken}; touch -d 2026-01-01 {aside} {broken}")
    kept = cloud.sh("ls -d /var/lib/postgresql/15/main.*Z | sort").splitlines()
    cloud.sh("systemctl start usher-clean.service")
    left = cloud.sh("ls -d /var/lib/postgresql/15/main.*Z | sort").splitlines()
    assert left == [each for each in kept if each != aside]
    assert left
    assert not cloud.ok(f"test -e {broken}")
