//! A mail client that could do without saslgate: it gets a token itself and speaks TLS to the simulator.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::json::field;
use crate::mail::{MailClient, base64};
use crate::stage::Stage;
use crate::tls;

/// Logs in to the simulator's IMAP.
pub async fn log_in(stage: &Stage) -> io::Result<MailClient> {
    let connector = tls::connector(&stage.simulator.told("ca"))?;
    let tcp = TcpStream::connect(stage.simulator.address("imap")?).await?;
    tcp.set_nodelay(true)?;
    let tls = tls::secure(&connector, tcp).await?;
    greet(
        MailClient::over(Box::new(tls)),
        stage.account(0).0,
        &token(stage).await?,
    )
    .await
}

/// Logs in to the simulator's IMAP through a relay that makes the TLS and nothing else.
pub async fn log_in_through(relay: SocketAddr, user: &str, token: &str) -> io::Result<MailClient> {
    greet(MailClient::plain(relay).await?, user, token).await
}

/// The same by SMTP, through a relay that has greeted and made TLS by itself.
pub async fn log_in_by_smtp(relay: SocketAddr, user: &str, token: &str) -> io::Result<MailClient> {
    let mut mail_client = MailClient::plain(relay).await?;
    mail_client.ask("EHLO old.example", "250 ").await?;
    mail_client.ask("AUTH XOAUTH2", "334").await?;
    mail_client.ask(&xoauth2(user, token), "235").await?;
    Ok(mail_client)
}

fn xoauth2(user: &str, token: &str) -> String {
    base64(format!("user={user}\x01auth=Bearer {token}\x01\x01").as_bytes())
}

async fn greet(mut mail_client: MailClient, user: &str, token: &str) -> io::Result<MailClient> {
    mail_client.until("* OK").await?;
    let response = xoauth2(user, token);
    mail_client
        .ask(&format!("a1 AUTHENTICATE XOAUTH2 {response}"), "a1 OK")
        .await?;
    Ok(mail_client)
}

/// A fresh token for all mailboxes.
pub async fn token(stage: &Stage) -> io::Result<String> {
    let told = |name| stage.simulator.told(name);
    let host = told("entra").trim_start_matches("https://").to_owned();
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
        told("client_id"),
        encoded(&told("client_secret")),
        encoded(&told("scope"))
    );
    let request = format!(
        "POST /{}/oauth2/v2.0/token HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        told("tenant"),
        body.len()
    );
    let tcp = TcpStream::connect(host.replace("localhost", "127.0.0.1")).await?;
    let mut tls = tls::secure(&tls::connector(&told("ca"))?, tcp).await?;
    tls.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The simulator may end without a close_notify; the answer is whole before that.
    let _ = tls.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    field(&answer, "access_token").ok_or_else(|| io::Error::other(answer))
}

fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
