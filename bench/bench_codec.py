"""One EV frame and a list of 10,000: hex text to JSON bytes, by each codec and by what one would take without evd.

    .venv/bin/pytest bench/bench_codec.py

The rival is bitstruct's C module, which reads half floats too, with orjson behind it. Owed: 3 × its speed for one frame
and 5 × for the list; aimed at: 5 × and 8 ×.
"""

from __future__ import annotations

import ctypes
import random
import struct
from collections.abc import Callable
from typing import Any

import bitstruct.c as bitstruct
import orjson
import pytest

from evd import _codec
from evd.payload import _codec_py
from evd.payload.field_options import FieldOptions
from evd.payload.grammar import parse

M_TRIM_THRESHOLD = -1  # mallopt's names for what follows (malloc.h)
M_TOP_PAD = -2
HEAP_KEPT = 256 << 20


def keep_the_heap() -> None:
    """Have glibc hold on to freed memory.

    orjson's buffer comes from malloc. Where it happens to lie at the heap's top, glibc returns it to the kernel and
    asks for it again with each frame: 8,890 page faults a list, and a rival that looks three times slower than it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # other C libraries have no such habit to be told of
        mallopt(M_TRIM_THRESHOLD, HEAP_KEPT)
        mallopt(M_TOP_PAD, HEAP_KEPT >> 4)


keep_the_heap()

FORMAT = (
    "state:0:uint:3:big-endian:7 current_charge:0:uint:7:big-endian:4 target_charge:1:uint:7:big-endian:5 "
    "current:2:uint:10:big-endian:6 elapsed_time:3:uint:13:big-endian:4 remain_time:5:uint:13:big-endian:7 "
    "range:6:uint:11:big-endian:2 elec_consumption:8:uint:16:big-endian:7 indoor_temp:10:uint:16:big-endian:7"
)
HALF = FieldOptions(half=True)
PLAN = parse(FORMAT, {"elec_consumption": HALF, "indoor_temp": HALF})
FRAME = "130a4c0f594e427e4bb45088"
RIVAL = bitstruct.compile("u3u7u7u10u13u13u11f16f16", [field.name for field in PLAN.fields])


def rival(text: str) -> bytes:
    return orjson.dumps(RIVAL.unpack(bytes.fromhex(text)))


def fleet(size: int = 10_000) -> list[str]:
    """Frames of vehicles that all differ; consumption 5 to 40 kWh/100 km, indoors -10 to 40 °C."""
    dice = random.Random(386625)
    return [
        (dice.randbytes(8) + struct.pack(">ee", dice.uniform(5, 40), dice.uniform(-10, 40))).hex() for _ in range(size)
    ]


FRAMES = fleet()
ONE: dict[str, Callable[[str], bytes]] = {
    "cython": _codec.Decoder(PLAN).json_hex,
    "python": _codec_py.Decoder(PLAN).json_hex,
    "rival": rival,
}
MANY: dict[str, Callable[[list[str]], list[bytes]]] = {
    "cython": _codec.Decoder(PLAN).json_hex_many,
    "python": _codec_py.Decoder(PLAN).json_hex_many,
    "rival": lambda texts: [rival(text) for text in texts],
}


@pytest.mark.benchmark(group="one frame")
@pytest.mark.parametrize("codec", ONE)
def test_one(benchmark: Any, codec: str) -> None:
    assert benchmark(ONE[codec], FRAME) == rival(FRAME)


@pytest.mark.benchmark(group="10,000 frames")
@pytest.mark.parametrize("codec", MANY)
def test_list(benchmark: Any, codec: str) -> None:
    found = benchmark.pedantic(MANY[codec], args=(FRAMES,), rounds=20, warmup_rounds=1)
    assert found == [rival(text) for text in FRAMES]


@pytest.mark.benchmark(group="compile a format")
def test_parse(benchmark: Any) -> None:
    assert benchmark(parse, FORMAT).length == 12
