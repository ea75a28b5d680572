"""How fast a hub answers while 200 people read its matrix and others send results.

    python benchmarks/hub.py [--users 200] [--seconds 20] [--results 100000] [--writers 2] [--think 0]
        [--database ADDRESS]

Fills a database with made-up results (``fill``), starts a real hub on it, and lets ``users`` connections on loopback
read ``/matrix`` and ``/api/matrix`` in turn, each asking again ``think`` seconds after its answer, while ``writers``
send signed records of ten results, two a second each. Prints p50, p95 and p99 of the time from asking to the last byte
of the answer, and everything that was no 200. Goal: p95 below 200 ms, no errors. Asking and answering share the
machine: with two cores, one of them asks.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fill import fill, records
from sides import goal
from sqlalchemy import func, select

from pytest_mlmodelscope.record.envelope import public_pem, sign, written
from pytest_mlmodelscope.store.access import add_key, new_token
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import Result

GOAL_S = 0.2
PAGES = ("/matrix", "/api/matrix")


class Reader:
    """One connection that is kept open, as a browser does; a client library would ask more slowly than it answers."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode()

    async def read(self, until: float, think: float, times: list[float], statuses: Counter[str]) -> None:
        into, out = await asyncio.open_connection("127.0.0.1", self.port)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            out.write(self.request)
            head = await into.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await into.readexactly(int(length.split(b":")[1]))
            times.append(time.perf_counter() - begun)
            statuses[head.split(b" ", 2)[1].decode()] += 1
            await asyncio.sleep(think)
        out.close()


async def write(address: str, number: int, token: str, key: Ed25519PrivateKey, until: float) -> Counter[str]:
    statuses: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        for record in records(10**6, seed=1000 + number, cases=10):
            if time.perf_counter() > until:
                break
            answer = await client.post("/api/records", content=written(sign(record, key)))
            statuses[str(answer.status_code)] += 1
            await asyncio.sleep(0.5)
    return statuses


async def load(args: argparse.Namespace, port: int, token: str, key: Ed25519PrivateKey) -> None:
    times: dict[str, list[float]] = {path: [] for path in PAGES}
    statuses: dict[str, Counter[str]] = {path: Counter() for path in PAGES}
    until = time.perf_counter() + args.seconds
    readers = [
        Reader(port, path).read(until, args.think, times[path], statuses[path])
        for path, _ in zip(itertools.cycle(PAGES), range(args.users), strict=False)
    ]
    writers = [write(f"http://127.0.0.1:{port}", one, token, key, until) for one in range(args.writers)]
    found = await asyncio.gather(*readers, *writers)
    for path in PAGES:
        tell(path, times[path], statuses[path], args.seconds)
    sent: Counter[str] = sum((one for one in found if one is not None), Counter())
    print(f"  sent meanwhile: {dict(sent)}")


def tell(path: str, times: list[float], statuses: Counter[str], seconds: float) -> None:
    p50, p95, p99 = np.percentile(times, (50, 95, 99))
    wrong = {status: count for status, count in statuses.items() if status != "200"}
    print(
        f"  {path}: {len(times) / seconds:,.0f} answers a second; p50 {1000 * p50:.0f} ms, p95 {1000 * p95:.0f} ms, "
        f"p99 {1000 * p99:.0f} ms, longest {1000 * max(times):.0f} ms; errors {wrong or 'none'}; "
        f"p95 below {1000 * GOAL_S:.0f} ms: {goal(p95 < GOAL_S and not wrong)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, usual in (("users", 200), ("seconds", 20), ("results", 100_000), ("writers", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--think", type=float, default=0.0)
    parser.add_argument("--database")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address, key = args.database or str(Path(folder) / "hub.sqlite"), Ed25519PrivateKey.generate()
        with Database(address) as database:
            begun = time.perf_counter()
            with database.reading() as session:
                there = session.scalar(select(func.count()).select_from(Result)) or 0
            fill(database, max(0, args.results - there))
            print(f"filled in {time.perf_counter() - begun:.0f} s", flush=True)
            with database.writing() as session:
                token = new_token(session, "bench", ["results:write"])
                add_key(session, "bench", public_pem(key.public_key()))
        serve = [sys.executable, "-c", "from pytest_mlmodelscope.cli.main import main; main()", "serve"]
        command = [*serve, "--port", "0", "--workers", "0", "--database", address]
        hub = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert hub.stdout is not None
            port = int(hub.stdout.readline().rpartition(":")[2])
            print(f"{args.users} users, {args.results:,} results, {args.writers} writers, {args.seconds} s")
            asyncio.run(load(args, port, token, key))
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(30)


if __name__ == "__main__":
    main()
