"""The appliance as processes: started, killed, fed by file, filmed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.commands.practice import camera_process
from edge.practice.film import film
from shared.bundle import FileKind, Part, decode
from shared.log.chain import verify_chain
from shared.log.record import SIZE, Kind
from shared.manifest.ticket import Status
from tests.edge.appliance import KIOSK_KEY, Appliance


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """A running appliance with a film before its camera."""
    folder = tmp_path_factory.mktemp("appliance")
    with Appliance.make(folder, camera=True) as appliance:
        appliance.start()
        yield appliance


def said(gate: Appliance, *words: str) -> tuple[int, str]:
    """Run a command beside the agent; return its exit code and all that it said."""
    process = gate.command(*words)
    out, _ = process.communicate(timeout=60)
    return process.returncode, " ".join(out.decode().split())


def test_a_ticket_is_admitted_once_over_a_kill(gate: Appliance) -> None:
    """What was green before a kill -9 is known after it."""
    code = gate.world.code("standing")
    assert gate.scan(code)["code"] == "admitted"
    gate.kill()
    gate.start()
    again = gate.scan(code)
    assert (again["code"], again["prior"]["gate"]) == ("already_admitted", "North")


def test_every_green_under_load_is_known_after_a_kill(gate: Appliance) -> None:
    """Two lanes' worth of scans, and a kill in the middle of them."""
    shown: list[str] = []

    def scan() -> None:
        for index in range(0, 40, 2):
            code = gate.world.bulk(index)
            try:
                verdict = gate.scan(code)
            except OSError:
                return
            except Exception as error:  # noqa: BLE001  the line breaks where the kill hits it
                assert "httpx" in type(error).__module__  # noqa: PT017
                return
            if verdict["code"] == "admitted":
                shown.append(code)

    scanning = threading.Thread(target=scan)
    scanning.start()
    while len(shown) < 8 and scanning.is_alive():
        scanning.join(0.005)
    gate.kill()
    scanning.join()
    gate.start()
    assert len(shown) >= 8
    assert {gate.scan(code)["code"] for code in shown} == {"already_admitted"}


def test_a_delivery_is_in_force_as_soon_as_it_is_loaded(gate: Appliance) -> None:
    """The agent scans on, and refuses what the new list has cancelled."""
    organizer = gate.organizer
    cancelled = organizer.sold["seated"]._replace(status=Status.REVOKED)
    organizer.sell("seated", cancelled)
    file = gate.folder / "second.ush"
    file.write_bytes(organizer.preload(2))
    code, words = said(gate, "load", str(file))
    assert (code, "The agent has taken it up." in words) == (0, True)
    assert gate.scan(gate.world.code("seated"))["code"] == "revoked"


def test_a_half_copied_file_changes_nothing(gate: Appliance) -> None:
    """It is told from a damaged one, and what was in force stays."""
    file = gate.folder / "half.ush"
    whole = gate.organizer.preload(3)
    file.write_bytes(whole[: len(whole) // 2])
    code, words = said(gate, "load", str(file))
    assert code == 1
    assert "nothing has changed" in words
    assert "file_truncated" in words
    file.write_bytes(whole[:-40] + b"\0" + whole[-39:])
    assert "file_damaged" in said(gate, "load", str(file))[1]
    assert gate.scan(gate.world.code("seated"))["code"] == "revoked"


def test_an_older_list_is_refused(gate: Appliance) -> None:
    """A stick that lay in a drawer brings no cancelled ticket back."""
    file = gate.folder / "first.ush"
    file.write_bytes(gate.organizer.preload(1))
    code, words = said(gate, "load", str(file))
    assert (code, "rollback" in words) == (1, True)


def test_the_exported_log_is_whole(gate: Appliance) -> None:
    """Each incarnation chains back to its BOOT, by this device's signature."""
    file = gate.folder / "north.ush"
    assert said(gate, "export", str(file))[0] == 0
    kind, sections = decode(file.read_bytes())
    assert kind is FileKind.LOG
    pk = next(content for part, content in sections if part is Part.DEVICE)
    batches = [content for part, content in sections if part is Part.RECORDS]
    checked = [verify_chain(batch, pk, None) for batch in batches]
    assert [each.broken for each in checked] == [None] * len(batches)
    kinds = [batch[at + 1] for batch in batches for at in range(0, len(batch), SIZE)]
    assert kinds.count(Kind.BOOT) == len(batches) >= 3
    assert kinds.count(Kind.IN) >= 9


def test_an_export_to_nowhere_is_refused_in_words(gate: Appliance) -> None:
    """No stick is mounted, its name is a file's, or it takes no files."""
    nowhere = gate.folder / "media" / "stick"
    code, words = said(gate, "export", str(nowhere / "north.ush"))
    assert (code, "There is no folder" in words) == (1, True)
    (gate.folder / "stick").write_bytes(b"")
    code, words = said(gate, "export", str(gate.folder / "stick" / "north.ush"))
    assert (code, "There is no folder" in words) == (1, True)
    code, words = said(gate, "export", "/proc/north.ush")
    assert (code, "was not written: No such file or directory." in words) == (1, True)


def test_a_third_partys_lane_is_posted_by_command(gate: Appliance) -> None:
    """At once, by the gate's name, and back; an unknown gate is refused with those there are."""
    assert said(gate, "post", "turnstile", "Nowhere")[0] == 1
    code, words = said(gate, "post", "turnstile", "South")
    assert (code, "The agent has taken it up" in words) == (0, True)
    assert gate.scan(gate.world.code("south only"))["code"] == "admitted"
    assert said(gate, "post", "turnstile", "North")[0] == 0


def test_no_command_heals_a_file_under_the_running_agent(gate: Appliance) -> None:
    """Healing gives the file's name to another one, which the agent would not write."""
    database = gate.settings.data_folder / "gate.db"
    inode = database.stat().st_ino
    said(gate, "export", str(gate.folder / "again.ush"))
    assert database.stat().st_ino == inode
    moved = database.rename(gate.folder / "moved.db")
    try:
        verdict = gate.scan(gate.world.code("two visits"))
    finally:
        moved.rename(database)
    assert (verdict["code"], verdict["signal"]) == ("storage_failed", "machine")


def test_a_second_agent_does_not_touch_the_log(gate: Appliance) -> None:
    """It says why, and ends."""
    code, words = said(gate, "run")
    assert (code, "Only one may write its log" in words) == (1, True)


def test_a_camera_lets_guests_in_by_itself(gate: Appliance) -> None:
    """From pictures of codes, through the real decoder, to verdicts at its lane."""
    for _ in film(gate.world, gate.folder / "film", ("family", "child", "waiver", "refunded")):
        pass
    assert gate.get(f"/kiosk?key={KIOSK_KEY}").is_redirect
    seen: set[str] = set()
    with camera_process(gate.settings):
        for _ in range(400):
            answer = gate.get("/api/recent", headers={"X-Usher": "1"})
            seen |= {each["code"] for each in answer.json()["recent"]}
            if {"admitted", "attention", "answers_required", "refunded"} <= seen:
                break
            threading.Event().wait(0.1)
    assert {"admitted", "attention", "answers_required", "refunded"} <= seen


def test_it_ends_when_it_is_told_to(gate: Appliance) -> None:
    """With nothing left undone, and the socket gone."""
    assert gate.stop() == 0
    assert not gate.settings.socket.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("load", "nowhere.ush"), "No such file"),
        (("key", "nowhere"), "The settings have no lane nowhere"),
        (("init", "--tenant", "12", "--root", "34"), "A tenant has 32 hex digits"),
        (("pin", "remove", "Nobody"), "Nobody has no PIN here"),
        (("pin", "add", "Pat", "--pin", "12"), "4 to 12 digits"),
    ],
)
def test_a_command_says_what_to_do(gate: Appliance, words: tuple[str, ...], sentence: str) -> None:
    """In a sentence, with exit code 1 and no trace of the program."""
    code, told = said(gate, *words)
    assert (code, sentence in told, "Traceback" in told) == (1, True, False)


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    """A misspelt name is not passed over."""
    with Appliance.make(tmp_path) as gate:
        gate.file.write_text("nmae = 'North'\n", encoding="utf-8")
        code, told = said(gate, "run")
    assert (code, "nmae" in told) == (1, True)


def test_a_device_is_set_up_by_command(tmp_path: Path) -> None:
    """Its key is made once, and printed for the roster."""
    with Appliance.make(tmp_path) as gate:
        fresh = tmp_path / "fresh.toml"
        fresh.write_text(f'data = "{tmp_path / "fresh"}"\n', encoding="utf-8")
        gate.file = fresh
        organizer = gate.organizer
        words = ("init", "--tenant", organizer.tenant.hex(), "--root", organizer.root.hex())
        first, again = said(gate, *words), said(gate, *words)
        assert first == again
        assert first[0] == 0
        other = said(gate, "init", "--tenant", "ff" * 16, "--root", organizer.root.hex())
        assert other[0] == 1
        assert "no device key" not in said(gate, "run")[1]
