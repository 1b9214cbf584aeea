"""Clients that write the message themselves: what they were told to say has to arrive, in headers of their own."""

from email.parser import BytesHeaderParser

ASKED_FOR = ("to", "subject")


class Composer:
    """Compares the body byte for byte and the headers that the client was given by value."""

    def sends(self, message):
        return composed(message)

    def arrived(self, message):
        return composed(message)


def composed(message):
    """The headers that were asked for, and the body as it is."""
    head, _, body = message.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head + b"\r\n\r\n")
    said = "".join(f"{name}: {headers.get(name)}\n" for name in ASKED_FOR)
    return said.encode() + b"\n" + body
