"""Every setting and limit, with its reason; read once, frozen.

Precedence: built-in < `DIR/evd.toml` < `EVD_SECTION__KEY` < command-line flags. An unknown key is an error that names
the nearest known one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from evd.config.limits import CHOICES, RANGES
from evd.errors import ConfigError

ENV_PREFIX = "EVD_"

#: As browsers send it: in small letters, without the scheme's usual port and without a slash at the end.
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of evd.toml."""


class ServerSettings(Section, frozen=True):
    bind: str | list[str] = "127.0.0.1:8080"
    tls_cert: str = ""
    tls_key: str = ""
    #: Addresses or networks whose Forwarded and X-Forwarded-For count.
    trusted_proxies: list[str] = []
    #: Origins whose web pages may use /api/v1, with the user's credentials, as in https://cars.example.org.
    cors_origins: list[str] = []
    #: false: evd does not trust a clock that is behind its own time (evd.daemon.server_clock).
    trust_clock: bool = False
    #: Descriptors: 1,000 callback connections of a Sigfox burst, and room for the app beside them.
    connections_max: int = 2048
    #: Connections from one address (IPv6: one /64) that has shown no key; idle ones are closed for a new one.
    strangers_per_address: int = 256
    #: Bytes of unfinished requests without a key in their head; the oldest are closed. 256 forms of 64 KiB.
    strangers_bytes_max: int = 16 * 1024 * 1024
    #: Bytes of unfinished requests with a key: a hundred batches of a MiB.
    unfinished_bytes_max: int = 128 * 1024 * 1024
    head_max_bytes: int = 16 * 1024
    fields_max: int = 64
    #: A head arrives in one or two packets; 5 s is what slow mobile links need. It also ends slow-header attacks.
    head_timeout_s: float = 5
    body_timeout_s: float = 8
    write_timeout_s: float = 5
    tls_hello_timeout_s: float = 5
    #: Sigfox's and the app's HTTP clients keep idle connections for about a minute.
    idle_timeout_s: float = 75
    #: Sigfox gives up after 10 s; a later answer is useless.
    drain_timeout_s: float = 8

    @property
    def binds(self) -> list[str]:
        return [self.bind] if isinstance(self.bind, str) else list(self.bind)


class IngestSettings(Section, frozen=True):
    #: The name of a format, or a grammar text.
    default_format: str = "ev"
    unknown_vehicle: str = "create"
    #: 250 times the largest Sigfox callback (about 250 bytes); a WLAN status has about 400 bytes.
    body_max_bytes: int = 64 * 1024
    #: For a batch with a key in its head: 10,000 lines of 100 bytes.
    batch_body_max_bytes: int = 1024 * 1024
    #: Rows that wait for the writer: a batch and more; 3 s of work at the 5,000 rows/s of the slowest supported disk.
    queue_rows_max: int = 16_384
    queue_bytes_max: int = 16 * 1024 * 1024
    #: Rows of one commit group. Larger groups gain nothing (docs/performance.md) and hold readers' snapshots longer.
    batch_rows_max: int = 2048
    #: Below Sigfox's 10 s, with room for the way back.
    answer_timeout_s: float = 8
    #: A vehicle is about 100 bytes in memory and on disk.
    vehicles_max: int = 1_000_000
    #: Rows of `rejected`; the oldest are removed first.
    rejected_rows_max: int = 10_000


class SigfoxSettings(Section, frozen=True):
    #: The layout of a line of /sigfox/batch: Sigfox's linePattern, with the variables in braces.
    batch_pattern: str = "{device};{time};{data};{seqNumber};"
    #: A batch has the messages of one second from all devices of a device type.
    batch_lines_max: int = 10_000
    #: Kind of callback → pattern of a text/plain body on its route.
    text_patterns: dict[str, str] = {}
    #: Sigfox sends DATA before DATA_ADVANCED, and retries it for seven minutes. A message of which only DATA_ADVANCED
    #: came becomes a status after this. 0: at once.
    advanced_waits_s: float = 600
    #: Device types without a DATA callback: their DATA_ADVANCED becomes a status at once. "*": all.
    advanced_alone: list[str] = []
    #: DATA_ADVANCED that wait for their DATA, a KiB each; beyond this the oldest become statuses at once.
    advanced_waiting_max: int = 10_000
    #: Route (its kind, callback or wlan) → variable → its path in the bodies, as in device = "data.device.id".
    names: dict[str, dict[str, str]] = {}
    #: Messages a day that a contract allows: what `evd vehicle days` compares with, and which gaps are restarts.
    daily_budget: int = 140
    #: A downlink that no message has asked for by then is not worth sending.
    downlink_expires_s: int = 7 * 86_400
    #: Downlinks that wait for one vehicle; Sigfox sends four a day.
    downlinks_per_vehicle: int = 16
    #: Downlinks of all vehicles, closed ones included; the oldest closed ones are removed first.
    downlinks_max: int = 100_000
    #: Entries of one vehicle's log; the oldest are removed first.
    notes_per_vehicle: int = 200
    #: Sigfox's REST API, for backfills and for creating callbacks; set the password in the environment.
    api: str = "https://api.sigfox.com/v2"
    api_login: str = ""
    api_password: str = ""
    api_timeout_s: float = 30
    #: After an outage longer than Sigfox's retries: "say" in evd's log that a backfill is due, or "run" it.
    backfill: str = "say"


class RetentionSettings(Section, frozen=True):
    statuses_per_vehicle: int = 1000
    #: Roll-ups by hour and day, charge sessions and trips outlive the statuses: five years (1826) show a battery's
    #: ageing, in some 2 MB a year of a vehicle that sends 140 messages a day. 0: nothing is derived, because each
    #: vehicle's hour costs the loop some 200 µs, which more than 3,000 callbacks/s feel (docs/performance.md).
    rollup_days: int = 0


class AppSettings(Section, frozen=True):
    #: The original's app sends a bare userId header, which anyone can set: only for that app.
    trust_user_header: bool = False
    #: The original's app has Java ints for all but consumption and temperatures, and crashes at a fraction: its routes
    #: and pushes have these without fractions. false: as measured, for clients that read fractions.
    whole_numbers: bool = True
    #: Firebase project whose ID tokens are accepted; empty: the project of push.credentials.
    firebase_project: str = ""
    #: Where the certificates of ID tokens come from; empty: Google's address.
    id_token_certs: str = ""
    #: A check may fetch certificates; the app does not wait longer.
    id_token_timeout_s: float = 5
    registrations_per_vehicle: int = 20
    #: A user's phones, over all vehicles.
    registrations_per_user: int = 200
    registrations_max: int = 1_000_000
    owners_max: int = 1_000_000
    #: Owners and viewers of one vehicle: a family, or a company's pool.
    owners_per_vehicle: int = 100
    #: Open invitations and claim codes; expired ones make room.
    invitations_max: int = 100_000
    invitations_per_vehicle: int = 20
    tags_per_vehicle: int = 32
    #: Ranges longer than a page that are being sent, each with some 130 KiB however slow its client is.
    ranges_max: int = 128
    #: The same for one user: some devices, each with a history of each vehicle. Further ones wait 5 s for a place.
    ranges_per_user: int = 16
    #: A range is cut off after this: 100,000 statuses at 130 kB/s, the speed of slow mobile links.
    range_lasts_s: float = 300
    #: Pages of lists (/api/v1) that are being read or sent: each may have some MiB, and a slow client.
    lists_max: int = 24
    #: The same for one user, or for one key; further ones wait 5 s for a place.
    lists_per_user: int = 4
    #: Live streams, each a lasting connection; enough connections remain for a burst of callbacks.
    streams_max: int = 256
    #: The same for one user, or for one administrator's key: some devices, with a page or two open on each.
    streams_per_user: int = 16
    #: The id of each event holds a position for each of them.
    stream_vehicles_max: int = 16
    #: Statuses that wait for a slow subscriber; beyond this evd disconnects it, and it resumes. Two of the writer's
    #: largest groups: one comes at once, and a subscriber of all vehicles must be able to take it. Shared by all.
    stream_queue_max: int = 4096
    stream_queue_bytes_max: int = 2 * 1024 * 1024
    #: Missed statuses at the beginning of a stream, divided among its vehicles.
    stream_replay_max: int = 1000
    #: Proxies close a connection after 30 to 60 s without a byte, `evd watch` after 30.
    stream_heartbeat_s: float = 15
    #: An ID token is good for an hour; then the subscriber must authenticate again.
    stream_lasts_s: float = 3600
    #: Requests to /api/v1 that one user may send at once, and a second after that: a dashboard of some vehicles is a
    #: page of a hundred requests, a phone asks some times a minute.
    user_requests_at_once: int = 300
    user_requests_per_s: float = 20
    #: The same for a key without a user, an administrator's: a program may go through all vehicles.
    key_requests_at_once: int = 5000
    key_requests_per_s: float = 200


class AuthSettings(Section, frozen=True):
    """Local users, their sessions, and access tokens (evd.auth)."""

    #: Each is a row; a fleet has some drivers for each vehicle.
    users_max: int = 10_000
    #: A session that was not used for so long ends: longer than a holiday.
    session_days: int = 30
    #: Every session ends after this, so that a stolen cookie is not good for ever. Browsers keep none beyond 400 days.
    session_max_days: int = 365
    #: A user's browsers and devices; the session that was not used for the longest time ends for a new one.
    sessions_per_user: int = 32
    #: All are held in memory, half a KiB each.
    sessions_max: int = 50_000
    #: A user's programs.
    tokens_per_user: int = 64
    #: All are held in memory, a KiB each.
    tokens_max: int = 10_000
    #: Passwords that are checked at once, each with 19 MiB and some 50 ms of a core.
    password_checks_max: int = 2
    #: Ask Firebase whether an ID token was revoked, where somebody gains something that lasts: a session, an access
    #: token, a phone's registration. Needs push.credentials, whose account may read the project's users.
    check_revoked: bool = True
    #: Base URL in place of Google's for this question.
    firebase_endpoint: str = ""


class ImageSettings(Section, frozen=True):
    """Pictures of vehicles (evd.images)."""

    #: A phone's photo has 3 to 6 MB. Ten at a time are within server.unfinished_bytes_max.
    body_max_bytes: int = 8 * 1024 * 1024
    #: For the whole body: 8 MiB at 1 Mbit/s, the upload of slow mobile links.
    body_timeout_s: float = 75
    #: As the file's head says, before anything is decoded: a small file may have any number of them. Decoded, each has
    #: up to 4 bytes, so 96 MB for one picture at a time; a phone's photo has 12 million.
    pixels_max: int = 24_000_000
    #: Longest side that is kept, in pixels; larger pictures are scaled down. A tablet's screen.
    side_max_px: int = 2048
    thumbnail_px: int = 256
    #: Vehicles with a picture, each of some 0.5 MB, and never more than `body_max_bytes`.
    vehicles_max: int = 10_000


class PushSettings(Section, frozen=True):
    #: A service account's JSON file; empty: `fcm.json` of systemd's credentials directory, else no pushes.
    credentials: str = ""
    #: Base URL in place of FCM's.
    endpoint: str = "https://fcm.googleapis.com"
    #: Messages a second; FCM's default quota is 10,000.
    rate_max: float = 9500
    #: From a start, or a pause, to `rate_max`; Firebase's "Best practices when sending FCM messages at scale": 60 s.
    ramp_s: float = 60
    #: How long FCM holds a state for a phone that it cannot reach; the original's 60 s.
    ttl_s: int = 60
    #: How long evd retries a message; Firebase's "Best practices when sending FCM messages at scale" ends at an hour.
    give_up_after_s: int = 3600
    priority: str = "normal"
    #: An event is for a person: it wakes a phone in Doze, and waits some hours for one that is off.
    event_ttl_s: int = 4 * 3600
    event_priority: str = "high"
    #: true: FCM keeps only the newest state for an unreachable phone, and takes only one in three minutes for it.
    collapse: bool = False
    package: str = "com.martin.carcharge"
    #: FCM answers in some 50 ms, so 9,500 a second are some 500 at a time.
    connections_max: int = 512
    #: Firebase's "Best practices when sending FCM messages at scale": not below 10 s.
    timeout_s: float = 10
    #: Pushes that were sent and whose outcome is not on disk; also the most that a crash can send twice.
    in_flight_max: int = 512
    #: Events that wait to be pushed; the oldest are removed first. States do not queue: a newer one replaces an older.
    outbox_rows_max: int = 1_000_000
    #: The push log: the newest finished pushes, for `evd push trace`.
    log_rows_max: int = 100_000
    #: A phone that was not renewed for so long gets nothing, and is forgotten after `forget_after_days` (Firebase's
    #: "Manage FCM registration tokens"). Not the original's app, which registers at log-in only.
    stale_after_days: int = 30
    forget_after_days: int = 270
    #: Signs the requests to webhooks: at least 24 bytes, in base64 after `whsec_` (standardwebhooks.com).
    webhook_secret: str = ""
    #: A receiver that needs longer gets the push again later.
    webhook_timeout_s: float = 10
    #: Requests at once, each of which waits for its receiver; half of them for one.
    webhook_threads_max: int = 8


class AlarmSettings(Section, frozen=True):
    """Alarms for evd's operator (evd.alarms.state), and how they are delivered. Events of vehicles are `[events]`."""

    #: Gets a JSON POST for each alarm that is raised or cleared.
    webhook: str = ""
    #: Signs it: at least 24 bytes, in base64 after `whsec_` (standardwebhooks.com).
    webhook_secret: str = ""
    email_to: str | list[str] = ""
    email_from: str = ""
    #: HOST:PORT of the mail server; 587 is usual for starttls, 465 for tls.
    smtp: str = ""
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    #: For one message about an alarm; mail servers that greet slowly, to deter spam, take some 10 s.
    timeout_s: float = 30
    #: An alarm that still stands is sent again.
    repeat_after_s: float = 86_400
    #: No callback for so long raises an alarm, unless longer silences are usual: a parked car is silent for 6 h.
    silent_after_s: float = 6 * 3600
    #: A push that was tried several times: waits between tries reach 10 min.
    push_old_after_s: float = 900
    #: The alarm needs both: less than this, and less than a part of the disk, as a small one needs less free space.
    disk_free_mib: int = 1024
    disk_free_percent: float = 5.0
    #: Length of the WAL: twice what evd truncates it to when no read is open.
    log_mib: int = 128
    #: Every request waits while evd's loop stands still; evd's own steps take no longer than 50 ms.
    loop_lag_ms: float = 250
    #: Let's Encrypt recommends to renew 30 days before the end: by then a renewal has failed.
    certificate_days: int = 21

    @property
    def recipients(self) -> list[str]:
        given = [self.email_to] if isinstance(self.email_to, str) else self.email_to
        return [one for one in given if one]


class EventSettings(Section, frozen=True):
    """Events of vehicles, for their users (evd.events.rules). The operator's alarms are `[alerts]`."""

    #: A year of one event in two days; the oldest are removed first.
    per_vehicle: int = 200
    #: Statuses that wait for the event rules, some 1 KiB each: three seconds of 5,000 callbacks a second.
    queue_max: int = 16_384
    #: Vehicles whose event memory is cached, with the last status about 1 KiB each; others are read from the database.
    memories_max: int = 16_384
    #: Kinds of events that the original's app shows by itself, from the status: evd does not push them to it.
    self_told_original: list[str] = msgspec.field(default_factory=lambda: ["target_reached"])
    #: The same for apps that register by /api/v1.
    self_told_v1: list[str] = []


class LogSettings(Section, frozen=True):
    level: str = "info"
    #: auto: JSON under systemd, readable on a terminal.
    format: str = "auto"


class FormatSettings(Section, frozen=True):
    """A payload format: Sigfox's grammar, and the field options that it cannot express (evd.payload.field_options)."""

    grammar: str
    fields: dict[str, dict[str, Any]] = {}


class Config(Section, frozen=True):
    server: ServerSettings = ServerSettings()
    ingest: IngestSettings = IngestSettings()
    sigfox: SigfoxSettings = SigfoxSettings()
    retention: RetentionSettings = RetentionSettings()
    app: AppSettings = AppSettings()
    auth: AuthSettings = AuthSettings()
    images: ImageSettings = ImageSettings()
    push: PushSettings = PushSettings()
    alerts: AlarmSettings = AlarmSettings()
    events: EventSettings = EventSettings()
    log: LogSettings = LogSettings()
    formats: dict[str, FormatSettings] = {}

    def __post_init__(self) -> None:
        for path, low, high in RANGES:
            section, key = path.split(".")
            value = getattr(getattr(self, section), key)
            if not low <= value <= high:
                raise ValueError(f"{path} is {value}: it must be between {low} and {high}")
        for path, choices in CHOICES:
            section, key = path.split(".")
            value = getattr(getattr(self, section), key)
            if value not in choices:
                raise ValueError(f"{path} is {value!r}: it must be one of {', '.join(choices)}")
        if bool(self.server.tls_cert) != bool(self.server.tls_key):
            raise ValueError("server.tls_cert and server.tls_key belong together: set both, or neither")
        for origin in self.server.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"server.cors_origins has {origin!r}, which is no origin: write each as https://cars.example.org, "
                    "without a path, and * not at all, because any web page could then act for its reader"
                )
        alerts = self.alerts
        if len({bool(alerts.recipients), bool(alerts.email_from), bool(alerts.smtp)}) > 1:
            raise ValueError("alerts.email_to, alerts.email_from and alerts.smtp belong together: set all, or none")
        if alerts.smtp_user and alerts.smtp_security == "none":
            raise ValueError("alerts.smtp_security is 'none', which shows smtp_password to the network: use starttls")


def load(file: Path | None, env: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Config:
    """The settings of one run.

    `file` is `DIR/evd.toml` (absent is fine), `flags` maps "section.key" to a value. Raises ConfigError.
    """
    tree: dict[str, Any] = {}
    if file is not None and file.exists():
        try:
            tree = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is not valid TOML ({error}): correct that line") from None
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror}): check its permissions") from None
        _refuse_unknown(tree, str(file))
    for name, text in sorted(env.items()):
        if name.startswith(ENV_PREFIX) and "__" in name:
            section, _, key = name[len(ENV_PREFIX) :].lower().partition("__")
            _place(tree, section, key, _from_text(section, key, text), f"environment variable {name}")
    for path, value in (flags or {}).items():
        section, _, key = path.partition(".")
        _place(tree, section, key, value, f"flag for {path}")
    try:
        return msgspec.convert(tree, Config, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        where = f" (settings of {file}, environment and flags)" if file else ""
        raise ConfigError(f"{str(error).replace(' - at `$.', ': see `')}{where}") from None


def _known() -> dict[str, dict[str, Any]]:
    """Section → key → type, from the structs themselves."""
    return {
        section.name: {f.name: f.type for f in msgspec.structs.fields(section.type)}
        for section in msgspec.structs.fields(Config)
        if section.name != "formats"
    }


def _place(tree: dict[str, Any], section: str, key: str, value: Any, where: str) -> None:
    _refuse_unknown({section: {key: value}}, where)
    tree.setdefault(section, {})[key] = value


def _from_text(section: str, key: str, text: str) -> Any:
    """An environment variable's text; a list is comma-separated."""
    wanted = str(_known().get(section, {}).get(key, ""))
    return [part.strip() for part in text.split(",") if part.strip()] if "list" in wanted else text


def _refuse_unknown(tree: Mapping[str, Any], where: str) -> None:
    known = _known()
    for section, keys in tree.items():
        if section == "formats":
            continue
        if section not in known:
            raise ConfigError(f"{where}: there is no section {section!r}{_nearest(section, [*known, 'formats'])}")
        if not isinstance(keys, dict):
            raise ConfigError(f"{where}: {section!r} is a section: write [{section}] and its keys below it")
        for key in keys:
            if key not in known[section]:
                paths = [f"{s}.{k}" for s, ks in known.items() for k in ks]
                raise ConfigError(f"{where}: there is no setting {section}.{key}{_nearest(f'{section}.{key}', paths)}")


def _nearest(word: str, words: Iterable[str]) -> str:
    words = list(words)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""
