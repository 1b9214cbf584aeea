//! What Prometheus reads.

use rustix::process::Signal;
use saslgate::metrics::CONTENT_TYPE;
use saslgate::provider::Protocol;

use crate::Rig;
use crate::exposition::{Family, read, value};
use crate::http::get;
use crate::support::mail_client::MailClient;

async fn scrape(rig: &Rig) -> (String, Vec<Family>) {
    let answer = get(rig.health, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some(CONTENT_TYPE));
    let families = read(&answer.body);
    (answer.body, families)
}

/// Scrapes until a series has a value; what is looked up is up to a second old.
async fn until(rig: &Rig, series: &str, wanted: f64) -> (String, Vec<Family>) {
    crate::support::soon(series, async {
        loop {
            let (page, families) = scrape(rig).await;
            if value(&families, series) == Some(wanted) {
                return (page, families);
            }
        }
    })
    .await
}

#[tokio::test]
async fn logins_and_sessions_are_counted() {
    let rig = Rig::new().await;
    let (_, before) = scrape(&rig).await;
    assert!(before.len() > 20, "{}", before.len());
    let address = |protocol| rig.gate.addresses.of(protocol);
    let mut alice = MailClient::logged_in(Protocol::Imap, address(Protocol::Imap), &rig.alice).await;
    let mut guesser = MailClient::greeted(Protocol::Smtp, address(Protocol::Smtp)).await;
    let refused = guesser.log_in("canary-name@contoso.com", "canary-password").await;
    assert!(!refused.is_yes());
    let unsupported = guesser.ask("AUTH CRAM-MD5").await;
    assert!(!unsupported.is_yes());

    let (page, now) = until(&rig, "saslgate_sessions_logged_in{protocol=\"imap\"}", 1.0).await;
    let table = [
        ("saslgate_sessions_connected{protocol=\"imap\"}", 1.0),
        ("saslgate_sessions_connected{protocol=\"smtp\"}", 1.0),
        ("saslgate_sessions_logged_in{protocol=\"smtp\"}", 0.0),
        (
            "saslgate_logins_total{outcome=\"accepted\",protocol=\"imap\"}",
            1.0,
        ),
        (
            "saslgate_logins_total{outcome=\"authentication_failed\",protocol=\"smtp\"}",
            1.0,
        ),
        (
            "saslgate_logins_total{outcome=\"unavailable\",protocol=\"imap\"}",
            0.0,
        ),
        ("saslgate_login_seconds_count{protocol=\"imap\"}", 1.0),
        ("saslgate_login_stage_seconds_count{stage=\"handshake\"}", 1.0),
        ("saslgate_token_requests_total{outcome=\"issued\"}", 1.0),
        ("saslgate_accounts{state=\"ready\"}", 1.0),
        ("saslgate_degraded{reason=\"accounts\"}", 0.0),
        ("saslgate_config_generation", 1.0),
        ("saslgate_ready", 1.0),
    ];
    for (series, expected) in table {
        let found = value(&now, series).unwrap_or_else(|| panic!("{series}\n{page}"));
        assert!((found - expected).abs() < f64::EPSILON, "{series} {found}");
    }
    assert_eq!(table.len(), 13);
    for series in [
        "saslgate_open_files",
        "saslgate_open_files_limit",
        "saslgate_start_time_seconds",
    ] {
        assert!(value(&now, series).unwrap() > 1.0, "{series}");
    }
    let left = value(&now, "saslgate_token_expires_in_seconds").unwrap();
    assert!((60.0..=90_000.0).contains(&left), "{left}");
    for secret in ["canary", "alice", rig.alice.password.as_str()] {
        assert!(!page.contains(secret), "{secret}");
    }

    drop(guesser);
    let unsupported = "saslgate_logins_total{outcome=\"mechanism_unsupported\",protocol=\"smtp\"}";
    until(&rig, unsupported, 1.0).await;
    until(
        &rig,
        "saslgate_session_ends_total{cause=\"no_login\",protocol=\"smtp\"}",
        1.0,
    )
    .await;

    assert!(alice.is_relayed().await);
    drop(alice);
    let ended = "saslgate_session_ends_total{cause=\"mail_client_closed\",protocol=\"imap\"}";
    let (_, after) = until(&rig, ended, 1.0).await;
    let bytes = "saslgate_relayed_bytes_total{direction=\"to_mail_client\",protocol=\"imap\"}";
    assert!(value(&after, bytes).unwrap() > 0.0);
}

/// Names are those of the configuration. What a mail client types would let anybody make as many series as they like.
#[tokio::test]
async fn names_are_shown_only_where_allowed_and_never_those_that_are_typed() {
    let rig = Rig::with("account_names = true", |config| config).await;
    let imap = rig.gate.addresses.of(Protocol::Imap);
    let _alice = MailClient::logged_in(Protocol::Imap, imap, &rig.alice).await;
    for typed in ["canary-1@contoso.com", "canary-2\"}\\n"] {
        let mut guesser = MailClient::greeted(Protocol::Pop3, rig.gate.addresses.of(Protocol::Pop3)).await;
        assert!(!guesser.log_in(typed, "wrong").await.is_yes());
    }
    let login = &rig.alice.login;
    let sessions = format!("saslgate_account_sessions{{account=\"{login}\"}}");
    let (page, now) = until(&rig, &sessions, 1.0).await;
    let state = format!("saslgate_account_state{{account=\"{login}\",state=\"ready\"}}");
    assert!(value(&now, &state).is_some(), "{page}");
    let token = format!("saslgate_account_token_expires_in_seconds{{account=\"{login}\"}}");
    assert!(value(&now, &token).is_some(), "{page}");
    assert!(!page.contains("canary"), "{page}");
}

#[tokio::test]
async fn a_broken_configuration_shows_until_it_is_mended() {
    let rig = Rig::new().await;
    rig.gate
        .place
        .write("saslgate.toml", "this is not a configuration");
    rig.gate.signal(Signal::HUP);
    let (page, _) = until(&rig, "saslgate_config_last_reload_successful", 0.0).await;
    assert!(page.contains("saslgate_config_generation 1\n"), "{page}");
    until(&rig, "saslgate_degraded{reason=\"reload\"}", 1.0).await;
    let healthy = get(rig.health, "/healthz").await;
    assert_eq!(healthy.status, 200);
    assert!(healthy.body.contains("degraded: reload: "), "{}", healthy.body);

    rig.gate.reread(&rig.config);
    until(&rig, "saslgate_config_generation", 2.0).await;
    until(&rig, "saslgate_degraded{reason=\"reload\"}", 0.0).await;
}
