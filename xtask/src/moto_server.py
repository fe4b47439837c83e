"""Runs moto on a free loopback port and prints that port on standard output.

Differs from the `moto_server` command in three ways, each for a reason:

- It binds port 0 itself, so that no other process can take the port in between.
- It ends when its standard input closes, so that it never outlives the process that started it.
- It answers queue URLs as AWS does, with the service's own host. Upstream repeats the host it was
  asked by, port included, which would make the ids in a recorded state depend on the port.
"""

import os
import sys
import threading

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sqs.models import Queue
from werkzeug.serving import make_server


class QuietRequestHandler(MotoRequestHandler):
    """Writes no line per request: the log of a loop would be thousands of them."""

    def log_request(self, code="-", size="-"):
        if os.environ.get("DRIFTMGR_MOTO_LOG"):
            super().log_request(code, size)


def queue_url(queue, _request_url):
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account_id}/{queue.name}"


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    Queue.url = queue_url
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1",
        0,
        application,
        threaded=True,
        request_handler=QuietRequestHandler,
    )
    # moto calls itself (replay, CloudFormation's custom resources) and reads its port from here.
    os.environ["MOTO_PORT"] = str(server.server_port)
    threading.Thread(target=end_with_parent, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()


main()
