"""A thread pool in a worker works, although nothing here uses one: a dependency may."""

import subprocess
import sys

PROGRAM = """
from adapter.server.worker import Worker
Worker.setup()

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from threading import Thread

with ThreadPoolExecutor(1) as pool:
    both = [pool.submit(time.sleep, 0.01), pool.submit(int, "7")]
    assert [future.result(2) for future in as_completed(both)]
    time.sleep(0.01)
    assert pool.submit(int, "8").result(2) == 8
    assert list(pool.map(int, "123")) == [1, 2, 3]
queue = SimpleQueue()
Thread(target=queue.get).start()
queue.put(1)
assert asyncio.run(asyncio.to_thread(int, "9")) == 9

from adapter.event_loop.native_threads import NativeThreads
from contextlib import closing
import threading, _thread

class Resource:
    def close(self): pass

def work(resource, jobs):
    for job in jobs:
        job.answer = _thread.get_native_id()

threads = NativeThreads(Resource, work, threads=1, batch=1)
with closing(threads):
    assert threads.do("where") != threading.get_native_id(), "these are the system's own threads still"
print("done")
"""


def test_pools_queues_and_native_threads_side_by_side() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=20, check=False)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
