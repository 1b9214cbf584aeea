//! When an upstream is tried again, and when not.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use socket2::{Domain, Socket, Type};

use super::server::{Authority, Server};
use super::{Wallet, open, upstream};
use crate::oauth::Kind as TokenKind;
use crate::provider::MailHost;
use crate::provider::Protocol::{self, Imap, Smtp};
use crate::provider::UpstreamTls::{Implicit, StartTls};
use crate::upstream::handshake::Kind;
use crate::upstream::{Cause, Stage, UpstreamError};
use crate::wire::Closing;

const YES: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 NAMESPACE] hi
    C:
    S: A1 OK [CAPABILITY IMAP4rev1 IDLE] in
    C:
    S: A2 OK done
    S: * 3 EXISTS";
const REFUSED: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
    C:
    S: A1 NO AUTHENTICATE failed.";
const DENIED: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
    C:
    S: A1 NO Basic authentication is disabled.";
const NOT_CONNECTED: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
    C:
    S: A1 OK AUTHENTICATE completed.
    C:
    C:
    S: A2 BAD User is authenticated but not connected.";
const LOST_BEFORE_ANYTHING: &str = "-- cut --";
const LOST_BEFORE_THE_TOKEN: &str = "S: * OK hi
    C:
    -- cut --";
const LOST_BEHIND_THE_TOKEN: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi
    C:
    -- cut --";
const BUSY: &str = "S: * BYE [UNAVAILABLE] not now";
const NO_MECHANISM: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi";

fn lost(error: &UpstreamError) -> bool {
    matches!(
        error.cause,
        Cause::Broken(_) | Cause::Protocol(Closing::PeerClosed)
    )
}

fn rejected(error: &UpstreamError, kind: Kind) -> bool {
    matches!(&error.cause, Cause::Rejected(no) if no.kind == kind)
}

/// The token in `AUTHENTICATE XOAUTH2 …`.
fn token_in(line: &str) -> String {
    let encoded = line.rsplit(' ').next().unwrap();
    let message = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    message
        .split("Bearer ")
        .nth(1)
        .unwrap()
        .trim_end_matches('\x01')
        .to_owned()
}

/// Opens an IMAP upstream that plays those scripts: the error if it failed, and what it heard on each connection.
async fn try_imap(scripts: &[&'static str], wallet: Wallet) -> (Option<UpstreamError>, Vec<Vec<String>>) {
    let authority = Authority::new();
    let server = Server::start(authority.localhost(), Implicit, scripts).await;
    let opened = open(&upstream(&authority), (Imap, &server.host), wallet, None).await;
    let error = opened.err();
    (error, server.heard().await)
}

#[tokio::test]
async fn a_login_that_succeeds_hands_over_what_was_sent_beyond_it() {
    let authority = Authority::new();
    let server = Server::start(authority.localhost(), Implicit, &[YES, YES]).await;
    let upstream = upstream(&authority);
    let hosts = [server.host.clone()];
    assert_eq!(
        upstream.promise(Imap, &hosts).iter().collect::<Vec<_>>(),
        ["IMAP4rev1"]
    );
    let mut opened = open(&upstream, (Imap, &server.host), Wallet::with("first"), None)
        .await
        .unwrap();
    let mut chunk = [0; 64];
    while opened.unread.is_empty() {
        let count = opened.link.read(&mut chunk).await.unwrap();
        opened.unread.extend_from_slice(&chunk[..count]);
    }
    assert_eq!(opened.unread, b"* 3 EXISTS\r\n");
    assert_eq!(
        upstream.promise(Imap, &hosts).iter().collect::<Vec<_>>(),
        ["IMAP4rev1", "IDLE"],
        "learned"
    );
    assert!(opened.times.dial > std::time::Duration::ZERO);
    drop(opened);
    let heard = server.heard().await;
    assert_eq!(heard.len(), 1);
    assert_eq!(token_in(&heard[0][0]), "first");
    assert_eq!(heard[0][1], "A2 NAMESPACE");
}

#[tokio::test]
async fn a_token_that_may_be_stale_is_replaced_once() {
    let tokens =
        |heard: &[Vec<String>]| -> Vec<String> { heard.iter().map(|said| token_in(&said[0])).collect() };

    let (error, heard) = try_imap(&[REFUSED, YES], Wallet::with("stale").or("fresh")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(tokens(&heard), ["stale", "fresh"]);

    let (error, heard) = try_imap(&[REFUSED, YES], Wallet::with("only")).await;
    assert!(rejected(&error.unwrap(), Kind::TokenRefused));
    assert_eq!(tokens(&heard), ["only"]);

    let third = Wallet {
        other: Some(Box::new(Wallet::with("b").or("c"))),
        ..Wallet::with("a")
    };
    let (error, heard) = try_imap(&[REFUSED, REFUSED, YES], third).await;
    assert!(rejected(&error.unwrap(), Kind::TokenRefused));
    assert_eq!(tokens(&heard), ["a", "b"]);

    for trouble in [
        TokenKind::Temporary { retry_after: None },
        TokenKind::Misconfigured,
    ] {
        let stale = Wallet::with("stale").or_failure(trouble);
        let (error, heard) = try_imap(&[REFUSED, YES], stale.far()).await;
        assert!(
            rejected(&error.unwrap(), Kind::TokenRefused),
            "the refusal stands, not the source's trouble"
        );
        assert_eq!(heard[0].len(), 1);
    }
    let revoked = Wallet::with("stale").or_failure(TokenKind::NeedsSignIn);
    let (error, _) = try_imap(&[REFUSED, YES], revoked.far()).await;
    let cause = error.unwrap().cause;
    assert!(
        matches!(&cause, Cause::Token(why) if why.kind == TokenKind::NeedsSignIn),
        "upstream refused what the provider has withdrawn: {cause}"
    );

    let (error, heard) = try_imap(&[DENIED, YES], Wallet::with("good").or("better")).await;
    assert!(rejected(&error.unwrap(), Kind::Denied));
    assert_eq!(tokens(&heard), ["good"], "no token changes a setting");
}

#[tokio::test]
async fn a_mailbox_that_does_not_open_gets_one_more_connection() {
    let (error, heard) = try_imap(&[NOT_CONNECTED, YES], Wallet::with("t").or("u")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        (heard.len(), token_in(&heard[1][0])),
        (2, "t".into()),
        "with the same token"
    );

    let (error, heard) = try_imap(&[NOT_CONNECTED, NOT_CONNECTED, YES], Wallet::with("t").or("u")).await;
    assert!(rejected(&error.unwrap(), Kind::NotConnected));
    assert_eq!(heard.len(), 2);
}

#[tokio::test]
async fn a_connection_lost_before_the_token_is_tried_once_more_and_never_behind_it() {
    for early in [LOST_BEFORE_ANYTHING, LOST_BEFORE_THE_TOKEN] {
        let (error, heard) = try_imap(&[early, YES], Wallet::with("t")).await;
        assert!(error.is_none(), "{early}: {error:?}");
        assert_eq!(heard.len(), 2);

        let (error, heard) = try_imap(&[early, early, YES], Wallet::with("t")).await;
        assert!(lost(&error.unwrap()), "{early}");
        assert_eq!(heard.len(), 2);
    }
    let (error, heard) = try_imap(&[LOST_BEHIND_THE_TOKEN, YES], Wallet::with("t").or("u")).await;
    assert!(lost(&error.unwrap()));
    assert_eq!(heard.len(), 1);
}

#[tokio::test]
async fn what_a_new_connection_would_meet_again_is_not_tried_again() {
    let (error, heard) = try_imap(&[BUSY, YES], Wallet::with("t")).await;
    assert!(rejected(&error.unwrap(), Kind::Temporary));
    assert_eq!(heard.len(), 1);

    let (error, heard) = try_imap(&[NO_MECHANISM, YES], Wallet::with("t")).await;
    assert!(matches!(
        error.unwrap().cause,
        Cause::Protocol(Closing::Protocol(_))
    ));
    assert_eq!(heard, [Vec::<String>::new()], "and no token was said");
}

#[tokio::test]
async fn a_token_that_is_not_near_is_waited_for_before_the_connection_is_made() {
    let (error, heard) = try_imap(&[YES], Wallet::empty().far()).await;
    let error = error.unwrap();
    assert!(matches!(
        (error.stage, error.cause),
        (Stage::Token, Cause::Token(_))
    ));
    assert_eq!(heard.len(), 0, "no connection");

    let near = Wallet::empty();
    let (error, heard) = try_imap(&[YES], near.clone()).await;
    assert!(matches!(error.unwrap().cause, Cause::Token(_)));
    assert_eq!(
        (heard.len(), *near.asked.lock().unwrap()),
        (1, 1),
        "one connection beside the wait"
    );

    let far = Wallet::with("t").far();
    let (error, _) = try_imap(&[YES], far.clone()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        *far.asked.lock().unwrap(),
        2,
        "before the connection, and when it is said"
    );
}

#[tokio::test]
async fn a_token_that_is_none_is_never_said() {
    let (error, heard) = try_imap(&[YES, YES], Wallet::with("two words")).await;
    let error = error.unwrap();
    assert!(matches!(error.cause, Cause::UnusableToken(_)), "{error}");
    assert!(!error.to_string().contains("two words"));
    assert_eq!(heard, [Vec::<String>::new()]);
}

const SMTP_YES: &str = "S: 220 hi
    C:
    S: 250-mail.example
    S: 250 STARTTLS
    C:
    S: 220 go
    -- TLS --
    C:
    S: 250-mail.example
    S: 250-DSN
    S: 250 AUTH XOAUTH2
    C:
    S: 334 
    C:
    S: 235 in";

async fn try_smtp(script: &'static str, ehlo: Option<&str>) -> (Option<UpstreamError>, Vec<String>) {
    let authority = Authority::new();
    let server = Server::start(authority.localhost(), StartTls, &[script]).await;
    let opened = open(
        &upstream(&authority),
        (Smtp, &server.host),
        Wallet::with("t"),
        ehlo,
    )
    .await;
    let error = opened.err();
    (error, server.heard().await.remove(0))
}

/// RFC 5321 4.1.3: who has no name says its address. The mail client's own argument is not ours to repair.
#[tokio::test]
async fn the_mail_clients_ehlo_is_passed_on_if_it_can_be_said() {
    let long = "x".repeat(256);
    let cases = [
        (Some("old-scanner.example"), "EHLO old-scanner.example"),
        (Some("[192.0.2.7]"), "EHLO [192.0.2.7]"),
        (None, "EHLO [127.0.0.1]"),
        (Some(""), "EHLO [127.0.0.1]"),
        (Some("two words"), "EHLO [127.0.0.1]"),
        (Some("x\r\nMAIL FROM:<a@x>"), "EHLO [127.0.0.1]"),
        (Some("größe"), "EHLO [127.0.0.1]"),
        (Some(long.as_str()), "EHLO [127.0.0.1]"),
    ];
    for (ehlo, said) in cases {
        let (error, heard) = try_smtp(SMTP_YES, ehlo).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!([&heard[0], &heard[2]], [said, said]);
        assert_eq!([&heard[1], &heard[3]], ["STARTTLS", "AUTH XOAUTH2"]);
    }
    assert_eq!(cases.len(), 8);
}

/// STARTTLS stripped or abused: nothing but EHLO and STARTTLS is ever said in clear.
#[tokio::test]
async fn an_upstream_that_gives_no_tls_gets_no_login() {
    let cases = [
        (
            "S: 220 hi\nC:\nS: 250-mail.example\nS: 250 AUTH XOAUTH2",
            "does not announce STARTTLS",
        ),
        (
            "S: 220 hi\nC:\nS: 250-x\nS: 250 STARTTLS\nC:\nS: 454 not now",
            "454 not now",
        ),
        (
            "S: 220 hi\nC:\nS: 250-x\nS: 250 STARTTLS\nC:\nS: 220 go\nC:\nS: 250 AUTH XOAUTH2",
            "TLS failed",
        ),
        (
            "S: 220 hi\nC:\nS: 250-x\nS: 250 STARTTLS\nC:\nS: 220 go\n-- cut --",
            "TLS failed",
        ),
    ];
    for (script, words) in cases {
        let (error, heard) = try_smtp(script, None).await;
        let error = error.unwrap().to_string();
        assert!(
            error.contains(words) || error.contains("no connection"),
            "{script}: {error}"
        );
        assert!(
            heard.iter().all(|line| !line.contains("AUTH")),
            "{script}: {heard:?}"
        );
    }
    assert_eq!(cases.len(), 4);
}

/// Time runs ahead here while everybody waits.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_says_nothing_is_given_up_in_time() {
    let begun = tokio::time::Instant::now();
    let (error, heard) = try_smtp("C:", None).await;
    let error = error.unwrap();
    assert!(
        matches!((error.stage, &error.cause), (Stage::Login, Cause::Timeout)),
        "{error}"
    );
    assert_eq!(begun.elapsed().as_secs(), crate::upstream::PATIENCE.as_secs());
    assert_eq!(heard.len(), 0);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_named() {
    // Bound and not listening: nobody else gets the port meanwhile.
    let kept = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    kept.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = kept.local_addr().unwrap().as_socket().unwrap().port();
    let at = |name: &str| MailHost {
        name: name.into(),
        port,
        tls: Implicit,
    };
    let try_host = async |name| {
        let opened = open(
            &upstream(&Authority::new()),
            (Protocol::Pop3, &at(name)),
            Wallet::with("t"),
            None,
        )
        .await;
        opened.err().unwrap()
    };
    let error = try_host("localhost").await;
    assert_eq!(error.stage, Stage::Connect);
    assert!(
        error
            .to_string()
            .starts_with(&format!("localhost:{port}: no connection: ")),
        "{error}"
    );
    let error = try_host("not a name").await;
    assert!(
        matches!(error.cause, Cause::Tls(_) | Cause::Resolve(_)),
        "{error}"
    );
}
