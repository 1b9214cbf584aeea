"""A wire between a mail client and saslgate that holds the client's login back until saslgate was told to stop."""

import contextlib
import re
import socket
import threading

LOGIN = re.compile(rb"(?:\S+ )?(?:LOGIN|AUTHENTICATE|AUTH|USER)\b", re.IGNORECASE)


class Hold:
    """Listens on `port` and passes everything on to `gate`, a port too, until the first login; then calls `stop` and
    passes on only what saslgate still says. `connections` counts what the client opened."""

    def __init__(self, gate, stop):
        self.gate, self.stop = gate, stop
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """One thread for each connection, until `close`."""
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        """Both directions of one connection; when saslgate is gone, so is this."""
        try:
            gate = socket.create_connection(("127.0.0.1", self.gate))
        except ConnectionRefusedError:
            return client.close()
        threading.Thread(target=self.to_gate, args=(client, gate), daemon=True).start()
        while chunk := received(gate):
            client.sendall(chunk)
        # As saslgate itself ends: what it said last can be read, and nothing that is still on its way resets it.
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def to_gate(self, client, gate):
        """Ends with the client, or at its login: what comes after that, nobody reads."""
        while chunk := received(client):
            if LOGIN.match(chunk):
                self.stop()
                while received(client):
                    pass
                break
            gate.sendall(chunk)
        gate.close()
        client.close()

    def close(self):
        """Takes no more connections, and wakes the thread that waits for one."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def received(peer):
    """The next bytes; none when it is over, however it ended."""
    try:
        return peer.recv(65536)
    except OSError:
        return b""
