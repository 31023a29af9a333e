"""The original's demo vehicle: its frame, what it says, and the bodies in which its clients send it."""

from __future__ import annotations

from typing import Any

FRAME = "130a4c0f594e427e4bb45088"
MEASURED: dict[str, Any] = {
    "state": 0,
    "current_charge": 76,
    "target_charge": 20,
    "current": 608,
    "elapsed_time": 3929,
    "remain_time": 2504,
    "range": 638,
    "elec_consumption": 15.40625,
    "indoor_temperature": 36.25,
}
HALVES = {"elec_consumption": 19380, "indoor_temperature": 20616}
"""Its half floats as Sigfox's grammar knows them."""

SIGFOX_SAYS: dict[str, Any] = {
    "rawdata": FRAME,
    "advanced": False,
    "connectivity": 1,
    **{name: value for name, value in MEASURED.items() if name not in HALVES},
    "elec_consumption": HALVES["elec_consumption"],
    "indoor_temp": HALVES["indoor_temperature"],
}
"""The original's callback, without its envelope: the bits of the half floats, one of them under its short name."""

SIMULATOR_SAYS: dict[str, Any] = {
    "encoded": False,
    "advanced": True,
    "connectivity": 1,
    "state": 1,
    "current_charge": 76,
    "target_charge": 80,
    "current": 32.5,
    "elapsed_time": 45,
    "remain_time": 30,
    "range": 211,
    "elec_consumption": 15.4,
    "indoor_temp": 21.5,
    "outdoor_temp": 3.5,
    "desired_temp": 21.0,
    "max_current": 64.0,
    "location": "48.1486,17.1077",
}
"""The original simulator's post by WLAN, without its envelope."""

_SHORT = {f"{place}_temp": f"{place}_temperature" for place in ("indoor", "outdoor", "desired")}

SIMULATOR_MEASURED: dict[str, Any] = {
    _SHORT.get(name, name): value for name, value in SIMULATOR_SAYS.items() if name not in ("encoded", "connectivity")
}
"""Its fields under the app's names."""

SIMULATOR_READ: dict[str, Any] = {**SIMULATOR_MEASURED, "current": 32, "max_current": 64}
"""As the app has it: whole numbers where its class has an int."""


PAYLOAD = "130a4c0f594e427e4bb45088"


ORIGINAL_CALLBACK = (
    b'{"timestamp":1639400000,"vehicleId":"386625","seqNumber":118,"rawdata":"130a4c0f594e427e4bb45088",'
    b'"advanced":false,"connectivity":1,"state":0,"current_charge":76,"target_charge":20,"current":608,'
    b'"elapsed_time":3929,"remain_time":2504,"range":638,"elec_consumption":19380,"indoor_temp":20616}'
)


ORIGINAL_WLAN = (
    b'{"timestamp":1639400000123,"vehicleId":"386625","encoded":false,"advanced":true,"connectivity":1,"state":1,'
    b'"current_charge":76,"target_charge":80,"current":32.5,"elapsed_time":45,"remain_time":30,"range":211,'
    b'"elec_consumption":15.4,"indoor_temp":21.5,"outdoor_temp":3.5,"desired_temp":21.0,"max_current":64.0,'
    b'"location":"48.1486,17.1077"}'
)
