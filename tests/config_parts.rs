//! A configuration of several files: `conf.d/*.toml` beside the file itself, and the lines of a `users_file`.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use config_support::{APP, SG1, account, machine};
use saslgate::config::{Config, Given, Origin, Problems, diff, load, read, report};

const OWN: &str = "/etc/saslgate/saslgate.toml";
const NAMED: &str = r#"
[app.NAME]
tenant = "contoso.onmicrosoft.com"
client_id = "11111111-2222-3333-4444-555555555555"
client_secret_file = "secret"
grant = "client_credentials"
"#;

fn named(name: &str) -> String {
    NAMED.replace("NAME", name)
}

/// A machine with the configuration itself, and other files in its directory.
fn with(own: &str, files: &[(&str, &str)]) -> Given {
    let place = |name: &&str| format!("/etc/saslgate/{name}");
    files
        .iter()
        .fold(machine().file(OWN, own), |machine, (name, text)| {
            machine.file(&place(name), *text)
        })
}

fn try_on(machine: &Given) -> Result<Config, Problems> {
    load(Path::new(OWN), machine)
}

#[track_caller]
fn on(machine: &Given) -> Config {
    try_on(machine).map_err(|problems| problems.to_string()).unwrap()
}

#[track_caller]
fn said(machine: &Given) -> Vec<String> {
    let problems = try_on(machine).unwrap_err();
    assert!(!report::snippets(&problems).is_empty());
    problems.to_string().lines().map(str::to_owned).collect()
}

fn logins(config: &Config) -> Vec<String> {
    config
        .accounts
        .iter()
        .map(|account| account.name.to_string())
        .collect()
}

#[test]
fn files_in_conf_d_add_apps_and_accounts_in_the_order_of_their_names() {
    let own = format!(
        "{}{}",
        named("contoso"),
        account("a@contoso.com", "app = \"contoso\"")
    );
    let customer = |login, app: &str| named(app) + &account(login, &format!("app = \"{app}\""));
    let machine = with(
        &own,
        &[
            ("conf.d/20-fabrikam.toml", &customer("c@fabrikam.com", "fabrikam")),
            ("conf.d/10-tailspin.toml", &customer("b@tailspin.com", "tailspin")),
            // What editors, packages and a ConfigMap leave there.
            ("conf.d/.30.toml", "nothing"),
            ("conf.d/.10-tailspin.toml.swp", "nothing"),
            ("conf.d/10-tailspin.toml~", "nothing"),
            ("conf.d/10-tailspin.toml.dpkg-old", "nothing"),
            ("conf.d/README", "nothing"),
            ("conf.d/more/deep.toml", "nothing"),
        ],
    )
    .file("/etc/saslgate/conf.d/secret", "a-Value");
    let config = on(&machine);
    assert_eq!(
        logins(&config),
        ["a@contoso.com", "b@tailspin.com", "c@fabrikam.com"]
    );
    assert_eq!(config.apps.len(), 3);
    assert!(config.warnings.list.is_empty(), "{}", config.warnings);
}

/// Whoever moves a file moves what stands beside it: paths count from where they are written.
#[test]
fn a_relative_path_counts_from_the_file_that_it_is_written_in() {
    let machine = with(
        &format!("{APP}{}", account("a@contoso.com", "")),
        &[(
            "conf.d/b.toml",
            "[[account]]\nlogin = \"b@contoso.com\"\npassword_file = \"b.password\"\n",
        )],
    );
    assert_eq!(
        said(&machine),
        [
            "/etc/saslgate/conf.d/b.toml:3:17: error: the file `b.password` in `/etc/saslgate/conf.d` cannot be read: \
             there is no such file; fix: write it, or name the one that is there"
        ]
    );
    let beside = machine.file("/etc/saslgate/conf.d/b.password", "a plain password");
    assert_eq!(on(&beside).accounts.len(), 2);
}

#[test]
fn a_problem_in_one_file_is_told_with_that_file_and_nothing_of_any_is_used() {
    let own = format!("{}{}", named("contoso"), account("a@contoso.com", ""));
    let cases: [(&str, &str); 9] = [
        (
            "[[account]]\nlogin = \"A@contoso.com\"\n",
            "conf.d/x.toml:2:9: error: the login \"a@contoso.com\" a second time: line 8 of /etc/saslgate/saslgate.toml has it \
             already, and a login means one account; fix: remove one of the two",
        ),
        (
            &named("contoso"),
            "conf.d/x.toml:2:6: error: the app \"contoso\" a second time: line 2 of /etc/saslgate/saslgate.toml has it already, \
             and a name means one app; fix: choose another name, or remove one of the two",
        ),
        (
            "[app]\ngrant = \"device_code\"\n",
            "conf.d/x.toml:1:2: error: an [app] without a name in a file of conf.d: beside the apps of other files each needs \
             a name; fix: write [app.NAME], or move it to /etc/saslgate/saslgate.toml if it is the only one",
        ),
        (
            "[log]\nlevel = \"debug\"\n",
            "conf.d/x.toml:1:2: error: `log` does not belong in a file of conf.d: such a file adds apps and accounts, and what \
             holds for all is said in one place; fix: move it to /etc/saslgate/saslgate.toml",
        ),
        (
            "[admin]\n",
            "conf.d/x.toml:1:2: error: `admin` does not belong in a file of conf.d: such a file adds apps and accounts, and \
             what holds for all is said in one place; fix: move it to /etc/saslgate/saslgate.toml",
        ),
        (
            "[[acount]]\n",
            "conf.d/x.toml:1:3: error: `acount` is not known in a file of conf.d: a key that is passed over could be the one \
             that protects something; fix: did you mean `account`?",
        ),
        (
            "[account]\nlogin = \"x\"\n",
            "conf.d/x.toml:1:1: error: `account` is not a list of tables: there may be several; fix: write [[account]] with two \
             brackets on each side",
        ),
        (
            "app = 7\n",
            "conf.d/x.toml:1:7: error: `app` is a whole number: a table is expected; fix: write a table",
        ),
        (
            "\n[[account]\n",
            "conf.d/x.toml:2:11: error: this is not TOML: unclosed array table, expected `]`; fix: close what is open before it, \
             or quote the value; then check again",
        ),
    ];
    for (text, expected) in &cases {
        let machine = with(&own, &[("conf.d/x.toml", text)]);
        let said = said(&machine);
        let expected = format!("/etc/saslgate/{expected}");
        assert!(said.contains(&expected), "{expected}\n{said:#?}");
    }
    assert_eq!(cases.len(), 9);
}

#[test]
fn an_app_without_a_name_is_the_only_one_over_all_files() {
    let own = format!("{APP}{}", account("a@contoso.com", ""));
    let machine = with(&own, &[("conf.d/x.toml", &named("fabrikam"))]);
    assert_eq!(
        said(&machine),
        [
            "/etc/saslgate/conf.d/x.toml:2:2: error: [app.NAME] beside an [app]: line 2 of /etc/saslgate/saslgate.toml has an \
             [app] without a name, and that is the only one then; fix: give that one a name too"
        ]
    );
}

#[test]
fn the_problems_of_all_files_are_told_at_once_in_their_order() {
    let own = format!("{APP}{}x = 1\n", account("a@contoso.com", "y = 1"));
    let files = [
        ("conf.d/b.toml", "[[account]]\nz = 1\n"),
        ("conf.d/a.toml", "z = 1\nw = 1"),
    ];
    let said = said(&with(&own, &files));
    let places: Vec<_> = said.iter().map(|line| line.split(": ").next().unwrap()).collect();
    let etc = "/etc/saslgate";
    assert_eq!(
        places,
        [
            &format!("{etc}/saslgate.toml:10:1"),
            &format!("{etc}/saslgate.toml:11:1"),
            &format!("{etc}/conf.d/a.toml:1:1"),
            &format!("{etc}/conf.d/a.toml:2:1"),
            &format!("{etc}/conf.d/b.toml:1:1"),
            &format!("{etc}/conf.d/b.toml:1:1"),
            &format!("{etc}/conf.d/b.toml:2:1"),
        ]
    );
}

#[test]
fn a_file_that_comes_changes_or_goes_in_conf_d_is_a_change() {
    let own = format!("{APP}{}", account("a@contoso.com", ""));
    let alone = with(&own, &[]);
    let more = with(&own, &[("conf.d/b.toml", &account("b@contoso.com", ""))]);
    let seen = |machine: &Given| read(&Origin::File(OWN.into()), machine).1;
    assert!(
        seen(&alone)
            .paths()
            .any(|path| path == Path::new("/etc/saslgate/conf.d"))
    );
    assert!(seen(&alone).changed(&more) && seen(&more).changed(&alone));
    assert!(!seen(&more).changed(&more.clone().file("/etc/saslgate/conf.d/.b.toml.swp", "")));
    let other = more
        .clone()
        .file("/etc/saslgate/conf.d/b.toml", account("c@contoso.com", ""));
    assert!(seen(&more).changed(&other));
    assert_ne!(on(&more).digest, on(&other).digest);
    let plan = diff(&on(&alone).snapshot, &on(&more).snapshot);
    assert_eq!(
        plan.to_string().lines().next().unwrap(),
        diff(&on(&alone).snapshot, &on(&more).snapshot).to_string()
    );
    assert!(!plan.is_empty());
}

fn users(lines: &str) -> Given {
    with(&format!("users_file = \"users\"\n{APP}"), &[("users", lines)])
}

#[test]
fn a_line_of_the_users_file_is_an_account() {
    let lines = format!(
        "\u{feff}# login hash settings\r\n\
         \r\n\
         a@contoso.com\t{SG1}\r\n\
         desk {SG1},{other} mailbox=desk@contoso.com protocols=imap,smtp allow_from=10.0.0.7,10.1.0.0/16 watch=false # floor 2\n\
         c@contoso.com - password_env=PLAIN logins=c,CONTOSO\\c",
        other = SG1.replace("2345", "6789"),
    );
    let config = on(&users(&lines).variable("PLAIN", "a plain password"));
    assert_eq!(logins(&config), ["a@contoso.com", "desk", "c@contoso.com"]);
    let desk = &config.accounts[1];
    assert_eq!(desk.mailbox.as_ref().unwrap().as_str(), "desk@contoso.com");
    assert_eq!(
        (desk.passwords.len(), desk.routes.len(), desk.watch),
        (2, 2, false)
    );
    assert_eq!(desk.allow_from.len(), 2);
    assert_eq!(config.accounts[2].logins.len(), 2);
    assert!(config.accounts[0].watch);
    // The same account in the file itself is the same account.
    let more = "mailbox = \"desk@contoso.com\"\nprotocols = [\"imap\", \"smtp\"]\nallow_from = [\"10.0.0.7\", \"10.1.0.0/16\"]\nwatch = false";
    let line = format!(
        "desk {SG1} mailbox=desk@contoso.com protocols=imap,smtp allow_from=10.0.0.7,10.1.0.0/16 watch=false\n"
    );
    let written = on(&with(&format!("{APP}{}", account("desk", more)), &[]));
    assert!(diff(&written.snapshot, &on(&users(&line)).snapshot).is_empty());
}

#[test]
fn a_line_that_is_wrong_is_told_with_its_place_and_without_its_secrets() {
    let hash = SG1;
    let cases: [(String, &str); 18] = [
        ("alice".into(), "1:1: error: this line has one word only"),
        (
            "alice CANARY".into(),
            "1:7: error: the second word of this line is not the hash of a password",
        ),
        (
            "CANARY alice mailbox=a@x.com".into(),
            "1:8: error: the second word of this line is not the hash",
        ),
        (
            "alice CANARY=CANARY".into(),
            "1:7: error: the second word of this line is not the hash",
        ),
        (
            "a@x.com sg1:CANARY".into(),
            "1:9: error: `password` cannot be used",
        ),
        (format!("a@x.com {hash} -"), "1:85: error: a word without `=`"),
        (
            format!("a@x.com {hash} mailbx=b@x.com"),
            "1:85: error: `mailbx` is not known on a line of users_file: a setting that is passed over could be the one that \
             protects something; fix: did you mean `mailbox`?",
        ),
        (
            format!("a@x.com {hash} smtp=x"),
            "1:85: error: `smtp` is not known on a line of users_file: a setting that is passed over could be the one that \
             protects something; fix: write an [[account]] for this login, which takes it",
        ),
        (
            format!("a@x.com {hash} pasword=CANARY"),
            "1:85: error: `pasword` is not known",
        ),
        (
            format!("a@x.com {hash} mailbox=b"),
            "1:93: error: `mailbox` = \"b\" is not an address",
        ),
        (
            format!("a@x.com {hash} mailbox=b@x.com mailbox=c@x.com"),
            "1:101: error: `mailbox` a second time on this line",
        ),
        (
            format!("a@x.com {hash} watch=yes"),
            "1:91: error: `watch` is neither true nor false",
        ),
        (
            format!("a@x.com {hash} protocols=imap,pop"),
            "1:100: error: `protocols` = \"pop\" is not known",
        ),
        (
            format!("a@x.com {hash} allow_from=10.0.0.7,"),
            "1:105: error: \"\" in `allow_from` cannot be used",
        ),
        (
            format!("a@x.com {hash} app=other"),
            "1:89: error: there is no app \"other\"",
        ),
        (format!("alice {hash}"), "1:1: error: this line has no `mailbox`"),
        (
            "a@x.com -".into(),
            "1:1: error: this line has no `password`: nobody could log in; fix: run `saslgate password`",
        ),
        (
            format!("a@x.com {hash}\n\nA@X.COM {hash}"),
            "3:1: error: the login \"a@x.com\" a second time: line 1 has it already",
        ),
    ];
    for (lines, expected) in &cases {
        let machine = users(lines);
        let said = said(&machine);
        let expected = format!("/etc/saslgate/users:{expected}");
        assert!(
            said.iter().any(|line| line.starts_with(&expected)),
            "{lines}\n{expected}\n{said:#?}"
        );
        let problems = try_on(&machine).unwrap_err();
        let shown = format!("{problems}{problems:?}{}", report::snippets(&problems));
        assert!(
            !shown.contains("CANARY") && !shown.contains(&hash[10..]),
            "{shown}"
        );
    }
    assert_eq!(cases.len(), 18);
}

#[test]
fn what_is_shown_of_a_line_hides_its_hash_and_marks_the_rest() {
    let line = format!("a@x.com   {SG1}\tmailbox=b  # CANARY");
    let problems = try_on(&users(&line)).unwrap_err();
    let place = problems.list[0].place.clone().unwrap();
    assert_eq!(place.excerpt, "a@x.com \"…\" mailbox=b");
    assert_eq!((&place.excerpt[place.mark], place.column), ("b", 95));
}

#[test]
fn no_report_about_a_damaged_line_shows_what_could_be_its_secret() {
    let line = format!(
        "desk@contoso.com {} password_file=CANARY pasword=CANARY mailbox=a",
        SG1.replace("c2FsdHN", "CANARY")
    );
    let mut seen = 0;
    for at in 0..line.len() {
        for broken in [
            line[..at].to_owned(),
            format!("{}{}", &line[..at], &line[at + 1..]),
        ] {
            let Err(problems) = try_on(&users(&broken)) else {
                continue;
            };
            let shown = format!("{problems}\n{problems:?}\n{}", report::snippets(&problems));
            assert!(!shown.contains("CANAR"), "{broken}\n{shown}");
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn a_users_file_that_is_none_is_told_of() {
    let cases: [(&str, &[u8], &str); 3] = [
        (
            "users_file = \"nobody\"",
            b"",
            "saslgate.toml:1:14: error: `/etc/saslgate/nobody` cannot be read: there is no such file",
        ),
        (
            "users_file = 7",
            b"",
            "saslgate.toml:1:14: error: `users_file` is a whole number",
        ),
        (
            "users_file = \"users\"",
            b"a\n\xff",
            "users: error: the configuration cannot be read: line 2 is not UTF-8",
        ),
    ];
    for (key, lines, expected) in cases {
        let own = format!("{key}\n{APP}{}", account("a@contoso.com", ""));
        let said = said(&with(&own, &[]).file("/etc/saslgate/users", lines));
        assert!(
            said[0].starts_with(&format!("/etc/saslgate/{expected}")),
            "{said:#?}"
        );
        assert_eq!(said.len(), 1);
    }
    assert!(
        try_on(&users("# nobody yet\n")).is_ok(),
        "a program that writes the file may have nobody to write"
    );
}

/// A thousand lines take a tenth of ten thousand, and those take no second, as the tests are built.
#[test]
fn ten_thousand_lines_are_read_in_no_time() {
    let mut lines = String::new();
    for number in 0..10_000 {
        let _ = writeln!(
            lines,
            "user{number}@contoso.com {SG1} mailbox=box{number}@contoso.com allow_from=10.0.0.0/8 protocols=imap,smtp"
        );
    }
    let machine = users(&lines);
    let begun = Instant::now();
    assert_eq!(on(&machine).accounts.len(), 10_000);
    let took = begun.elapsed();
    println!("10,000 lines took {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    // Also where every one of them is wrong.
    let begun = Instant::now();
    assert_eq!(
        try_on(&users(&lines.replace("imap,smtp", "imap,smpt")))
            .unwrap_err()
            .errors,
        10_000
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
