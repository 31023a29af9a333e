"""A load of callbacks over kept-alive connections, in a process of its own so that it does not share evd's GIL.

KEY=… python bench/load.py HOST PORT --connections 64 --seconds 3 [--per-second 5000]

prints {"taken", "refused", "broken", "per_s", "p50_ms", "p99_ms", "p999_ms"}. It stands in for wrk where that is not
installed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import socket
import time
from collections import deque


class Sender:
    """One connection: a request, its answer, the next request."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.socket = socket.create_connection(load.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self.buffer = b""

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.load.request())

    def receive(self) -> bool:
        """Whether the answer is whole; evd's 201 has no body."""
        self.buffer += self.socket.recv(65536)
        return self.buffer.endswith(b"\r\n\r\n") or (b"Content-Length: 0" not in self.buffer and b"}" in self.buffer)


class Load:
    """Callbacks of `vehicles` vehicles in random order, some heard far more often than others, with rising times."""

    def __init__(self, host: str, port: int, key: str, *, vehicles: int, first_time: int) -> None:
        self.address = (host, port)
        self.vehicles = vehicles
        self.first_time = first_time
        self.number = 0
        self.evenly = False
        """One vehicle after the other."""
        self.chance = random.Random(first_time)
        self.head = (
            f"POST /sigfox/uplink HTTP/1.1\r\nHost: {host}\r\nx-api-key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    def request(self) -> bytes:
        self.number += 1
        device = 0x100000 + (
            self.number % self.vehicles if self.evenly else int(self.vehicles * self.chance.random() ** 2)
        )
        moment = self.first_time + self.number * 4 // self.vehicles
        body = (
            f'{{"device":"{device:06X}","time":{moment},"data":"{0x130A4C0F + self.number % 4096:08x}594e427e4bb45088",'
            f'"seqNumber":{self.number % 4096}}}'
        )
        return f"{self.head}{len(body)}\r\n\r\n{body}".encode()

    def run_at(self, per_s: float, connections: int, seconds: float) -> dict[str, float]:
        """`per_s` callbacks a second, whatever the answers do: those that find no free connection wait for one."""
        selector = selectors.DefaultSelector()
        self.evenly = True
        free = deque(Sender(self) for _ in range(connections))  # each in its turn, or evd closes those that rest
        for sender in free:
            selector.register(sender.socket, selectors.EVENT_READ, sender)
        start = time.perf_counter()
        latencies: list[float] = []
        refused = sent = 0
        while (now := time.perf_counter()) - start < seconds or len(free) < connections:
            due = int(min(now - start, seconds) * per_s)
            while free and sent < due:
                free.popleft().send()
                sent += 1
            for ready, _ in selector.select(0.0005):
                sender = ready.data
                if sender.receive():
                    refused += not sender.buffer.startswith(b"HTTP/1.1 201")
                    latencies.append(time.perf_counter() - sender.sent_at)
                    sender.buffer = b""
                    free.append(sender)
        return told(latencies, refused, now - start)

    def run(self, connections: int, seconds: float) -> dict[str, float]:
        selector = selectors.DefaultSelector()
        for _ in range(connections):
            sender = Sender(self)
            selector.register(sender.socket, selectors.EVENT_READ, sender)
            sender.send()
        start = time.perf_counter()
        latencies: list[float] = []
        refused = 0
        while (now := time.perf_counter()) - start < seconds:
            for ready, _ in selector.select(1.0):
                sender = ready.data
                if sender.receive():
                    refused += not sender.buffer.startswith(b"HTTP/1.1 201")
                    latencies.append(time.perf_counter() - sender.sent_at)
                    sender.buffer = b""
                    sender.send()
        return told(latencies, refused, now - start)


def told(latencies: list[float], refused: int, took_s: float) -> dict[str, float]:
    latencies.sort()
    taken = len(latencies) - refused
    return {
        "taken": taken,
        "refused": refused,
        "broken": 0,
        "per_s": round(taken / took_s),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
        "p999_ms": round(latencies[len(latencies) * 999 // 1000] * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--first-time", type=int, default=int(time.time()) - 10_000_000)
    parser.add_argument("--per-second", type=float, help="so many, instead of as many as are answered")
    args = parser.parse_args()
    load = Load(args.host, args.port, os.environ["KEY"], vehicles=args.vehicles, first_time=args.first_time)
    if args.per_second:
        print(json.dumps(load.run_at(args.per_second, args.connections, args.seconds)))
    else:
        print(json.dumps(load.run(args.connections, args.seconds)))


if __name__ == "__main__":
    main()
