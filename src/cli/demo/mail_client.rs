//! A mail client as old as they come: a name, a password, and the commands that every mail program sends.

use std::io;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::story::Story;
use crate::provider::Protocol;

/// Who logs in.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

/// One conversation: log in, read a message or send one, say goodbye.
pub(super) async fn converse(
    story: &mut Story,
    protocol: Protocol,
    address: SocketAddr,
    login: &Login<'_>,
) -> io::Result<()> {
    let mut wire = Wire(BufReader::new(TcpStream::connect(address).await?));
    match protocol {
        Protocol::Imap => imap(story, &mut wire, login).await,
        Protocol::Pop3 => pop3(story, &mut wire, login).await,
        Protocol::Smtp => smtp(story, &mut wire, login).await,
    }
}

async fn imap(story: &mut Story, wire: &mut Wire, login: &Login<'_>) -> io::Result<()> {
    wire.line().await?;
    let accepted = wire
        .ask(
            &format!("a1 LOGIN {} \"{}\"", login.user, login.password),
            tagged("a1"),
        )
        .await?;
    story.tell_login()?;
    expect(accepted.last(), "a1 OK")?;
    for (command, tag) in [
        ("a2 SELECT INBOX", "a2"),
        ("a3 FETCH 1 BODY[TEXT]", "a3"),
        ("a4 LOGOUT", "a4"),
    ] {
        let reply = relayed(story, wire, command, tagged(tag)).await?;
        expect(reply.last(), &format!("{tag} OK"))?;
    }
    Ok(())
}

async fn pop3(story: &mut Story, wire: &mut Wire, login: &Login<'_>) -> io::Result<()> {
    wire.line().await?;
    wire.ask(&format!("USER {}", login.user), one_line).await?;
    let accepted = wire.ask(&format!("PASS {}", login.password), one_line).await?;
    story.tell_login()?;
    expect(accepted.last(), "+OK")?;
    expect(relayed(story, wire, "STAT", one_line).await?.first(), "+OK")?;
    expect(
        relayed(story, wire, "RETR 1", |line| {
            line == "." || line.starts_with("-ERR")
        })
        .await?
        .first(),
        "+OK",
    )?;
    expect(relayed(story, wire, "QUIT", one_line).await?.first(), "+OK")
}

async fn smtp(story: &mut Story, wire: &mut Wire, login: &Login<'_>) -> io::Result<()> {
    wire.line().await?;
    wire.ask("EHLO old-scanner.example", last_of_reply).await?;
    let plain = STANDARD.encode(format!("\0{}\0{}", login.user, login.password));
    let accepted = wire.ask(&format!("AUTH PLAIN {plain}"), last_of_reply).await?;
    story.tell_login()?;
    expect(accepted.last(), "235")?;
    let message = format!(
        "From: {user}\r\nTo: {user}\r\nSubject: Scan 0001\r\n\r\nSent with a user name and a password.\r\n.",
        user = login.user
    );
    let steps = [
        (format!("MAIL FROM:<{}>", login.user), "250"),
        (format!("RCPT TO:<{}>", login.user), "250"),
        ("DATA".to_owned(), "354"),
        (message, "250"),
        ("QUIT".to_owned(), "221"),
    ];
    for (command, code) in steps {
        expect(relayed(story, wire, &command, last_of_reply).await?.last(), code)?;
    }
    Ok(())
}

/// Says something through the relay, and tells it.
async fn relayed(
    story: &mut Story,
    wire: &mut Wire,
    command: &str,
    is_last: impl Fn(&str) -> bool,
) -> io::Result<Vec<String>> {
    command.lines().try_for_each(|line| story.asked(line))?;
    let reply = wire.ask(command, is_last).await?;
    reply.iter().try_for_each(|line| story.answered(line))?;
    Ok(reply)
}

fn tagged(tag: &str) -> impl Fn(&str) -> bool {
    let start = format!("{tag} ");
    move |line| line.starts_with(&start)
}

fn one_line(_: &str) -> bool {
    true
}

/// RFC 5321 4.2.1: the last line of a reply has a space behind its code.
fn last_of_reply(line: &str) -> bool {
    line.as_bytes().get(3) != Some(&b'-')
}

fn expect(line: Option<&String>, start: &str) -> io::Result<()> {
    match line {
        Some(line) if line.starts_with(start) => Ok(()),
        other => Err(io::Error::other(format!(
            "expected {start}, got {}",
            other.map_or("nothing", String::as_str)
        ))),
    }
}

/// Lines in, lines out.
struct Wire(BufReader<TcpStream>);

impl Wire {
    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    async fn ask(&mut self, command: &str, is_last: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut reply = Vec::new();
        loop {
            let line = self.line().await?;
            let done = is_last(&line);
            reply.push(line);
            if done {
                return Ok(reply);
            }
        }
    }
}
