//! `saslgate demo`: the real proxy before a simulated Microsoft 365, with conversations to read and ports to try.

mod mail_client;
mod raw;
mod simulator;
mod story;

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::{complain, runtime};
use crate::account::password::{GeneratedPassword, PasswordHash};
use crate::config::{self, Config, Given};
use crate::provider::Protocol;
use crate::server::{Inherited, Server};
use crate::sim::{self, Demo, Sim};

use mail_client::Login;
use simulator::SimulatorArgs;
use story::Story;

const EXAMPLES: &str = "Examples:
  saslgate demo                      three conversations, then ports to try with any mail program
  saslgate demo --once               the conversations only; exit code 1 if one failed
  saslgate demo --simulator-only     only the simulated Microsoft 365; its addresses as one line of JSON

Exit codes: 0 stopped on request, or with --once each conversation went as it should; 1 not.";

/// What `demo` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DemoArgs {
    /// End after the conversations
    #[arg(long)]
    once: bool,
    /// Start the simulator alone, for a saslgate of your own in front of it
    #[arg(long, conflicts_with = "once")]
    simulator_only: bool,
    #[command(flatten)]
    simulator: SimulatorArgs,
}

/// Runs the demo.
pub(super) fn run(args: &DemoArgs) -> ExitCode {
    let result = runtime().and_then(|runtime| {
        runtime.block_on(async {
            if args.simulator_only {
                simulator::run(&args.simulator).await
            } else {
                tell(args.once).await
            }
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("the demo failed: {error}"));
            ExitCode::from(1)
        }
    }
}

async fn tell(once: bool) -> io::Result<()> {
    let sim = Sim::start(sim::Settings::default())?;
    let (password, hash) = GeneratedPassword::make().map_err(io::Error::other)?;
    let (mut story, ear) = Story::new();
    let config = configure(&sim, &PasswordHash::Generated(hash).stored())?;
    let server =
        Server::start(config, Inherited::default(), Some(Arc::new(ear))).map_err(io::Error::other)?;
    story
        .tell("A simulated Microsoft 365 and a real saslgate in front of it are running on this machine.")?;
    story.tell(
        "Exchange takes no password here, only tokens. The mail client below knows nothing but a password.",
    )?;
    let login = Login {
        user: Demo::ALICE,
        password: password.text(),
    };
    for (protocol, title) in CONVERSATIONS {
        story.heading(title)?;
        mail_client::converse(&mut story, protocol, address(&server, protocol)?, &login)
            .await
            .map_err(|error| io::Error::other(format!("{protocol}: {error}")))?;
    }
    let requests = server.token_requests().issued;
    story.tell(&format!(
        "\nThree logins, and Entra ID gave {requests} token for them; it is kept and renewed ahead."
    ))?;
    if !once {
        invite(&mut story, &server, &login)?;
        tokio::signal::ctrl_c().await?;
    }
    server.stop().await;
    Ok(())
}

const CONVERSATIONS: [(Protocol, &str); 3] = [
    (Protocol::Imap, "IMAP: log in and read a message"),
    (Protocol::Pop3, "POP3: log in and fetch a message"),
    (Protocol::Smtp, "SMTP: log in and send a message"),
];

fn invite(story: &mut Story, server: &Server, login: &Login<'_>) -> io::Result<()> {
    story.heading("Try it in any mail program (without encryption; this is all on your machine)")?;
    for (protocol, address) in server.addresses() {
        story.tell(&format!(
            "  {:<5} {}, port {}",
            protocol.name().to_uppercase(),
            address.ip(),
            address.port()
        ))?;
    }
    story.tell(&format!(
        "  user      {}\n  password  {}",
        login.user, login.password
    ))?;
    story.tell("\nStop it with Ctrl-C. For your own mailboxes: README.md, \"A real set-up\".")
}

fn address(server: &Server, protocol: Protocol) -> io::Result<SocketAddr> {
    let found = server.addresses().into_iter().find(|(of, _)| *of == protocol);
    found
        .map(|(_, address)| address)
        .ok_or_else(|| io::Error::other(format!("no {protocol} listener")))
}

/// The configuration that a person would write for this simulator.
fn configure(sim: &Sim, password_line: &str) -> io::Result<Config> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let machine = Given {
        now,
        ..Given::default()
    }
    .file("/demo/saslgate.toml", text(sim, password_line))
    .file("/demo/ca.pem", sim.ca_pem())
    .file("/demo/secret", Demo::CLIENT_SECRET);
    config::load(Path::new("/demo/saslgate.toml"), &machine)
        .map_err(|problems| io::Error::other(problems.to_string()))
}

fn text(sim: &Sim, password_line: &str) -> String {
    let to = sim.addresses();
    let mut text = format!(
        "[upstream]\nca_file = \"ca.pem\"\n\n\
         [provider.simulator]\ntoken_url = \"{}/{{tenant}}/oauth2/v2.0/token\"\n\
         imap = \"localhost:{}\"\npop3 = \"localhost:{}\"\nsmtp = \"localhost:{}\"\n\
         tls = {{ imap = \"implicit\", pop3 = \"implicit\", smtp = \"starttls\" }}\n\n\
         [app]\npreset = \"simulator\"\ntenant = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = \"secret\"\n\
         scope = \"{}\"\ngrant = \"client_credentials\"\n\n\
         [[account]]\nlogin = \"{}\"\npassword = \"{password_line}\"\n",
        to.authority(),
        to.imap.port(),
        to.pop3.port(),
        to.smtp.port(),
        Demo::TENANT,
        Demo::CLIENT_ID,
        Demo::SCOPE,
        Demo::ALICE,
    );
    for protocol in Protocol::ALL {
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "\n[[listener]]\nprotocol = \"{protocol}\"\nbind = \"127.0.0.1:0\"\n"
        );
    }
    text
}
