"""Registrations as an app makes them."""

from __future__ import annotations

from evd.model.operations import Register


def phone(vehicle: str, token: str, at: int) -> Register:
    return Register(vehicle, vehicle, token, f"user of {token}", at)
