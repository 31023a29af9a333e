"""A client of Sigfox's REST API v2: paged listings, and the creation of a device type's callbacks.

Written from Sigfox's OpenAPI document (a copy: github.com/arimacdev/php-sigfox-client, gencode/config/openapi.json):
Basic authentication, at most 100 entries a page, 429 for too many requests.
"""

from __future__ import annotations

import base64
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode, urljoin, urlsplit

import orjson
import trio

from evd.config.settings import SigfoxSettings
from evd.errors import ConfigError, HttpError, SigfoxError
from evd.model.plain_text import excerpt
from evd.net.client.base_url import DEFAULT_PORTS, parse_base_url
from evd.net.client.http import HttpClient
from evd.net.client.response import Response, retry_after_s
from evd.redaction.requests import masked
from evd.sigfox_api.pace import RequestPace
from evd.sigfox_api.pages import Pages

PAGE = 100
"""Entries of a page; the API returns no more."""

PAGES_MAX = 100_000
"""Pages that one client reads: ten million entries, which take days at the rate that Sigfox allows."""

CONNECTIONS_MAX = 4
"""Enough to hide a distant server's latency; more would only be answered 429."""

ANSWER_MAX = 8 * 1024 * 1024
"""Bytes of an answer; a page of 100 messages, each with 20 base stations and three repetitions, has 1 MiB."""

ATTEMPTS = 6
"""Attempts of one request that is answered 429 or 5xx or not at all: about four minutes without a Retry-After."""

WAIT_FIRST_S = 5.0
WAIT_MAX_S = 300.0
"""The longest wait between attempts, even if Retry-After asks for more."""

SPREAD = 0.2
"""Jitter, as a part of the wait, so that requests refused together are not repeated together."""

SAID_MAX = 200
"""Characters of Sigfox's own text that an error quotes."""


class Made(NamedTuple):
    """A callback that exists; `created` is False if it existed before."""

    callback_id: str
    created: bool


class SigfoxApi:
    """`login` and `password` are those of an API user of a Sigfox group; `timeout_s` (s) applies to each request.

    Every method raises ConfigError if the credentials are refused, SigfoxError for any other unusable answer or after
    `pages_max` pages, and HttpError if there is no answer after ATTEMPTS. Every method may be cancelled. `chance`
    returns a number in [0, 1); `clock` gives epoch s.
    """

    def __init__(
        self,
        base_url: str,
        login: str,
        password: str,
        *,
        timeout_s: float,
        pages_max: int = PAGES_MAX,
        connections_max: int = CONNECTIONS_MAX,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ConfigError if a setting is missing or `base_url` is not an address."""
        if not login or not password:
            raise ConfigError(
                "Sigfox's REST API needs sigfox.api_login and sigfox.api_password: make an API user in Sigfox's "
                "backend (GROUP, API ACCESS), and put its password into the environment variable "
                "EVD_SIGFOX__API_PASSWORD"
            )
        self._origin = parse_base_url(base_url)
        self._secrets = (password, login)
        credentials = base64.b64encode(f"{login}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        self._http = HttpClient(connections_max=connections_max, timeout_s=timeout_s, body_max=ANSWER_MAX)
        self._pages_left = pages_max
        self._pages_max = pages_max
        self._pace = RequestPace()  # by trio's clock
        self._chance = chance
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: SigfoxSettings) -> Self:
        """Raises ConfigError."""
        return cls(settings.api, settings.api_login, settings.api_password, timeout_s=settings.api_timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def device_types(self) -> ApiListing:
        """Pages of all device types that the credentials can see: `{"id", "name", …}`."""
        return ApiListing(self._page, "/device-types/", {})

    def devices(self, device_type: str) -> ApiListing:
        """Pages of the device type's devices: `{"id", "lastCom": epoch ms, …}`."""
        return ApiListing(self._page, "/devices/", {"deviceTypeId": device_type})

    def messages(self, device: str, since: int, before: int) -> ApiListing:
        """Pages of a device's messages between two times (epoch ms), the newest first: `{"time": ms, "data", …}`."""
        return ApiListing(self._page, f"/devices/{_quoted(device)}/messages", {"since": since, "before": before})

    def undelivered(self, device_type: str, since: int, before: int) -> ApiListing:
        """Pages of a device type's undelivered callbacks, the newest first."""
        path = f"/device-types/{_quoted(device_type)}/callbacks-not-delivered"
        return ApiListing(self._page, path, {"since": since, "before": before})

    def undelivered_of_device(self, device: str, since: int, before: int) -> ApiListing:
        """Pages of one device's undelivered callbacks, the newest first."""
        path = f"/devices/{_quoted(device)}/callbacks-not-delivered"
        return ApiListing(self._page, path, {"since": since, "before": before})

    async def callbacks(self, device_type: str) -> list[dict[str, Any]]:
        """The callbacks of a device type, as Sigfox has them."""
        return _entries(await self._get(f"/device-types/{_quoted(device_type)}/callbacks"))

    async def create_callback(self, device_type: str, definition: Mapping[str, Any]) -> str:
        """Create a callback by the API's createCallback; returns its id. Twice makes two: see `ensure_callbacks`."""
        body = orjson.dumps(definition)
        document = await self._ask("POST", f"/device-types/{_quoted(device_type)}/callbacks", body)
        made = document.get("id") if isinstance(document, dict) else None
        if not isinstance(made, str):
            raise SigfoxError("Sigfox made a callback but did not say its id: look at the device type's callbacks")
        return made

    async def ensure_callbacks(self, device_type: str, definitions: Sequence[Mapping[str, Any]]) -> list[Made]:
        """Create the callbacks that the device type lacks; one with the same kind, channel and URL stays as it is."""
        there = {_same(one): str(one.get("id", "")) for one in await self.callbacks(device_type)}
        made: list[Made] = []
        for definition in definitions:
            found = there.get(_same(definition))
            if found is None:
                there[_same(definition)] = new = await self.create_callback(device_type, definition)
                made.append(Made(new, True))
            else:
                made.append(Made(found, False))
        return made

    async def _page(self, path: str) -> tuple[list[dict[str, Any]], str | None]:
        """A page, and the path of the next one, which must be below the base address."""
        if not self._pages_left:
            raise SigfoxError(
                f"Sigfox has more than {self._pages_max} pages of this: ask for less at a time, "
                "with --since, --until, --device or --device-type"
            )
        self._pages_left -= 1
        document = await self._get(path)
        paging = document.get("paging") if isinstance(document, dict) else None
        following = paging.get("next") if isinstance(paging, dict) else None
        entries = _entries(document)
        return entries, self._path_of(str(following)) if following else None

    def _path_of(self, url: str) -> str:
        """The path of a URL. Raises SigfoxError for another server: the password is sent to the configured one only."""
        origin = self._origin
        try:
            parts = urlsplit(urljoin(f"{origin.scheme}://{origin.netloc}", url))
            there = (parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme))
        except ValueError:
            there = ("", None, None)
        if there != (origin.scheme, origin.host, origin.port) or not parts.path.startswith(f"{origin.prefix}/"):
            raise SigfoxError(f"Sigfox's next page is not below {origin.url}: check sigfox.api")
        return parts.path.removeprefix(origin.prefix) + (f"?{parts.query}" if parts.query else "")

    async def _get(self, path: str) -> Any:
        return await self._ask("GET", path, None)

    async def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        """The JSON of the answer. If no answer came, only an idempotent request is repeated."""
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        for attempt in range(ATTEMPTS):
            begun = await self._turn()
            last = attempt == ATTEMPTS - 1
            try:
                response = await self._http.request(method, self._origin.url + path, headers, body)
            except HttpError:
                if last or method != "GET":
                    raise
                self._wait(attempt, None)
                continue
            if response.status == 429:
                self._pace.too_many(begun, trio.current_time())
            else:
                self._pace.taken()
            if 200 <= response.status < 300:
                return _read(response)
            if last or not _passes(response.status, method):
                raise self._refusal(response, path)
            self._wait(attempt, retry_after_s(response, self._clock()))
        raise AssertionError("the last attempt returns or raises")

    async def _turn(self) -> float:
        """Wait for this request's turn; returns the time at which it came."""
        while True:
            await trio.sleep_until(self._pace.turn(trio.current_time()))
            now = trio.current_time()
            if not self._pace.is_quiet(now):
                return now

    def _wait(self, attempt: int, asked_s: float | None) -> None:
        """Pause all requests for as long as Sigfox asks, or twice as long as before."""
        wished = WAIT_FIRST_S * 2.0**attempt if asked_s is None else asked_s
        self._pace.wait(trio.current_time(), min(wished, WAIT_MAX_S) * (1 + SPREAD * self._chance()))

    def _refusal(self, response: Response, path: str) -> ConfigError | SigfoxError:
        what = path.partition("?")[0]
        if response.status in (401, 403):
            return ConfigError(
                f"Sigfox refuses {what} to these credentials ({response.status}): check sigfox.api_login and "
                "sigfox.api_password, and the API user's profiles"
            )
        if response.status == 404:
            return SigfoxError(f"Sigfox knows no {what}: check the id")
        if response.status == 429:
            return SigfoxError("Sigfox's limit of requests is used up: run the command again later")
        said = self._said(response)
        return SigfoxError(
            f"Sigfox answered {response.status} to {what}{f' ({said})' if said else ''}: try again later"
        )

    def _said(self, response: Response) -> str:
        """Sigfox's own text, shortened and without the credentials."""
        try:
            document = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            return ""
        text = str(document.get("message", "")) if isinstance(document, dict) else ""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return excerpt(masked(text[: 4 * SAID_MAX]), SAID_MAX)


class ApiListing:
    """The pages of one listing, read on demand, up to the end that `evd.sigfox_api.pages` finds."""

    def __init__(self, page: Callable[[str], Any], path: str, query: Mapping[str, Any]) -> None:
        self._page = page
        self._pages = Pages(path, since=query.get("since"), before=query.get("before"))
        self._next: str | None = f"{path}?{urlencode({**query, 'limit': PAGE})}"

    def __aiter__(self) -> AsyncIterator[list[dict[str, Any]]]:
        return self

    async def __anext__(self) -> list[dict[str, Any]]:
        if self._next is None:
            raise StopAsyncIteration
        entries, following = await self._page(self._next)
        counted, self._next = self._pages.take(entries, following)
        return counted


def _passes(status: int, method: str) -> bool:
    """Whether a later attempt may succeed; after a 5xx a POST may have been executed, so it is not repeated."""
    return status == 429 or (status >= 500 and method == "GET")


def _quoted(given: str) -> str:
    return quote(given, safe="")


def _read(response: Response) -> Any:
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError:
        raise SigfoxError("Sigfox's answer is no JSON: check sigfox.api") from None


def _entries(document: Any) -> list[dict[str, Any]]:
    found = document.get("data") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise SigfoxError("Sigfox's answer is no listing: check sigfox.api")
    return [entry for entry in found if isinstance(entry, dict)]


def _same(callback: Mapping[str, Any]) -> tuple[Any, ...]:
    """What identifies a callback: its kind, channel and URL."""
    return tuple(callback.get(name) for name in ("channel", "callbackType", "callbackSubtype", "url"))
