"""A venue's network in namespaces: a bridge, one namespace a machine, and nft to cut it.

Runs inside `INSIDE`, so nobody need be root, nothing outside is touched, and nothing of it is
left when it ends. The one way out is a Unix socket (`relay`), behind which is the cloud.

    with lan() as lan:
        north = lan.machine("north")            # 10.77.0.1 on the LAN
        process = north.start(["python", …])
        lan.cut({"north"}, {"south", "west"})
        lan.heal()

Whoever runs this has an address on the bridge too, from which all machines are reached whatever
is cut between them.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

# The last process of these namespaces ends with the first: kill `unshare`, and all is gone.
INSIDE: Final = (
    "unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork",
    "--kill-child", "--mount-proc",
)  # fmt: skip
NETWORK: Final = "10.77.0"
OURS: Final = 254  # the address of whoever runs this
TABLE: Final = "bridge venue"


def run(*command: str, stdin: str = "") -> str:
    """Run a program to its end, or raise with what it said."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


@dataclass
class Machine:
    """One namespace with a cable to the LAN."""

    name: str
    number: int
    holder: "subprocess.Popen[bytes]"  # a process that keeps the namespace
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}"

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return a command that runs in this namespace."""
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--", *command]

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        output: IO[Any] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start a program here. `env`: added to ours."""
        process = subprocess.Popen(
            self.inside(command), env=_added(env),
            stdin=subprocess.DEVNULL, stdout=output or sys.stderr, stderr=output or sys.stderr,
        )  # fmt: skip
        self.processes.append(process)
        return process

    @contextmanager
    def talk(
        self, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> Iterator[Iterator[str]]:
        """Run a program, and give its lines as they come; raises if it says no."""
        process = subprocess.Popen(
            self.inside(command), env=_added(env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        with process:
            yield iter(process.stdout)
            rest = process.stdout.read()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {process.returncode} {rest}")

    def queued(self, other: "Machine", port: int) -> tuple[int, int]:
        """Return how many bytes wait here on connections with another machine at `port`, whoever
        dialled: sent and not acknowledged, and come and not read."""
        sent = come = 0
        for line in Path(f"/proc/{self.holder.pid}/net/tcp").read_text().splitlines()[1:]:
            _, here, there, _, queues, *_ = line.split()
            ports = {int(each.partition(":")[2], 16) for each in (here, there)}
            if port in ports and _dotted(there) == other.address:
                out, _, back = queues.partition(":")
                sent, come = sent + int(out, 16), come + int(back, 16)
        return sent, come

    def stop(self) -> None:
        """End what runs here."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.holder.kill()
        self.holder.wait()


class Lan:
    """The bridge and its machines."""

    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "venue", "type", "bridge", "mcast_snooping", "0")
        run("ip", "link", "set", "venue", "up")
        run("ip", "address", "add", f"{NETWORK}.{OURS}/24", "dev", "venue")
        run(
            "nft",
            "-f",
            "-",
            stdin=f"table {TABLE} {{ chain cut {{ type filter hook forward priority 0;\n }}\n }}\n",
        )

    def machine(self, name: str) -> Machine:
        """Add a machine; its address is the next one."""
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        made = self.machines[name] = Machine(name, len(self.machines) + 1, holder)
        port = f"port{made.number}"
        _wait_for_namespace(holder.pid)
        run(
            "ip", "link", "add", port, "type", "veth",
            "peer", "name", "eth0", "netns", str(holder.pid),
        )  # fmt: skip
        run("ip", "link", "set", port, "master", "venue", "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("link", "set", "eth0", "up"),
            ("address", "add", f"{made.address}/24", "dev", "eth0"),
            ("route", "add", "224.0.0.0/4", "dev", "eth0"),
        ):
            run(*made.inside(("ip", *words)))
        return made

    def cut(self, some: Iterable[str], others: Iterable[str]) -> None:
        """Let nothing pass between two sides, either way."""
        rules = [
            f'add rule {TABLE} cut iifname "{self._port(one)}" oifname "{self._port(other)}" drop'
            for left in some
            for right in others
            for one, other in ((left, right), (right, left))
        ]
        run("nft", "-f", "-", stdin="\n".join(rules))

    def mute(self, one: str, other: str) -> None:
        """Let nothing pass from one to the other; the other way all does."""
        ports = self._port(one), self._port(other)
        run("nft", "add rule {} cut iifname {} oifname {} drop".format(TABLE, *ports))

    def heal(self) -> None:
        """Let everything pass again."""
        run("nft", "flush", "chain", *TABLE.split(), "cut")

    def close(self) -> None:
        for machine in self.machines.values():
            machine.stop()

    def _port(self, name: str) -> str:
        return f"port{self.machines[name].number}"


def _dotted(address: str) -> str:
    """Return the host of an address as Linux lists it: hex digits in the machine's order."""
    return ".".join(map(str, int(address.partition(":")[0], 16).to_bytes(4, sys.byteorder)))


def _added(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **(env or {})}


@contextmanager
def lan() -> Iterator[Lan]:
    """Make a LAN for as long as this lasts."""
    with ExitStack() as stack:
        made = Lan()
        stack.callback(made.close)
        yield made


def _wait_for_namespace(pid: int) -> None:
    """Wait until a process has left this namespace for its own."""
    here = run("readlink", "/proc/self/ns/net")
    for _ in range(500):
        if run("readlink", f"/proc/{pid}/ns/net") != here:
            return
        subprocess.run(["sleep", "0.01"], check=True)
    raise RuntimeError("no namespace of its own")
