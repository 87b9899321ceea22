"""A line between a server and the process that started it.

The server writes its address on it when it takes calls; when the other end closes, its starter is gone, however it
ended, and the server stops as if by SIGTERM. So no worker and no demo outlives what it was started for.
"""

import asyncio
import os
import signal
import socket

LONGEST = 300


class Line:
    """Our end of the line, from a descriptor that we inherited."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.settimeout(0)
        self._socket.set_inheritable(False)

    def announce(self, address: str) -> None:
        """Say that calls are taken at *address*."""
        self._socket.send(address.encode())

    def hold(self) -> None:
        """Stop this process when the other end closes; call it with the loop running."""
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        try:
            gone = not self._socket.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            asyncio.get_running_loop().remove_reader(self._socket)
            os.kill(os.getpid(), signal.SIGTERM)
