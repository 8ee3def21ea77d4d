"""Settings: from a file and the environment, and refused with a sentence where they don't fit."""

from pathlib import Path

import pytest

from cloud.commands.serve import environment
from cloud.settings import Settings, Unfit, read

OWN = {
    "USHER_DATABASE_URL": "postgresql://usher_app@db/usher",
    "USHER_REDIS_URL": "rediss://cache:6379/0",
    "USHER_PAYMENTS_URL": "https://api.stripe.com",
    "USHER_PAYMENTS_KEY": "key",
    "USHER_WEBHOOK_SECRETS": "new,old",
    "USHER_MASTER_KEY_FILE": "/run/credentials/master.key",
}

SOLANA = {"USHER_LEDGER": "solana", "USHER_LEDGER_NODES": "https://a/?key=1,https://b"}


def test_without_any_everything_is_embedded() -> None:
    """The defaults stand by themselves."""
    settings = read(None, {})
    assert settings.embedded
    assert settings.address == ("127.0.0.1", 8000)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """And numbers and lists are read from its text."""
    file = tmp_path / "cloud.toml"
    file.write_text('listen = "0.0.0.0:1"\nworkers = 3\n')
    settings = read(file, {"USHER_WORKERS": "5", "USHER_CORS_ORIGINS": "https://a,https://b"})
    assert (settings.workers, settings.address) == (5, ("0.0.0.0", 1))
    assert settings.cors_origins == ("https://a", "https://b")


def test_servers_of_ones_own() -> None:
    """A full set is taken."""
    settings = read(None, OWN)
    assert not settings.embedded
    assert settings.webhook_secrets == ("new", "old")


def test_several_nodes() -> None:
    """The first is asked first."""
    assert read(None, SOLANA).ledger_nodes == ("https://a/?key=1", "https://b")


def test_credentials_stand_between_file_and_environment(tmp_path: Path) -> None:
    """systemd's files: stripped of what an editor leaves; what is no setting is nobody's matter."""
    (tmp_path / "usher.payments_key").write_text("from systemd\n")
    (tmp_path / "usher.listen").write_text("0.0.0.0:2\n")
    (tmp_path / "tls.key").write_bytes(b"\xff")
    file = tmp_path / "cloud.toml"
    file.write_text('listen = "0.0.0.0:1"\npayments_key = "from the file"\n')
    told = {name: value for name, value in OWN.items() if name != "USHER_PAYMENTS_KEY"}
    told |= {"CREDENTIALS_DIRECTORY": str(tmp_path), "USHER_LISTEN": "0.0.0.0:3"}
    settings = read(file, told)
    assert (settings.payments_key, settings.address) == ("from systemd", ("0.0.0.0", 3))


@pytest.mark.parametrize("name", ["usher.nope", "usher.payments_key"])
def test_a_credential_that_does_not_fit_is_named(tmp_path: Path, name: str) -> None:
    """An unknown one, and one that is no text."""
    (tmp_path / name).write_bytes(b"\xff" if name.endswith("key") else b"x")
    with pytest.raises(Unfit, match=name):
        read(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_file_may_name_issuers(tmp_path: Path) -> None:
    """A table for each."""
    file = tmp_path / "cloud.toml"
    file.write_text('[[oidc]]\nissuer = "https://id.example"\naudience = "usher"\n')
    assert [each.audience for each in read(file, {}).oidc] == ["usher"]


def test_what_is_told_to_a_process_is_what_it_reads() -> None:
    """Through the environment and back."""
    settings = read(None, OWN | {"USHER_HOLD_SECONDS": "7", "USHER_LISTEN": "[::1]:0"})
    assert read(None, environment(settings)) == settings


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"USHER_NOPE": "1"}, "no setting USHER_NOPE"),
        ({"USHER_LEDGER_EXPLORER": "https://x/{id}"}, "ledger_explorer"),
        ({"USHER_LEDGER_EXPLORER": "javascript:{kind}{id}"}, "ledger_explorer"),
        ({"USHER_WORKERS": "0"}, "workers"),
        ({"USHER_WORKERS": "many"}, "workers"),
        ({"USHER_OIDC": "x"}, "settings file"),
        ({"USHER_LISTEN": "8000"}, "HOST:PORT"),
        ({"USHER_LISTEN": "a:99999"}, "HOST:PORT"),
        ({"USHER_PUBLIC_URL": "ftp://x"}, "public_url"),
        ({"USHER_DATABASE_URL": "postgresql://x"}, "come together"),
        ({"USHER_REDIS_URL": "redis://x"}, "come together"),
        ({"USHER_PAYMENTS_URL": "https://x"}, "anybody could pay"),
        (OWN | {"USHER_PAYMENTS_URL": ""}, "payments_url is needed"),
        ({"USHER_PAYMENTS_KEY": "sk_live_x"}, "nothing without payments_url"),
        ({"USHER_WEBHOOK_SECRETS": "whsec_x"}, "nothing without payments_url"),
        ({"USHER_CORS_ORIGINS": "tickets.example.org"}, "cors_origins"),
        ({"USHER_CORS_ORIGINS": "https://a,https://b/"}, "cors_origins"),
        ({"USHER_CORS_ORIGINS": "https://A.example"}, "cors_origins"),
        (OWN | {"USHER_MASTER_KEY_FILE": ""}, "master_key_file is needed"),
        (OWN | {"USHER_MASTER_KEY": "00"}, "not both"),
        (OWN | {"USHER_DATABASE_URL": "mysql://x"}, "postgresql"),
        (OWN | {"USHER_DATABASE_URL": "postgresql://u@a:1,b:2/x"}, "several hosts"),
        ({"USHER_BROKER_URL": "amqp://x/usher"}, "broker_url begins with amqps"),
        ({"USHER_BROKER_URL": "amqps://x/usher", "USHER_BROKER_CERT": "a.pem"}, "come together"),
        ({"USHER_BROKER_CA": "ca.pem"}, "nothing without broker_url"),
        ({"USHER_LISTEN_CERT": "a.pem"}, "come together"),
        ({"USHER_LISTEN_CA": "ca.pem"}, "nothing without listen_cert"),
        ({"USHER_LEDGER": "solana"}, "come together"),
        ({"USHER_LEDGER_NODES": "https://a"}, "come together"),
        ({"USHER_LEDGER_INDEXES": "https://a"}, "nothing without ledger_nodes"),
        (SOLANA | {"USHER_LEDGER_PROGRAMS": "p"}, "ledger_programs says nothing"),
        (SOLANA | {"USHER_LEDGER_NODES": "http://a"}, "begins with https"),
        (SOLANA | {"USHER_LEDGER_PRICE": "-1"}, "ledger_price"),
    ],
)
def test_what_does_not_fit_is_refused(told: dict[str, str], says: str) -> None:
    """With a sentence that names it."""
    with pytest.raises(Unfit, match=says):
        read(None, told)


def test_every_page_may_be_named_at_once() -> None:
    """Nobody is known by a cookie."""
    assert read(None, {"USHER_CORS_ORIGINS": "*"}).cors_origins == ("*",)


@pytest.mark.parametrize("content", ["workers = ", "nope = 1", "workers = 'x'", "\udcff"])
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, content: str) -> None:
    """Not TOML, unknown, of another type, not text."""
    file = tmp_path / "cloud.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Unfit):
        read(file, {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Rather than taken for an empty one."""
    with pytest.raises(Unfit, match=r"gone\.toml"):
        read(tmp_path / "gone.toml", {})


def test_no_secret_has_a_default() -> None:
    """Whoever forgets to set one is not served with a known one."""
    bare = Settings()
    assert (bare.master_key, bare.payments_key, bare.webhook_secrets) == ("", "", ())
