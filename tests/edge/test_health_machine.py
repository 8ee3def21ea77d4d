"""What the shell takes from the machine and from files."""

import datetime
import socket
import sys
from pathlib import Path

import pytest

from edge.certs import Issued, make_authority, make_server, store
from edge.health import hardware
from edge.health.checks import results
from edge.health.hardware import read_hardware, throttled
from edge.health.inspection import TRIAL, mirror_access, set_aside, try_to_write
from edge.health.outside import agent_runs
from edge.health.reading import Reading, Written
from edge.health.served import read_certificate
from edge.health.units import counted, size, span
from edge.settings import ReaderSettings, Settings, WebSettings

NOW = datetime.datetime.now(datetime.UTC)
NAMES = ("gate.example", "192.0.2.7")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path), run=str(tmp_path), web=WebSettings(names=NAMES))


def serve(settings: Settings, issued: Issued, authority: Issued | None = None) -> None:
    """Put a certificate where the gate looks for it."""
    folder = settings.data_folder
    store(issued, folder / settings.web.certificate, folder / settings.web.key)
    if authority is not None:
        (folder / "ca.crt").write_bytes(authority.certificate)


def test_this_machine_can_be_read(settings: Settings, tmp_path: Path) -> None:
    """psutil and the files of this system give values that every check takes."""
    (tmp_path / "here").touch()
    readers = (
        ReaderSettings("here", "keyboard", str(tmp_path / "here"), "kiosk"),
        ReaderSettings("gone", "serial", str(tmp_path / "gone"), "kiosk"),
    )
    read = read_hardware(Settings(data=str(tmp_path), readers=readers))
    assert read.readers == {"here": "ok", "gone": "missing"}
    assert read.disk is not None
    assert 0 < read.disk.free <= read.disk.total
    assert 0 < read.memory.free <= read.memory.total
    assert read.load >= 0
    found = results(Reading(read, Written(), read_certificate(settings)))
    assert len({result.name for result in found}) == len(found)


def test_a_folder_that_is_not_there_has_no_disk(tmp_path: Path) -> None:
    """That is a finding and no error; power is not looked at where the settings say so."""
    read = read_hardware(Settings(data=str(tmp_path / "none"), power=False))
    assert read.disk is None
    assert read.power is None


@pytest.mark.parametrize(("text", "bits"), [("0\n", 0), ("50005\n", 0x50005), ("?", None)])
def test_a_raspberry_pi_reports_bits(text: str, bits: int | None) -> None:
    """Its firmware writes them in hex."""
    assert throttled(text) == bits


def test_writing_is_tried(tmp_path: Path) -> None:
    """A trial leaves nothing behind, and says why it failed."""
    assert try_to_write(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
    assert try_to_write(tmp_path / "none") == "No such file or directory"
    (tmp_path / TRIAL).symlink_to(tmp_path / "elsewhere")
    assert try_to_write(tmp_path) == "Too many levels of symbolic links"
    assert not (tmp_path / "elsewhere").exists()


def test_what_was_set_aside_is_counted(tmp_path: Path) -> None:
    """A damaged file counts once, whatever lies beside it."""
    for name in ("gate.db", "gate.db.damaged-1", "gate.db.damaged-1-wal", "gate.db.damaged-2"):
        (tmp_path / name).touch()
    assert set_aside(tmp_path) == 2
    assert mirror_access(tmp_path) == "missing"
    (tmp_path / "mirror.log").touch()
    assert mirror_access(tmp_path) == "ok"


def test_an_agent_is_whoever_answers(tmp_path: Path) -> None:
    """A socket's file is not enough: somebody has to listen."""
    path = tmp_path / "agent.sock"
    assert not agent_runs(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        assert agent_runs(path)
    assert path.exists()
    assert not agent_runs(path)


def test_a_good_certificate(settings: Settings) -> None:
    """It has every name, and the authority beside it has signed it."""
    authority = make_authority("Venue", NAMES, NOW)
    serve(settings, make_server(authority, NAMES, NOW), authority)
    found = read_certificate(settings)
    assert (found.fault, found.missing, found.issued) == ("", (), True)
    assert found.since < NOW.timestamp() < found.until


def test_an_expired_certificate(settings: Settings) -> None:
    """Its end has passed, though its authority's has not."""
    authority = make_authority("Venue", NAMES, NOW)
    serve(settings, make_server(authority, NAMES, NOW - datetime.timedelta(days=400)))
    found = read_certificate(settings)
    assert found.until < NOW.timestamp()
    assert found.issued is None
    (result,) = (
        each
        for each in results(Reading(read_hardware(settings), Written(), found))
        if each.name == "certificate"
    )
    assert (result.state, result.code) == ("fail", "certificate_expired")


def test_names_that_browsers_miss(settings: Settings) -> None:
    """Each name and address of the settings must be in it, a star standing for one label."""
    authority = make_authority("Venue", ("example",), NOW)
    serve(settings, make_server(authority, ("*.example",), NOW))
    assert read_certificate(settings).missing == ("192.0.2.7",)
    serve(settings, make_server(authority, ("other.example",), NOW))
    assert read_certificate(settings).missing == NAMES


def test_a_certificate_without_names(settings: Settings) -> None:
    """An authority's own has none that a browser takes."""
    serve(settings, make_authority("Venue", NAMES, NOW))
    (settings.data_folder / "ca.crt").write_text("no certificate")
    found = read_certificate(settings)
    assert (found.missing, found.issued) == (NAMES, None)


def test_a_machine_without_libzbar(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reader can't be loaded; that is no error."""
    monkeypatch.setitem(sys.modules, "pyzbar.pyzbar", None)
    hardware._has_libzbar.cache_clear()
    assert not read_hardware(settings).libzbar
    hardware._has_libzbar.cache_clear()


def test_another_authority(settings: Settings) -> None:
    """A certificate of somebody else's is told from the venue's own."""
    serve(
        settings,
        make_server(make_authority("Venue", NAMES, NOW), NAMES, NOW),
        make_authority("Venue", NAMES, NOW),
    )
    assert read_certificate(settings).issued is False


def test_files_that_are_no_good(settings: Settings) -> None:
    """Each fault of the two files has its own code."""
    folder = settings.data_folder
    assert read_certificate(settings).fault == "missing"
    (folder / "tls.crt").write_text("no certificate")
    assert read_certificate(settings).fault == "malformed"
    authority = make_authority("Venue", NAMES, NOW)
    serve(settings, make_server(authority, NAMES, NOW))
    (folder / "tls.key").write_bytes(authority.key)
    assert read_certificate(settings).fault == "key_other"
    (folder / "tls.key").write_text("no key")
    assert read_certificate(settings).fault == "key_malformed"
    (folder / "tls.key").unlink()
    assert read_certificate(settings).fault == "key_missing"
    (folder / "tls.key").mkdir()
    assert read_certificate(settings).fault == "key_unreadable"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (size(999), "999 B"),
        (size(12_000), "12 kB"),
        (size(12_400_000_000), "12.4 GB"),
        (size(12_400_000_000_000), "12,400.0 GB"),
        (span(59), "59 seconds"),
        (span(3600), "1 hour"),
        (span(200_000), "2 days"),
        (counted(1, "record"), "1 record"),
        (counted(2000, "record"), "2,000 records"),
    ],
)
def test_figures_are_read_by_people(said: str, expected: str) -> None:
    """In the unit that is closest, with its plural."""
    assert said == expected
