"""Fuzz evd's readers of foreign bytes: `python tests/fuzz/fuzz.py [--seconds S] [--engine atheris|mutation] [TARGET…]`.

Two engines: atheris (coverage-guided, libFuzzer) watches the Python modules. A loop of random mutations runs anywhere,
also on the extensions built with AddressSanitizer (`make fuzz-asan`), which ends the process at a byte read beyond
its end. What fails is kept as build/fuzz/TARGET-DIGEST, and named; `--again FILE` runs it again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [os.environ.get("FUZZ_TREE", str(ROOT)), str(ROOT / "tests" / "support")]
FOUND = ROOT / "build" / "fuzz"
NAMES = ("edge", "sigfox", "status", "grammar", "codec")
"""Of `fuzz_targets.TARGETS`, which is imported later: atheris watches what is imported after it."""
INPUT_MAX = 600
CORPUS_MAX = 256
TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\r\n",
    b"\x00",
    b"\xff",
    b"\\ud800",
    b"1e999",
    b"-0",
    b"9" * 40,
    b"::",
)


def mutated(data: bytes, corpus: list[bytes], chance: random.Random) -> bytes:
    """One to four changes: a bit, a byte, a piece removed, doubled, put in, or taken from another input."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        end = min(len(changed), at + chance.randint(1, 12))
        kind = chance.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = chance.randrange(256)
        elif kind == 2:
            del changed[at:end]
        elif kind == 3:
            changed[at:at] = changed[at:end]
        elif kind == 4:
            changed[at:at] = chance.choice(TOKENS)
        else:
            other = chance.choice(corpus)
            cut = chance.randrange(len(other) + 1)
            changed[at:] = other[cut:]
    return bytes(changed[:INPUT_MAX])


def run_mutations(name: str, seconds: float, seed: int) -> int:
    """Returns how many inputs were tried. An error of the target goes through, with its input kept."""
    from fuzz_targets import TARGETS

    test, seeds = TARGETS[name]
    chance, corpus, tried = random.Random(f"{seed} {name}"), list(seeds), 0
    for data in seeds:
        test(data)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(chance.choice(corpus), corpus, chance)
        tried += 1
        if "ASAN_OPTIONS" in os.environ:  # the sanitizer ends the process without a word to Python
            (FOUND / f"{name}-running").write_bytes(data)
        try:
            test(data)
        except Exception:
            keep(name, data)
            raise
        if chance.random() < 0.05 and len(corpus) < CORPUS_MAX:
            corpus.append(data)  # so that changes add up
    return tried


def keep(name: str, data: bytes) -> None:
    path = FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"fuzz: {name} fails: {sys.executable} tests/fuzz/fuzz.py {name} --again {path}", flush=True)


def run_atheris(name: str, seconds: float, seed: int) -> None:
    """Ends the process, with 0 where nothing was found."""
    import atheris

    with atheris.instrument_imports(include=["evd"], enable_loader_override=False):
        from fuzz_targets import TARGETS
    test, seeds = TARGETS[name]
    corpus = FOUND / f"corpus-{name}"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(data)
    limits = [f"-max_total_time={int(seconds)}", f"-max_len={INPUT_MAX}", f"-seed={seed or 1}", "-timeout=20"]
    atheris.Setup(
        [sys.argv[0], *limits, f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", str(corpus)], test
    )
    atheris.Fuzz()


def in_processes(names: list[str], engine: str, seconds: float, seed: int) -> int:
    """Each target in a process of its own: a sanitizer and libFuzzer both end theirs."""
    from nightly_figures import figure

    tried: dict[str, int] = {}
    for name in names:
        command = [
            sys.executable,
            __file__,
            name,
            "--engine",
            engine,
            "--seconds",
            str(seconds),
            "--seed",
            str(seed),
            "--one",
        ]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        said = ran.stdout + ran.stderr
        counts = [line for line in said.splitlines() if "number_of_executed_units" in line or line.startswith("tried ")]
        if ran.returncode != 0 or not counts:
            print(said[-4000:])
            print(f"fuzz: {name} FAILED (seed {seed}); its input is in {FOUND}")
            return 1
        tried[name] = int(counts[-1].split()[-1])
        print(f"{name:8} {tried[name]:>10,} inputs in {seconds:g} s, nothing found ({engine}, seed {seed})", flush=True)
    figure(inputs=sum(tried.values()), seconds=seconds * len(names))
    return 0


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("targets", nargs="*", choices=[*NAMES, []], default=[])
    ask.add_argument("--seconds", type=float, default=60.0, help="of all targets together")
    ask.add_argument("--engine", choices=("atheris", "mutation"), default="mutation")
    ask.add_argument("--seed", type=int, default=int(os.environ.get("SEED", random.randrange(1, 1_000_000))))
    ask.add_argument("--again", type=Path, help="an input that failed")
    ask.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = ask.parse_args()
    names = given.targets or list(NAMES)
    FOUND.mkdir(parents=True, exist_ok=True)
    if given.again:
        from fuzz_targets import TARGETS

        TARGETS[names[0]].test(given.again.read_bytes())
    elif not given.one:
        return in_processes(names, given.engine, given.seconds / len(names), given.seed)
    elif given.engine == "atheris":
        run_atheris(names[0], given.seconds, given.seed)
    else:
        print("tried", run_mutations(names[0], given.seconds, given.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
