//! `[alert]`: what is taken, what is refused, and that no message shows what may be a secret.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;

use config_support::{APP, account, machine};
use saslgate::config::{Config, Problems, diff, load};

fn with(alert: &str) -> Result<Config, Problems> {
    let accounts = [
        account("post@contoso.com", "logins = [\"post\"]"),
        account("reader@contoso.com", "protocols = [\"imap\"]"),
        account("\u{fc}@contoso.com", ""),
    ];
    let text = format!("{APP}{}[alert]\n{alert}\n", accounts.concat());
    let (path, directory) = ("/etc/saslgate/saslgate.toml", "/etc/saslgate");
    let mut machine = machine()
        .file(path, text)
        .file(&format!("{directory}/header"), "Bearer s3cr3t-header\n")
        .file(
            &format!("{directory}/whole"),
            "Authorization: Bearer s3cr3t-header\n",
        )
        .file(&format!("{directory}/lines"), "Bearer s3cr3t-header\nX-More: 1")
        .file(&format!("{directory}/empty"), "\n");
    machine.programs.push("/usr/local/bin/alert".into());
    load(Path::new(path), &machine)
}

#[test]
fn every_combination_of_ways_is_taken_without_a_word() {
    let taken = [
        "",
        "command = [\"/usr/local/bin/alert\"]",
        "command = [\"/usr/local/bin/alert\", \"--page\"]\nwebhook = \"https://chat.example/hook\"",
        "webhook = \"https://chat.example/hook\"\nwebhook_header_file = \"header\"",
        "webhook = \"http://127.0.0.1:8080/\"",
        "webhook = \"http://[::1]:8080/\"",
        "webhook = \"http://localhost/hook\"",
        "mail_from = \"post@contoso.com\"\nmail_to = [\"a.b+c@example.org\", \"d@example.org\"]",
        "mail_from = \"POST\"\nmail_to = [\"a@example.org\"]",
    ];
    for alert in taken {
        let config = with(alert).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.warnings.list.is_empty(), "{alert}\n{}", config.warnings);
    }
    assert_eq!(taken.len(), 9);
    let config = with(taken[3]).unwrap();
    assert!(
        !format!("{:?}", config.alert).contains("hook\""),
        "{:?}",
        config.alert
    );
    assert!(!format!("{:?}", config.alert).contains("s3cr3t"));
}

#[test]
fn what_can_not_work_is_refused_and_no_secret_is_shown() {
    let mail = |from: &str, to: &str| format!("mail_from = \"{from}\"\nmail_to = [\"{to}\"]");
    let cases = [
        ("command = [\"alert\"]".to_owned(), "no absolute path"),
        (
            "webhook = \"http://chat.example/s3cr3t\"".to_owned(),
            "without TLS",
        ),
        (
            "webhook = \"http://127.0.0.1.example/s3cr3t\"".to_owned(),
            "without TLS",
        ),
        (
            "webhook = \"https://me:s3cr3t@chat.example/\"".to_owned(),
            "a user name or a password in it",
        ),
        (
            "webhook = \"ftp://chat.example/s3cr3t\"".to_owned(),
            "no address of the web",
        ),
        ("webhook = \"s3cr3t\"".to_owned(), "no address of the web"),
        (
            "webhook = \"https://x.example/\"\nwebhook_header_file = \"whole\"".to_owned(),
            "not the value of an Authorization header",
        ),
        (
            "webhook = \"https://x.example/\"\nwebhook_header_file = \"lines\"".to_owned(),
            "not the value of an Authorization header",
        ),
        (
            "webhook = \"https://x.example/\"\nwebhook_header_file = \"empty\"".to_owned(),
            "not the value of an Authorization header",
        ),
        (
            "webhook = \"https://x.example/\"\nwebhook_header_file = \"gone\"".to_owned(),
            "there is no such file",
        ),
        (
            "mail_from = \"post@contoso.com\"".to_owned(),
            "[alert] has no `mail_to`",
        ),
        (
            "mail_to = [\"a@example.org\"]".to_owned(),
            "[alert] has no `mail_from`",
        ),
        (
            mail("nobody@contoso.com", "a@example.org"),
            "no [[account]] has this login",
        ),
        (mail("reader@contoso.com", "a@example.org"), "has no SMTP"),
        (mail("\u{fc}@contoso.com", "a@example.org"), "a plain address"),
        (mail("post@contoso.com", "nobody"), "is not an address"),
        (mail("post@contoso.com", "A <a@example.org>"), "is not an address"),
        (
            mail("post@contoso.com", "a@example.org>\\r\\nDATA"),
            "is not an address",
        ),
        (mail("post@contoso.com", "a..b@example.org"), "is not an address"),
        ("mail = \"x\"".to_owned(), "`mail` is not known in [alert]"),
    ];
    for (alert, expected) in &cases {
        let problems = with(alert).err().unwrap_or_else(|| panic!("taken: {alert}"));
        let told = problems.to_string();
        assert!(told.contains(expected), "{alert}\n{told}");
        assert!(!told.contains("s3cr3t"), "{told}");
        assert_eq!(problems.list.len(), 1, "{told}");
    }
    assert_eq!(cases.len(), 20);
}

#[test]
fn what_may_not_work_is_a_warning() {
    for (alert, expected) in [
        ("command = [\"/no/such/program\"]", "the program is not there"),
        (
            "webhook_header_file = \"header\"",
            "`webhook_header_file` has no effect here",
        ),
    ] {
        let warnings = with(alert).unwrap().warnings.to_string();
        assert!(warnings.contains(expected), "{warnings}");
    }
}

#[test]
fn a_changed_alert_takes_effect_at_once() {
    let url = |path: &str| format!("webhook = \"https://chat.example/{path}\"");
    let (one, other) = (with(&url("one")).unwrap(), with(&url("other")).unwrap());
    let plan = diff(&one.snapshot, &other.snapshot);
    assert_eq!(plan.tables, ["[alert]"]);
    assert!(
        plan.needs_restart().count() == 0 && plan.to_string().contains("[alert] changed"),
        "{plan}"
    );
    assert!(diff(&one.snapshot, &with(&url("one")).unwrap().snapshot).is_empty());
    let header = format!("{}\nwebhook_header_file = \"header\"", url("one"));
    assert!(!diff(&one.snapshot, &with(&header).unwrap().snapshot).is_empty());
}
