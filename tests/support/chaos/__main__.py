"""500 mixed requests while everything around them fails: `make chaos`, a minute or two, not part of `make test`.

Sixteen clients send streamed, whole, background and continued requests and WebSocket turns to a server of two workers.
Meanwhile the provider stalls, cuts, resets, refuses and dies, workers are killed and replaced, the server is restarted,
and the disk runs full. Afterwards the counts are printed, and the exit code is 1 unless these are zero:

    lost         what was answered as stored and cannot be read, a background response that never ends, or a connection
                 that was cut for no reason
    duplicated   requests that the provider accepted more than once
    unreadable   answers that are neither an error in the envelope nor a whole answer with one end
    hung         requests without any end within a minute

A connection that is cut because its worker was killed, or refused while the server restarts, is counted apart, with its
cause: a client can do nothing but ask again. One that is cut at any other time counts as lost. Descriptors and memory
of the workers are compared with those before.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from tests.support.chaos.clients import Cause, Clients
from tests.support.chaos.provider import FaultyProvider
from tests.support.servers.service import Service

CLIENTS = 16
DISK_BYTES = 48 << 20
LONGEST_SECONDS = 60.0
MOST_MORE_BYTES = 60 << 20
"""Of resident memory in a worker, beside that of a new one: its caches are 32 MB."""
KILL_SECONDS = 1.0
"""After a worker was killed, within which its clients notice."""
MOST_MORE_DESCRIPTORS = 40
"""Idle connections to the provider are kept for a while."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.chaos")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    given = parser.parse_args()
    print(f"chaos: {given.requests} requests, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name, FaultyProvider(given.seed) as provider:
        directory = Path(name)
        is_small = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", name], capture_output=True
        ).returncode == 0
        try:
            return run(directory, provider, given.requests, given.seed, is_small)
        finally:
            if is_small:
                subprocess.run(["umount", "--lazy", name], check=False)


def run(directory: Path, provider: FaultyProvider, requests: int, seed: int, is_small: bool) -> int:
    service = Service(directory, upstream_url=provider.url, workers=2, shutdown_grace=3, upstream_timeout=5, retries=1)
    with service as running:
        clients = Clients(running, provider, seed)
        for number in range(40):
            clients.ask(-1 - number)
        before = usage(running)
        causes: list[Cause] = []
        faults: list[tuple[str, Callable[[], None]]] = [
            ("a worker is killed", lambda: kill_a_worker(running, causes)),
            ("the provider is dead", lambda: provider.be_dead(3)),
            ("SIGHUP", lambda: running.process.send_signal(signal.SIGHUP)),
            ("another worker is killed", lambda: kill_a_worker(running, causes)),
            ("the server is restarted", lambda: restart(running, causes)),
        ]
        if is_small:
            faults.insert(3, ("the disk is full", lambda: fill_the_disk(directory, 3)))
        else:
            print("NOT TRIED: a full disk, because a tmpfs cannot be mounted here (needs root)")
        drive(clients, requests, faults)
        provider.is_gentle = True
        counts = clients.verify()
        cuts = clients.explain_cuts(causes)
        settled = settle(running)
    return report(clients, provider, counts, cuts, before, settled)


def drive(clients: Clients, requests: int, faults: list[tuple[str, Callable[[], None]]]) -> None:
    """Send all requests, with the faults spread evenly over them."""
    numbers = iter(range(requests))
    lock, done = threading.Lock(), Counter[str]()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            clients.ask(number)
            with lock:
                done["requests"] += 1

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for at, (name, cause) in enumerate(faults, 1):
        while done["requests"] < requests * at // (len(faults) + 1) and any(thread.is_alive() for thread in threads):
            sleep(0.05)
        print(f"  after {done['requests']:4} requests: {name}", flush=True)
        cause()
    for thread in threads:
        thread.join(LONGEST_SECONDS + 30)
    clients.results["hung"] += sum(thread.is_alive() for thread in threads)


def kill_a_worker(service: Service, causes: list[Cause]) -> None:
    since = monotonic()
    with suppress(IndexError, ProcessLookupError):
        os.kill(service.workers[0], signal.SIGKILL)
        causes.append(Cause("a killed worker", since, monotonic() + KILL_SECONDS))


def restart(service: Service, causes: list[Cause]) -> None:
    """End the server as a deployment does, and start it on the same port."""
    since, port = monotonic(), service.port
    service.stop()
    service.environ["ADAPTER_BIND"] = f"127.0.0.1:{port}"
    service.start()
    causes.append(Cause("the restart", since, monotonic()))


def fill_the_disk(directory: Path, seconds: float) -> None:
    filler = directory / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
    sleep(seconds)
    filler.unlink()


def usage(service: Service) -> tuple[int, int]:
    """Return the most open descriptors and resident bytes of any worker."""
    found = []
    for pid in service.workers:
        with suppress(OSError):
            descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            found.append((descriptors, int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096))
    return max(of[0] for of in found), max(of[1] for of in found)


def settle(service: Service) -> tuple[int, int]:
    until = monotonic() + 5
    while monotonic() < until:
        service.get("/readyz")
        sleep(0.2)
    return usage(service)


def report(
    clients: Clients, provider: FaultyProvider, counts: Counter[str], cuts: Counter[str],
    before: tuple[int, int], after: tuple[int, int],
) -> int:  # fmt: skip
    print("answers:", ", ".join(f"{name} {count}" for name, count in sorted(clients.results.items())))
    print("provider:", ", ".join(f"{name} {count}" for name, count in sorted(provider.played.items())))
    print("connections cut by:", ", ".join(f"{name or 'nothing known'} {n}" for name, n in cuts.items()) or "nothing")
    print(f"descriptors {before[0]} -> {after[0]}, memory {before[1] >> 20} -> {after[1] >> 20} MB")
    wrong = {
        "lost": counts["lost"] + cuts[""], "duplicated": provider.duplicated(),
        "unreadable": clients.results["unreadable"], "hung": clients.results["hung"],
    }  # fmt: skip
    print(", ".join(f"{name} {count}" for name, count in wrong.items()))
    for line in clients.details[:10]:
        print("  ", line)
    flat = after[0] - before[0] <= MOST_MORE_DESCRIPTORS and after[1] - before[1] <= MOST_MORE_BYTES
    return int(any(wrong.values()) or not flat)


if __name__ == "__main__":
    sys.exit(main())
