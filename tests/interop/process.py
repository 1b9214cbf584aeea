"""Servers that the suite starts: each waited for until it answers, each ended by its own process id."""

import ctypes
import signal
import socket
import subprocess
import time


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def end_with_us():
    """Called in a child before it becomes a server: SIGTERM when the suite dies, even of SIGKILL (prctl(2))."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A server in the foreground; its output goes to a file."""

    def __init__(self, name, argv, log, env=None):
        self.name, self.log = name, log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, preexec_fn=end_with_us)

    def wait_for(self, ports, seconds=15):
        """Returns when every port is listening; fails at once when the process has ended."""
        until = time.monotonic() + seconds
        for port in ports:
            while not listening(port):
                if self.child.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{self.name} does not listen on {port}; its log:\n{self.log.read_text()[-4000:]}")
                time.sleep(0.05)

    def terminate(self):
        """SIGTERM, without waiting."""
        if self.child.poll() is None:
            self.child.terminate()

    def end(self, seconds=10):
        """SIGTERM, then SIGKILL after a grace. Returns the exit code, also when it has ended before."""
        self.terminate()
        try:
            return self.child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


def listening(port):
    """Whether somebody listens, read from the kernel: connecting would use up a place."""
    with open("/proc/net/tcp") as table:
        return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in table)


def free_ports(count):
    """Ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class HeldPort:
    """A port that nobody else is given before it is let go, for what is bound much later than it is named."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.number = self.socket.getsockname()[1]

    def let_go(self):
        """For whoever was named with it."""
        self.socket.close()
