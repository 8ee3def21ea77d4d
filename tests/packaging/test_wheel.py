"""The built wheel, installed as a gate or the cloud installs it."""

import json
from pathlib import Path
from zipfile import ZipFile

from tests.packaging.conftest import ROOT, Build, Python

OURS = {"shared", "edge", "cloud", "demo", "tests"}
FOREIGN = {
    "edge": {"asyncpg", "solders", "stripe"},
    "cloud": {"cv2", "pyzbar", "zxingcpp"},
}

TOP_LEVELS = """
import importlib.metadata as metadata
for distribution in metadata.distributions():
    if distribution.name != "usher":
        for file in distribution.files or []:
            print(file.parts[0].removesuffix(".py"))
"""

VERIFY = """
import json, sys
from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.presentation import Freshness
from shared.verify import verify

suite = json.load(open(sys.argv[1]))
root = bytes.fromhex(suite["keyset"]["root"])
trusted = TrustedKeys(root).accept(bytes.fromhex(suite["document"]))
for vector in suite["vectors"]:
    given, expect = vector["input"], vector["expect"]
    challenge = given["challenge"] and bytes.fromhex(given["challenge"])
    now = Instant(given["now_ms"], given["trusted"])
    policy = Freshness(given["live_past"], given["live_future"])
    try:
        evidence = verify(given["text"], trusted, now, policy, challenge).evidence.hex()
        assert evidence == expect["evidence"], vector
    except UsherError as error:
        assert error.code == expect.get("error"), vector
print(len(suite["vectors"]))
"""


def test_the_wheel_holds_the_packages_and_their_data(wheel: Path) -> None:
    """The wheel has every file of the packages, and nothing else."""
    packages = [name for name in ("shared", "edge", "cloud") if (ROOT / name).is_dir()]
    files = {
        path.relative_to(ROOT).as_posix()
        for name in packages
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files
    assert "shared/py.typed" in held
    assert any(name.startswith("shared/spec/") for name in held)


def test_the_wheel_is_reproducible(wheel: Path, build: Build, tmp_path: Path) -> None:
    """The same sources in another folder, with other file times, are the same bytes."""
    assert build(tmp_path / "another").read_bytes() == wheel.read_bytes()


def test_shared_comes_from_the_wheel(python: Python) -> None:
    """`import shared` finds the wheel's package, with its specifications."""
    out = python(
        "import shared, pathlib; place = pathlib.Path(shared.__file__).parent;"
        "print(place); print(*(p.name for p in place.glob('spec/*.md')))"
    )
    place, specifications = out.splitlines()
    assert "site-packages" in place
    assert specifications


def test_tickets_verify(python: Python) -> None:
    """Every token vector comes out right on what the side has installed, and nothing more."""
    vectors = ROOT / "tests" / "vectors" / "token.json"
    assert int(python(VERIFY, vectors)) == len(json.loads(vectors.read_text())["vectors"]) > 0


def test_no_dependency_takes_our_names(python: Python) -> None:
    """The folder is the package: nothing else that is installed may have its name."""
    assert not OURS & set(python(TOP_LEVELS).split())


def test_each_side_lacks_the_other_sides_packages(side: str, python: Python) -> None:
    """A gate has no payment, chain or database client; the cloud has no camera."""
    names = sorted(FOREIGN[side])
    out = python(f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])")
    assert json.loads(out.replace("'", '"')) == []


GATE = """
import subprocess, sys
from pathlib import Path
from edge.web.screens import ours
ours()  # templates, texts and the packages from npm are in the wheel
command = Path(sys.executable).with_name("usher-edge")
print(subprocess.run([command, "--help"], check=True, capture_output=True, text=True).stdout)
"""


def test_a_gate_runs_from_the_wheel(side: str, python: Python) -> None:
    """The command is there with its pages; the cloud's installation has no gate to run."""
    if side == "edge":
        assert "never stops admitting" in python(GATE)
    else:
        absent = "import importlib.util as u; print(u.find_spec('cv2'), u.find_spec('gpiozero'))"
        assert python(absent).split() == ["None", "None"]
