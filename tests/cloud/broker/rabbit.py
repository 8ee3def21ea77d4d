"""Debian's RabbitMQ in a folder of its own: without root, and with no service of the machine.

    with Rabbit(folder, users).running() as broker:
        broker.kill(); broker.start()

It listens at 127.0.0.1 alone, by TLS 1.3, and wants a certificate of each client. Its Erlang is
started as the shell scripts would, without them: one process, whose id we know, and beside it
the port mapper (epmd) that Erlang insists on, at a port of its own.
"""

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec

from cloud.embedded.ports import free_port
from tests.cloud.broker.papers import Authority

ROOT: Final = Path(__file__).parents[3]
UNPACKED: Final = ROOT / ".cache/rabbitmq/usr/lib"  # by scripts/setup tests
INSTALLED: Final = Path("/usr/lib")
PATIENCE: Final = 60.0  # seconds for a start
VHOST: Final = "usher"

CONFIGURATION: Final = """
listeners.tcp = none
listeners.ssl.default = 127.0.0.1:{port}
ssl_options.cacertfile = {ca}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.versions.1 = tlsv1.3
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
load_definitions = {definitions}
log.console = false
log.file.level = warning
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
heartbeat = 10
"""


class User(NamedTuple):
    """Who may do what, as RabbitMQ's permissions say it: patterns of names."""

    password: str
    configure: str
    write: str
    read: str


class Missing(Exception):
    """RabbitMQ is not on this machine: `scripts/setup tests` fetches it."""


def libraries() -> Path:
    """Return the folder that holds `erlang` and `rabbitmq`."""
    for each in (UNPACKED, INSTALLED):
        if (each / "erlang/bin").is_dir() and (each / "rabbitmq/lib").is_dir():
            return each
    raise Missing


class Rabbit:
    """A broker in `folder`, at one port for as long as it lives; `url` is for a user of it."""

    def __init__(self, folder: Path, users: Mapping[str, User]) -> None:
        self._folder = folder
        self._users = users
        self._libraries = libraries()
        (self._erts,) = (self._libraries / "erlang").glob("erts-*/bin")
        (self._home,) = (self._libraries / "rabbitmq/lib").glob("rabbitmq_server-*")
        self.authority = Authority(folder / "papers")
        self.certificate, self.key = self.authority.issue("client")
        self.port = free_port()
        self._mapped = free_port()  # the port mapper's
        self._spoken = free_port()  # Erlang's own
        self._mapper: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, user: str, port: int = 0) -> str:
        """Return the broker's address for a user, or that of a proxy before it."""
        password = self._users[user].password
        return f"amqps://{user}:{password}@127.0.0.1:{port or self.port}/{VHOST}"

    @property
    def papers(self) -> dict[str, str]:
        """The files that a client shows, as the service's settings name them."""
        return {
            "broker_ca": str(self.authority.certificate),
            "broker_cert": str(self.certificate),
            "broker_key": str(self.key),
        }

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Start it, and end all that it has started."""
        self._write()
        try:
            self.start()
            yield self
        finally:
            self.stop()

    @property
    def is_wedged(self) -> bool:
        """Whether its log says that a quorum queue answered nobody who would consume from it."""
        logs = [each.read_text("utf-8", "replace") for each in (self._folder / "log").glob("*.log")]
        return any("rabbit_quorum_queue,consume" in each for each in logs)

    def start(self) -> None:
        """Return when it answers; one that runs is killed before."""
        self.kill()
        if self._mapper is None or self._mapper.poll() is not None:
            self._mapper = self._launch([str(self._erts / "epmd"), "-port", str(self._mapped)])
        self._server = self._launch(self._command())
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"RabbitMQ did not start: {self.log()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as a power cut does; its data stay."""
        if self._server is not None:
            _end(self._server)
            self._server = None

    def stop(self) -> None:
        """End it and its port mapper. Nothing of it is kept, so there is nothing to finish."""
        self.kill()
        if self._mapper is not None:
            _end(self._mapper)
            self._mapper = None

    def log(self) -> str:
        """Return what it has written."""
        files = [self._folder / "output", *sorted((self._folder / "log").glob("*.log"))]
        return "\n".join(each.read_text(errors="replace") for each in files if each.exists())

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a process that leads a group, so that what it starts ends with it."""
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                command, cwd=self._folder, env=self._environment(), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def _command(self) -> list[str]:
        return [
            str(self._erts / "erlexec"), "-pa", "", "-noinput", "-s", "rabbit", "boot",
            "-boot", "start_sasl", "+W", "w", "+sbwt", "none", "+sbwtdcpu", "none",
            "+sbwtdio", "none", "+P", "100000", "-start_epmd", "false",
            "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false",
            "-kernel", "prevent_overlapping_partitions", "false",
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "HOME": str(folder),
            "PATH": os.pathsep.join((str(self._erts), "/usr/bin", "/bin")),
            "LANG": "C.UTF-8",
            "ROOTDIR": str(self._libraries / "erlang"),
            "BINDIR": str(self._erts),
            "EMU": "beam",
            "PROGNAME": "erl",
            "ERL_LIBS": str(self._home / "plugins"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapped),
            "ERL_MAX_PORTS": "4096",
            "ERL_CRASH_DUMP": os.devnull,
            "RABBITMQ_HOME": str(self._home),
            "RABBITMQ_NODENAME": f"usher{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._spoken),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PLUGINS_DIR": str(self._home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
        }

    def _write(self) -> None:
        """Write what it reads at its start."""
        certificate, key = self.authority.issue("server", server=True)
        definitions = self._folder / "definitions.json"
        definitions.write_bytes(msgspec.json.encode(self._definitions()))
        (self._folder / "plugins").write_text("[].")
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text(os.urandom(12).hex())
        cookie.chmod(0o400)
        (self._folder / "rabbitmq.conf").write_text(
            CONFIGURATION.format(
                port=self.port, ca=self.authority.certificate, certificate=certificate, key=key,
                definitions=definitions,
            )
        )  # fmt: skip

    def _definitions(self) -> dict[str, Any]:
        return {
            "vhosts": [{"name": VHOST}],
            "users": [
                {
                    "name": name,
                    "password_hash": _hashed(user.password),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": "",
                }
                for name, user in self._users.items()
            ],
            "permissions": [
                {"user": name, "vhost": VHOST, "configure": user.configure,
                 "write": user.write, "read": user.read}
                for name, user in self._users.items()
            ],
        }  # fmt: skip


def _hashed(password: str) -> str:
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def is_here() -> bool:
    """Whether RabbitMQ can be started on this machine."""
    try:
        libraries()
    except Missing:
        return False
    return shutil.which("sh") is not None
