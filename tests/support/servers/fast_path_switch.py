"""Run the service with its fast path `off`, or with a line in the log for each use of it (`count`)."""

import sys
from typing import Any

from adapter.cli import main
from adapter.server.client_sockets import ClientSocket
from adapter.server.worker import Worker


def switch(mode: str) -> None:
    run = Worker.run

    def run_switched(worker: Worker) -> None:
        from adapter.server.fast_path import FastPath  # only a worker may import it: see `Worker.run`

        if mode == "off":
            FastPath.serve = lambda *_: True  # type: ignore[method-assign]
        else:
            serve = FastPath._begin_answer

            def count(self: FastPath, client: ClientSocket, environ: dict[str, object]) -> Any:
                print("plain request", flush=True)
                return serve(self, client, environ)

            FastPath._begin_answer = count  # type: ignore[method-assign]
        run(worker)

    Worker.run = run_switched  # type: ignore[method-assign]


if __name__ == "__main__":
    switch(sys.argv[1])
    sys.argv[1:] = ["serve"]
    sys.exit(main())
