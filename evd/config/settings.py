"""Every setting and limit, with its meaning and its reason; frozen. evd.config.loading reads them.

The comment above a setting is its documentation: `evd config`, docs/settings.md and evd.toml.example show it
(evd.config.described; `make settings`). Its first sentence says what the setting is. `Example: VALUE` at its end, in
TOML, is shown where the default says nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from evd.config.alarm_settings import AlarmSettings
from evd.config.contradictions import contradictions
from evd.config.mqtt_settings import MqttSettings
from evd.config.section import Secret, Section


class ServerSettings(Section, frozen=True):
    #: Where evd listens, as HOST:PORT or a list of them. Sigfox needs a public one, or a proxy in front.
    bind: str | list[str] = "127.0.0.1:8080"
    #: The certificate chain, in PEM. A public CA must have issued it: Sigfox refuses self-signed ones. Example:
    #: "/etc/evd/cert.pem"
    tls_cert: str = ""
    #: The certificate's private key, in PEM. Example: "/etc/evd/key.pem"
    tls_key: str = ""
    #: Addresses or networks whose Forwarded and X-Forwarded-For count. Example: ["10.0.0.0/8"]
    trusted_proxies: list[str] = []
    #: Origins whose web pages may use /api/v1, with the user's credentials. Example: ["https://cars.example.org"]
    cors_origins: list[str] = []
    #: Believe the server's clock though it is behind what evd saw (evd.daemon.server_clock).
    trust_clock: bool = False
    #: Connections that are open at a time. 1,000 callback connections of a Sigfox burst, and room for the app beside
    #: them; without a key three quarters of them at most, and these give way.
    connections_max: int = 2048
    #: Connections from one address (IPv6: one /64) that has shown no key; idle ones are closed for a new one.
    strangers_per_address: int = 256
    #: Bytes of unfinished requests without a key in their head; the oldest are closed. 256 forms of 64 KiB.
    strangers_bytes_max: int = 16 * 1024 * 1024
    #: Bytes of unfinished requests with a key: a hundred batches of a MiB.
    unfinished_bytes_max: int = 128 * 1024 * 1024
    #: The size of a request's head at most.
    head_max_bytes: int = 16 * 1024
    #: The header fields of a request at most.
    fields_max: int = 64
    #: How long a request's head may take. It arrives in one or two packets; 5 s is what slow mobile links need. It also
    #: ends slow-header attacks.
    head_timeout_s: float = 5
    #: How long a body may take; below the 10 s after which Sigfox gives up.
    body_timeout_s: float = 8
    #: How long a client may take no byte of its answer.
    write_timeout_s: float = 5
    #: How long a TLS handshake may take.
    tls_hello_timeout_s: float = 5
    #: When an idle connection is closed. Sigfox's and the app's HTTP clients keep theirs for about a minute.
    idle_timeout_s: float = 75
    #: How long a stop waits for requests in hand. Sigfox gives up after 10 s; a later answer is useless.
    drain_timeout_s: float = 8

    @property
    def binds(self) -> list[str]:
        return [self.bind] if isinstance(self.bind, str) else list(self.bind)


class IngestSettings(Section, frozen=True):
    #: The format of payloads of vehicles without their own: the name of a format, or a grammar.
    default_format: str = "ev"
    #: A status of a vehicle that is not known: "create" it, or "reject" all but those that `evd vehicle set` named.
    unknown_vehicle: str = "create"
    #: The size of a request's body at most. 250 times the largest Sigfox callback (about 250 bytes); a WLAN status has
    #: about 400 bytes.
    body_max_bytes: int = 64 * 1024
    #: The size of a batch with a key in its head at most: 10,000 lines of 100 bytes.
    batch_body_max_bytes: int = 1024 * 1024
    #: Rows that wait for the writer: a batch and more; 3 s of work at the 5,000 rows/s of the slowest supported disk.
    queue_rows_max: int = 16_384
    #: Bytes of the rows that wait for the writer.
    queue_bytes_max: int = 16 * 1024 * 1024
    #: Rows of one commit group. Larger groups gain nothing (docs/performance.md) and hold readers' snapshots longer.
    batch_rows_max: int = 2048
    #: When a callback that waits for the writer is answered 503. Below Sigfox's 10 s, with room for the way back.
    answer_timeout_s: float = 8
    #: Vehicles that evd knows at most. Each is about 100 bytes in memory and on disk.
    vehicles_max: int = 1_000_000
    #: Refused callbacks that are kept; the oldest are removed first.
    rejected_rows_max: int = 10_000


class SigfoxSettings(Section, frozen=True):
    #: The layout of a line of /sigfox/batch: Sigfox's linePattern, with the variables in braces.
    batch_pattern: str = "{device};{time};{data};{seqNumber};"
    #: Lines of one batch at most. It has the messages of one second from all devices of a device type.
    batch_lines_max: int = 10_000
    #: How bodies of content type text/plain are written: kind of callback → pattern. Example: {uplink =
    #: "{device};{time};{data};{seqNumber}"}
    text_patterns: dict[str, str] = {}
    #: When a message of which only DATA_ADVANCED came becomes a status. Sigfox sends DATA before it, and retries it for
    #: seven minutes. 0: at once.
    advanced_waits_s: float = 600
    #: Device types without a DATA callback: their DATA_ADVANCED becomes a status at once. "*": all. Example:
    #: ["5d8cdc8fe833d938320a1ba4"]
    advanced_alone: list[str] = []
    #: DATA_ADVANCED that wait for their DATA, a KiB each; beyond this the oldest become statuses at once.
    advanced_waiting_max: int = 10_000
    #: Where variables stand in bodies that nest: route (its kind, callback or wlan) → variable → its path. Example:
    #: {uplink = {device = "integrations.sigfox.id", data = "data.sigfoxData"}}
    names: dict[str, dict[str, str]] = {}
    #: Messages a day that a contract allows: what `evd vehicle days` compares with, and which gaps are restarts.
    daily_budget: int = 140
    #: When a downlink that no message has asked for expires.
    downlink_expires_s: int = 7 * 86_400
    #: Downlinks that wait for one vehicle; Sigfox sends four a day.
    downlinks_per_vehicle: int = 16
    #: Downlinks of all vehicles, closed ones included; the oldest closed ones are removed first.
    downlinks_max: int = 100_000
    #: Entries of one vehicle's log; the oldest are removed first.
    notes_per_vehicle: int = 200
    #: The address of Sigfox's REST API, for backfills and for creating callbacks.
    api: str = "https://api.sigfox.com/v2"
    #: The login of Sigfox's REST API, for `evd backfill` and `evd sigfox config --create`. Example:
    #: "5d8cdc8fe833d938320a1ba4"
    api_login: str = ""
    #: The password of `sigfox.api_login`.
    api_password: Secret = ""
    #: How long Sigfox's REST API may take for an answer.
    api_timeout_s: float = 30
    #: After an outage longer than Sigfox's retries: "say" in evd's log that a backfill is due, or "run" it.
    backfill: str = "say"


class RetentionSettings(Section, frozen=True):
    #: The newest statuses that each vehicle keeps; `evd vehicle set ID --keep N` for one vehicle.
    statuses_per_vehicle: int = 1000
    #: How long roll-ups by hour and day, charge sessions and trips are kept, which outlive the statuses. Five years
    #: (1826) show a battery's ageing, in some 2 MB a year of a vehicle that sends 140 messages a day. 0: nothing is
    #: derived, because it costs more than a twentieth of a callback's processor time (docs/performance.md).
    rollup_days: int = 0


class AppSettings(Section, frozen=True):
    #: Believe a bare userId header, which anyone can set. Only for the original's app, which sends no ID token.
    trust_user_header: bool = False
    #: Give the original's app whole numbers for all but consumption and temperatures. It has Java ints for these and
    #: crashes at a fraction. false: as measured, for clients that read fractions.
    whole_numbers: bool = True
    #: The Firebase project whose ID tokens are accepted; empty: the project of push.credentials. Example: "my-cars"
    firebase_project: str = ""
    #: Where the certificates of ID tokens come from; empty: Google's address. Example: "http://127.0.0.1:9099/certs"
    id_token_certs: str = ""
    #: How long the check of an ID token may take. It may fetch certificates; the app does not wait longer.
    id_token_timeout_s: float = 5
    #: Phones that are registered for one vehicle.
    registrations_per_vehicle: int = 20
    #: Phones that one user registers, over all vehicles.
    registrations_per_user: int = 200
    #: Phones that are registered, of all vehicles.
    registrations_max: int = 1_000_000
    #: Owners and viewers of all vehicles.
    owners_max: int = 1_000_000
    #: Owners and viewers of one vehicle: a family, or a company's pool.
    owners_per_vehicle: int = 100
    #: Open invitations and claim codes; expired ones make room.
    invitations_max: int = 100_000
    #: Open invitations and claim codes of one vehicle.
    invitations_per_vehicle: int = 20
    #: Tags of one vehicle.
    tags_per_vehicle: int = 32
    #: Ranges longer than a page that are being sent, each with some 130 KiB however slow its client is.
    ranges_max: int = 128
    #: Long histories that one user reads at once, one for each vehicle on some devices; others wait 5 s for a place.
    ranges_per_user: int = 16
    #: When a long history that is being read is cut off: 100,000 statuses at 130 kB/s, the speed of slow mobile links.
    range_lasts_s: float = 300
    #: Pages of lists (/api/v1) that are being read or sent: each may have some MiB, and a slow client.
    lists_max: int = 24
    #: Pages of lists that one user, or one key, reads at once; further ones wait 5 s for a place.
    lists_per_user: int = 4
    #: Live streams, each a lasting connection; enough connections remain for a burst of callbacks.
    streams_max: int = 256
    #: Live streams of one user, or of one administrator's key: some devices, with a page or two open on each.
    streams_per_user: int = 16
    #: Vehicles of one live stream. The id of each event holds a position for each of them.
    stream_vehicles_max: int = 16
    #: Vehicles of a live stream of all that a user has: each is an entry in memory, for each open console.
    stream_fleet_max: int = 2000
    #: Statuses that wait for a slow subscriber; beyond this evd disconnects it, and it resumes. Two of the writer's
    #: largest groups: one comes at once, and a subscriber of all vehicles must be able to take it. Shared by all.
    stream_queue_max: int = 4096
    #: Bytes of the statuses that wait for slow subscribers.
    stream_queue_bytes_max: int = 2 * 1024 * 1024
    #: Missed statuses at the beginning of a stream, divided among its vehicles.
    stream_replay_max: int = 1000
    #: How often a live stream has a byte: proxies close it after 30 to 60 s without one, `evd watch` after 30.
    stream_heartbeat_s: float = 15
    #: How long a live stream lasts. An ID token is good for an hour; then the subscriber must authenticate again.
    stream_lasts_s: float = 3600
    #: Requests to /api/v1 that one user may send at once, and a second after that: a dashboard of some vehicles is a
    #: page of a hundred requests, a phone asks some times a minute.
    user_requests_at_once: int = 300
    #: Requests a second that one user may send in the long run.
    user_requests_per_s: float = 20
    #: Requests to /api/v1 that a key without a user, an administrator's, may send at once: a program may go through all
    #: vehicles.
    key_requests_at_once: int = 5000
    #: Requests a second that such a key may send in the long run.
    key_requests_per_s: float = 200


class AuthSettings(Section, frozen=True):
    """Local users, their sessions, and access tokens (evd.auth)."""

    #: Local users at most. Each is a row; a fleet has some drivers for each vehicle.
    users_max: int = 10_000
    #: When a session that is not used ends: longer than a holiday.
    session_days: int = 30
    #: When every session ends, so that a stolen cookie is not good for ever. Browsers keep none beyond 400 days.
    session_max_days: int = 365
    #: Sessions of one user, in browsers and on devices. The one that was not used for the longest time ends for a new
    #: one.
    sessions_per_user: int = 32
    #: Sessions of all users. All are held in memory, half a KiB each.
    sessions_max: int = 50_000
    #: Access tokens of one user, for programs.
    tokens_per_user: int = 64
    #: Access tokens of all users. All are held in memory, a KiB each.
    tokens_max: int = 10_000
    #: Passwords that are checked at once, each with 19 MiB and some 50 ms of a core.
    password_checks_max: int = 2
    #: Ask Firebase whether an ID token was revoked, where somebody gains something that lasts: a session, an access
    #: token, a phone's registration. Needs push.credentials, whose account may read the project's users.
    check_revoked: bool = True
    #: Base URL in place of Google's for the question whether an ID token was revoked. Example: "http://127.0.0.1:9099"
    firebase_endpoint: str = ""


class ImageSettings(Section, frozen=True):
    """Pictures of vehicles (evd.images)."""

    #: Bytes of a picture that is sent. A phone's photo has 3 to 6 MB; ten at a time are within
    #: server.unfinished_bytes_max.
    body_max_bytes: int = 8 * 1024 * 1024
    #: How long a picture may take to arrive: 8 MiB at 1 Mbit/s, the upload of slow mobile links.
    body_timeout_s: float = 75
    #: Pixels of a picture that is sent, as the file's head says: a small file may have any number of them. Decoded,
    #: each has up to 4 bytes, so 96 MB for one picture at a time; a phone's photo has 12 million.
    pixels_max: int = 24_000_000
    #: The longest side of a picture that is kept, in pixels; larger ones are scaled down. A tablet's screen.
    side_max_px: int = 2048
    #: The longest side of its thumbnail, in pixels.
    thumbnail_px: int = 256
    #: Vehicles with a picture, each of some 0.5 MB, and never more than `body_max_bytes`.
    vehicles_max: int = 10_000


class PrivacySettings(Section, frozen=True):
    #: For whom the places of vehicles are rounded to about a kilometre: nobody, viewers or everyone. An owner says
    #: otherwise for a vehicle by `coarseLocation` in its profile. The database keeps places as they came.
    coarse_location: str = "nobody"


class PushSettings(Section, frozen=True):
    #: A Firebase service account's JSON file; empty: `fcm.json` of systemd's credentials directory, else no pushes.
    #: Example: "/etc/evd/fcm.json"
    credentials: str = ""
    #: Base URL of FCM, or of what stands in for it.
    endpoint: str = "https://fcm.googleapis.com"
    #: Messages a second; FCM's default quota is 10,000.
    rate_max: float = 9500
    #: How long the rate rises, from a start or a pause, to `rate_max`. Firebase's "Best practices when sending FCM
    #: messages at scale": 60 s.
    ramp_s: float = 60
    #: How long FCM holds a state for a phone that it cannot reach; the original's 60 s.
    ttl_s: int = 60
    #: How long evd retries a message. Firebase's "Best practices when sending FCM messages at scale" ends at an hour.
    give_up_after_s: int = 3600
    #: The priority of a state: Android holds "normal" ones back while the phone sleeps.
    priority: str = "normal"
    #: How long FCM holds an event. It is for a person: it waits some hours for a phone that is off.
    event_ttl_s: int = 4 * 3600
    #: The priority of an event: "high" wakes a phone.
    event_priority: str = "high"
    #: Let FCM keep only the newest state for an unreachable phone; it then takes only one in three minutes for it.
    collapse: bool = False
    #: The Android app's package, which alone may take the pushes.
    package: str = "com.martin.carcharge"
    #: Connections to FCM at most. It answers in some 50 ms, so 9,500 a second are some 500 at a time.
    connections_max: int = 512
    #: How long FCM may take for an answer. Firebase's "Best practices when sending FCM messages at scale": not below 10
    #: s.
    timeout_s: float = 10
    #: Pushes that were sent and whose outcome is not on disk; also the most that a crash can send twice.
    in_flight_max: int = 512
    #: Events that wait to be pushed; the oldest are removed first. States do not queue: a newer one replaces an older.
    outbox_rows_max: int = 1_000_000
    #: The push log: the newest finished pushes, for `evd push trace`.
    log_rows_max: int = 100_000
    #: When a phone that is not renewed gets nothing any more, until `forget_after_days` (Firebase's "Manage FCM
    #: registration tokens"). Not the original's app, which registers at log-in only.
    stale_after_days: int = 30
    #: When a phone that is not renewed is forgotten.
    forget_after_days: int = 270
    #: Signs the requests to webhooks: at least 24 bytes, in base64 after `whsec_` (standardwebhooks.com), which `evd
    #: webhook secret` makes.
    webhook_secret: Secret = ""
    #: Whether a webhook's address may begin with http:// within the private network too: 192.168.1.5, or a name such as
    #: homeassistant.local. Whoever reads along there sees the statuses.
    webhook_private: bool = False
    #: How long a webhook's receiver may take. One that needs longer gets the push again later.
    webhook_timeout_s: float = 10
    #: Requests to webhooks at once, each of which waits for its receiver; half of them for one.
    webhook_threads_max: int = 8


class FirebaseSettings(Section, frozen=True):
    """Firestore of the original's app, by the service account of `push` (docs/firebase.md)."""

    #: How often evd reads which vehicles users have in Firestore, so that they own them here; 0: never. Google bills a
    #: read for each user and time.
    sync_seconds: float = 0
    #: Let a user add a vehicle, too, that others own already: whoever knows its id can write it into the own document.
    sync_owned: bool = False
    #: Users whose documents one import or sync reads; more are left out, and said to be.
    users_max: int = 100_000
    #: Write profiles that change, and last statuses, into users' documents.
    mirror: bool = False
    #: How long evd waits between two writes of one document: Firestore takes one a second, and bills each.
    mirror_seconds: float = 30
    #: Vehicles that wait for the mirror, 100 bytes each; beyond this it looks through all of them.
    mirror_waiting_max: int = 10_000
    #: Requests to Firestore at once, each in a thread.
    threads_max: int = 4
    #: How long one request to Firestore may take; it answers in some 100 ms.
    timeout_s: float = 30
    #: Cloud Storage's bucket with users' pictures, for the import; empty: PROJECT.appspot.com. Example:
    #: "my-cars.firebasestorage.app"
    bucket: str = ""


class EventSettings(Section, frozen=True):
    """Events of vehicles, for their users (evd.events.rules). The operator's alarms are `[alerts]`."""

    #: The newest events that are kept of a vehicle: a year of one event in two days.
    per_vehicle: int = 200
    #: Statuses that wait for the event rules, some 1 KiB each: three seconds of 5,000 callbacks a second.
    queue_max: int = 16_384
    #: Vehicles whose event memory is cached, with the last status about 1 KiB each; others are read from the database.
    memories_max: int = 16_384
    #: Kinds of events that the original's app shows by itself, from the status: evd does not push them to it.
    shown_by_original: list[str] = msgspec.field(default_factory=lambda: ["target_reached"])
    #: The kinds of events that apps which register by /api/v1 show by themselves.
    shown_by_v1: list[str] = []


class WebSettings(Section, frozen=True):
    """The console, at `/`."""

    #: Whether evd serves its console. false: `/` answers as the original did, with 418.
    enabled: bool = True
    #: How much of its own history evd keeps in memory for the page *System*, by the minute. A day takes 250 kB.
    history_hours: float = 24
    #: Tiles of a vehicle's map; empty: a grid of coordinates. Example: "https://tile.example.org/{z}/{x}/{y}.png"
    tiles: str = ""
    #: Whose map it is, as its licence asks for. Example: "© OpenStreetMap contributors"
    tiles_attribution: str = ""


class LogSettings(Section, frozen=True):
    #: The least severity that is logged.
    level: str = "info"
    #: How the log is written. auto: JSON under systemd, readable on a terminal.
    format: str = "auto"


class FormatSettings(Section, frozen=True):
    """A payload format: Sigfox's grammar, and the field options that it cannot express (evd.payload.field_options)."""

    grammar: str
    fields: dict[str, dict[str, Any]] = {}
    tests: dict[str, dict[str, Any]] = {}
    """Payload (hex) → fields that it must become, for `evd format test`."""


class Config(Section, frozen=True):
    server: ServerSettings = ServerSettings()
    ingest: IngestSettings = IngestSettings()
    sigfox: SigfoxSettings = SigfoxSettings()
    retention: RetentionSettings = RetentionSettings()
    app: AppSettings = AppSettings()
    auth: AuthSettings = AuthSettings()
    images: ImageSettings = ImageSettings()
    privacy: PrivacySettings = PrivacySettings()
    push: PushSettings = PushSettings()
    mqtt: MqttSettings = MqttSettings()
    firebase: FirebaseSettings = FirebaseSettings()
    alerts: AlarmSettings = AlarmSettings()
    events: EventSettings = EventSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    formats: dict[str, FormatSettings] = {}

    def __post_init__(self) -> None:
        for sentence in contradictions(self):
            raise ValueError(sentence)
