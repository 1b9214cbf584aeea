//! The commands about tokens: what they do, what they say, and their exit codes.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::Demo;
use saslgate::sim::entra::TokenFault;
use serde_json::Value;

use crate::people::{PEOPLE, Signing, text};
use crate::support::command::{self, Running};
use crate::support::config::{Account, DEMO_APP, SIMULATOR};
use crate::support::in_process::InProcess;
use crate::support::mail_client::MailClient;
use crate::support::place::Place;
use crate::support::program::Program;
use crate::support::{Gate as _, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_deletes_ends_sessions_and_asks_for_a_sign_in() {
    let signing = Signing::new();
    let (grace, ada) = (signing.account("grace"), signing.account("ada"));
    let config = signing.config().account(&grace).account(&ada);
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    for account in [&grace, &ada] {
        assert_eq!(signing.import(&gate.place, &account.login).await.code, Some(0));
    }
    let imap = gate.addresses.of(Protocol::Imap);
    let mut session = MailClient::logged_in(Protocol::Imap, imap, &grace).await;
    let mut other = MailClient::logged_in(Protocol::Imap, imap, &ada).await;

    let said = command::run(&gate.place, &["sign-out", &grace.login]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.output.contains("sessions ended: 1"), "{}", said.output);
    assert!(said.output.contains("myapps.microsoft.com"), "{}", said.output);
    assert!(!session.is_relayed().await, "the session goes on");
    assert!(other.is_relayed().await, "somebody else's session was ended");
    let mut client = MailClient::greeted(Protocol::Imap, imap).await;
    let reply = client.log_in(&grace.login, &grace.password).await;
    assert_eq!(reply.refusal(), Some(Refusal::ContactAdmin), "{reply:?}");
    let said = command::run(&gate.place, &["sign-out", &grace.login]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.complaints.contains("nobody is signed in"), "{said:?}");
    // What is on the disk says the same.
    let InProcess { server, place, .. } = gate;
    server.stop().await;
    let gate = InProcess::start(place, &config);
    let said = command::run(&gate.place, &["status"]).await;
    assert!(
        said.output.contains(&format!("{}  needs sign-in", grace.login)),
        "{}",
        said.output
    );
    assert!(
        said.output.contains(&format!("{}  ready", ada.login)),
        "{}",
        said.output
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_says_in_its_exit_code_whether_somebody_has_to_act() {
    let signing = Signing::new();
    let (grace, machine) = (signing.account("grace"), Account::new(Demo::SUPPORT));
    let config = signing.config().account(&grace).account(&machine);
    let mut gate = InProcess::start(Place::new(&signing.sim), &config);
    let status = async |gate: &InProcess, more: &[&str]| {
        let said = command::run(&gate.place, &[&["status"], more].concat()).await;
        (said.code, said.output)
    };
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}")) };

    let (code, text) = status(&gate, &["--json"]).await;
    let told = json(&text);
    assert_eq!(code, Some(2), "{text}");
    assert_eq!(told["accounts"][0]["state"], "needs sign-in", "{text}");
    let trouble = &told["accounts"][0]["protocols"][0]["trouble"];
    assert_eq!(
        trouble["fix"],
        format!("saslgate sign-in {}", grace.login),
        "{text}"
    );
    assert_eq!(told["accounts"][1]["state"], "ready", "{text}");
    assert!(told["running_since"].is_u64(), "{text}");
    // Only one account, and that one is well.
    assert_eq!(status(&gate, &[&machine.login]).await.0, Some(0));
    assert_eq!(status(&gate, &["nobody@contoso.com"]).await.0, Some(3));

    signing.import(&gate.place, &grace.login).await;
    let (code, text) = status(&gate, &["--json"]).await;
    let told = json(&text);
    assert_eq!(code, Some(0), "{text}");
    let sign_in = &told["accounts"][0]["sign_ins"][0];
    assert_eq!(sign_in["owner"], grace.login, "{text}");
    assert_eq!(sign_in["permissions"].as_array().map(Vec::len), Some(3), "{text}");
    assert!(
        sign_in["signed_in"].is_u64() && sign_in["refreshed"].is_u64(),
        "{text}"
    );
    let left = told["accounts"][0]["protocols"][0]["token_seconds"]
        .as_u64()
        .unwrap();
    assert!((3_000..3_600).contains(&left), "{text}");

    signing
        .sim
        .entra()
        .fail(TokenFault::TooManyRequests(Some("60".into())));
    let imap = gate.addresses.of(Protocol::Imap);
    let mut client = MailClient::greeted(Protocol::Imap, imap).await;
    let reply = client.log_in(&machine.login, &machine.password).await;
    assert_eq!(reply.refusal(), Some(Refusal::Unavailable), "{reply:?}");
    let (code, text) = status(&gate, &[]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("{}  waiting", machine.login)), "{text}");
    signing.sim.entra().recover();
    gate.reload(&config).await;
    MailClient::logged_in(Protocol::Imap, imap, &machine).await;
    let (code, text) = status(&gate, &[]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("last login"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_given_away_only_where_the_app_allows_it_and_the_log_says_so() {
    let signing = Signing::new();
    let grace = signing.account("grace").app("exporting");
    let machine = Account::new(Demo::SUPPORT);
    let export = text(1, "authorization_code", signing.port) + "token_export = true\n";
    let config = signing.config().app("exporting", SIMULATOR, &export);
    let config = config
        .account(&grace)
        .account(&machine)
        .account(&signing.account("ada"));
    let program = Program::start(Place::new(&signing.sim), &config).await;
    signing.import(&program.place, &grace.login).await;

    let said = command::run(&program.place, &["token", &machine.login]).await;
    assert_eq!((said.code, &*said.output), (Some(2), ""), "{said:?}");
    assert!(said.complaints.contains("token_export = true"), "{said:?}");
    assert!(said.complaints.contains(DEMO_APP), "{said:?}");
    assert_eq!(signing.sim.entra().requests_of("client_credentials"), 0);

    let mark = program.log.mark();
    let said = command::run(&program.place, &["token", &grace.login, "--protocol", "smtp"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.output.starts_with("eyJ") && said.output.len() > 500,
        "{} bytes",
        said.output.len()
    );
    let line = program.log.message(mark, "token given to a command").await;
    assert_eq!(
        (&line["account"], &line["protocol"]),
        (&grace.login.as_str().into(), &"smtp".into())
    );
    assert!(!program.log.lines().join("\n").contains(said.output.trim()));
    assert!(config.text().contains(PEOPLE));
}

/// Where no server runs, a command does the work itself, on the same store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_commands_work_on_the_store_and_the_server_finds_it() {
    let signing = Signing::new();
    let grace = signing.account("grace");
    let config = signing.config().account(&grace);
    let place = Place::new(&signing.sim);
    place.configure(&config);
    let said = command::run(&place, &["status", "--json"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.output.contains("\"running_since\": null"), "{}", said.output);
    let said = signing.sign_in(&place, &grace.login).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = command::run(&place, &["status"]).await;
    assert_eq!(
        said.code,
        Some(1),
        "the account is ready, and no mail client can connect: {said:?}"
    );
    let (_, end) = said.output.split_once("1 account: 1 ready\n").unwrap();
    assert!(
        end.contains("no saslgate is running") && end.contains("`saslgate run --config "),
        "{end}"
    );
    let gate = InProcess::start(place, &config);
    let imap = gate.addresses.of(Protocol::Imap);
    MailClient::logged_in(Protocol::Imap, imap, &grace).await;
    let InProcess { server, place, .. } = gate;
    server.stop().await;
    let said = command::run(&place, &["sign-out", &grace.login]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(command::run(&place, &["status"]).await.code, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_need_a_sign_in_are_gone_through_one_after_the_other() {
    let signing = Signing::new();
    let accounts = ["ada", "grace", "joan"].map(|name| signing.account(name));
    let config = accounts
        .iter()
        .fold(signing.config(), crate::support::config::Config::account);
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    signing.import(&gate.place, &accounts[1].login).await;
    let command = Running::start(&gate.place, &["sign-in", "--all-needed", "--no-browser"]);
    let mut looked = 0;
    for _ in 0..2 {
        let nth = |line: &str| {
            line.trim()
                .starts_with("https://")
                .then(|| line.trim().to_owned())
        };
        let address = command.output.find(looked, "an address", nth).await;
        let lines = command.output.lines();
        looked = lines.iter().position(|line| line.trim() == address).unwrap() + 1;
        assert_eq!(signing.browser.signs_in(&address).await.status, 200);
    }
    let said = soon("the command", command.end()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.output.contains("2 accounts need a sign-in"),
        "{}",
        said.output
    );
    assert_eq!(command::run(&gate.place, &["status"]).await.code, Some(0));
}

/// Every command that is told an account, as the definition of the command line has them.
fn commands_of_an_account() -> Vec<String> {
    let definition = saslgate::cli::command();
    let takes_account =
        |command: &&clap::Command| command.get_positionals().any(|one| one.get_id() == "account");
    definition
        .get_subcommands()
        .filter(takes_account)
        .map(|command| command.get_name().to_owned())
        .collect()
}

/// Whoever mistypes a mailbox is told which one was meant, if it can be told; never a much different one, whose owner would sign in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_mistypes_an_account_is_told_the_nearest_by_every_command() {
    let signing = Signing::new();
    let (grace, ada) = (signing.account("grace"), signing.account("ada"));
    let config = signing.config().account(&grace).account(&ada);
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    let commands = commands_of_an_account();
    for name in ["sign-in", "sign-out", "status", "test", "token", "trace"] {
        assert!(
            commands.iter().any(|command| command == name),
            "{name}: {commands:?}"
        );
    }
    for command in &commands {
        let mistyped = grace.login.replace("grace", "garce").to_uppercase();
        let said = command::run(&gate.place, &[command, &mistyped]).await;
        let meant = format!("did you mean {}?", grace.login);
        assert!(said.complaints.contains(&meant), "{command}: {said:?}");
        assert!(matches!(said.code, Some(2 | 3)), "{command}: {said:?}");
        assert_eq!(said.output, "", "{command}");

        let other = grace.login.replace("grace", "somebody");
        let said = command::run(&gate.place, &[command, &other]).await;
        assert!(!said.complaints.contains("did you mean"), "{command}: {said:?}");
        assert!(
            said.complaints.contains("saslgate status") || said.complaints.contains(&ada.login),
            "{command}: {said:?}"
        );
    }
}

/// A sign-in that was begun before the server keeps the store for as long as a person takes, and nobody remembers the terminal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_waits_without_a_server_is_named_to_whoever_wants_the_store() {
    let signing = Signing::new();
    let (grace, ada) = (signing.account("grace"), signing.account("ada"));
    let config = signing.config().account(&grace).account(&ada);
    let place = Place::new(&signing.sim);
    place.configure(&config);
    let waiting = Running::start(&place, &["sign-in", &grace.login, "--no-browser"]);
    waiting.address().await;
    let holder = format!("in use by process {} (`saslgate sign-in`)", waiting.id());
    let end = format!("`kill {}`", waiting.id());

    let said = command::run(&place, &["sign-in", &ada.login, "--no-browser"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    for words in [&*holder, "a sign-in that waits", &end] {
        assert!(said.complaints.contains(words), "{words}: {said:?}");
    }
    let gate = Program::start(place, &config).await;
    let told = "waiting for the token store; accounts that need none are served";
    let line = gate.log.message(0, told).await;
    assert!(line["what"].as_str().unwrap().ends_with(&holder), "{line}");
    assert!(line["fix"].as_str().unwrap().contains(&end), "{line}");
    waiting.interrupt().await;
    gate.log.message(0, "token store opened").await;
}

/// Two configurations of one user have their state in the same place: `reload` of the one must not be done, and answered for, by the
/// saslgate that has the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_is_answered_for_another_configuration() {
    let signing = Signing::new();
    let config = signing.config().account(&signing.account("grace"));
    let gate = InProcess::start(Place::new(&signing.sim), &config);
    let path = |name: &str| gate.place.path(name);
    let text = std::fs::read_to_string(path("saslgate.toml")).unwrap();
    gate.place.write("other.toml", &text);
    std::os::unix::fs::symlink(path("saslgate.toml"), path("link.toml")).unwrap();
    let say = async |command: &str, file: &str| {
        let mut saslgate = tokio::process::Command::new(crate::support::program::binary());
        let saslgate = saslgate.args(command.split(' ')).arg("--config").arg(path(file));
        soon(command, saslgate.output()).await.unwrap()
    };
    for command in ["status", "reload", "test grace", "sign-in grace", "log", "health"] {
        let said = say(command, "other.toml").await;
        let why = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        let of = |file: &str| why.contains(path(file).to_str().unwrap());
        assert!(!said.status.success(), "{command}: {why}");
        assert!(of("saslgate.toml") && of("other.toml"), "{command}: {why}");
        assert!(!why.contains("grace@"), "{command}: {why}");
    }
    let linked = say("status", "link.toml").await;
    assert!(String::from_utf8(linked.stdout).unwrap().contains("grace@"));
}
