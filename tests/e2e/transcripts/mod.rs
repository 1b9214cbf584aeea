//! Conversations in `tests/transcripts`, played with the real program before a simulator.

mod script;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::script::{Conversation, Does, Step};
use self::world::{Accounts, World};
use crate::support::Addresses;
use crate::support::config::Account;
use crate::support::mail_client::MailClient;

/// Conversations at a time. Those that guess wrong passwords mostly wait.
const AT_ONCE: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_client_hears_something_else_than_the_transcript_says() {
    let world = World::new().await;
    let files = files();
    let conversations: Vec<_> = files.iter().flat_map(|path| script::read(path)).collect();
    let counts = (files.len(), conversations.len(), lines(&conversations));

    let differences = play_all(conversations, &world).await;

    assert!(
        differences.is_empty(),
        "{} differ:\n\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    assert_eq!(counts, EXPECTED, "files, conversations, lines");
}

/// So that none is skipped by mistake.
const EXPECTED: (usize, usize, usize) = (9, 108, 763);

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn lines(conversations: &[Conversation]) -> usize {
    conversations
        .iter()
        .map(|conversation| conversation.steps.len())
        .sum()
}

/// Plays them a few at a time; what differs.
async fn play_all(conversations: Vec<Conversation>, world: &World) -> Vec<String> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for conversation in conversations {
        let stage = Stage {
            addresses: world.gate.addresses.clone(),
            accounts: world.accounts.clone(),
            trusting: world.gate.place.trusting(),
        };
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire().await;
            play(&conversation, &stage).await
        });
    }
    let mut differences: Vec<_> = playing
        .join_all()
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    differences.sort();
    differences
}

/// What a conversation needs.
struct Stage {
    addresses: Addresses,
    accounts: Accounts,
    trusting: Arc<ClientConfig>,
}

/// Plays one; the first line that differs, with those before it.
async fn play(conversation: &Conversation, stage: &Stage) -> Result<(), String> {
    let Conversation { protocol, tls, .. } = conversation;
    let account = stage.accounts.get(&conversation.account);
    let mut client = MailClient::connect(*protocol, stage.addresses.with_tls(*protocol, tls)).await;
    if tls == "implicit" {
        client = client
            .start_tls(&stage.trusting)
            .await
            .map_err(|error| error.to_string())?;
    }
    let mut heard = Vec::new();
    let mut unsaid = Vec::new();
    for step in &conversation.steps {
        if let Does::Say(text) = &step.does {
            unsaid.extend(script::said(text, account));
            continue;
        }
        client.say_bytes(&std::mem::take(&mut unsaid)).await;
        client = follow(step, client, stage, &mut heard)
            .await
            .map_err(|difference| {
                let before = heard.join("\n    S: ");
                format!(
                    "{}, \"{}\": {difference}\n    S: {before}",
                    step.place, conversation.title
                )
            })?;
    }
    assert!(unsaid.is_empty(), "\"{}\" ends in a C:", conversation.title);
    Ok(())
}

/// Does what a step says; how it differs.
async fn follow(
    step: &Step,
    mut client: MailClient,
    stage: &Stage,
    heard: &mut Vec<String>,
) -> Result<MailClient, String> {
    match &step.does {
        Does::Say(_) => {}
        Does::Hear(pattern) => {
            let line = client.line().await;
            let fits = script::fits(pattern, &line);
            heard.push(line);
            if !fits {
                return Err(format!("expected {pattern:?}"));
            }
        }
        Does::StartTls => {
            let secured = client.start_tls(&stage.trusting).await;
            client = secured.map_err(|error| format!("TLS does not start: {error}"))?;
        }
        Does::HangUp => client.hang_up().await,
        Does::Closes => {
            let rest = client.rest().await;
            if !rest.is_empty() {
                return Err(format!("more before the end: {rest:?}"));
            }
        }
    }
    Ok(client)
}

impl Accounts {
    /// The account that a transcript names.
    fn get(&self, name: &str) -> &Account {
        self.named(name).unwrap_or_else(|| panic!("no account {name}"))
    }
}
