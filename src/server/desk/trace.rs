//! An account's next login, for an operator to read.

use super::{Desk, Refused};
use crate::audit;
use crate::control::{News, Talk, TraceEnd, TroubleTold, Voice};
use crate::session::{Traced, Wanted};
use crate::transport::Leg;
use crate::wire::{Said, Speaker};

impl Desk {
    /// Waits for the account's next login and tells it, until it is over or the operator has gone.
    pub(super) async fn trace(&self, account: &str, talk: &mut Talk) -> Result<(), Refused> {
        self.needs_server()?;
        let (login, found) = self.account(account)?;
        let account = found.name.to_string();
        let mut trace = self.context.traces.wait_for(Wanted {
            account: found.name.clone(),
            login,
        });
        audit::trace_taken(&account);
        talk.tell(News::Tracing { account }).await;
        loop {
            let traced = tokio::select! {
                traced = trace.next() => traced,
                () = talk.gone() => return Ok(()),
            };
            let news = news(traced);
            let over = matches!(news, News::Traced(_));
            talk.tell(news).await;
            if over {
                return Ok(());
            }
        }
    }
}

fn news(traced: Option<Traced>) -> News {
    match traced {
        Some(Traced::Session { id, peer, protocol }) => News::TraceOf {
            session: id.into(),
            peer: peer.to_string(),
            protocol,
        },
        Some(Traced::Line(leg, said)) => heard(leg, said),
        Some(Traced::Ended(None)) => News::Traced(TraceEnd::LoggedIn),
        Some(Traced::Ended(Some(why))) => News::Traced(TraceEnd::Refused(Box::new(TroubleTold::from(*why)))),
        None => News::Traced(TraceEnd::Gone),
    }
}

fn heard(leg: Leg, Said { by, line }: Said) -> News {
    let voice = match (leg, by) {
        (Leg::Downstream, Speaker::Peer) => Voice::MailClient,
        (Leg::Downstream, Speaker::Us) => Voice::ToMailClient,
        (Leg::Upstream, Speaker::Peer) => Voice::Upstream,
        (Leg::Upstream, Speaker::Us) => Voice::ToUpstream,
    };
    News::Heard { voice, line }
}
