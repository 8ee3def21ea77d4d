"""The service's settings: one frozen struct, read once, in one place, at the start.

From a TOML file (`usher-cloud serve --settings FILE`) and from the environment, which wins:
`USHER_LISTEN=0.0.0.0:8000`. Between the two stand systemd's credentials (systemd.exec(5)): in
the folder that CREDENTIALS_DIRECTORY names, `usher.payments_key` is the setting payments_key.
A setting that is unknown, malformed or contradicts another is refused with a sentence. Without
any, everything is embedded (cloud/embedded).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

PREFIX: Final = "USHER_"
FILE: Final = "USHER_SETTINGS"  # names the settings file; no setting itself
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
CREDENTIAL: Final = "usher."  # how the names of those begin that are settings
LISTS: Final = frozenset({"cors_origins", "webhook_secrets", "ledger_nodes", "ledger_indexes"})
READ_WRITE: Final = "target_session_attrs=read-write"  # of several hosts, the one that takes writes
EXPLORER: Final = "https://explorer.solana.com/{kind}/{id}"  # kind: address, tx
Url = Annotated[str, Meta(max_length=2000)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class OidcIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody else's issuer, whose ID tokens sign people in."""

    issuer: Url
    audience: str  # our client id there


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator may say. Secrets are paths of files, or come from the environment."""

    data: str = ""  # folder of the embedded servers; "": ~/.local/share/usher, if none is named
    database_url: Url = ""  # as usher_app, perhaps of several hosts (db/hosts.py); "": embedded
    owner_url: Url = ""  # as usher_owner, for `migrate`
    redis_url: Url = ""  # "": embedded
    database_pool: Count = 10  # connections a process
    broker_url: Url = ""  # RabbitMQ, amqps://user:password@host/vhost; "": messages go in process
    broker_ca: str = ""  # a file: who may sign the broker's certificate; "": whom the system trusts
    broker_cert: str = ""  # a file: the certificate to show the broker
    broker_key: str = ""  # a file: its key
    smtp_url: Url = ""  # smtps://user:password@host:465, or smtp://…:587 with STARTTLS; "": no mail
    smtp_ca: str = ""  # a file: who may sign its certificate; "": whom the system trusts
    mail_from: str = ""  # as "Usher <tickets@example.org>"
    mail_bounces: str = ""  # whose mail goes to `admin bounced-mail`; "": back to mail_from
    mailbox: str = ""  # a secret: mail is kept, to be read at /mail/<it>; without smtp_url

    listen: str = "127.0.0.1:8000"  # port 0: a free one
    listen_cert: str = ""  # a file: the certificate to serve with, over TLS 1.3; "": plain HTTP
    listen_key: str = ""  # a file: its key
    listen_ca: str = ""  # a file: who signs for those that may connect; "": all may
    public_url: Url = ""  # how others reach it; "": <listen>
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    trusted_proxies: Annotated[int, Meta(ge=0, le=8)] = 0
    cors_origins: tuple[Url, ...] = ()
    hooks_loopback: bool = False  # webhooks may go to this machine, by plain HTTP: for trying out
    trace_url: Url = ""  # of an OTLP/HTTP collector, as http://127.0.0.1:4318; "": no traces
    trace_share: Annotated[float, Meta(ge=0, le=1)] = 0.05  # of all requests
    metrics_listen: str = ""  # where Prometheus asks, as 127.0.0.1:9464; "": nowhere
    grace_seconds: Annotated[int, Meta(ge=1, le=600)] = 20  # to finish what was begun

    master_key_file: str = ""  # 32 bytes, mode 0600; "": made in the data folder
    master_key: str = ""  # or the key itself, from the environment
    audience: str = "usher-api"
    access_seconds: Annotated[int, Meta(ge=60, le=3600)] = 600
    refresh_days: Annotated[int, Meta(ge=1, le=365)] = 30
    oidc: tuple[OidcIssuer, ...] = ()
    oidc_insecure_loopback: bool = False  # for tests and demos

    payments_url: Url = ""  # "": our fake of the provider, as a process beside this one
    payments_key: str = ""
    webhook_secrets: tuple[str, ...] = ()  # newest first; several while they rotate
    hold_seconds: Annotated[int, Meta(ge=5, le=86_400)] = 600
    holds_per_account: Annotated[int, Meta(ge=1, le=100)] = 5  # open, for one event
    payments_at_once: Annotated[int, Meta(ge=1, le=100)] = 4  # calls in a process

    ledger: Literal["embedded", "solana", "off"] = "embedded"  # where tickets are minted; or not
    ledger_schema: Literal["v2", "v1"] = "v2"  # of new trees; v1 is cheaper and can't freeze
    ledger_programs: str = ""  # a folder of Solana's programs, which run beside the embedded ledger
    ledger_nodes: tuple[Url, ...] = ()  # Solana nodes (JSON-RPC), with their keys; best three
    ledger_indexes: tuple[Url, ...] = ()  # indexes of assets (DAS); none: the nodes are asked
    ledger_explorer: Url = EXPLORER  # a page of addresses and transactions on Solana; or empty
    ledger_price: Annotated[int, Meta(ge=0, le=10_000_000)] = 200_000  # most for a compute unit,
    # in micro-lamports: about 0.0002 SOL for five tickets

    rate_address: Count = 600  # a minute
    rate_account: Count = 600
    rate_key: Count = 60_000
    rate_device: Count = 60_000
    rate_sensitive: Count = 20

    def __repr__(self) -> str:
        return f"Settings(listen={self.listen!r})"  # the rest may be secret

    @property
    def embedded(self) -> bool:
        """Whether this machine runs the database itself."""
        return not self.database_url

    @property
    def reached_at(self) -> str:
        """The address that others know, without a slash at its end."""
        return (self.public_url or f"{self.scheme}://{self.listen}").rstrip("/")

    @property
    def scheme(self) -> str:
        """What the API speaks where it listens."""
        return "https" if self.listen_cert else "http"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        return host_and_port(self.listen)


def host_and_port(listen: str) -> tuple[str, int]:
    """Return the two halves of HOST:PORT."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


class Unfit(ValueError):
    """The settings can't be used; the message is a sentence for the operator."""


def read(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Return the settings, or raise `Unfit`."""
    told: dict[str, Any] = {}
    if file is not None:
        try:
            told = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise Unfit(f"The settings file {file} can't be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Unfit(f"The settings file {file} is not TOML: {error}.") from error
    known = {field.name for field in msgspec.structs.fields(Settings)}
    told.update(_credentials(environment.get(CREDENTIALS, ""), known))
    for name, value in environment.items():
        if name.startswith(PREFIX) and name != FILE:
            told[name.removeprefix(PREFIX).lower()] = _value(name, value, known)
    try:
        # Not strict: what the environment says of a number is text.
        settings = msgspec.convert(told, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Unfit(f"A setting is wrong: {error}.") from error
    _check(settings)
    return settings


def _credentials(folder: str, known: set[str]) -> dict[str, Any]:
    """Return the settings that systemd hands over as files."""
    told = {}
    for file in sorted(Path(folder).glob(f"{CREDENTIAL}*")) if folder else ():
        try:
            text = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unfit(f"The credential {file.name} can't be read as text.") from error
        told[file.name.removeprefix(CREDENTIAL)] = _value(file.name, text, known)
    return told


def _value(name: str, value: str, known: set[str]) -> Any:
    field = name.removeprefix(PREFIX).lower().removeprefix(CREDENTIAL)
    if field not in known:
        raise Unfit(f"There is no setting {name}; `usher-cloud settings` lists them.")
    if field == "oidc":
        raise Unfit(f"{name} must stand in the settings file.")
    return [each for each in value.split(",") if each] if field in LISTS else value


def _check(settings: Settings) -> None:
    """Refuse what is contradictory."""
    together = (
        (bool(settings.database_url) == bool(settings.redis_url),
         "database_url and redis_url come together: both, or neither for the embedded ones."),
        (not (settings.database_url and not settings.payments_url),
         "With a database of your own, payments_url is needed: the fake is for trying out."),
        (not settings.payments_url or bool(settings.payments_key and settings.webhook_secrets),
         "payments_url needs payments_key and webhook_secrets: without them anybody could pay."),
        (bool(settings.payments_url) or not (settings.payments_key or settings.webhook_secrets),
         "payments_key and webhook_secrets say nothing without payments_url: any card would pay."),
        (all(map(_is_origin, settings.cors_origins)),
         "Each of cors_origins is an origin, as https://tickets.example.org, or * for every page."),
        (not (settings.master_key and settings.master_key_file),
         "Name master_key_file or give master_key, not both."),
        (bool(settings.master_key or settings.master_key_file) or settings.embedded,
         "With a database of your own, master_key_file is needed: it seals the private keys."),
        (bool(settings.listen_cert) == bool(settings.listen_key),
         "listen_cert and listen_key come together: a certificate is shown by its key."),
        (bool(settings.listen_cert) or not settings.listen_ca,
         "listen_ca says nothing without listen_cert: who connects is asked over TLS alone."),
        (bool(settings.broker_cert) == bool(settings.broker_key),
         "broker_cert and broker_key come together: a certificate is shown by its key."),
        (bool(settings.broker_url) or not (settings.broker_ca or settings.broker_cert),
         "broker_ca, broker_cert and broker_key say nothing without broker_url."),
        (not settings.smtp_url or bool(settings.mail_from and settings.public_url),
         "smtp_url needs mail_from, which mails are from, and public_url, where their links lead."),
        (bool(settings.smtp_url) or not settings.smtp_ca,
         "smtp_ca says nothing without smtp_url."),
        (bool(settings.smtp_url) or not settings.mail_bounces,
         "mail_bounces says nothing without smtp_url."),
        ((settings.ledger == "solana") == bool(settings.ledger_nodes),
         'ledger = "solana" and ledger_nodes come together: nodes are where it is reached.'),
        (settings.ledger == "embedded" or not settings.ledger_programs,
         "ledger_programs says nothing without the embedded ledger: on Solana they run anyway."),
        (bool(settings.ledger_nodes) or not settings.ledger_indexes,
         "ledger_indexes says nothing without ledger_nodes."),
        (all(_web(url) for url in (*settings.ledger_nodes, *settings.ledger_indexes)),
         "Each of ledger_nodes and ledger_indexes begins with https:// (http:// on this machine)."),
        (not settings.ledger_explorer or _shows(settings.ledger_explorer),
         "ledger_explorer is empty, or begins with https:// and has {kind} and {id} in it."),
        (not (settings.smtp_url and settings.mailbox),
         "Mail is sent by smtp_url or kept for mailbox, not both."),
        (not settings.mailbox or (len(settings.mailbox) >= 16 and settings.mailbox.isalnum()),
         "mailbox has 16 letters and digits or more: whoever knows it reads all mail."),
    )  # fmt: skip
    for fine, sentence in together:
        if not fine:
            raise Unfit(sentence)
    _check_addresses(settings)


def _shows(explorer: str) -> bool:
    return explorer.startswith("https://") and "{kind}" in explorer and "{id}" in explorer


def _web(url: str) -> bool:
    """Whether a key in an address is told to nobody on the way there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    )


def _is_origin(url: str) -> bool:
    """Whether a browser's page may say that it comes from there; "*": from anywhere."""
    parts = urlsplit(url)
    whole = f"{parts.scheme}://{parts.netloc}".lower()
    named = parts.scheme in ("http", "https") and bool(parts.hostname) and url == whole
    return url == "*" or named


def _check_addresses(settings: Settings) -> None:
    for name, listen in (("listen", settings.listen), ("metrics_listen", settings.metrics_listen)):
        host, _, port = listen.rpartition(":")
        if (listen or name == "listen") and not (host and port.isdigit() and int(port) <= 65535):
            raise Unfit(f"{name} is HOST:PORT, as 127.0.0.1:8000 or [::1]:8000.")
    schemes = {
        "database_url": ("postgresql", "postgres"),
        "owner_url": ("postgresql", "postgres"),
        "redis_url": ("redis", "rediss"),
        "broker_url": ("amqps",),
        "smtp_url": ("smtps", "smtp"),
        "payments_url": ("http", "https"),
        "public_url": ("http", "https"),
        "trace_url": ("http", "https"),
    }
    for name, allowed in schemes.items():
        url = getattr(settings, name)
        if url and urlsplit(url).scheme not in allowed:
            raise Unfit(f"{name} begins with {allowed[0]}://")
    for name in ("database_url", "owner_url"):
        parts = urlsplit(getattr(settings, name))
        if "," in parts.netloc.rpartition("@")[2] and READ_WRITE not in parts.query.split("&"):
            raise Unfit(f"{name} names several hosts: it needs ?{READ_WRITE}.")
