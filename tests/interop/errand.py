"""One run of a mail client: its command, its input, and what came of it."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from dataclasses import dataclass, field
from typing import Callable

# A client that asks for a password or login waits for ever; so does one that asks anything else.
PROMPT = re.compile(rb"(pass(word|phrase|wd)?|log ?in|user ?name)\b[^\n]{0,80}[:?]\s*$", re.IGNORECASE)
# Escape sequences that full-screen clients draw with.
DRAWING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78M]|[\x0e\x0f\x07]")


@dataclass
class Errand:
    """A command; `collect` reads the messages it left behind, as this client stores them."""

    argv: list
    collect: Callable = None
    env: dict = field(default_factory=dict)
    stdin: bytes = b""
    # Full-screen clients, and those that read a password from /dev/tty only.
    terminal: bool = False
    # Typed at successive password prompts.
    answers: list = field(default_factory=list)


@dataclass
class Ran:
    """How the command ended. `exit` is None when it was still running at the deadline."""

    exit: int
    output: bytes
    # Password prompts that nobody answered.
    asked: int
    seconds: float

    def text(self):
        """The output as lines for a person, without escape sequences."""
        clean = DRAWING.sub(b"\n", self.output).decode("utf-8", "replace")
        return [line.strip() for line in re.split(r"[\r\n]+", clean) if line.strip()]


def run(errand, home, deadline):
    """Runs it with HOME and every XDG directory in `home`; ends it after `deadline` seconds."""
    env = {
        "HOME": str(home),
        # Debian's own clients, whatever else this machine has.
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "vt100",
        "TZ": "UTC",
        "LOGNAME": "root",
        "USER": "root",
        **errand.env,
    }
    began = time.monotonic()
    talk = on_terminal if errand.terminal else on_pipes
    exit_code, output, asked = talk(errand, home, env, began + deadline)
    return Ran(exit_code, output, asked, time.monotonic() - began)


def on_pipes(errand, home, env, until):
    """Input from a pipe, output and errors together; in a session of its own, so that nothing can ask on our terminal."""
    process = subprocess.Popen(
        errand.argv, cwd=home, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(errand.stdin, timeout=until - time.monotonic())
        return process.returncode, output, 0
    except subprocess.TimeoutExpired:
        end(process)
        output, _ = process.communicate()
        return None, output, 0


def on_terminal(errand, home, env, until):
    """On a pseudo-terminal: prompts are answered while there are answers, then counted."""
    ours, theirs = pty.openpty()
    # Wide enough for a whole refusal on one line.
    termios.tcsetwinsize(theirs, (24, 240))
    process = subprocess.Popen(
        errand.argv, cwd=home, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        output, asked = converse(ours, errand, process, until)
        exit_code = process.poll()
    finally:
        if process.poll() is None:
            end(process)
        os.close(ours)
    return exit_code, output, asked


def converse(terminal, errand, process, until):
    """Reads until the client is gone, asks what nobody answers, or runs out of time."""
    if errand.stdin:
        os.write(terminal, errand.stdin)
    output, unseen, answers = b"", b"", list(errand.answers)
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            chunk = read(terminal)
            if not chunk:
                process.wait(timeout=10)
                return output, 0
            output, unseen = output + chunk, unseen + chunk
        elif PROMPT.search(DRAWING.sub(b"", unseen)):
            if not answers:
                return output, 1
            os.write(terminal, answers.pop(0).encode() + b"\n")
            unseen = b""
        elif process.poll() is not None:
            return output, 0
    return output, 0


def read(terminal):
    """One chunk; Linux says EIO when the last process on the terminal is gone."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def end(process):
    """Ends the client and its children: a process group of its own, made by us."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=3)
            break
        except subprocess.TimeoutExpired:
            continue
