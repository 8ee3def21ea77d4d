"""Whoever is not who they should be: papers of another authority, a wrong password."""

from typing import Final

from tests.ops.machines import Machine

OTHERS: Final = "/run/others"
FORGED: Final = f"--cert {OTHERS}/localhost.crt --key {OTHERS}/localhost.key"
# Signs in at the broker as `sys.argv` says: URL, certificate, its key (or neither).
SIGNS_IN: Final = """import asyncio, ssl, sys
import aio_pika
async def main(url, *papers):
    context = ssl.create_default_context(cafile="/etc/usher/ca.crt")
    if papers:
        context.load_cert_chain(*papers)
    await (await aio_pika.connect(url, ssl=True, ssl_context=context)).close()
asyncio.run(main(*sys.argv[1:]))
"""


def have_another_authority(machine: Machine) -> None:
    """Make one that nobody knows, and a certificate of it for localhost."""
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2"
    own = "-subj /CN=others -keyout ca.key -out ca.crt"
    given = "-CA ca.crt -CAkey ca.key -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    machine.sh(
        f"mkdir -p {OTHERS}; cd {OTHERS}; {new} {own};"
        f" {new} {given} -addext basicConstraints=critical,CA:FALSE"
        " -keyout localhost.key -out localhost.crt"
    )


def signing_in(url: str, *papers: str) -> str:
    """Return a command that signs in at the broker and leaves again."""
    words = " ".join(f"'{each}'" for each in (url, *papers))
    return f"timeout 20 /opt/usher/current/bin/python - {words} <<'END' 2>&1\n{SIGNS_IN}END"


def serving(certificate: str, key: str) -> str:
    """Return a command that has somebody answer in the API's place, until `stand-in` is stopped."""
    return (
        "systemd-run --quiet --unit=stand-in openssl s_server -accept 127.0.0.1:8000 -www -quiet"
        f" -tls1_3 -cert {certificate} -key {key}"
    )
