//! Every account's way to its mailbox is tried once a day, so that a protocol that was switched off, or a right that was taken
//! away, is known before somebody calls. Nothing is sent.

mod rounds;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::account::state::{State, States};
use crate::account::{Account, Authorized, Pattern};
use crate::oauth::Grant;
use crate::probe::{self, Ended, Nobody};
use crate::provider::Protocol;
use crate::session::Context;
use rounds::Rounds;

/// The time between two accounts, and between two looks at who is due: watching is never a load.
const PAUSE: Duration = Duration::from_secs(5);

/// Tries accounts until told to stop, one after the other.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let watching = async {
        let mut rounds = Rounds::default();
        let mut before = context.rooms.load_full();
        loop {
            sleep(PAUSE).await;
            let accounts = watched(&context);
            let rooms = context.rooms.load_full();
            if !Arc::ptr_eq(&rooms, &before) {
                rounds.hurry(in_trouble(&context.states, &accounts));
                before = rooms;
            }
            let names = accounts.iter().map(|account| account.name.to_string());
            let Some(due) = rounds.due(names) else { continue };
            let Some(account) = accounts.iter().find(|one| *one.name.to_string() == *due.name) else {
                continue;
            };
            let found = look(&context, account, due.is_second).await;
            rounds.looked(due, found);
        }
    };
    tokio::select! {
        () = watching => {}
        () = stop.cancelled() => {}
    }
}

/// The accounts that are watched. A name that stands for many mailboxes names none that could be tried, and one that lets nobody
/// in needs no watching.
fn watched(context: &Context) -> Vec<Arc<Account>> {
    let rooms = context.rooms.load();
    let all = rooms.accounts.all().into_iter();
    let one = |account: &&Arc<Account>| matches!(account.name, Pattern::Login(_));
    all.filter(one)
        .filter(|account| account.watch && !account.lets_nobody_in())
        .cloned()
        .collect()
}

/// The accounts with a trouble that a change of the configuration may have mended: whoever made it wants to know.
fn in_trouble(states: &States, accounts: &[Arc<Account>]) -> impl Iterator<Item = String> {
    let names = accounts.iter().map(|account| account.name.to_string());
    names.filter(|name| {
        let has_trouble = |protocol| states.of(name, protocol).trouble.is_some();
        Protocol::ALL.into_iter().any(has_trouble)
    })
}

/// What a look at an account has shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// All of it is told.
    Settled,
    /// Something is wrong that may have passed by the next look, or that nobody may ask for now.
    Doubtful,
}

/// Tries every protocol of an account. What may pass by itself is told only when it is found twice.
async fn look(context: &Context, account: &Account, is_second: bool) -> Found {
    let Pattern::Login(name) = &account.name else {
        return Found::Settled;
    };
    let mut found = Found::Settled;
    for protocol in Protocol::ALL {
        let login = context.rooms.load().accounts.for_operator(name, protocol);
        let Some(login) = login else { continue };
        let token = context.tokens.standing(&login.token_wanted().key);
        // Where a request for a token has failed, the pause that follows it is not ours to break.
        if token.failure.is_some() {
            found = Found::Doubtful;
            continue;
        }
        let waits = waits_for_password(&login) || context.tokens.waits_for_first_login(&login).await;
        if token.left.is_none() && waits {
            continue;
        }
        let pending = context.tokens.pending(&login);
        let ended = probe::mailbox(&login, pending, &context.tokens, &context.upstream, &Nobody).await;
        if may_pass(&ended) && !is_second {
            found = Found::Doubtful;
        } else {
            heard(&context.states, &login, &ended);
        }
    }
    found
}

/// Whether only a mail client can bring what the next token needs.
fn waits_for_password(login: &Authorized) -> bool {
    matches!(login.route().app.grant, Grant::Password(_)) && login.password().is_none()
}

fn may_pass(ended: &Ended) -> bool {
    let Ended::Failed(failed) = ended else {
        return false;
    };
    failed
        .trouble()
        .is_none_or(|trouble| trouble.state == State::Waiting)
}

/// Tells how an account stands what a probe has shown.
pub(super) fn heard(states: &States, login: &Authorized, ended: &Ended) {
    let (account, protocol) = (login.account().name.to_string(), login.protocol());
    let change = match ended {
        Ended::Opened => states.works(&account, protocol),
        Ended::Failed(failed) => failed
            .trouble()
            .and_then(|trouble| states.trouble(&account, protocol, trouble)),
        Ended::Untried => None,
    };
    if let Some(change) = change {
        change.log(&account, protocol);
    }
}

#[cfg(feature = "demo")]
#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::account::password::{GeneratedPassword, PasswordHash};
    use crate::config::{self, System};
    use crate::server::{Inherited, Server};
    use crate::sim::exchange::{ImapRefusal, Refusals};
    use crate::sim::{Demo, Settings, Sim};

    fn configuration(sim: &Sim, more: &str) -> String {
        let to = sim.addresses();
        let hash = PasswordHash::Generated(GeneratedPassword::make().unwrap().1).stored();
        format!(
            "[provider.sim]\ntoken_url = \"{}/{{tenant}}/oauth2/v2.0/token\"\nimap = \"localhost:{}\"\n\
             smtp = \"localhost:{}\"\ntls.imap = \"implicit\"\ntls.smtp = \"starttls\"\n\
             [upstream]\nca_file = \"ca.pem\"\nproxy = \"none\"\n[server]\ncontrol = \"control/socket\"\n\
             [app]\npreset = \"sim\"\ntenant = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = \"secret\"\n\
             scope = \"{}\"\ngrant = \"client_credentials\"\n\
             [[account]]\nlogin = \"{}\"\npassword = \"{hash}\"\nprotocols = [\"imap\", \"smtp\"]\n{more}\n\
             [[listener]]\nprotocol = \"imap\"\nbind = \"127.0.0.1:0\"\ntls = \"off\"\n",
            to.authority(),
            to.imap.port(),
            to.smtp.port(),
            Demo::TENANT,
            Demo::CLIENT_ID,
            Demo::SCOPE,
            Demo::SUPPORT,
        )
    }

    fn start(folder: &Path, sim: &Sim, more: &str) -> Server {
        use std::os::unix::fs::PermissionsExt as _;
        let files = [
            ("ca.pem", sim.ca_pem()),
            ("secret", Demo::CLIENT_SECRET.to_owned()),
            ("saslgate.toml", configuration(sim, more)),
        ];
        for (name, content) in files {
            let path = folder.join(name);
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let config = config::load(&folder.join("saslgate.toml"), &System).unwrap();
        Server::start(config, Inherited::default(), None).unwrap()
    }

    #[tokio::test]
    async fn what_was_switched_off_is_known_before_somebody_logs_in() {
        let (sim, folder) = (
            Sim::start(Settings::default()).unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let server = start(folder.path(), &sim, "");
        let context = &server.house.context;
        let account = watched(context).pop().unwrap();
        let of = |protocol| context.states.of(Demo::SUPPORT, protocol).trouble;

        assert_eq!(look(context, &account, false).await, Found::Settled);
        assert_eq!((of(Protocol::Imap), of(Protocol::Smtp)), (None, None));

        let mailbox = sim.directory().mailbox(Demo::SUPPORT).unwrap();
        mailbox.switches.change(|switches| switches.imap = false);
        assert_eq!(look(context, &account, false).await, Found::Settled);
        let trouble = of(Protocol::Imap).unwrap();
        assert_eq!(trouble.state, State::NeedsAdmin);
        assert!(trouble.fix.contains(Demo::CLIENT_ID), "{}", trouble.fix);
        assert_eq!(of(Protocol::Smtp), None);

        mailbox.switches.change(|switches| switches.imap = true);
        assert_eq!(look(context, &account, false).await, Found::Settled);
        assert_eq!(of(Protocol::Imap), None);
        assert!(sim.exchange().sent().is_empty());
        server.stop().await;
    }

    /// Exchange says so while it moves a mailbox, and nobody wants to be called for that.
    #[tokio::test]
    async fn what_may_pass_by_itself_is_told_when_it_is_found_twice() {
        let (sim, folder) = (
            Sim::start(Settings::default()).unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let server = start(folder.path(), &sim, "");
        let context = &server.house.context;
        let account = watched(context).pop().unwrap();
        sim.exchange().refusals.set(Refusals {
            imap: Some(ImapRefusal::Unavailable),
            ..Refusals::default()
        });
        assert_eq!(look(context, &account, false).await, Found::Doubtful);
        assert_eq!(context.states.of(Demo::SUPPORT, Protocol::Imap).trouble, None);
        assert_eq!(look(context, &account, true).await, Found::Settled);
        let trouble = context.states.of(Demo::SUPPORT, Protocol::Imap).trouble.unwrap();
        assert_eq!(trouble.state, State::Waiting);
        server.stop().await;
    }

    #[tokio::test]
    async fn nobody_is_asked_while_a_request_for_a_token_has_to_pause() {
        let (sim, folder) = (
            Sim::start(Settings::default()).unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let server = start(folder.path(), &sim, "");
        let context = &server.house.context;
        let account = watched(context).pop().unwrap();
        sim.entra().fail(crate::sim::entra::TokenFault::Unavailable);
        assert_eq!(look(context, &account, false).await, Found::Doubtful);
        let asked = sim.entra().requests().len();
        for is_second in [false, true] {
            assert_eq!(look(context, &account, is_second).await, Found::Doubtful);
        }
        assert_eq!(sim.entra().requests().len(), asked);
        assert_eq!(sim.exchange().counts().accepted, 0);
        server.stop().await;
    }

    #[tokio::test]
    async fn an_account_that_does_not_want_it_is_not_watched() {
        let (sim, folder) = (
            Sim::start(Settings::default()).unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let server = start(folder.path(), &sim, "watch = false");
        assert!(watched(&server.house.context).is_empty());
        server.stop().await;
    }
}
