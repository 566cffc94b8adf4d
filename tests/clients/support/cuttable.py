"""A TCP proxy whose connections are cut, or held back, as by a broken network."""

import selectors
import socket
import threading

from .server import free_port


class Cuttable:
    """Passes connections to a port on; `mode` is `open`, `cut` (they are ended) or `silent` (nothing passes)."""

    def __init__(self, target, host="127.0.0.1"):
        self.target = (host, target)
        self.port = free_port()
        self._mode = "open"
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode):
        """Changes what happens to all connections, from now on."""
        with self._changed:
            self._mode = mode
            self._changed.notify_all()

    def close(self):
        """Ends the proxy and its connections."""
        self.set("cut")
        self._listener.close()

    def _accept(self):
        while True:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(inner,), daemon=True).start()

    def _pass(self, inner):
        """Passes what comes on either side to the other, while the mode allows it."""
        with inner:
            if self._mode == "cut":
                return
            try:
                outer = socket.create_connection(self.target, timeout=5)
            except OSError:
                return
            with outer, selectors.DefaultSelector() as ready:
                for one, other in ((inner, outer), (outer, inner)):
                    one.settimeout(30)
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    ready.register(one, selectors.EVENT_READ, other)
                try:
                    while self._mode != "cut":
                        for key, _ in ready.select(timeout=0.1):
                            part = key.fileobj.recv(65536)
                            with self._changed:
                                self._changed.wait_for(lambda: self._mode != "silent")
                            if not part or self._mode == "cut":
                                return
                            key.data.sendall(part)
                except OSError:
                    return
