"""The settings of MQTT; see evd.config.settings."""

from __future__ import annotations

from evd.config.section import Secret, Section


class MqttSettings(Section, frozen=True):
    """Statuses and events of all vehicles to an MQTT broker, with discovery for Home Assistant (docs/mqtt.md)."""

    #: The broker, mqtt:// or over TLS mqtts://, with the user if it asks for one; empty: none. Example:
    #: "mqtts://evd@broker.example.org:8883"
    url: str = ""
    #: The password of the user in `mqtt.url`.
    password: Secret = ""
    #: The certificate of the authority that issued the broker's, in PEM; empty: those that the system trusts. Example:
    #: "/etc/evd/broker-ca.pem"
    ca: str = ""
    #: What the topics of statuses begin with.
    topic: str = "evd"
    #: What the topics of Home Assistant's discovery begin with, as it is set there; empty: no discovery.
    discovery: str = "homeassistant"
    #: How old a vehicle's status becomes before the vehicle is unavailable. A parked one is silent for some hours.
    unavailable_after_s: float = 86_400
    #: How long the broker may take to confirm a message; then the connection is made anew.
    timeout_s: float = 10
    #: How often a connection has a packet; the broker says that evd is offline 1.5 times as long after the last one.
    keepalive_s: int = 60
