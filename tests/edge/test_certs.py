"""Certificates: who vouches for what, for how long, and who may read the key."""

import contextlib
import datetime
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge import certs
from edge.certs import BadCertificate, Issued

NOW = datetime.datetime.now(datetime.UTC)
NAMES = ("gate.example", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def authority() -> Issued:
    """Return an authority for three names."""
    return certs.make_authority("Practice", NAMES, NOW)


def shaken(tmp_path: Path, authority: Issued, server: Issued, name: str) -> str:
    """Shake hands over a pair of sockets; return the version of TLS."""
    certs.store(server, tmp_path / "tls.crt", tmp_path / "tls.key")
    context = certs.server_context(tmp_path / "tls.crt", tmp_path / "tls.key")
    trusted = ssl.create_default_context(cadata=authority.certificate.decode())
    with pair() as (one, other):
        serving = threading.Thread(target=accept, args=(context, one))
        serving.start()
        try:
            with trusted.wrap_socket(other, server_hostname=name) as client:
                return client.version() or ""
        finally:
            other.close()
            serving.join(20)


def accept(context: ssl.SSLContext, plain: socket.socket) -> None:
    """Serve one client."""
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as server:
        server.recv(1)


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(20)
        other.settimeout(20)
        yield one, other


@pytest.mark.parametrize("name", NAMES)
def test_a_gate_is_trusted_by_each_of_its_names(
    tmp_path: Path, authority: Issued, name: str
) -> None:
    """By host name and by address, over TLS 1.3."""
    server = certs.make_server(authority, NAMES, NOW)
    assert shaken(tmp_path, authority, server, name) == "TLSv1.3"


def test_another_name_is_not_trusted(tmp_path: Path, authority: Issued) -> None:
    """The certificate is not the name's."""
    server = certs.make_server(authority, NAMES, NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname"):
        shaken(tmp_path, authority, server, "bank.example")


@pytest.mark.parametrize("name", ["bank.example", "10.0.0.1", "2001:db8::1"])
def test_the_authority_can_vouch_for_nothing_else(
    tmp_path: Path, authority: Issued, name: str
) -> None:
    """A thief of its key makes no certificate that a phone would trust for a bank."""
    forged = certs.make_server(authority, (name,), NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        shaken(tmp_path, authority, forged, name)


def test_another_authority_is_not_trusted(tmp_path: Path, authority: Issued) -> None:
    """The same name, and nobody we know."""
    other = certs.make_authority("Practice", NAMES, NOW)
    server = certs.make_server(other, NAMES, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(tmp_path, authority, server, NAMES[0])


def test_a_certificate_that_is_over_is_not_trusted(tmp_path: Path, authority: Issued) -> None:
    """A gate's certificate holds 397 days, less one for clocks that are behind."""
    long_ago = NOW - datetime.timedelta(days=397)
    server = certs.make_server(authority, NAMES, long_ago)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shaken(tmp_path, authority, server, NAMES[0])


def test_expiry_is_that_of_the_first_to_end(authority: Issued) -> None:
    """Of the chain: here the gate's own."""
    server = certs.make_server(authority, NAMES, NOW)
    ends = NOW + datetime.timedelta(days=396)
    assert certs.expiry(server.certificate) == int(ends.replace(microsecond=0).timestamp())
    years = NOW + datetime.timedelta(days=3649)
    assert certs.expiry(authority.certificate) == int(years.replace(microsecond=0).timestamp())


@pytest.mark.parametrize("certificate", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_has_no_expiry(certificate: bytes) -> None:
    """It is said, not guessed."""
    with pytest.raises(BadCertificate):
        certs.expiry(certificate)


def test_the_key_is_for_its_owner_alone(tmp_path: Path, authority: Issued) -> None:
    """Also where a file that all could read stood there before."""
    key = tmp_path / "tls.key"
    key.write_bytes(b"old")
    key.chmod(0o644)
    certs.store(certs.make_server(authority, NAMES, NOW), tmp_path / "tls.crt", key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in key.read_bytes()
    assert b"PRIVATE" not in (tmp_path / "tls.crt").read_bytes()


def test_a_key_is_not_written_through_a_link(tmp_path: Path, authority: Issued) -> None:
    """Whoever can make links in the folder can't choose where the key goes."""
    (tmp_path / "tls.key").symlink_to(tmp_path / "elsewhere")
    server = certs.make_server(authority, NAMES, NOW)
    with pytest.raises(OSError, match="symbolic"):
        certs.store(server, tmp_path / "tls.crt", tmp_path / "tls.key")
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_or_foreign_key_is_said(tmp_path: Path, authority: Issued) -> None:
    """With the file's name, in one kind of error."""
    paths = tmp_path / "tls.crt", tmp_path / "tls.key"
    with pytest.raises(BadCertificate, match=r"tls\.crt: No such file"):
        certs.server_context(*paths)
    one, other = (certs.make_server(authority, NAMES, NOW) for _ in range(2))
    certs.store(Issued(one.certificate, other.key), *paths)
    with pytest.raises(BadCertificate, match=r"tls\.crt"):
        certs.server_context(*paths)
    paths[1].unlink()
    with pytest.raises(BadCertificate, match=r"tls\.key: No such file"):
        certs.server_context(*paths)


def test_an_authority_with_another_kind_of_key_is_refused(authority: Issued) -> None:
    """Only keys that browsers take are used."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(BadCertificate):
        certs.make_server(Issued(authority.certificate, key), NAMES, NOW)


def test_only_the_authority_signs_certificates(authority: Issued) -> None:
    """A gate's certificate serves pages and nothing else; the chain goes along."""
    server = certs.make_server(authority, NAMES, NOW)
    own, above = x509.load_pem_x509_certificates(server.certificate)
    assert above.public_bytes(serialization.Encoding.PEM) == authority.certificate
    assert own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert own.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False
    constraints = above.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical


def test_a_certificate_says_for_whom_it_vouches() -> None:
    """Pages answer to these names where the settings give none."""
    authority = certs.make_authority("Venue", NAMES, NOW)
    assert set(certs.names_of(certs.make_server(authority, NAMES, NOW).certificate)) == set(NAMES)
