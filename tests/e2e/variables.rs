//! A saslgate that is given no file: its presets lead to Microsoft's own names and ports, so it runs where the simulator
//! has those, in a network and with a list of hosts of its own.

use std::net::{Ipv4Addr, SocketAddr};

use std::process::{Command, Stdio};
use std::time::Duration;

use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Ports, Settings, Sim};
use tokio::process::Command as AsyncCommand;

use crate::support::log::Log;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::binary;
use crate::support::within;

/// Set where the test runs for the second time: in its own network.
const APART: &str = "RUNS_APART";

const NAMES: &str =
    "127.0.0.1 localhost login.microsoftonline.com outlook.office365.com smtp.office365.com\n";

/// Makes the rest of the shell's words run with a loopback network, `$HOSTS` as its list of hosts, and without a configuration
/// that this machine may have.
const ENTER: &str = "ip link set lo up && mount --bind \"$HOSTS\" /etc/hosts \
                     && { [ ! -d /etc/saslgate ] || mount -t tmpfs none /etc/saslgate; } && exec \"$@\"";

fn apart(hosts: &std::path::Path, words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--net",
        "--mount",
        "sh",
        "-c",
        ENTER,
        "sh",
    ]);
    command.args(words).env("HOSTS", hosts).env(APART, "1");
    command
}

#[test]
fn a_mail_client_logs_in_to_a_program_that_was_given_variables_alone() {
    if std::env::var_os(APART).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        return runtime.unwrap().block_on(with_variables_alone());
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, NAMES).unwrap();
    let tried = apart(&hosts, &["true"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let why = match tried {
        Ok(tried) if tried.status.success() => {
            let itself = std::env::current_exe().unwrap();
            let name = "variables::a_mail_client_logs_in_to_a_program_that_was_given_variables_alone";
            let words = [itself.to_str().unwrap(), "--exact", name, "--nocapture"];
            assert!(apart(&hosts, &words).status().unwrap().success());
            return;
        }
        Ok(tried) => String::from_utf8_lossy(&tried.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    println!("skipped: no network of its own: {}", why.trim());
}

/// What the container is given.
fn variables(place: &Place) -> Vec<(&'static str, String)> {
    let path = |name: &str| place.path(name).display().to_string();
    place.write("password", "correct horse battery staple\n");
    place.write("contoso.secret", Demo::CLIENT_SECRET);
    vec![
        ("SASLGATE_TENANT", Demo::DOMAIN.to_owned()),
        ("SASLGATE_CLIENT_ID", Demo::CLIENT_ID.to_owned()),
        ("SASLGATE_CLIENT_SECRET_FILE", path("contoso.secret")),
        ("SASLGATE_GRANT", "client_credentials".to_owned()),
        ("SASLGATE_LOGIN", "helpdesk".to_owned()),
        ("SASLGATE_MAILBOX", Demo::SUPPORT.to_owned()),
        ("SASLGATE_PASSWORD_FILE", path("password")),
        ("SASLGATE_UPSTREAM_CA_FILE", path("ca.pem")),
        ("SASLGATE_LOG_FORMAT", "json".to_owned()),
        ("SASLGATE_CONTAINER", "1".to_owned()),
        ("STATE_DIRECTORY", path("state")),
    ]
}

fn saslgate(word: &str, variables: &[(&str, String)]) -> AsyncCommand {
    let mut command = AsyncCommand::new(binary());
    let given = variables.iter().map(|(name, value)| (name, value));
    command.arg(word).env_clear().envs(given).stdin(Stdio::null());
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a command prints, and its exit code.
async fn told(word: &str, variables: &[(&str, String)]) -> (Option<i32>, String) {
    let output = saslgate(word, variables).output();
    let output = within(Duration::from_secs(60), word, output).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

async fn with_variables_alone() {
    let ports = Ports {
        entra: 443,
        imap: 993,
        pop3: 995,
        smtp: 587,
        ..Ports::default()
    };
    let sim = Sim::start(Settings {
        ports,
        ..Settings::default()
    })
    .unwrap();
    let place = Place::new(&sim);
    let variables = variables(&place);
    let (code, said) = told("check", &variables).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("\nthe environment is sound\n"), "{said}");
    assert!(said.contains("imap  0.0.0.0:1143 [::]:1143  no TLS"), "{said}");

    let mut program = saslgate("run", &variables).spawn().unwrap();
    let log = Log::reading(program.stderr.take().unwrap());
    let ready = log.message(0, "ready").await;
    assert_eq!(ready["config"], "the environment");
    let here = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    for (protocol, port) in Protocol::ALL.into_iter().zip([1143, 1110, 1587]) {
        let mut client = MailClient::greeted(protocol, here(port)).await;
        assert!(
            client
                .log_in("helpdesk", "correct horse battery staple")
                .await
                .is_yes()
        );
        assert!(client.is_relayed().await, "{protocol}");
    }
    // What somebody types in the container finds what runs there.
    let (code, said) = told("status", &variables).await;
    assert!(
        code == Some(0) && said.contains("helpdesk") && !said.contains("no saslgate is running"),
        "{said}"
    );

    let misspelled = [&variables[1..], &[("SASLGATE_TENNANT", "x".to_owned())]].concat();
    let (code, said) = told("run", &misspelled).await;
    assert_eq!(code, Some(2));
    assert!(
        said.contains("SASLGATE_TENNANT: error: ") && said.contains("did you mean SASLGATE_TENANT?"),
        "{said}"
    );
    assert!(
        said.contains("nothing was started; `saslgate check` with the same variables"),
        "{said}"
    );
}
