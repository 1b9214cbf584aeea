//! What a configuration resolves to.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;
use std::time::Duration;

use config_support::{APP, account, loaded, machine, try_load};
use saslgate::account::{Identity, Pattern};
use saslgate::config::{diff, load, most_connections};
use saslgate::listener::TlsMode;
use saslgate::log::Format;
use saslgate::oauth::{Grant, Proof};
use saslgate::outgoing::Proxy;
use saslgate::pace;
use saslgate::provider::{Protocol, UpstreamTls};

const COMMAND: &str = r#"
[app]
grant = "command"
command = ["/usr/local/bin/token", "{mailbox}"]
"#;

#[test]
fn the_smallest_configuration_is_complete() {
    let config = loaded(&format!("{APP}{}", account("Support@Contoso.com", "")));
    assert!(config.warnings.list.is_empty(), "{}", config.warnings);

    let listeners: Vec<_> = config
        .listeners
        .iter()
        .map(|listener| (listener.protocol, &listener.bind))
        .collect();
    let localhost = |port: u16| {
        vec![
            ([127, 0, 0, 1], port).into(),
            ([0, 0, 0, 0, 0, 0, 0, 1], port).into(),
        ]
    };
    let (imap, pop3, smtp) = (localhost(1143), localhost(1110), localhost(1587));
    assert_eq!(
        listeners,
        [
            (Protocol::Imap, &imap),
            (Protocol::Pop3, &pop3),
            (Protocol::Smtp, &smtp)
        ]
    );
    for listener in &config.listeners {
        assert_eq!(listener.tls, TlsMode::Off);
        assert_eq!(listener.plaintext_from.len(), 2, "127.0.0.0/8 and ::1");
        assert!(listener.allow_from.is_empty());
    }

    let account = &config.accounts[0];
    assert_eq!(account.name.to_string(), "support@contoso.com");
    assert_eq!(
        account.mailbox.as_ref().unwrap().as_str(),
        "Support@Contoso.com",
        "spelled as the operator does"
    );
    assert_eq!(account.routes.len(), 3);
    for (protocol, route) in &account.routes {
        assert_eq!(route.identity, Identity::Mailbox, "{protocol}");
        assert!(route.host.name.ends_with(".office365.com"));
    }
    let Grant::ClientCredentials(grant) = &account.routes[&Protocol::Imap].app.grant else {
        panic!("wrong grant")
    };
    assert_eq!(
        grant.registration.token_url.as_str(),
        "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"
    );
    let Proof::Secret(secret) = &grant.registration.proof else {
        panic!("wrong proof")
    };
    assert_eq!(secret.expose(), "the-Value", "without the line end of its file");
    assert_eq!(&*grant.scope, "https://outlook.office365.com/.default");

    assert_eq!(config.limits.login, Duration::from_secs(60));
    assert_eq!(config.limits.idle, Duration::from_secs(35 * 60));
    assert_eq!(
        (config.log.format, config.log.level.as_str()),
        (Format::Text, "info")
    );
    assert!(config.upstream.post_quantum && config.upstream.extra_roots.is_empty());
    assert!(matches!(config.upstream.proxy, Proxy::Environment));
}

#[test]
fn a_tenant_is_taken_in_every_form_that_the_portal_shows() {
    let forms = [
        ("Contoso.com", "contoso.com"),
        (
            "0A0B0C0D-1111-2222-3333-444455556666",
            "0a0b0c0d-1111-2222-3333-444455556666",
        ),
        (
            "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
            "contoso.com",
        ),
        (
            "https://login.microsoftonline.com/contoso.com/v2.0/.well-known/openid-configuration",
            "contoso.com",
        ),
        ("https://login.microsoftonline.com/contoso.com/", "contoso.com"),
        (
            "https://sts.windows.net/0a0b0c0d-1111-2222-3333-444455556666/",
            "0a0b0c0d-1111-2222-3333-444455556666",
        ),
        ("${TENANT}", "fabrikam.com"),
    ];
    for (written, tenant) in forms {
        let text = APP.replace("contoso.onmicrosoft.com", written) + &account("a@contoso.com", "");
        assert_eq!(loaded(&text).apps[0].tenant.as_deref(), Some(tenant), "{written}");
    }
    assert_eq!(forms.len(), 7);
}

#[test]
fn a_shared_mailbox_is_named_to_imap_and_its_owner_to_smtp() {
    // Exchange Online opens a shared mailbox by its own name over IMAP and POP3, and refuses that name for SMTP.
    let shared = "mailbox = \"shared@contoso.com\"\nsigns_in_as = \"alice@contoso.com\"\n";
    let cases = [
        (
            COMMAND,
            "",
            [Identity::Mailbox, Identity::Mailbox, Identity::Owner],
        ),
        (COMMAND, "smtp.identity = \"mailbox\"", [Identity::Mailbox; 3]),
        (
            COMMAND,
            "smtp.identity = \"owner\"",
            [Identity::Mailbox, Identity::Mailbox, Identity::Owner],
        ),
        (APP, "", [Identity::Mailbox; 3]),
        (APP, "smtp.identity = \"mailbox\"", [Identity::Mailbox; 3]),
    ];
    for (app, more, expected) in cases {
        let config = loaded(&format!("{app}{}", account("shared", &format!("{shared}{more}"))));
        let routes = &config.accounts[0].routes;
        assert_eq!(
            Protocol::ALL.map(|protocol| routes[&protocol].identity),
            expected,
            "{app}{more}"
        );
        assert_eq!(
            config.accounts[0].signs_in_as.is_some(),
            app == COMMAND,
            "{app}{more}"
        );
    }
    assert_eq!(cases.len(), 5);
    let refused = try_load(&format!(
        "{APP}{}",
        account("a@contoso.com", "smtp.identity = \"owner\"")
    ))
    .unwrap_err();
    assert!(
        refused.to_string().contains("an app-only token has no owner"),
        "{refused}"
    );
}

#[test]
fn an_account_has_its_own_app_tenant_and_protocols() {
    let text = format!(
        "{}{}{}",
        APP.replace("[app]", "[app.read]"),
        COMMAND.replace("[app]", "[app.send]"),
        account(
            "a@contoso.com",
            "app = \"read\"\nsmtp.app = \"send\"\nprotocols = [\"imap\", \"smtp\"]"
        ) + &account("b@contoso.com", "app = \"read\"\ntenant = \"fabrikam.com\"")
            + &account(
                "c@contoso.com",
                "app = \"read\"\ntenant = \"Contoso.onmicrosoft.com\""
            ),
    );
    let config = loaded(&text);
    let app = |account: usize, protocol| &config.accounts[account].routes[&protocol].app;
    assert_eq!(&*app(0, Protocol::Imap).name, "read");
    assert_eq!(&*app(0, Protocol::Smtp).name, "send");
    assert!(!config.accounts[0].routes.contains_key(&Protocol::Pop3));
    let tenants: Vec<_> = config.apps.iter().map(|app| app.tenant.as_deref()).collect();
    assert_eq!(
        tenants,
        [Some("contoso.onmicrosoft.com"), Some("fabrikam.com"), None]
    );
    // One app of one tenant is one thing, so that its token is too.
    assert!(std::sync::Arc::ptr_eq(
        app(0, Protocol::Imap),
        app(2, Protocol::Pop3)
    ));
    assert!(!std::sync::Arc::ptr_eq(
        app(0, Protocol::Imap),
        app(1, Protocol::Imap)
    ));
}

#[test]
fn a_whole_domain_is_opened_only_by_the_name_that_the_mail_client_gives() {
    let config = loaded(&format!(
        "{APP}{}",
        account("*@Contoso.com", "allow_any_mailbox = true")
    ));
    assert_eq!(config.accounts[0].name, Pattern::Domain("contoso.com".into()));
    assert!(config.accounts[0].mailbox.is_none());
    assert!(
        config
            .warnings
            .to_string()
            .contains("opens every mailbox of contoso.com")
    );
}

#[test]
fn an_own_provider_says_where_tls_starts_or_its_port_does() {
    let text = r#"
[app]
preset = "mine"
client_id = "id"
client_secret_file = "secret"
grant = "client_credentials"
scope = "mail"

[provider.mine]
token_url = "https://localhost:8443/token"
imap = "localhost:1993"
pop3 = "[::1]:995"
smtp = "mail.example.com:587"
tls.imap = "starttls"
"#;
    let config = loaded(&(text.to_owned() + &account("a@example.com", "")));
    let hosts = &config.apps[0].provider.hosts;
    assert_eq!(
        (hosts[&Protocol::Imap].port, hosts[&Protocol::Imap].tls),
        (1993, UpstreamTls::StartTls)
    );
    assert_eq!(
        (&*hosts[&Protocol::Pop3].name, hosts[&Protocol::Pop3].tls),
        ("::1", UpstreamTls::Implicit)
    );
    assert_eq!(hosts[&Protocol::Smtp].tls, UpstreamTls::StartTls);
    // In the other way of writing it one word counts for all three.
    let config = loaded(&(text.replace("tls.imap = ", "tls = ") + &account("a@example.com", "")));
    assert!(
        config.apps[0]
            .provider
            .hosts
            .values()
            .all(|host| host.tls == UpstreamTls::StartTls)
    );
}

#[test]
fn variables_count_in_values_and_can_add_nothing_else() {
    let listener = "[[listener]]\nprotocol = \"imap\"\nbind = \"127.0.0.1:${PORT}\"\n";
    let text = format!("{APP}{}{listener}", account("a@contoso.com", ""));
    assert_eq!(loaded(&text).listeners[0].bind[0].port(), 2143);
    let path = "/etc/saslgate/saslgate.toml";
    let inject = "2143\"\ntls = \"off";
    let problems = load(
        Path::new(path),
        &machine().variable("PORT", inject).file(path, text),
    )
    .unwrap_err();
    assert_eq!(problems.list.len(), 1, "{problems}");
    assert!(
        problems.to_string().contains("its port is not a number"),
        "{problems}"
    );
}

#[test]
fn what_holds_for_all_sessions_can_be_set() {
    let text = format!(
        "{APP}{}{}",
        account("a@contoso.com", ""),
        r#"
[log]
format = "json"
level = "info,saslgate::upstream=debug"
[limits]
connections = 1_000
connections_per_source = 10
login_seconds = 30
idle_minutes = 40
attempts = 5
smtp_per_mailbox = 4
imap_per_mailbox = 20
place_seconds = 0
idle_place_seconds = 60
[upstream]
ca_file = "ca.pem"
proxy = "http://proxy.example.com:3128"
post_quantum = false
[server]
drain = 0
"#
    );
    let config = loaded(&text);
    assert_eq!(
        (config.limits.connections, config.limits.connections_per_source),
        (1000, 10)
    );
    assert_eq!(
        (config.limits.login, config.limits.idle),
        (Duration::from_secs(30), Duration::from_secs(2400))
    );
    assert_eq!(config.limits.attempts, 5);
    let places = pace::Limits {
        smtp_per_mailbox: 4,
        imap_per_mailbox: 20,
        patience: Duration::ZERO,
        idle: Duration::from_secs(60),
    };
    assert_eq!(config.limits.places, places);
    assert_eq!(config.upstream.extra_roots.len(), 1);
    assert!(matches!(&config.upstream.proxy, Proxy::At(url) if url.port() == Some(3128)));
    assert!(!config.upstream.post_quantum);
    assert_eq!(config.log.format, Format::Json);
    assert_eq!(config.server.drain, Duration::ZERO);
    let direct = loaded(&text.replace("http://proxy.example.com:3128", "none"));
    assert!(matches!(direct.upstream.proxy, Proxy::Direct));
}

#[test]
fn connections_are_bounded_by_what_the_process_may_open() {
    let path = "/etc/saslgate/saslgate.toml";
    let text = format!("{APP}{}", account("a@contoso.com", ""));
    for (descriptors, most) in [(1024, 320), (0, 1), (524_288, 174_741), (u64::MAX, u32::MAX)] {
        assert_eq!(most_connections(descriptors), most);
        let with = |connections: u32| {
            let text = format!("{text}[limits]\nconnections = {connections}\n");
            let mut machine = machine().file(path, text);
            machine.descriptors = descriptors;
            load(Path::new(path), &machine).map(|config| config.limits.connections)
        };
        assert_eq!(with(most).unwrap(), most);
        assert!(most == u32::MAX || with(most + 1).is_err());
    }
    let mut small = machine().file(path, text);
    small.descriptors = 1024;
    assert_eq!(
        load(Path::new(path), &small).unwrap().limits.connections,
        320,
        "the default fits too"
    );
}

#[test]
fn a_resolved_configuration_shows_no_secret() {
    let config = loaded(&format!("{APP}{}", account("a@contoso.com", "")));
    let shown = format!("{config:#?}");
    assert!(shown.contains("a@contoso.com"));
    for secret in [
        "the-Value",
        "c2FsdHNhbHRzYWx0c2FsdA",
        "DTdtJLapPYcjgTYHOZxUV3qJmZY3meND8KxSBoxCgKw",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// A certificate good until a day, and its key.
fn certified(year: i32, month: u8, day: u8) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["mail.example.com".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, month, day);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn a_listener_with_tls_takes_passwords_only_there() {
    let listener = "[[listener]]\nprotocol = \"imap\"\nbind = [\"0.0.0.0:143\", \"[::]:143\"]\n\
                    certificate = \"tls.pem\"\nkey = \"tls.key\"\nallow_from = [\"10.1.2.3/8\", \"2001:db8::7\"]\n";
    let path = "/etc/saslgate/saslgate.toml";
    let with = |tls: &str, until: (i32, u8, u8)| {
        let (certificate, key) = certified(until.0, until.1, until.2);
        let text = format!("{APP}{}{listener}tls = \"{tls}\"\n", account("a@contoso.com", ""));
        let machine = machine().file(path, text).file("/etc/saslgate/tls.key", key);
        load(
            Path::new(path),
            &machine.file("/etc/saslgate/tls.pem", certificate),
        )
        .unwrap()
    };
    let modes = [
        ("starttls", TlsMode::StartTls, 0),
        ("implicit", TlsMode::Implicit, 0),
        ("starttls-optional", TlsMode::StartTlsOptional, 2),
    ];
    for (word, mode, clear) in modes {
        let config = with(word, (2030, 1, 1));
        assert!(config.warnings.list.is_empty(), "{}", config.warnings);
        let listener = &config.listeners[0];
        assert_eq!(
            (listener.tls, listener.bind.len(), listener.plaintext_from.len()),
            (mode, 2, clear),
            "{word}"
        );
        assert!(listener.identity.is_some());
        let networks: Vec<_> = listener.allow_from.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "2001:db8::7/128"]);
    }
    // The machine's day is 2026-11-21.
    for (until, said) in [
        ((2026, 12, 20), "expires in 29 days"),
        ((2026, 11, 30), "expires in 9 days"),
        ((2026, 11, 1), "has expired"),
    ] {
        let config = with("implicit", until);
        assert!(
            config
                .warnings
                .to_string()
                .contains(&format!("the certificate {said}")),
            "{}",
            config.warnings
        );
    }
    let (old, new) = (with("implicit", (2030, 1, 1)), with("implicit", (2031, 1, 1)));
    let plan = diff(&old.snapshot, &new.snapshot);
    assert_eq!(
        plan.listeners.changed,
        ["imap 0.0.0.0:143 [::]:143"],
        "another certificate"
    );
}

#[test]
fn many_warnings_are_counted_and_still_no_error() {
    let accounts: Vec<_> = (0..150)
        .map(|n| account(&format!("a{n}@contoso.com"), "allow_any_mailbox = true"))
        .collect();
    let text = format!("{APP}{}", accounts.join(""));
    let config = loaded(&text);
    assert_eq!(
        (
            config.warnings.list.len(),
            config.warnings.warnings,
            config.warnings.errors
        ),
        (100, 150, 0)
    );
    let problems = try_load(&format!("{text}[limits]\nattempts = 0\n")).unwrap_err();
    assert_eq!(
        (problems.errors, problems.list.len(), problems.unlisted()),
        (1, 100, 51)
    );
    assert!(
        problems.to_string().contains("`attempts` = 0 is out of range"),
        "errors are not crowded out"
    );
}

#[test]
fn a_huge_file_of_another_kind_is_refused_in_time() {
    // 10,000 accounts, each wrong in three ways.
    let lines: Vec<_> = (0..10_000)
        .map(|n| format!("[[account]]\nlogin = \"a@contoso.com\"\nkey{n} = 1"))
        .collect();
    let started = std::time::Instant::now();
    let problems = try_load(&lines.join("\n")).unwrap_err();
    assert!(problems.errors > 20_000, "{}", problems.errors);
    // Unoptimised, on a busy machine; what it guards against is quadratic and takes much longer.
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
}
