"""Calls in greenlets, as a worker makes them; run as a program, since a worker patches the standard library.

The first argument is the URL of a server. `kill`: a call waits without end and is killed. `many`: fifty calls at once.
"""

from gevent import monkey

monkey.patch_all()

import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402

from adapter.hosting.policy import ToolPolicy  # noqa: E402
from adapter.settings.tools.servers import MCPServerSettings  # noqa: E402
from adapter.settings.tools.settings import ToolSettings  # noqa: E402

url, what = sys.argv[1:]
server = ToolPolicy(ToolSettings()).connect(MCPServerSettings(label="x", url=url))
server.list_tools()
if what == "kill":
    waiting = gevent.spawn(server.call, "wait", {})
    gevent.sleep(0.2)
    began = time.monotonic()
    waiting.kill()
    print(f"{time.monotonic() - began:.3f}")
else:
    server.call("roll", {"n": 0})
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    calls = [gevent.spawn(server.call, "roll", {"n": at}) for at in range(50)]
    gevent.joinall(calls)
    print(" ".join(call.value.text for call in calls))
    print(f"{time.monotonic() - began:.3f}")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
server.close()
gevent.sleep(0.2)  # the end of the session is sent in the background
