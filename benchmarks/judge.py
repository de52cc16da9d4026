"""Judge answers with the verifiers of whatever tree PYTHONPATH names: JSON lines in, JSON lines out, one for one.

In: {"row", "answer"}. Out: {"right", "seconds"}, or {"error", "seconds"} where the verifier raised. Where there is a
SECRET in the environment, answers may also find it in a file (VICTIM) and at a server (PORT). Started by before.py.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from data.world.families import verify


def around(secret: str, folder: str) -> str:
    """What says where the secret is, as Python."""
    victim, server = Path(folder, "victim"), socket.create_server(("127.0.0.1", 0))
    victim.write_text(secret, encoding="utf-8")
    threading.Thread(target=tell, args=(server, secret), daemon=True).start()
    return f"VICTIM, PORT = {str(victim)!r}, {server.getsockname()[1]}\n"


def tell(server: socket.socket, secret: str) -> None:
    """The secret to whoever connects."""
    while True:
        with server.accept()[0] as line:
            line.sendall(secret.encode())


def main() -> None:
    """Until there are no more lines."""
    with tempfile.TemporaryDirectory() as folder:
        before = around(os.environ["SECRET"], folder) if "SECRET" in os.environ else ""
        for line in sys.stdin:
            job, started = json.loads(line), time.monotonic()
            try:
                said = {"right": verify(before + job["answer"], job["row"])}
            except Exception as error:
                said = {"error": type(error).__name__}
            print(json.dumps(said | {"seconds": time.monotonic() - started}), flush=True)


if __name__ == "__main__":
    main()
