"""Every setting and limit, with its reason; read once, frozen.

Precedence: built-in < `DIR/evd.toml` < `EVD_SECTION__KEY` < command-line flags. An unknown key is an error that names
the nearest known one.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from evd.config.limits import CHOICES, RANGES
from evd.errors import ConfigError

ENV_PREFIX = "EVD_"


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of evd.toml."""


class ServerSettings(Section, frozen=True):
    bind: str | list[str] = "127.0.0.1:8080"
    tls_cert: str = ""
    tls_key: str = ""
    #: Addresses or networks whose Forwarded and X-Forwarded-For count.
    trusted_proxies: list[str] = []
    #: evd does not believe a clock that is behind what it saw (evd.daemon.server_clock); true: it does.
    trust_clock: bool = False
    #: Descriptors: 1,000 callback connections of a Sigfox burst, and room for the app beside them.
    connections_max: int = 2048
    #: From one address (IPv6: one /64) that has shown no key; those that rest give way to the next.
    strangers_per_address: int = 256
    #: Of unfinished requests without a key in their head; the oldest give way. 256 forms of 64 KiB, a thousand heads.
    strangers_bytes_max: int = 16 * 1024 * 1024
    #: Of unfinished requests with one: a hundred batches of a MiB.
    unfinished_bytes_max: int = 128 * 1024 * 1024
    head_max_bytes: int = 16 * 1024
    fields_max: int = 64
    #: A head arrives in one or two packets; 5 s is what slow mobile links need (reliability R16).
    head_timeout_s: float = 5
    body_timeout_s: float = 8
    write_timeout_s: float = 5
    tls_hello_timeout_s: float = 5
    #: Sigfox's and the app's HTTP clients keep connections about a minute.
    idle_timeout_s: float = 75
    #: Sigfox gives up after 10 s; what is not answered by then need not be waited for.
    drain_timeout_s: float = 8

    @property
    def binds(self) -> list[str]:
        return [self.bind] if isinstance(self.bind, str) else list(self.bind)


class IngestSettings(Section, frozen=True):
    #: The name of a format, or a grammar text.
    default_format: str = "ev"
    unknown_vehicle: str = "create"
    #: 250 times the largest Sigfox callback (about 250 bytes); a WLAN status is about 400 bytes.
    body_max_bytes: int = 64 * 1024
    #: Of a batch with a key: 10,000 lines of 100 bytes.
    batch_body_max_bytes: int = 1024 * 1024
    #: What waits for the writer: a batch and some; at 5,000 rows/s on the slowest disk evd is meant for, 3 s of work.
    queue_rows_max: int = 16_384
    queue_bytes_max: int = 16 * 1024 * 1024
    #: One transaction. Larger groups gain nothing (docs/performance.md) and hold readers' snapshots longer.
    batch_rows_max: int = 2048
    #: Below Sigfox's 10 s, with room for the way back.
    answer_timeout_s: float = 8
    #: A vehicle is about 100 bytes in memory and on disk.
    vehicles_max: int = 1_000_000
    #: `rejected` keeps the newest; the oldest go first.
    rejected_rows_max: int = 10_000


class SigfoxSettings(Section, frozen=True):
    #: How a line of /sigfox/batch is written: Sigfox's linePattern, with the variables in braces.
    batch_pattern: str = "{device};{time};{data};{seqNumber};"
    #: Sigfox sends what a device type's devices said in one second.
    batch_lines_max: int = 10_000
    #: Kind of callback → pattern of a text/plain body on its route.
    text_patterns: dict[str, str] = {}
    #: DATA comes before its DATA_ADVANCED, and Sigfox tries it again for seven minutes; what was told by DATA_ADVANCED
    #: alone is a status after this. 0: at once.
    advanced_waits_s: float = 600
    #: Device types without a DATA callback: what DATA_ADVANCED tells of their messages is a status at once. "*": all.
    advanced_alone: list[str] = []
    #: DATA_ADVANCED that waits for its DATA, a KiB each; the oldest beyond it are statuses at once.
    advanced_waiting_max: int = 10_000
    #: Route (its kind, callback or wlan) → variable → where it stands in the bodies, as in device = "data.device.id".
    names: dict[str, dict[str, str]] = {}
    #: Messages a day that a contract allows: what `evd vehicle days` compares with, and which gaps are restarts.
    daily_budget: int = 140
    #: A downlink that no message asked for by then is not worth sending.
    downlink_expires_s: int = 7 * 86_400
    #: Waiting for one vehicle; Sigfox sends four a day.
    downlinks_per_vehicle: int = 16
    #: Of all vehicles, closed ones included; the oldest closed ones go first.
    downlinks_max: int = 100_000
    #: Entries of one vehicle's log; the oldest go first.
    notes_per_vehicle: int = 200
    #: Sigfox's REST API, for backfills and for creating callbacks; the password belongs into an environment variable.
    api: str = "https://api.sigfox.com/v2"
    api_login: str = ""
    api_password: str = ""
    api_timeout_s: float = 30
    #: After an outage longer than Sigfox's retries: say that a backfill is due, or run it.
    backfill: str = "say"


class RetentionSettings(Section, frozen=True):
    statuses_per_vehicle: int = 1000


class AppSettings(Section, frozen=True):
    #: The original app sends a bare userId header, which anyone can set: only for that app.
    trust_user_header: bool = False
    #: The original's app has Java ints for all but consumption and temperatures, and ends at a fraction in one: on its
    #: routes, and in pushes, these are given without their fractions. false: as measured, for clients that read them.
    whole_numbers: bool = True
    #: Project whose ID tokens count; empty: the project of push.credentials.
    firebase_project: str = ""
    #: Where the certificates of ID tokens come from; empty: Google's address.
    id_token_certs: str = ""
    #: Verifying may fetch certificates; the app waits no longer.
    id_token_timeout_s: float = 5
    registrations_per_vehicle: int = 20
    #: A user's phones, whatever the vehicle.
    registrations_per_user: int = 200
    registrations_max: int = 1_000_000
    owners_max: int = 1_000_000
    #: Ranges in all that are longer than a page and being read, each with some 130 KiB however slow its reader is.
    ranges_max: int = 128
    #: Of one user: some devices, with a history of each of his vehicles on them. Others of his wait 5 s for a place.
    ranges_per_user: int = 16
    #: A range is cut off there: 100,000 statuses at 130 kB/s, which slow mobile links give.
    range_lasts_s: float = 300
    #: Pages of lists (/api/v1) that are being asked for or sent: each may be some MiB, and its reader slow.
    lists_max: int = 24
    #: Of one user, or of one key; others of his wait 5 s for a place.
    lists_per_user: int = 4
    #: Live streams in all, each a connection that lasts: beside them stays room for a burst of callbacks.
    streams_max: int = 256
    #: Of one user, or of one administrator's key: some devices, with a page or two open on each.
    streams_per_user: int = 16
    #: Their places stand in the id of each event.
    stream_vehicles_max: int = 16
    #: What waits for a follower who reads slowly; then he is let go, and resumes. Two of the writer's largest groups:
    #: one comes at once, and who follows all vehicles must be able to take it. Statuses that wait are shared by all.
    stream_queue_max: int = 4096
    stream_queue_bytes_max: int = 2 * 1024 * 1024
    #: A stream begins with no more: what was missed, shared out among its vehicles.
    stream_replay_max: int = 1000
    #: Proxies take a connection for dead after 30 to 60 s without a byte, `evd watch` after 30.
    stream_heartbeat_s: float = 15
    #: An ID token is good for an hour; then the follower must say again who he is.
    stream_lasts_s: float = 3600


class PushSettings(Section, frozen=True):
    #: A service account's JSON file; empty: `fcm.json` of systemd's credentials directory, else no pushes.
    credentials: str = ""
    #: Base URL in place of FCM's.
    endpoint: str = "https://fcm.googleapis.com"
    #: Messages a second; FCM's default quota is 10,000.
    rate_max: float = 9500
    #: From a start, or a pause, to `rate_max`; FCM's guide: 60 s or more.
    ramp_s: float = 60
    #: How long FCM holds a state for a phone that it cannot reach; the original's 60 s.
    ttl_s: int = 60
    #: How long evd tries to hand a message to FCM; FCM's guide ends at an hour.
    give_up_after_s: int = 3600
    priority: str = "normal"
    #: An event is for a person: a phone in Doze is woken for it, one that is off finds it hours later.
    event_ttl_s: int = 4 * 3600
    event_priority: str = "high"
    #: FCM keeps only the newest state for a phone that is away, and takes one in three minutes then.
    collapse: bool = False
    package: str = "com.martin.carcharge"
    #: FCM answers in some 50 ms, so 9,500 a second are some 500 at a time.
    connections_max: int = 512
    #: FCM's guide: not below 10 s.
    timeout_s: float = 10
    #: Pushes sent whose answer is not on disk; also the most that a crash can send twice.
    in_flight_max: int = 512
    #: Events that wait to be pushed; the oldest go first. States do not queue: a newer one replaces an older.
    outbox_rows_max: int = 1_000_000
    #: The newest finished pushes, for `evd push trace`.
    log_rows_max: int = 100_000
    #: A phone not renewed for so long is sent nothing, and is forgotten after `forget_after_days`: FCM's guide.
    #: Not the original's app, which registers at log-in only.
    stale_after_days: int = 30
    forget_after_days: int = 270
    #: Signs what goes to webhooks: at least 24 bytes, in base64 after `whsec_` (standardwebhooks.com).
    webhook_secret: str = ""
    #: A receiver that needs longer is asked again later.
    webhook_timeout_s: float = 10
    #: Each is a thread that waits for a receiver.
    webhook_threads_max: int = 8


class AlarmSettings(Section, frozen=True):
    """Alarms for evd's operator (evd.alarms.state), and how he is told; what happens to vehicles is `[events]`."""

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
    #: To tell one alarm by one way; mail servers that greet slowly, to deter spam, take some 10 s.
    timeout_s: float = 30
    #: An alarm that still stands is told again.
    repeat_after_s: float = 86_400
    #: No callback for so long alarms, unless longer silences are usual: a car that stands overnight is silent for 6 h.
    silent_after_s: float = 6 * 3600
    #: A push that was tried several times: waits between tries reach 10 min.
    push_old_after_s: float = 900
    #: Or a twentieth of the disk, if that is less.
    disk_free_mib: int = 1024
    #: Twice what the log is cut back to when nobody reads (reliability R8).
    log_mib: int = 128
    #: Everybody waits while evd's loop stands still; it does nothing by itself that takes longer than 50 ms.
    loop_lag_ms: float = 250
    #: Automatic renewals happen 30 days before the end (reliability S18).
    certificate_days: int = 21

    @property
    def recipients(self) -> list[str]:
        given = [self.email_to] if isinstance(self.email_to, str) else self.email_to
        return [one for one in given if one]


class EventSettings(Section, frozen=True):
    """Events of vehicles, for their users (evd.events.rules); what alarms the operator is `[alerts]`."""

    #: A year of one in two days; the oldest go first.
    per_vehicle: int = 200
    #: Statuses that wait to be looked at, some 1 KiB each: three seconds of 5,000 callbacks a second.
    queue_max: int = 16_384
    #: Vehicles whose memory stays in memory, with the last status about 1 KiB each; others are read when they speak.
    memories_max: int = 16_384
    #: Kinds of events that the original's app tells itself, from the status that shows them: it is not told twice.
    self_told_original: list[str] = msgspec.field(default_factory=lambda: ["target_reached"])
    #: The same of the apps that register by /api/v1.
    self_told_v1: list[str] = []


class LogSettings(Section, frozen=True):
    level: str = "info"
    #: auto: JSON under systemd, readable on a terminal.
    format: str = "auto"


class FormatSettings(Section, frozen=True):
    """A payload format: Sigfox's grammar, and what it cannot say about a field (evd.payload.field_options)."""

    grammar: str
    fields: dict[str, dict[str, Any]] = {}


class Config(Section, frozen=True):
    server: ServerSettings = ServerSettings()
    ingest: IngestSettings = IngestSettings()
    sigfox: SigfoxSettings = SigfoxSettings()
    retention: RetentionSettings = RetentionSettings()
    app: AppSettings = AppSettings()
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
                raise ValueError(f"{path} is {value}: it must lie between {low} and {high}")
        for path, choices in CHOICES:
            section, key = path.split(".")
            value = getattr(getattr(self, section), key)
            if value not in choices:
                raise ValueError(f"{path} is {value!r}: it must be one of {', '.join(choices)}")
        if bool(self.server.tls_cert) != bool(self.server.tls_key):
            raise ValueError("server.tls_cert and server.tls_key belong together: set both, or neither")
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
            raise ConfigError(f"{file} is no valid TOML ({error}): mend the line it names") from None
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror}): check who may read it") from None
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
            raise ConfigError(f"{where}: {section!r} is a section: write [{section}] and its keys below")
        for key in keys:
            if key not in known[section]:
                paths = [f"{s}.{k}" for s, ks in known.items() for k in ks]
                raise ConfigError(f"{where}: there is no setting {section}.{key}{_nearest(f'{section}.{key}', paths)}")


def _nearest(word: str, words: Iterable[str]) -> str:
    words = list(words)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""
