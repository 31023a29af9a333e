"""An hour of mixed load over TLS, with phases: does evd need more and more of anything?

`make soak`; `SOAK_S=300` is a look of five minutes, which is too short for the slope: it is measured and not judged.
Every sample goes to bench/results/soak.json, and `make soak-picture` draws docs/soak.png from it.
"""

from __future__ import annotations

import json
import os
import platform
import random
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import trustme
from builders import new_store
from daemon_process import READY_S, STOP_S, Process, clean_env, init, start_logged
from folders import ROOT
from ledger import breaches, new_ledger, stored
from nightly_figures import figure
from soak_load import REST, VEHICLES, Peer, Sample, SoakLoad, sample, slope_mib_h

from evd.model.operations import Register

SOAK_S = float(os.environ.get("SOAK_S", "3600"))
SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
CAPACITY = 20
PHASES = ("mixed", "FCM down", "duplicates", "garbage", "new connections")
PHASE_S = max(SOAK_S / 15, 10.0)
EVERY_S = 10.0 if SOAK_S >= 3600 else 1.0

RSS_MAX_MIB = 160.0
SLOPE_MAX_MIB_H = 1.0
WARM = 1 / 6
"""Of the time: by then each phase has come once."""
BACK_S = 75.0
"""Idle threads end after 10 s, idle connections to FCM after 50 s."""


@contextmanager
def logged(arguments: list[str], env: dict[str, str], ready: str) -> Iterator[tuple[str, Process]]:
    """A process with an interpreter of its own, and its line that it is ready; it must end with 0."""
    lines, process = start_logged(["-m", "evd", *arguments], clean_env(env), fresh=True)
    try:
        line = lines.wait_for(ready, READY_S)
        assert line is not None, str(lines)
        yield line, process
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_S)
        assert code == 0, str(lines)[-3000:]
    finally:
        process.kill()
        lines.close()


def test_an_hour_of_everything_leaves_evd_as_it_was(tmp_path: Path) -> None:
    print(f"\nSEED={SEED} SOAK_S={SOAK_S:g}")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    certificate = tmp_path / "evd.pem"
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    directory = tmp_path / "evd"
    keys = init(directory)
    with closing(new_store(directory / "evd.db", capacity=CAPACITY)) as store:
        now = int(time.time() * 1000)
        store.write([Register(one, one, f"phone-{one}", f"owner of {one}", now) for one in VEHICLES[:30]])
    fake = ["fake-fcm", "--bind", "127.0.0.1:0", "--credentials", str(tmp_path / "fcm.json")]
    with logged(fake, {}, "listens on") as (line, _):
        fcm = next(word for word in line.split() if word.startswith("http"))
        env = {
            "EVD_PUSH__CREDENTIALS": str(tmp_path / "fcm.json"),
            "EVD_PUSH__ENDPOINT": fcm,
            "EVD_RETENTION__STATUSES_PER_VEHICLE": str(CAPACITY),
            "EVD_SERVER__TLS_CERT": str(certificate),
            "EVD_SERVER__TLS_KEY": str(certificate),
        }
        serve = ["serve", "--dir", str(directory), "--bind", "127.0.0.1:0"]
        with logged(serve, env, '"event": "ready"') as (line, process), new_ledger() as ledger:
            port = int(json.loads(line)["listen"][0].rpartition(":")[2])
            load = SoakLoad(Peer(port, keys, trust), ledger, random.Random(SEED))
            load.start()
            try:
                soaked(process.pid, load, fcm, seconds=len(PHASES) * 3.0, phase_s=3.0)
                base = at_rest(process.pid, load, fcm)
                samples = soaked(process.pid, load, fcm, seconds=SOAK_S, phase_s=PHASE_S)
                after = at_rest(process.pid, load, fcm, base)
            finally:
                load.end()
            warm = [one for one in samples if one.at >= WARM * SOAK_S]
            slope, most = slope_mib_h(warm), max(one.rss_mib for one in samples)
            write(samples, base, after, slope, load)
            print(f"RSS {base.rss_mib:.1f} … {most:.1f} MiB, slope {slope:+.2f} MiB/h; {base} → {after}")
            print(f"answers {dict(load.answers)}, {dict(load.troubles)}")
            figure(
                seconds=SOAK_S, callbacks=load.answers[201], most_MiB=round(most, 1), slope_MiB_per_h=round(slope, 2)
            )
            entries = ledger.entries()
    assert not load.faults
    assert not breaches(entries, stored(directory / "evd.db"), CAPACITY)
    assert load.answers[201] > 0.9 * load.answers.total(), load.answers
    assert most <= RSS_MAX_MIB
    assert after.descriptors <= base.descriptors + 2, "connections or files are left open"
    assert after.threads <= base.threads + 2, "threads are left"
    if SOAK_S >= 3600:
        assert slope <= SLOPE_MAX_MIB_H


def at_rest(process: int, load: SoakLoad, fcm: str, base: Sample | None = None) -> Sample:
    """What evd holds without load, once idle threads and connections have ended; with `base`, once that is no more."""
    load.phase = REST
    set_mood(fcm, "ok")
    end = time.monotonic() + BACK_S
    while time.monotonic() < end:
        now = sample(process, 0.0, REST)
        if base is not None and now.descriptors <= base.descriptors + 2 and now.threads <= base.threads + 2:
            return now
        time.sleep(1.0)
    return sample(process, 0.0, REST)


def set_mood(fcm: str, mood: str) -> None:
    httpx.put(f"{fcm}/mood", json={"mood": mood}).raise_for_status()


def soaked(process: int, load: SoakLoad, fcm: str, *, seconds: float, phase_s: float) -> list[Sample]:
    """The samples of the phases, one after the other until the time is over."""
    samples: list[Sample] = []
    begun, number = time.monotonic(), -1
    while (at := time.monotonic() - begun) < seconds:
        if int(at / phase_s) > number:
            number += 1
            load.phase = PHASES[number % len(PHASES)]
            down = ("hang", "unavailable")[number // len(PHASES) % 2]
            set_mood(fcm, down if load.phase == "FCM down" else "ok")
        samples.append(sample(process, at, load.phase))
        time.sleep(max(0.0, begun + len(samples) * EVERY_S - time.monotonic()))
    return samples


def write(samples: list[Sample], base: Sample, after: Sample, slope: float, load: SoakLoad) -> None:
    result = {
        "seconds": SOAK_S,
        "seed": SEED,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "slope_mib_h": round(slope, 2),
        "warm_from_s": WARM * SOAK_S,
        "rss_max_mib": RSS_MAX_MIB,
        "base": base,
        "after": after,
        "answers": dict(load.answers),
        "samples": samples,
    }
    path = ROOT / "bench" / "results" / "soak.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result), "utf-8")
