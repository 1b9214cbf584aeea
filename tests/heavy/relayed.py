"""Relayed sessions that exchange data for as long as a proof lasts, and compare every byte of it."""

import asyncio
import base64
import random
import re

import stage

# How long one exchange may take before the session counts as dropped.
PATIENCE = 10


def expect(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


class Relay:
    """A session that exchanges data throughout, every byte of which is compared."""

    PAUSE = 0.03

    def __init__(self, house, protocol, number, tls="off"):
        self.house, self.protocol, self.number, self.tls = house, protocol, number, tls
        self.rounds = self.bytes = 0
        self.sent, self.error, self.over = [], None, False

    async def begin(self):
        self.conversation = await self.house.log_in(self.protocol, "alice", self.tls)
        if self.protocol == "imap":
            for command in (f"c1 CREATE relay{self.number}", f"c2 SELECT relay{self.number}"):
                reply = await self.conversation.ask(command.encode())
                expect(b" OK" in reply, reply)
        self.task = asyncio.create_task(self.go_on())

    async def go_on(self):
        try:
            while not self.over:
                async with asyncio.timeout(PATIENCE):
                    await getattr(self, self.protocol)()
                self.rounds += 1
                await asyncio.sleep(self.PAUSE)
            await self.conversation.leave()
        except Exception as error:
            self.error = f"{self.protocol} {self.number} in round {self.rounds}: {error!r}"

    def message(self):
        body = base64.encodebytes(random.randbytes(random.randint(10, 6000))).replace(b"\n", b"\r\n")
        return f"Subject: {self.number}.{self.rounds}\r\n\r\n".encode() + body

    async def imap(self):
        message, talk = self.message(), self.conversation
        await talk.say(f"p{self.rounds} APPEND relay{self.number} {{{len(message)}}}".encode())
        expect((line := await talk.line()).startswith(b"+"), line)
        reply = await talk.ask(message)
        expect(re.match(rb"p%d OK" % self.rounds, reply), reply)
        uid = int(re.search(rb"APPENDUID \d+ (\d+)", reply)[1])
        await talk.say(f"f{self.rounds} UID FETCH {uid} BODY.PEEK[]".encode())
        while not (size := re.search(rb"FETCH .*BODY\[\] \{(\d+)\}", line := await talk.line())):
            expect(line.startswith(b"* "), line)
        expect(await talk.reader.readexactly(int(size[1])) == message, "another message came back")
        expect((line := await talk.reply()).strip().endswith(b")"), line)
        expect((line := await talk.reply()).startswith(b"f%d OK" % self.rounds), line)
        for command in (f"d{self.rounds} UID STORE {uid} +FLAGS.SILENT (\\Deleted)", f"e{self.rounds} EXPUNGE"):
            expect(b" OK" in (line := await talk.ask(command.encode())), line)
        self.bytes += 2 * len(message)

    async def pop3(self):
        expect((line := await self.conversation.ask(b"RETR %d" % self.house.large[0])).startswith(b"+OK"), line)
        content = await self.conversation.reader.readexactly(len(self.house.large[1]) + 3)
        expect(content == self.house.large[1] + b".\r\n", "another message came")
        self.bytes += len(content)

    async def smtp(self):
        message, talk = self.message(), self.conversation
        steps = [(f"MAIL FROM:<{stage.ALICE}>".encode(), b"250"), (f"RCPT TO:<{stage.ALICE}>".encode(), b"250"),
                 (b"DATA", b"354"), (message + b".", b"250")]
        for command, code in steps:
            expect((line := await talk.ask(command)).startswith(code), line)
        self.sent.append(message)
        self.bytes += len(message)


async def put_large_message(house):
    """A message of half a megabyte, alone in its size; its number for POP3 and its content."""
    content = b"Subject: large\r\n\r\n" + base64.encodebytes(random.randbytes(350_000)).replace(b"\n", b"\r\n")
    conversation = await house.log_in("imap", "alice")
    await conversation.say(b"p APPEND INBOX {%d}" % len(content))
    await conversation.line()
    expect(b"p OK" in (line := await conversation.ask(content)), line)
    line = await conversation.ask(b"s SELECT INBOX")
    await conversation.leave()
    counting = await house.log_in("pop3", "alice")
    number = int((await counting.ask(b"STAT")).split()[1])
    await counting.leave()
    return number, content


async def arrived(house):
    """Every message that alice has sent, as her mailbox has it."""
    conversation = await house.log_in("imap", "alice")
    await conversation.ask(b's SELECT "Sent Items"')
    await conversation.say(b"f FETCH 1:* BODY.PEEK[]")
    messages = []
    while not (line := await conversation.line()).startswith(b"f "):
        if size := re.search(rb"\{(\d+)\}\r\n$", line):
            messages.append(await conversation.reader.readexactly(int(size[1])))
    await conversation.leave()
    return messages
