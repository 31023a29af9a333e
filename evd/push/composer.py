"""Compose a provider's message: the status as the app gets it, and an event's sentence."""

from __future__ import annotations

import orjson

from evd.config.settings import Config
from evd.events.texts import sentence
from evd.model import preferences
from evd.model.operations import EventDue, Registration
from evd.model.place_privacy import PlacePrivacy
from evd.model.status import Status
from evd.push.delivery import Delivery
from evd.push.protocols import STATE, Priority, Push

TEXTS_MAX = 512
"""Rendered texts that are kept: the phones of one vehicle are sent the same text, one after the other."""


class Composer:
    """Composes the message of each delivery."""

    def __init__(self, config: Config, places: PlacePrivacy) -> None:
        self._places = places
        push = config.push
        self._whole_numbers = config.app.whole_numbers
        self._package = push.package or None
        self._collapse = push.collapse
        self._ttl_s = push.ttl_s
        self._priority: Priority = "high" if push.priority == "high" else "normal"
        self._event_ttl_s = push.event_ttl_s
        self._event_priority: Priority = "high" if push.event_priority == "high" else "normal"
        self._texts: dict[tuple[str, str, bool], str] = {}

    def compose(self, delivery: Delivery) -> Push:
        spelling = delivery.registration.spelling
        if delivery.state:
            serialized = self._serialized(delivery.state, delivery.registration)
        else:
            serialized = orjson.dumps({"vehicleId": spelling}).decode()
        if delivery.event is not None:
            return self._event(delivery, delivery.event, serialized)
        state = delivery.state
        return Push(
            target_kind=delivery.registration.kind,
            target=delivery.registration.token,
            vehicle=delivery.registration.vehicle,
            what=STATE,
            event_id=state.status_id if state else "test",
            time_ms=state.time if state else 0,
            serialized=serialized,
            ttl_s=self._ttl_s,
            priority=self._priority,
            collapse_key=delivery.registration.vehicle if self._collapse else None,
            package=self._package,
        )

    def _event(self, delivery: Delivery, event: EventDue, serialized: str) -> Push:
        language = preferences.read(event.settings).language
        title, body = sentence(event.kind, orjson.loads(event.details), language, delivery.registration.spelling)
        return Push(
            target_kind=delivery.registration.kind,
            target=delivery.registration.token,
            vehicle=delivery.registration.vehicle,
            what=event.kind,
            event_id=f"event-{event.event}",
            time_ms=event.time,
            serialized=serialized,
            ttl_s=self._event_ttl_s,
            priority=self._event_priority,
            package=self._package,
            title=title,
            body=body,
        )

    def _serialized(self, state: Status, to: Registration) -> str:
        spelling = to.spelling
        is_coarse = self._places.is_coarse(to.vehicle, viewer=to.viewer)
        key = state.status_id, spelling, is_coarse
        text = self._texts.get(key)
        if text is None:
            text = (state.coarse() if is_coarse else state).for_push(spelling, whole_numbers=self._whole_numbers)
            if len(self._texts) >= TEXTS_MAX:
                self._texts.clear()
            self._texts[key] = text
        return text
