"""The settings that docs/linux-admin.md tells a reader to copy, made those of a door: so the page and what is tested are one text."""

from pathlib import Path

from door import HOST

PAGE = Path(__file__).resolve().parents[3] / "docs/linux-admin.md"
# What the page writes for what is each reader's own.
USER, PASSWORD, ADDRESS = "alice@contoso.com", "PASSWORD", "127.0.0.1"
PORTS = {"imap": "1143", "smtp": "1587"}


def blocks(heading):
    """The blocks below a heading, in order."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = [block.partition("\n")[2] for block in section.split("```")[1::2]]
    assert found, f"{PAGE.name} has nothing to copy below {heading}"
    return found


def covers(door):
    """Whether the page says how to come in by this door: it is about programs beside saslgate, without TLS."""
    return door.mode == "plain" and door.protocol in PORTS


def settings(heading, door, place=0, escape=str):
    """One block, with the door's own host, port, user and password; `escape` as the program's quotes want it."""
    text = blocks(heading)[place]
    replacements = {
        PORTS[door.protocol]: str(door.port),
        ADDRESS: HOST,
        USER: door.user,
        USER.replace("@", "%40"): door.user.replace("@", "%40"),
        PASSWORD: escape(door.password),
    }
    for written, meant in replacements.items():
        text = text.replace(written, meant)
    return text
