"""Machines: Debians that systemd boots in namespaces of the test's own, and who sets them up.

Each is `.cache/machine-SUITE` (scripts/machine) under a layer of its own, in a network namespace
with one line to the technician's, and nothing else: no machine reaches anything outside.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.ops.variables import ANSIBLE

ROOT: Final = ANSIBLE.parent
SUITE: Final = os.environ.get("DEBIAN", "bookworm")
DEBIAN: Final = ROOT / ".cache" / f"machine-{SUITE}"
PYTHON: Final = {"bookworm": "3.11.2", "trixie": "3.13.5"}[SUITE]  # what wheels are fetched for
PROGRAMS: Final = ROOT / ".cache" / "ops" / "bin"
NET: Final = "10.77.0"
BOOTED: Final = 90.0  # seconds
ENDED: Final = 30.0
FEWEST: Final = 2  # a ticket service and a gate
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
        ssh = [*self.site.ssh, f"root@{self.address}", command]
        while (done := self.site.run(*ssh, check=False, timeout=180)).returncode != 0:
            assert time.monotonic() < end, f"{self.name}: {command} did not come true"
            time.sleep(1)
        return done.stdout


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
            "-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", f"ControlPath={folder}/%h",
        )  # fmt: skip
        self._namespace(self.desk)
        self._ip("link", "add", "br0", "type", "bridge")
        self._ip("addr", "add", f"{NET}.1/24", "dev", "br0")
        self._ip("link", "set", "br0", "up")
        # `ip netns exec` shows what is here in the place of /etc.
        self._etc = Path("/etc/netns") / self.desk
        self._etc.mkdir(parents=True)
        stack.callback(shutil.rmtree, self._etc)

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
            "ANSIBLE_SSH_ARGS": " ".join(self.ssh[1:]),
        }
        command = ("ansible-playbook", "-i", str(hosts), book, *more)
        with (self.folder / "play.log").open("w+") as log:  # to be watched
            done = subprocess.run(
                ("ip", "netns", "exec", self.desk, *command),
                stdout=log, stderr=log, text=True, check=False, cwd=ANSIBLE,
                env=os.environ | told, timeout=1500,
            )  # fmt: skip
            log.seek(0)
            return Done(command, done.returncode, log.read(), "")

    def boot(self, name: str, host: str) -> Machine:
        """Boot one more, which goes by `host`. `wait` waits until it has."""
        number = len(self.machines) + 2
        address, space = f"{NET}.{number}", f"{self._tag}m{number}"
        self._connect(space, f"{self._tag}v{number}", address)
        root = self._disk(name, host)
        log = (self.folder / f"{name}.log").open("wb")
        booted = subprocess.Popen(
            self._command(name, root, space), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        log.close()
        self._stack.callback(_end, booted)
        machine = self.machines[name] = Machine(name, address, self)
        self._tell_names()
        return machine

    def try_boot(self, patience: float) -> str:
        """Boot one that switches itself off; return what is wrong if it doesn't."""
        space = f"{self._tag}m0"
        self._connect(space, f"{self._tag}v0", f"{NET}.254")
        root = self._disk("probe", "probe")
        command = self._command("probe", root, space, "systemd.unit=poweroff.target")
        try:
            done = run(*command, check=False, timeout=patience, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return f"a machine does not boot within {patience:.0f} seconds"
        return "" if done.returncode == 0 else f"no machine boots: {done.stderr[-300:]}"

    def wait(self) -> None:
        """Wait until all have booted."""
        for each in self.machines.values():
            each.until("systemctl is-system-running --wait | grep -Eq 'running|degraded'", BOOTED)

    def _connect(self, space: str, line: str, address: str) -> None:
        """Have a network namespace with a line to the desk."""
        self._namespace(space)
        self._ip("link", "add", line, "type", "veth", "peer", "name", "host0", "netns", space)
        self._ip("link", "set", line, "master", "br0", "up")
        run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", "host0")
        for each in ("host0", "lo"):
            run("ip", "-n", space, "link", "set", each, "up")

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
        folders = f"lowerdir={DEBIAN},upperdir={place / 'upper'},workdir={place / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", f"volatile,{folders}", place / "root")
        self._stack.callback(run, "umount", "--lazy", place / "root", check=False)
        root = place / "root"
        (root / "etc/hostname").write_text(f"{host}\n")
        keys = root / "root/.ssh"
        keys.mkdir(mode=0o700, exist_ok=True)
        (keys / "authorized_keys").write_text((self.folder / "key.pub").read_text())
        run("chroot", root, "ssh-keygen", "-A")
        # Images of Debian for clouds have it, with this or its opposite.
        (root / "etc/ssh/sshd_config.d/50-cloud-init.conf").write_text(
            "PasswordAuthentication yes\n"
        )
        # Else the end of root's last session ends what runs for root, and in a container that may
        # take two minutes, for which the next one waits.
        lingers = root / "var/lib/systemd/linger"
        lingers.mkdir(exist_ok=True)
        (lingers / "root").touch()
        return root

    def _command(self, name: str, root: Path, space: str, *more: str) -> list[str]:
        return [
            "systemd-nspawn", "--quiet", "--directory", str(root), "--boot", "--register=no",
            "--keep-unit", "--capability=CAP_NET_ADMIN", "--console=pipe",
            f"--network-namespace-path=/run/netns/{space}", f"--machine={self._tag}-{name}", *more,
        ]  # fmt: skip

    def _tell_names(self) -> None:
        lines = "127.0.0.1 localhost\n"
        for each in self.machines.values():
            root = self.folder / each.name / "root"
            lines += f"{each.address} {(root / 'etc/hostname').read_text()}"
        places = [self.folder / each.name / "root/etc" for each in self.machines.values()]
        for place in (*places, self._etc):
            (place / "hosts").write_text(lines)


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


def wanted() -> int:
    """Return how many machines are asked for; a third one is a venue's second gate."""
    return int(os.environ.get("MACHINES", "0"))


def missing() -> str:
    """Return why no machine can be booted here, or nothing."""
    if wanted() < FEWEST:
        return "machines are booted by `make machines`"
    if os.geteuid() != 0:
        return "only root boots machines"
    if not list(DEBIAN.parent.glob(f"{DEBIAN.name}.made-*")):
        return f"there is no {DEBIAN.relative_to(ROOT)}: `scripts/setup machines` makes it"
    return _unbootable()


def _unbootable() -> str:
    """Boot one that ends at once, as the others are booted; return what it said if it can't."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        try:
            site = Site(Path(folder), stack)
            return site.try_boot(BOOTED)
        except (AssertionError, OSError) as error:
            return f"no machine can be booted here: {error}"
