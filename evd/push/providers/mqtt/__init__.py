"""MQTT: every vehicle's statuses and events to one broker, with Home Assistant's discovery. Begin with `traits`."""
