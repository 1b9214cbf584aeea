"""Debian packages: what is missing is installed, without starting any service."""

import subprocess
from pathlib import Path

UPSTREAM = ("dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-submissiond", "openssl")
# Debian's hook that decides whether a package may start its service: absent on a machine of its own,
# present in most containers.
POLICY = Path("/usr/sbin/policy-rc.d")


def missing(wanted):
    """The packages that are not installed."""
    status = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted], capture_output=True, text=True, check=False
    )
    installed = {line.split()[0] for line in status.stdout.splitlines() if line.endswith(" installed")}
    return sorted(set(wanted) - installed)


def install(wanted):
    """Installs them without a question, and leaves Postfix and Dovecot stopped."""
    environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    if "postfix" in wanted:
        answer = "postfix postfix/main_mailer_type select No configuration\n"
        subprocess.run(["debconf-set-selections"], input=answer, text=True, check=True)
    held = not POLICY.exists()
    if held:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", *wanted]):
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    finally:
        if held:
            POLICY.unlink()
