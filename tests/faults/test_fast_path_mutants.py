"""The C fast path against the readable way, on bodies that are nearly ordinary: BODIES=… of them, from SEED=…"""

from __future__ import annotations

import os
import random
from itertools import islice

from callback_law import NOW, assert_law
from mutated_bodies import bodies

from evd.model.connectivity import SIGFOX, WLAN

SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
BODIES = int(os.environ.get("BODIES", 20_000))


def test_what_the_fast_path_takes_is_what_the_readable_way_reads() -> None:
    print(f"SEED={SEED}")
    taken = 0
    for number, body in enumerate(islice(bodies(random.Random(SEED)), BODIES)):
        taken += assert_law(body, WLAN if number % 3 == 0 else SIGFOX, number % 7 * NOW // 3)
    print(f"{BODIES:,} bodies, of which the fast path takes {taken:,}")
    assert taken > BODIES / 10, "the bodies are so odd that they test nothing"
