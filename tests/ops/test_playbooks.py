"""The playbooks, read: the linter has nothing to say, the README tells of every variable."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cloud.http.catalogue import CATALOGUE
from tests.ops import variables
from tests.ops.variables import ANSIBLE

PROGRAMS: Final = ANSIBLE.parent / ".cache" / "ops" / "bin"
ROLES: Final = sorted((ANSIBLE / "roles").iterdir())


def ops(program: str, *arguments: str, cwd: Path = ANSIBLE) -> "subprocess.CompletedProcess[str]":
    """Run one of Ansible's programs."""
    paths = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [PROGRAMS / program, *arguments],
        env=os.environ | {"PATH": paths, "ANSIBLE_NOCOLOR": "1"},
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_linter_has_nothing_to_say() -> None:
    """By the profile that is meant for production, without a look at any server."""
    done = ops("ansible-lint", "--offline", "--profile", "production", "--nocolor", "-q")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_readme_tells_of_every_variable() -> None:
    """`python -m tests.ops.variables` writes it anew."""
    assert variables.written() == variables.table()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_are_what_is_specified(role: Path) -> None:
    """A variable's default in a role is the one that its specification names."""
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = spec["argument_specs"]["main"]["options"]
    file = role / "defaults" / "main.yml"
    defaults = yaml.safe_load(file.read_text()) if file.exists() else {}
    named = {name: each["default"] for name, each in options.items() if not each.get("required")}
    assert named.items() <= defaults.items()


def test_the_proxy_refuses_in_the_words_of_the_api() -> None:
    """Whoever reads a problem document need not know who wrote it."""
    template = (ANSIBLE / "roles" / "proxy" / "templates" / "usher.conf").read_text()
    said = [json.loads(each) for each in re.findall(r"return \d+ '(.*)';", template)]
    assert {each["code"] for each in said} == set(re.findall(r"location @(\w+)", template))
    for each in said:
        entry = CATALOGUE[each["code"]]
        assert (each["status"], each["title"]) == (entry.status, entry.sentence)


NOWHERE: Final = dict.fromkeys(("release_wheel", "release_wheels", "release_requirements"), "/no")
ONE: Final[dict[str, Any]] = {"hosts": {"a": {}}}


def gate(**settings: Any) -> dict[str, Any]:
    return {"gates": {"hosts": {"a": settings}}}


def example(name: str, **settings: Any) -> dict[str, Any]:
    """Return one host of an example inventory, with files that are there, set up otherwise."""
    told: dict[str, Any] = yaml.safe_load((ANSIBLE / "inventories" / f"{name}.yml").read_text())
    for group in told.values():
        here = dict.fromkeys(NOWHERE, str(ANSIBLE / "site.yml"))
        vault = {"vault_payments_key": "k", "vault_webhook_secrets": ["s"]}
        group |= {"hosts": {"a": {}}, "vars": group["vars"] | here | vault | settings}
    return told


LANES: Final = [{"id": "door"}, {"id": "door"}]
LAMP: Final = {"lane": "nowhere", "settings": {}}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"gates": ONE, "clouds": ONE}, "is in gates and in"),
        (gate(gate_cameras=[{"name": "left", "lane": "nowhere"}]), "names the lane nowhere"),
        (gate(gate_kiosk=True), "usher-edge key LANE"),
        (gate(**NOWHERE), "/no is not there"),
        ({"clouds": {"hosts": {"a": {"service_public_url": "http://x"}}}}, "anybody could pay"),
        (gate(gate_signals=[LAMP]), "gate_signals names the lane nowhere"),
        (gate(gate_lanes=LANES), "of door, door two have the same name"),
        (example("venue", release_side="cloud"), "release_side is cloud; here it is edge"),
        (example("venue", gate_web_port=9443), "serves 9443 and 8444; machine_ports opens 8443"),
        (example("cloud", machine_ports=[]), "serves 443; machine_ports opens nothing"),
        (
            example("cloud", certificate_names=[{"file": "api"}]),
            "lacks broker, cache, database, proxy, worker",
        ),
        (example("venue", gate_clock="sundial"), "value of gate_clock must be one of: battery"),
        (example("venue", gate_lanes=[{"id": "door", "speed": 3}]), "gate_lanes.speed"),
        (example("cloud", database_backup_keep="long"), "'database_backup_keep' is of type str"),
    ],
)
def test_contradictions_are_refused_before_a_host_is_touched(
    tmp_path: Path, told: dict[str, Any], says: str
) -> None:
    """With a sentence; no connection is made."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump(told))
    done = ops("ansible-playbook", "-i", str(inventory), "site.yml")
    assert done.returncode != 0
    assert says in " ".join(done.stdout.split())
    assert "UNREACHABLE" not in done.stdout
    assert "TASK [machine" not in done.stdout


@pytest.mark.parametrize("name", ["cloud", "venue"])
def test_what_the_examples_say_is_taken(tmp_path: Path, name: str) -> None:
    """Each as far as the first host, of which nobody has heard."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump(example(name, ansible_host="a.invalid")))
    done = ops("ansible-playbook", "-i", str(inventory), "site.yml")
    assert "UNREACHABLE" in done.stdout, done.stdout
    assert "failed=0" in done.stdout


def test_a_venues_only_gate_is_updated_when_somebody_says_so(tmp_path: Path) -> None:
    """Not by the way."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"gates": ONE}))
    done = ops("ansible-playbook", "-i", str(inventory), "update.yml")
    assert done.returncode != 0
    assert "update_only_gate=true" in done.stdout


@pytest.mark.parametrize(
    ("book", "play", "gates", "waves"),
    [
        ("update.yml", "Update gates", 2, [1, 1]),
        ("update.yml", "Update gates", 9, [1, 2, 2, 2, 2]),
        ("site.yml", "Gates of a venue", 9, [1, 2, 2, 2, 2]),
    ],
)
def test_no_wave_takes_all_gates_of_a_venue(
    tmp_path: Path, book: str, play: str, gates: int, waves: list[int]
) -> None:
    """One first, then a quarter of them at a time, whatever they are started anew for."""
    inventory = tmp_path / "hosts.yml"
    here = {"ansible_connection": "local", "ansible_become": False}
    told = example("venue", **here)
    told["gates"]["hosts"] = {f"g{n}": {} for n in range(gates)}
    inventory.write_text(yaml.safe_dump(told))
    # No task has this tag: what is left is who belongs to which wave.
    done = ops("ansible-playbook", "-i", str(inventory), book, "--tags", "nothing")
    parts = re.findall(rf"^PLAY \[{play}\].*?(?=^PLAY )", done.stdout, re.M | re.S)
    found = [set(re.findall(r"^ok: \[(g\d)\]", each, re.M)) for each in parts]
    assert [len(each) for each in found] == waves, done.stdout
    assert len(set.union(*found)) == gates


@pytest.mark.parametrize("said", [(), ("replaced=a", "replacement=a")])
def test_no_gate_is_replaced_by_a_guess(tmp_path: Path, said: tuple[str, ...]) -> None:
    """Who goes and who comes is said, before a host is touched."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"gates": {"hosts": {"a": {}, "b": {}}}}))
    told = [word for each in said for word in ("-e", each)]
    done = ops("ansible-playbook", "-i", str(inventory), "replace.yml", *told)
    assert done.returncode != 0
    assert "Say -e replaced=HOST" in " ".join(done.stdout.split())
    assert "UNREACHABLE" not in done.stdout


def test_no_gate_is_stopped_that_could_not_be_replaced(tmp_path: Path) -> None:
    """What the later steps need is asked for before the first."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"gates": {"hosts": {"a": {}, "b": {}}}}))
    told = ("-e", "replaced=a", "-e", "replacement=b", "-e", "drain_kept=/tmp")
    done = ops("ansible-playbook", "-i", str(inventory), "replace.yml", *told)
    assert "missing required arguments: enrolment_key, enrolment_tenant" in done.stdout
    assert "UNREACHABLE" not in done.stdout
