//! One account wholly from environment variables.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

mod config_support;

use std::path::Path;

use config_support::{APP, SG1, account};
use saslgate::config::{Config, Given, Origin, Problems, control, diff, load, read, report};
use saslgate::token::store::KeySource;

const FILE: &str = "/etc/saslgate/saslgate.toml";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// What a container is given for an app that opens mailboxes itself.
const USUAL: [(&str, &str); 6] = [
    ("SASLGATE_TENANT", "contoso.onmicrosoft.com"),
    ("SASLGATE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
    ("SASLGATE_CLIENT_SECRET_FILE", "/run/secrets/contoso"),
    ("SASLGATE_GRANT", "client_credentials"),
    ("SASLGATE_LOGIN", "support@contoso.com"),
    ("SASLGATE_PASSWORD", SG1),
];

/// The usual variables, except that these have other values; an empty one is as good as none.
fn machine(others: &[(&str, &str)]) -> Given {
    let machine = Given::default()
        .file("/run/secrets/contoso", "the-Value")
        .file("/run/secrets/password", "a plain password");
    let all = USUAL.iter().chain(others);
    all.fold(machine, |machine, (name, value)| machine.variable(name, value))
}

fn try_on(machine: &Given) -> Result<Config, Problems> {
    let origin = Origin::find(Path::new(FILE), false, machine);
    assert_eq!(origin, Origin::Variables);
    read(&origin, machine).0
}

#[track_caller]
fn on(others: &[(&str, &str)]) -> Config {
    try_on(&machine(others))
        .map_err(|problems| problems.to_string())
        .unwrap()
}

#[track_caller]
fn said(others: &[(&str, &str)]) -> Vec<String> {
    let problems = try_on(&machine(others)).unwrap_err();
    let shown = format!("{problems}{problems:?}{}", report::snippets(&problems));
    assert!(!shown.contains("CANARY"), "{shown}");
    problems.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn variables_say_what_a_file_would() {
    let app = APP.replace("\"secret\"", "\"/run/secrets/contoso\"");
    let text = format!("{app}{}", account("support@contoso.com", ""));
    let written = load(Path::new(FILE), &machine(&[]).file(FILE, text)).unwrap_err();
    assert!(
        written.to_string().contains("these variables are set"),
        "{written}"
    );
    let plain = Given::default().file("/run/secrets/contoso", "the-Value");
    let text = format!("{app}{}", account("support@contoso.com", ""));
    let written = load(Path::new(FILE), &plain.file(FILE, text)).unwrap();
    let plan = diff(&written.snapshot, &on(&[]).snapshot);
    // Only the state has another place.
    assert!(plan.accounts.is_empty() && plan.apps.is_empty(), "{plan:?}");
    assert!(on(&[]).warnings.list.is_empty());
}

#[test]
fn every_variable_is_read() {
    let secret = on(&[
        ("SASLGATE_CLIENT_SECRET_FILE", ""),
        ("SASLGATE_CLIENT_SECRET", "the-Value"),
    ]);
    assert!(diff(&on(&[]).snapshot, &secret.snapshot).is_empty());
    let password = [
        ("SASLGATE_PASSWORD", ""),
        ("SASLGATE_PASSWORD_FILE", "/run/secrets/password"),
    ];
    assert_eq!(on(&password).accounts[0].passwords.len(), 1);
    assert_eq!(
        on(&[("SASLGATE_PASSWORD", "a plain password")]).accounts[0]
            .passwords
            .len(),
        1
    );
    let both = format!("{SG1}, {}", SG1.replace("2345", "6789"));
    assert_eq!(on(&[("SASLGATE_PASSWORD", &both)]).accounts[0].passwords.len(), 2);
    let more = on(&[
        ("SASLGATE_MAILBOX", "desk@contoso.com"),
        ("SASLGATE_PRESET", "microsoft365-gcc-high"),
        ("SASLGATE_LOG", "debug"),
        ("SASLGATE_LOG_FORMAT", "json"),
        ("SASLGATE_STORE_PATH", "/state/tokens"),
        ("SASLGATE_STORE_KEY_FILE", "/run/secrets/key"),
        ("SASLGATE_BIND", "127.0.0.1, ::1"),
        ("SASLGATE_ALLOW_FROM", "127.0.0.0/8,::1"),
    ]);
    assert_eq!(
        more.accounts[0].mailbox.as_ref().unwrap().as_str(),
        "desk@contoso.com"
    );
    assert_eq!(&*more.apps[0].provider.name, "microsoft365-gcc-high");
    assert_eq!(more.log.level, "debug");
    assert_eq!(more.state.store.path, Path::new("/state/tokens"));
    assert!(matches!(&more.state.store.key, KeySource::File(path) if path == Path::new("/run/secrets/key")));
    assert_eq!(more.listeners[0].bind.len(), 2);
    assert_eq!(more.listeners[0].allow_from.len(), 2);
    assert!(more.warnings.list.is_empty(), "{}", more.warnings);
    let key = on(&[("SASLGATE_STORE_KEY", "CANARY")]);
    assert!(matches!(&key.state.store.key, KeySource::Value(key) if key.expose() == "CANARY"));
    let machine_identity = [
        ("SASLGATE_CLIENT_SECRET_FILE", ""),
        ("SASLGATE_MANAGED_IDENTITY", "true"),
        ("SASLGATE_TENANT", ""),
        ("SASLGATE_CLIENT_ID", ""),
    ];
    assert_eq!(on(&machine_identity).apps.len(), 1);
}

/// A variable, what it is set to, and what is said then.
const TOLD: [(&str, &str, &str); 22] = [
    (
        "SASLGATE_LOGIN",
        "",
        "the environment: error: there is no SASLGATE_LOGIN: no mail client could log in to it; fix: set SASLGATE_LOGIN: the \
             name that the mail client sends",
    ),
    (
        "SASLGATE_PASSWORD",
        "",
        "the environment: error: there is no SASLGATE_PASSWORD: nobody could log in; fix: run `saslgate password` and set \
             SASLGATE_PASSWORD to the hash that it prints",
    ),
    (
        "SASLGATE_TENANT",
        "",
        "the environment: error: there is no SASLGATE_TENANT: the token endpoint depends on it; fix: copy \"Directory \
             (tenant) ID\" from the app registration's Overview",
    ),
    (
        "SASLGATE_GRANT",
        "",
        "the environment: error: there is no SASLGATE_GRANT: it says how tokens are obtained; fix: set \
             SASLGATE_GRANT=\"authorization_code\" if people sign in, or \"client_credentials\" if the app itself may open the \
             mailboxes",
    ),
    (
        "SASLGATE_CLIENT_SECRET_FILE",
        "",
        "the environment: error: there is no SASLGATE_CLIENT_SECRET_FILE: an app that asks for itself has to prove which \
             one it is; fix: set one of SASLGATE_CLIENT_SECRET_FILE, SASLGATE_CLIENT_SECRET, SASLGATE_CERTIFICATE, \
             SASLGATE_FEDERATED_TOKEN_FILE, SASLGATE_MANAGED_IDENTITY",
    ),
    (
        "SASLGATE_LOGIN",
        "support",
        "the environment: error: there is no SASLGATE_MAILBOX: the login is not an address, so it does not tell which \
             mailbox is meant; fix: set SASLGATE_MAILBOX=\"someone@example.com\"",
    ),
    (
        "SASLGATE_TENANT",
        "not a tenant",
        "SASLGATE_TENANT: error: SASLGATE_TENANT = \"not a tenant\" is not a tenant",
    ),
    (
        "SASLGATE_GRANT",
        "client_credential",
        "SASLGATE_GRANT: error: SASLGATE_GRANT = \"client_credential\" is not known",
    ),
    (
        "SASLGATE_CLIENT_SECRET",
        "CANARY",
        "SASLGATE_CLIENT_SECRET_FILE: error: both SASLGATE_CLIENT_SECRET and SASLGATE_CLIENT_SECRET_FILE are given",
    ),
    (
        "SASLGATE_CLIENT_SECRET_FILE",
        "CANARY",
        "SASLGATE_CLIENT_SECRET_FILE: error: the file named here, in `.`, cannot be read: there is no such file",
    ),
    (
        "SASLGATE_PASSWORD",
        "sg1:CANARY",
        "SASLGATE_PASSWORD: error: SASLGATE_PASSWORD cannot be used: ",
    ),
    (
        "SASLGATE_PASSWORD",
        "CANARY\nCANARY",
        "SASLGATE_PASSWORD: error: the password named here cannot be used: it has more than one line",
    ),
    (
        "SASLGATE_TENNANT",
        "CANARY",
        "SASLGATE_TENNANT: error: the variable is not known: one that is passed over could be the one that protects \
             something; fix: did you mean SASLGATE_TENANT?",
    ),
    (
        "SASLGATE_COLOUR",
        "red",
        "SASLGATE_COLOUR: error: the variable is not known: one that is passed over could be the one \
             that protects something; fix: unset it; ",
    ),
    (
        "SASLGATE_ADMIN_URL",
        "http://mail.contoso.com",
        "SASLGATE_ADMIN_URL: error: SASLGATE_ADMIN_URL of [admin] cannot be used: passwords and codes would cross the network in clear",
    ),
    (
        "SASLGATE_BIND",
        "0.0.0.0:143",
        "SASLGATE_BIND: error: SASLGATE_BIND = \"0.0.0.0:143\" is not an address: the ports are 1143 for IMAP, 1110 for POP3 \
             and 1587 for SMTP",
    ),
    (
        "SASLGATE_BIND",
        "0.0.0.0,10.0.0.1",
        "SASLGATE_BIND: error: 10.0.0.1 is taken: 0.0.0.0 before it is or includes",
    ),
    (
        "SASLGATE_PLAINTEXT_FROM",
        "ten",
        "SASLGATE_PLAINTEXT_FROM: error: \"ten\" in SASLGATE_PLAINTEXT_FROM cannot be used",
    ),
    (
        "SASLGATE_PRESET",
        "mine",
        "SASLGATE_PRESET: error: there is no preset or provider \"mine\": its token endpoint and mail \
             hosts are not known; fix: write a configuration file with a table [provider.NAME]",
    ),
    (
        "SASLGATE_LOG",
        "inof",
        "SASLGATE_LOG: error: SASLGATE_LOG = \"inof\" is not a filter",
    ),
    (
        "SASLGATE_LOG_FORMAT",
        "xml",
        "SASLGATE_LOG_FORMAT: error: SASLGATE_LOG_FORMAT = \"xml\" is not known",
    ),
    (
        "SASLGATE_CONTAINER",
        "yes",
        "SASLGATE_CONTAINER: error: the value is neither 1 nor 0",
    ),
];

#[test]
fn a_problem_names_the_variable_and_what_is_set_to_mend_it() {
    for (name, value, expected) in TOLD {
        let said = said(&[(name, value)]);
        assert!(
            said.iter().any(|line| line.starts_with(expected)),
            "{name}={value}\n{expected}\n{said:#?}"
        );
        assert!(
            !said
                .iter()
                .any(|line| line.contains("[[") || line.contains("[app]")),
            "{said:#?}"
        );
    }
}

#[test]
fn a_file_and_variables_are_never_both_used() {
    let text = format!("{APP}{}", account("a@contoso.com", "")).replace("\"secret\"", "\"${SECRET}\"");
    let beside = Given::default()
        .file(FILE, text.as_str())
        .file("/etc/saslgate/secret", "the-Value")
        .variable("SECRET", "secret");
    let both = beside
        .clone()
        .variable("SASLGATE_LOGIN", "x")
        .variable("SASLGATE_TENANT", "y");
    let origin = Origin::find(Path::new(FILE), false, &both);
    assert_eq!(origin, Origin::File(FILE.into()));
    assert_eq!(
        read(&origin, &both).0.unwrap_err().to_string(),
        "/etc/saslgate/saslgate.toml: error: beside this file these variables are set: SASLGATE_LOGIN, SASLGATE_TENANT: a \
         configuration is one or the other, so that nobody has to guess which of them counts; fix: unset the variables, or \
         remove the file"
    );
    // Whoever names a file means that file, be it there or not.
    let named = Origin::find(Path::new("my.toml"), true, &both);
    assert_eq!(named, Origin::File("my.toml".into()));
    // A variable that the file itself names is the file's.
    let asked = text.replace("SECRET", "SASLGATE_KEY");
    let asked = beside
        .clone()
        .file(FILE, asked)
        .variable("SASLGATE_KEY", "secret");
    assert!(load(Path::new(FILE), &asked).is_ok());
}

/// Kubernetes describes the Service of the same name so, and a token command is told so for whom it is asked.
#[test]
fn variables_that_others_put_there_configure_nothing() {
    let others = [
        ("SASLGATE_SERVICE_HOST", "10.0.0.1"),
        ("SASLGATE_SERVICE_PORT", "1143"),
        ("SASLGATE_SERVICE_PORT_IMAP", "1143"),
        ("SASLGATE_PORT", "tcp://10.0.0.1:1143"),
        ("SASLGATE_PORT_1143_TCP_ADDR", "10.0.0.1"),
        ("SASLGATE_MAIL_SERVICE_HOST", "10.0.0.1"),
        ("SASLGATE_MAIL_PORT_1143_TCP", "tcp://10.0.0.1:1143"),
        ("SASLGATE_CONFIG", FILE),
        ("SASLGATE_CONTAINER", "1"),
        ("SASLGATE_MAILBOX", "desk@contoso.com"),
        ("SASLGATE_OWNER", "alice@contoso.com"),
        ("SASLGATE_TENANT", ""),
    ];
    let there = others.iter().fold(Given::default(), |machine, (name, value)| {
        machine.variable(name, value)
    });
    assert_eq!(
        Origin::find(Path::new(FILE), false, &there),
        Origin::File(FILE.into())
    );
    let configured = others[..9].iter().fold(machine(&[]), |machine, (name, value)| {
        machine.variable(name, value)
    });
    assert!(try_on(&configured).is_ok());
}

/// `docker exec … saslgate status` has the variables of the container, and finds what runs there.
#[test]
fn state_and_socket_have_one_place_for_the_service_and_for_commands() {
    let cases: [(Variables, &str); 5] = [
        (
            &[("SASLGATE_CONTAINER", "1"), ("HOME", "/home/nonroot")],
            "/var/lib/saslgate",
        ),
        (
            &[("STATE_DIRECTORY", "/state"), ("SASLGATE_CONTAINER", "1")],
            "/state",
        ),
        (&[("HOME", "/home/alice")], "/home/alice/.local/state/saslgate"),
        (
            &[("XDG_STATE_HOME", "/state"), ("HOME", "/home/alice")],
            "/state/saslgate",
        ),
        (&[], "/var/lib/saslgate"),
    ];
    for (others, directory) in cases {
        let config = on(others);
        assert_eq!(config.state.store.path, Path::new(directory).join("tokens"));
        assert_eq!(config.state.control, Path::new(directory).join("control/socket"));
        assert_eq!(
            control(&Origin::Variables, &machine(others)),
            config.state.control
        );
    }
    let in_container = Given::default()
        .variable("SASLGATE_CONTAINER", "1")
        .variable("HOME", "/home/nonroot");
    let elsewhere = Origin::File("/config/saslgate.toml".into());
    assert_eq!(
        control(&elsewhere, &in_container),
        Path::new("/var/lib/saslgate/control/socket")
    );
}

fn listener(config: &Config) -> String {
    let listener = &config.listeners[0];
    let of = |shown: Vec<String>| shown.join(" ");
    let bind = of(listener.bind.iter().map(ToString::to_string).collect());
    let plain = of(listener.plaintext_from.iter().map(ToString::to_string).collect());
    format!("{bind} | {plain}")
}

#[test]
fn in_a_container_the_usual_listeners_are_reachable_from_private_networks() {
    let private = "127.0.0.0/8 ::1/128 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7";
    let container = ("SASLGATE_CONTAINER", "1");
    let cases: [(Variables, String, usize); 8] = [
        (&[], "127.0.0.1:1143 [::1]:1143 | 127.0.0.0/8 ::1/128".into(), 0),
        (
            &[("SASLGATE_CONTAINER", "0")],
            "127.0.0.1:1143 [::1]:1143 | 127.0.0.0/8 ::1/128".into(),
            0,
        ),
        (&[container], format!("0.0.0.0:1143 [::]:1143 | {private}"), 0),
        (
            &[container, ("SASLGATE_BIND", "localhost")],
            format!("127.0.0.1:1143 [::1]:1143 | {private}"),
            0,
        ),
        (
            &[container, ("SASLGATE_PLAINTEXT_FROM", "10.1.0.0/16")],
            "0.0.0.0:1143 [::]:1143 | 10.1.0.0/16".into(),
            0,
        ),
        // Passwords in clear over more than the container's own networks are worth a word.
        (
            &[container, ("SASLGATE_PLAINTEXT_FROM", "0.0.0.0/0")],
            "0.0.0.0:1143 [::]:1143 | 0.0.0.0/0".into(),
            1,
        ),
        (
            &[
                ("SASLGATE_BIND", "[::]"),
                ("SASLGATE_PLAINTEXT_FROM", "10.0.0.0/8"),
            ],
            "[::]:1143 | 10.0.0.0/8".into(),
            1,
        ),
        // So are logins that can only be refused.
        (
            &[("SASLGATE_BIND", "0.0.0.0")],
            "0.0.0.0:1143 | 127.0.0.0/8 ::1/128".into(),
            1,
        ),
    ];
    for (others, expected, warnings) in &cases {
        let config = on(others);
        assert_eq!(&listener(&config), expected);
        assert_eq!(config.warnings.list.len(), *warnings, "{}", config.warnings);
        assert_eq!(config.listeners.len(), 3);
    }
    assert_eq!(cases.len(), 8);
    // A file without listeners has the same ones, and one with listeners says it itself.
    let text = format!("{APP}{}", account("a@contoso.com", ""));
    let machine = Given::default()
        .file("/etc/saslgate/secret", "the-Value")
        .variable("SASLGATE_CONTAINER", "1");
    let file = |text: String| load(Path::new(FILE), &machine.clone().file(FILE, text)).unwrap();
    assert_eq!(
        listener(&file(text.clone())),
        format!("0.0.0.0:1143 [::]:1143 | {private}")
    );
    let own = file(text + "[[listener]]\nprotocol = \"imap\"\nbind = \"localhost:1143\"\n");
    assert_eq!(listener(&own), "127.0.0.1:1143 [::1]:1143 | 127.0.0.0/8 ::1/128");
}

#[test]
fn the_files_that_variables_name_are_watched() {
    let (_, sources) = read(&Origin::Variables, &machine(&[]));
    let paths: Vec<_> = sources.paths().collect();
    assert_eq!(paths, [Path::new("/run/secrets/contoso")]);
    assert!(sources.changed(&machine(&[]).file("/run/secrets/contoso", "another-Value")));
}

#[test]
fn no_secret_of_a_variable_is_kept_where_it_could_be_shown() {
    let config = on(&[
        ("SASLGATE_CLIENT_SECRET_FILE", ""),
        ("SASLGATE_CLIENT_SECRET", "CANARY"),
        ("SASLGATE_PASSWORD", "CANARY CANARY"),
    ]);
    assert!(!format!("{config:?}").contains("CANARY"));
}
