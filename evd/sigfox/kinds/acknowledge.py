"""SERVICE/ACKNOWLEDGE: the outcome of a downlink."""

from __future__ import annotations

from evd.errors import BadRequest
from evd.model.operations import CloseDownlink, Operation
from evd.sigfox.downlinks import FAILED, info_code
from evd.sigfox.kinds.kind import BARE, DEVICE, EXAMPLE_DEVICE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import ReadCallback

INFO_CODE_MAX = 2**31 - 1


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    """The operations of an ACKNOWLEDGE. Raises BadRequest unless infoCode is a whole number up to INFO_CODE_MAX."""
    number = callback.number("infoCode")
    if number is None or not number.is_integer() or not 0 <= number <= INFO_CODE_MAX:
        raise BadRequest(f"infoCode is {callback.text('infoCode')[:40]}: a whole number from 0 is needed")
    code, message = info_code(int(number)), callback.text("infoMessage")
    is_over = callback.text("downlinkOverusage").lower() == "true"
    overused = "; its downlinks of the day are used up" if is_over else ""
    words = f", Sigfox says {message!r}" if message and message.upper() != code.name else ""
    note = callback.note(
        "warn" if code.state == FAILED else "info", f"Downlink {code.name}: {code.meaning}{words}{overused}."
    )
    return (CloseDownlink(callback.vehicle, callback.time, int(number), message or code.name, callback.now), note)


KIND = Kind(
    name="acknowledge",
    summary="SERVICE/ACKNOWLEDGE: what became of a downlink.",
    example={
        **EXAMPLE_DEVICE,
        "infoCode": 0,
        "infoMessage": "ACKED",
        "downlinkAck": True,
        "downlinkOverusage": False,
    },
    type=MenuEntry("SERVICE", 1),
    subtype=MenuEntry("ACKNOWLEDGE", 4),
    required=(DEVICE, TIME, ("infoCode",)),
    marks=(("infoCode",),),
    report=report,
    form=FormRow(
        order=3,
        template={
            "device": QUOTED,
            "time": BARE,
            "infoCode": BARE,
            "infoMessage": QUOTED,
            "downlinkAck": BARE,
            "downlinkOverusage": BARE,
            "deviceTypeId": QUOTED,
        },
        purpose="what became of a downlink; only needed with BIDIR",
    ),
)
