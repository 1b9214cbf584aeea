"""Drives saslgate with mail clients that others wrote, against a mail server that others wrote.

Dovecot 2.3 is the upstream: it takes XOAUTH2 and OAUTHBEARER and no password, over IMAP, POP3 and
submission. Every client fetches every message and sends one, in every TLS mode that it has, and the
bytes are compared. Then every client meets every refusal, and a notice in front of the yes to its login. Last, saslgate gets its tokens by every grant that
oidc-provider has, an authorization server that others wrote; and fail2ban says whom it would ban by the log. `matrix.toml`, `refusals.md` and `grants.toml`
say what is expected; whatever deviates fails the run.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import authorization_server
import grants
import guessers
import matrix
import packages
import refusals
from bench import Direct, Proxied


def main():
    """Returns the exit code: 0 when everything is as expected."""
    options = arguments()
    # So that whatever asks us to stop leaves nothing running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [] if options.grants_only or options.guessers_only else matrix.by_name(options.client)
    if not options.no_install and (needed := packages.missing(wanted(chosen, options))):
        say(f"installing {' '.join(needed)}")
        packages.install(needed)
    program = None if options.direct else build()
    folder = Path(tempfile.mkdtemp(prefix="saslgate-interop."))
    # Dovecot's mail user has to get through.
    folder.chmod(0o755)
    try:
        return judge(options, chosen, program, folder)
    finally:
        if options.keep:
            say(f"kept {folder}")
        else:
            shutil.rmtree(folder)


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser("tests/interop/run", description=__doc__.splitlines()[0])
    parser.add_argument("client", nargs="*", help="only these clients")
    parser.add_argument("--direct", action="store_true", help="log in to Dovecot with a password, without saslgate: proves the clients and this harness")
    parser.add_argument("--no-install", action="store_true", help="take the machine as it is")
    parser.add_argument("--keep", action="store_true", help="leave the temporary directory with every log")
    parser.add_argument("--update", action="store_true", help="write refusals.md as it was measured (all clients only)")
    parser.add_argument("--matrix-only", action="store_true", help="leave out what clients do when they are refused, or given a notice")
    parser.add_argument("--grants-only", action="store_true", help="leave out the mail clients: only saslgate and the authorization server")
    parser.add_argument("--guessers-only", action="store_true", help="only whom fail2ban would ban")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="clients at once")
    options = parser.parse_args()
    if options.update and (options.client or options.direct or options.matrix_only):
        parser.error("--update needs every client, through saslgate")
    if (options.grants_only or options.guessers_only) and (options.client or options.direct or options.update):
        parser.error("--grants-only and --guessers-only are without mail clients, through saslgate")
    if os.getuid() != 0:
        parser.error("needs root: Dovecot and Postfix change to users of their own")
    return options


def wanted(chosen, options):
    """Every package of the run."""
    if options.guessers_only:
        return sorted(guessers.PACKAGES)
    of_grants = {*grants.PACKAGES, *authorization_server.packages(), *guessers.PACKAGES} if has_grants(options) else ()
    return sorted(set(packages.UPSTREAM).union(of_grants, *(client.packages for client in chosen)))


def has_grants(options):
    """Whether saslgate meets the authorization server: not when it is about some clients only."""
    return not (options.client or options.direct)


def build():
    """The release binary, or the one that SASLGATE names."""
    if given := os.environ.get("SASLGATE"):
        return Path(given).resolve()
    root = HERE.parent.parent
    say("building saslgate")
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=root, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "release/saslgate"


def judge(options, chosen, program, folder):
    """Runs everything, prints the tables, and counts."""
    parts = [] if options.grants_only or options.guessers_only else [with_clients(options, chosen, program, folder)]
    if has_grants(options):
        parts.append(with_guessers(program, folder / "guessers"))
    if has_grants(options) and not options.guessers_only:
        parts.append(with_authorization_server(options, program, folder / "grants"))
    cells, rows, problems, pages = (sum(column, []) for column in zip(*parts))
    for page in pages:
        print("", page, sep="\n")
    return summary(cells, rows, problems)


def with_clients(options, chosen, program, folder):
    """The matrix and the refusals: cells, rows, problems, and what is printed."""
    for client in chosen:
        if hasattr(client, "build"):
            client.build(folder / "java")
    bench = (Direct if options.direct else Proxied)(folder, program)
    try:
        bench.start()
        cells = bench.matrix(chosen, options.jobs, say)
        rows = [] if options.matrix_only else bench.refusals(chosen, options.jobs, say)
        complaints = [] if options.matrix_only else bench.notices(chosen, options.jobs, say)
        complaints += bench.problems()
    finally:
        bench.end()
    if options.update:
        refusals.EXPECTED.write_text(refusals.page(rows))
    problems = matrix.deviations(cells) + complaints
    if not options.matrix_only:
        problems += refusals.deviations(rows)
    if not options.client:
        problems += [f"{name}: in matrix.toml, but there is no such client" for name in matrix.strangers(chosen)]
    return cells, rows, problems, ["\n".join(matrix.table(cells)), *([refusals.page(rows)] if rows else [])]


def with_authorization_server(options, program, folder):
    """The grants, in the same form. Where npm's registry can't be reached they are left out, and that is said."""
    bench = grants.Grants(folder, program)
    try:
        bench.start(not options.no_install)
        cells = bench.run(say)
        complaints = bench.problems()
    except authorization_server.Skipped as why:
        return [], [], [], [f"skipped: grants with an independent authorization server: {why}"]
    finally:
        bench.end()
    return cells, [], grants.deviations(cells) + complaints, ["\n".join(grants.table(cells))]


def with_guessers(program, folder):
    """Whom fail2ban would ban, in the same form."""
    problems, pages = guessers.problems(program, folder, say)
    return [], [], problems, pages


def summary(cells, rows, problems):
    """The last lines."""
    print("", *(f"DEVIATION {problem}" for problem in problems), sep="\n")
    count = {state: sum(cell.state == state for cell in cells) for state in ("passed", "failed", "empty")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['empty']} skipped; {len(rows)} refusals met; {len(problems)} deviations; {time.monotonic() - BEGAN:.0f} s")
    return 1 if problems else 0


BEGAN = time.monotonic()


def say(text):
    """Progress, with the seconds since the start."""
    print(f"{time.monotonic() - BEGAN:6.1f}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
