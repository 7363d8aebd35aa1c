"""A server that speaks /health and is told by its environment how to misbehave.

Not the real one: these tests are of the supervision, and a start must cost no second.
"""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if os.environ.get("BEHAVE") == "sick" else 200)
        self.end_headers()
        self.wfile.write(os.environ.get("ANSWER", "").encode())

    def log_message(self, *_: object) -> None:
        return


class Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


def stop(*_: object) -> None:
    # As the real one: the port is let go of first, requests are finished then.
    server.socket.close()
    time.sleep(float(os.environ.get("DRAIN", "0")))
    os._exit(0)


behave = os.environ.get("BEHAVE")
print("starting", flush=True)
if behave == "die":
    print("the model is not a model", file=sys.stderr, flush=True)
    sys.exit(3)
if behave == "worker" and os.fork() == 0:
    time.sleep(600)
if behave == "slow":
    time.sleep(600)
signal.signal(signal.SIGTERM, signal.SIG_IGN if behave == "stubborn" else stop)
server = Server(("127.0.0.1", int(os.environ["TURNOUT_PORT"])), Handler)
server.serve_forever()
