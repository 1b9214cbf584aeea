//! What a changed configuration changes.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;

use config_support::{APP, SG1, account, loaded, machine};
use saslgate::config::{diff, load};

const OTHER_SG1: &str = "sg1:6789:c2FsdHNhbHRzYWx0c2FsdA:DTdtJLapPYcjgTYHOZxUV3qJmZY3meND8KxSBoxCgKw";

#[test]
fn a_reload_sees_what_changed_and_says_it_in_a_line() {
    let listener = "[[listener]]\nprotocol = \"imap\"\nbind = \"127.0.0.1:1143\"\n";
    let base = format!(
        "{APP}{}{}{listener}",
        account("a@contoso.com", ""),
        account("b@contoso.com", "")
    );
    let kept = "listener imap 127.0.0.1:1143 kept";
    let with = |more: &str| format!("{base}{more}");
    let swap = |from: &str, to: &str| {
        assert!(base.contains(from));
        base.replacen(from, to, 1)
    };
    let cases = [
        (base.clone(), format!("accounts and apps unchanged, {kept}")),
        (with("# a word\n"), format!("accounts and apps unchanged, {kept}")),
        (with(&account("c@contoso.com", "")), format!("+1 account, {kept}")),
        (
            swap(&account("b@contoso.com", ""), ""),
            format!("1 account removed, {kept}"),
        ),
        (
            swap("b@contoso.com", "c@contoso.com"),
            format!("+1 account, 1 removed, {kept}"),
        ),
        (swap(SG1, OTHER_SG1), format!("1 account changed, {kept}")),
        (
            swap("contoso.onmicrosoft.com", "contoso.com"),
            format!("2 accounts changed, +1 app, 1 removed, {kept}"),
        ),
        (swap("11111111", "99999999"), format!("1 app changed, {kept}")),
        (
            swap("127.0.0.1:1143", "127.0.0.1:2143"),
            "accounts and apps unchanged, +1 listener, 1 removed".to_owned(),
        ),
        (
            with("allow_from = [\"10.0.0.0/8\"]\n"),
            "accounts and apps unchanged, 1 listener changed".to_owned(),
        ),
        (
            with(
                "[limits]\nattempts = 9\n[server]\ndrain = 9\n[log]\nlevel = \"debug\"\n[upstream]\nproxy = \"none\"\n",
            ),
            format!(
                "accounts and apps unchanged, {kept}, [limits] changed, [upstream] changed, [log] changed, [server] changed"
            ),
        ),
        (
            with("[health]\nbind = \"localhost:9143\"\n"),
            format!("accounts and apps unchanged, {kept}, [health] needs a restart"),
        ),
        (
            with("[admin]\n"),
            format!("accounts and apps unchanged, {kept}, [admin] changed"),
        ),
        (
            with("[store]\npath = \"elsewhere\"\n"),
            format!("accounts and apps unchanged, {kept}, [store] needs a restart"),
        ),
        (
            with("[store]\nkey_file = \"store.key\"\n"),
            format!("accounts and apps unchanged, {kept}, [store] needs a restart"),
        ),
        (
            with("[server]\ncontrol = \"/run/saslgate/control\"\n"),
            format!("accounts and apps unchanged, {kept}, `control` of [server] needs a restart"),
        ),
        (
            with("[log]\nformat = \"json\"\n"),
            format!("accounts and apps unchanged, {kept}, `format` of [log] needs a restart"),
        ),
        (
            swap("grant =", "token_export = true\ngrant ="),
            format!("1 app changed, {kept}"),
        ),
    ];
    let old = loaded(&base);
    for (text, expected) in &cases {
        let new = loaded(text);
        let plan = diff(&old.snapshot, &new.snapshot);
        assert_eq!(plan.to_string(), *expected, "{text}");
        assert_eq!(
            plan.is_empty(),
            expected.starts_with("accounts and apps unchanged, listener") && plan.tables.is_empty()
        );
        assert_eq!(old.digest == new.digest, *text == base, "{text}");
    }
    assert_eq!(cases.len(), 18);
}

#[test]
fn a_changed_account_tells_what_changed() {
    let base = account("a@contoso.com", "");
    let cases = [
        (base.replace(SG1, OTHER_SG1), "passwords", 1),
        (
            base.replace(&format!("\"{SG1}\""), &format!("[\"{SG1}\", \"{OTHER_SG1}\"]")),
            "passwords",
            0,
        ),
        (account("a@contoso.com", "logins = [\"a\"]"), "logins", 0),
        (
            account("a@contoso.com", "mailbox = \"b@contoso.com\""),
            "mailbox",
            0,
        ),
        (
            account("a@contoso.com", "may_open = [\"b@contoso.com\"]"),
            "mailbox",
            0,
        ),
        (account("a@contoso.com", "protocols = [\"imap\"]"), "routes", 0),
        (account("a@contoso.com", "tenant = \"fabrikam.com\""), "routes", 0),
        (
            account("a@contoso.com", "allow_from = [\"10.0.0.0/8\"]"),
            "networks",
            0,
        ),
        (account("a@contoso.com", "watch = false"), "watch", 0),
        (account("a@contoso.com", "notify_in_client = true"), "notices", 0),
    ];
    let old = loaded(&format!("{APP}{base}"));
    for (text, what, removed) in &cases {
        let new = loaded(&format!("{APP}{text}"));
        let plan = diff(&old.snapshot, &new.snapshot);
        let [changed] = plan.accounts.changed.as_slice() else {
            panic!("{text}: {plan}")
        };
        assert_eq!(changed.what, [*what], "{text}");
        assert_eq!(changed.passwords_removed.len(), *removed, "{text}");
    }
    assert_eq!(cases.len(), 10);
}

#[test]
fn a_secret_that_changed_in_its_file_is_a_change() {
    let path = "/etc/saslgate/saslgate.toml";
    let machine = machine().file(path, format!("{APP}{}", account("a@contoso.com", "")));
    let old = load(Path::new(path), &machine).unwrap();
    let new = load(
        Path::new(path),
        &machine.clone().file("/etc/saslgate/secret", "another"),
    )
    .unwrap();
    assert_ne!(old.digest, new.digest);
    assert_eq!(
        diff(&old.snapshot, &new.snapshot).apps.changed,
        ["app (contoso.onmicrosoft.com)"]
    );
    // The line end that an editor adds is none.
    let same = load(
        Path::new(path),
        &machine.file("/etc/saslgate/secret", "the-Value"),
    )
    .unwrap();
    assert!(diff(&old.snapshot, &same.snapshot).is_empty());
}

#[test]
fn what_people_are_asked_for_is_a_change_of_their_accounts_alone() {
    let app = |more: &str| {
        format!(
            "[app]\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\ngrant = \"device_code\"\n{more}\n"
        )
    };
    let imap = account("a@contoso.com", "protocols = [\"imap\"]");
    let both = account("b@contoso.com", "protocols = [\"imap\", \"smtp\"]");
    let old = format!("{}{imap}", app(""));
    let cases = [
        (format!("{old}{both}"), "+1 account, 3 listeners kept"),
        (
            format!("{}{imap}", app("redirect_uri = \"http://localhost:9999/\"")),
            "1 app changed, 3 listeners kept",
        ),
        (
            format!("{}{imap}", app("scope = \"https://outlook.office.com/.default\"")),
            "1 account changed, 3 listeners kept",
        ),
        (
            format!("{}{imap}", app("prompt = \"login\"")),
            "1 app changed, 3 listeners kept",
        ),
        (
            format!("{}{imap}", app("client_secret_file = \"secret\"")),
            "1 app changed, 3 listeners kept",
        ),
    ];
    let before = loaded(&old);
    for (text, expected) in &cases {
        let plan = diff(&before.snapshot, &loaded(text).snapshot);
        assert_eq!(plan.to_string(), *expected, "{text}");
    }
    assert_eq!(cases.len(), 5);
}

#[test]
fn a_password_for_the_provider_that_changed_in_its_file_is_a_change_of_its_account() {
    let path = "/etc/saslgate/saslgate.toml";
    let text = APP
        .replace("client_credentials", "password")
        .replace("client_secret_file = \"secret\"\n", "")
        + &account("a@contoso.com", "upstream_password_file = \"secret\"");
    let machine = machine().file(path, text);
    let old = load(Path::new(path), &machine).unwrap();
    let new = machine.file("/etc/saslgate/secret", "another");
    let plan = diff(&old.snapshot, &load(Path::new(path), &new).unwrap().snapshot);
    let [changed] = plan.accounts.changed.as_slice() else {
        panic!("{plan}")
    };
    assert_eq!(changed.what, ["upstream password"]);
}
