"""`python -m adapter.demo`: run the demo upstream; its first line of output is its base URL."""

import argparse
import os
import sys
import threading

from adapter.demo.server import PACE, listen


def _exit_at_end_of_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m adapter.demo", description="A scripted chat-completions upstream.")
    parser.add_argument("--port", type=int, default=9000, help="port on 127.0.0.1; 0 takes a free one (default 9000)")
    parser.add_argument("--pace", type=float, default=PACE, help="seconds between two words of a stream")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that feeds stdin")
    options = parser.parse_args()
    server = listen(options.port, options.pace)
    print(server.url, flush=True)
    if options.until_stdin_closes:
        threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
