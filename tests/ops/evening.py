"""An evening: a ticket service and its gates on machines, and who organizes it by the API."""

import json
import time
from pathlib import Path
from typing import Any, Final

import yaml

from tests.ops.machines import FEWEST, Machine, Site, wanted
from tests.ops.variables import ANSIBLE

TICKETS: Final = "tickets.example"
NORTH: Final = "north.example"
SOUTH: Final = "south.example"
EDGE: Final = "systemd-run --quiet --wait --pipe --uid=usher-gate /opt/usher/current/bin/usher-edge"
CURL: Final = "curl -sS --cacert /etc/usher/ca.crt"
ORGANIZER: Final = {"email": "olivia@example.org", "password": "lantern orbit velvet plum"}
HALF_A_TOKEN: Final = 300  # seconds


class Evening:
    """What stands, and what has been found out about it."""

    def __init__(self, site: Site, dist: Path) -> None:
        self.site = site
        self.cloud = site.boot("cloud", TICKETS)
        self.gate = site.boot("gate", NORTH)
        self.spares = [site.boot("spare", SOUTH)] if wanted() > FEWEST else []
        site.wait()
        self.inventory = inventory_of(site, dist, self)
        self.token, self.tired = "", 0.0
        self.tenant = ""
        self.event = ""
        self.code = ""  # of the guest who is inside

    @property
    def spare(self) -> Machine:
        """The venue's second gate, which `in_full` tests have."""
        return self.spares[0]

    def api(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Ask the API as anybody does, from the gate's machine over the proxy."""
        if self.token and time.monotonic() > self.tired:
            self.sign_in()
        said = body if isinstance(body, str) else json.dumps(body)
        given = f"-H 'content-type: {kind}' --data-binary @- <<'END'\n{said}\nEND" if body else ""
        who = f"-H 'authorization: Bearer {self.token}'" if self.token else ""
        told = self.gate.sh(f"{CURL} -X {method} {who} https://{TICKETS}{path} {given}")
        try:
            return json.loads(told) if told else None
        except ValueError:
            return told

    def sign_in(self) -> None:
        """Be the organizer, from now on."""
        self.token, self.tired = "", time.monotonic() + HALF_A_TOKEN
        self.token = self.api("POST", "/v1/sessions", ORGANIZER)["access_token"]


def inventory_of(site: Site, dist: Path, evening: Evening) -> dict[str, Any]:
    """Return the example inventories, for these machines."""
    told: dict[str, Any] = {}
    for file in ("cloud", "venue"):
        told |= yaml.safe_load((ANSIBLE / "inventories" / f"{file}.yml").read_text())
    kept = site.folder / "kept"  # the first run makes it
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


def organize(evening: Evening) -> None:
    """Sign up, describe the evening, and put a guest on its list."""
    evening.api("POST", "/v1/accounts", ORGANIZER | {"name": "Olivia", "locale": "en"})
    mailed = evening.cloud.sh("usher-cloud admin mail olivia@example.org").splitlines()
    secret = next(line.strip() for line in mailed if line.startswith("  "))
    evening.api("POST", "/v1/accounts/verify", {"secret": secret})
    evening.sign_in()
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


def enrol(evening: Evening, gate: Machine, name: str) -> None:
    """Type the offer at the gate, and its digits at the console."""
    made = evening.api("POST", f"{evening.tenant}/devices/enrolments", {"name": name})
    gate.sh(
        "rm -f /run/enrol.log;"
        " systemd-run --quiet --unit=enrol --uid=usher-gate --property=StateDirectory=usher"
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


def code_of(evening: Evening, ticket: str) -> str:
    """Return what is printed on a ticket."""
    path = f"{evening.tenant}/events/{evening.event}/tickets/{ticket}/code.txt"
    return str(evening.api("GET", path))


def buy(evening: Evening) -> str:
    """Buy a ticket; return the order's path."""
    wanted = {"event_id": evening.event, "items": [{"class_index": 1, "quantity": 1}]}
    order = evening.api("POST", f"{evening.tenant}/orders", wanted)
    assert order["state"] == "paid", order
    return f"{evening.tenant}/orders/{order['order_id']}"
