"""A command without the wait for its libraries, where a server is there that has loaded them (warm_server.py).

    python -m stages.core.run.warm MODULE ARGUMENT...

is `python -m MODULE ARGUMENT...` in a child of the server, with this command's streams, folder and environment.
SIGINT and SIGTERM are passed on, whatever else ends this command kills the child, and this command ends as the child
does. Where no server answers, it becomes the plain command. Imports little, to start at once.
"""

import contextlib
import json
import os
import signal
import socket
import sys

ADDRESS = "STAGE_SERVER"
"""Of the environment: the socket of the server."""
PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def asked(address: str, arguments: list[str]) -> int | None:
    """Exit code of the command in a child of the server, -N after signal N; None where no server has begun it."""
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        if link.fileno() < 3:  # a stream of this command is closed: the child would take the link for it
            return None
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # none is lost between the request and the handlers
        try:
            link.connect(address)
            socket.send_fds(link, [json.dumps(request).encode()], [0, 1, 2])
            if not link.recv(16):
                return None
        except OSError:
            return None
        else:
            for number in PASSED_ON:
                signal.signal(number, lambda number, frame: pass_on(link, number))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        with contextlib.suppress(ConnectionError):
            if answer := link.recv(16):
                return int(answer)
        return -signal.SIGKILL  # who kept the child is gone, and the child with it


def pass_on(link: socket.socket, number: int) -> None:
    """Send a signal to the child, unless it has ended."""
    with contextlib.suppress(OSError):
        link.send(bytes([number]))


def main() -> None:
    """The command line."""
    address, arguments = os.environ.get(ADDRESS), sys.argv[1:]
    code = asked(address, arguments) if address else None
    if code is None:
        os.execv(sys.executable, [sys.executable, "-m", *arguments])
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
