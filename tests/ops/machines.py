"""Machines: Debians that systemd boots in namespaces of the test's own, and who sets them up.

Each is `.cache/machine` (scripts/machine) under a layer of its own, in a network namespace with
one line to the technician's, and nothing else: no machine reaches anything outside.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.ops.variables import ANSIBLE

ROOT: Final = ANSIBLE.parent
DEBIAN: Final = ROOT / ".cache" / "machine"
PROGRAMS: Final = ROOT / ".cache" / "ops" / "bin"
NET: Final = "10.77.0"
BOOTED: Final = 90.0  # seconds
ENDED: Final = 30.0
KEPT_OPEN: Final = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60")
Done = subprocess.CompletedProcess[str]


def run(*command: str | Path, check: bool = True, **more: Any) -> Done:
    """Run a program to its end; what it said is in the error if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert not check or done.returncode == 0, (
        f"{command}: {done.stdout[-6000:]}{done.stderr[-3000:]}"
    )
    return done


@dataclass(frozen=True)
class Machine:
    """One that runs."""

    name: str
    address: str
    site: "Site"

    def sh(self, command: str, *, check: bool = True, timeout: float = 180) -> str:
        """Run a command on it, as a technician does, and return what it printed."""
        ssh = [*self.site.ssh, f"root@{self.address}", command]
        return self.site.run(*ssh, check=check, timeout=timeout).stdout

    def ok(self, command: str) -> bool:
        """Whether a command succeeds on it."""
        ssh = [*self.site.ssh, f"root@{self.address}", command]
        return self.site.run(*ssh, check=False, timeout=180).returncode == 0

    def until(self, command: str, seconds: float = 120) -> str:
        """Wait until a command succeeds on it; return what it printed."""
        end = time.monotonic() + seconds
        while not self.ok(command):
            assert time.monotonic() < end, f"{self.name}: {command} did not come true"
            time.sleep(1)
        return self.sh(command)


class Site:
    """A technician's desk, and the machines that are in reach of it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._tag = f"u{os.getpid()}"
        self.desk = f"{self._tag}d"
        self.machines: dict[str, Machine] = {}
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key")
        self.ssh: tuple[str, ...] = (
            "ssh", "-i", str(folder / "key"), "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10",
            "-o", "StrictHostKeyChecking=accept-new",
            "-o", f"UserKnownHostsFile={folder / 'known'}",
        )  # fmt: skip
        self._namespace(self.desk)
        self._ip("link", "add", "br0", "type", "bridge")
        self._ip("addr", "add", f"{NET}.1/24", "dev", "br0")
        self._ip("link", "set", "br0", "up")

    def run(self, *command: str | Path, check: bool = True, **more: Any) -> Done:
        """Run a program at the desk."""
        return run("ip", "netns", "exec", self.desk, *command, check=check, **more)

    def play(self, book: str, inventory: dict[str, Any], *more: str) -> Done:
        """Run a playbook; return what became of it."""
        hosts = self.folder / "hosts.yml"
        hosts.write_text(yaml.safe_dump(inventory))
        told = {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder),
            "ANSIBLE_SSH_ARGS": " ".join((*self.ssh[1:], *KEPT_OPEN)),
        }
        command = ("ansible-playbook", "-i", str(hosts), book, *more)
        return self.run(*command, check=False, cwd=ANSIBLE, env=os.environ | told, timeout=1500)

    def boot(self, name: str, host: str) -> Machine:
        """Boot one more, which goes by `host`."""
        number = len(self.machines) + 2
        address, space = f"{NET}.{number}", f"{self._tag}m{number}"
        self._namespace(space)
        line = f"{self._tag}v{number}"
        self._ip("link", "add", line, "type", "veth", "peer", "name", "host0", "netns", space)
        self._ip("link", "set", line, "master", "br0", "up")
        run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "host0")
        for each in ("host0", "lo"):
            run("ip", "-n", space, "link", "set", each, "up")
        root = self._disk(name, host)
        self._start(name, root, space)
        machine = self.machines[name] = Machine(name, address, self)
        self._tell_names()
        machine.until("systemctl is-system-running --wait | grep -Eq 'running|degraded'", BOOTED)
        return machine

    def _namespace(self, name: str) -> None:
        run("ip", "netns", "add", name)
        self._stack.callback(run, "ip", "netns", "delete", name, check=False)

    def _ip(self, *words: str) -> None:
        run("ip", "-n", self.desk, *words)

    def _disk(self, name: str, host: str) -> Path:
        """Return a folder that is Debian's until something is written."""
        place = self.folder / name
        for each in ("upper", "work", "root"):
            (place / each).mkdir(parents=True)
        layers = f"lowerdir={DEBIAN},upperdir={place / 'upper'},workdir={place / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", layers, place / "root")
        self._stack.callback(run, "umount", "--lazy", place / "root", check=False)
        root = place / "root"
        (root / "etc/hostname").write_text(f"{host}\n")
        keys = root / "root/.ssh"
        keys.mkdir(mode=0o700, exist_ok=True)
        (keys / "authorized_keys").write_text((self.folder / "key.pub").read_text())
        run("chroot", root, "ssh-keygen", "-A")
        return root

    def _start(self, name: str, root: Path, space: str) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        booted = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", root, "--boot", "--register=no",
             "--keep-unit", "--capability=CAP_NET_ADMIN", "--console=pipe",
             f"--network-namespace-path=/run/netns/{space}", f"--machine={self._tag}-{name}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        self._stack.callback(_end, booted)

    def _tell_names(self) -> None:
        lines = "127.0.0.1 localhost\n"
        for each in self.machines.values():
            root = self.folder / each.name / "root"
            lines += f"{each.address} {(root / 'etc/hostname').read_text()}"
        for each in self.machines.values():
            (self.folder / each.name / "root/etc/hosts").write_text(lines)


def _end(booted: "subprocess.Popen[bytes]") -> None:
    booted.terminate()
    with suppress(subprocess.TimeoutExpired):
        booted.wait(ENDED)
    booted.kill()
    booted.wait()


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """Have a desk; in the end nothing of it or its machines is left."""
    with ExitStack() as stack:
        yield Site(folder, stack)


def missing() -> str:
    """Return why no machine can be booted here, or nothing."""
    if "MACHINES" not in os.environ:
        return "machines are booted by `make machines`"
    if os.geteuid() != 0:
        return "only root boots machines"
    if not (DEBIAN / "usr/lib/systemd/systemd").exists():
        return "there is no .cache/machine: scripts/setup machines makes it"
    return ""
