"""Days in the life of one vehicle, taken by a running evd: it charges, drives, stands, is once not heard for hours."""

from __future__ import annotations

import time

import httpx
from console_page import ask_as_admin
from daemon_process import RunningDaemon

from evd.dev.fleet import Fleet, sigfox_callback

STEP_S = 600
DAYS = 2
SEED = 4
NOT_HEARD = range(60, 90)
"""Steps in which it sends nothing: five hours."""


def live(daemon: RunningDaemon, *, days: int = DAYS, seed: int = SEED) -> str:
    """The id of the vehicle, whose last status is of now; its events wait for no second reading."""
    fleet, now = Fleet(1, seed), time.time()
    (vehicle,) = fleet.vehicles
    steps = days * 86_400 // STEP_S
    with httpx.Client(base_url=daemon.url, headers={"x-api-key": daemon.keys["sigfox"]}) as client:
        for step in range(steps):
            state = fleet.step(vehicle, now - (steps - 1 - step) * STEP_S)
            if step not in NOT_HEARD:
                body = {**sigfox_callback(state, "plain"), "location": state.location}
                assert client.post("/sigfox/uplink", json=body).status_code == 201
            if step == 0:
                ask_as_admin(daemon, "PUT", f"/vehicles/{vehicle}/alerts", {"confirm_after_s": 0})
    return vehicle
