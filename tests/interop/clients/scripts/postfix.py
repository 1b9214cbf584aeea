"""Starts a Postfix instance, queues one message, and says what became of it, as sysexits(3) would:
0 sent, 75 still in the queue, 70 returned to its sender."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

home, sender, recipient, letter = Path(sys.argv[1]), *sys.argv[2:]
FATE = re.compile(r"^.*status=(sent|deferred|bounced).*$", re.MULTILINE)
ENDS = {"sent": 0, "deferred": 75, "bounced": 70}


def fate(log):
    """The line that tells, as soon as there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if log.exists() and (found := FATE.search(log.read_text())):
            return found
        time.sleep(0.1)
    raise SystemExit(f"no fate in a minute:\n{log.read_text()}")


for folder in ("data", "spool"):
    (home / folder).mkdir()
shutil.chown(home / "data", "postfix")
subprocess.run(["postfix", "-c", home / "etc", "check"], check=True)
# start-fg stays in our process group, so that it ends with us whatever happens.
master = subprocess.Popen(["postfix", "-c", home / "etc", "start-fg"])
try:
    with open(letter, "rb") as text:
        subprocess.run(["sendmail", "-i", "-C", home / "etc", "-f", sender, recipient], stdin=text, check=True)
    told = fate(home / "log")
    print(told.group(0)[told.group(0).index("status=") :])
finally:
    subprocess.run(["postfix", "-c", home / "etc", "stop"], check=False)
    master.wait()
sys.exit(ENDS[told.group(1)])
