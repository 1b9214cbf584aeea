//! Upstream fails before it has let anybody in.

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::faults::{Action, Fault, Moment};

use crate::rig::{ACTIONS, ALONE, Rig, UpstreamTls};

/// Moments before the verdict, in their order.
pub(crate) const MOMENTS: [Moment; 8] = [
    Moment::Accept,
    Moment::TlsHello,
    Moment::Greeting,
    Moment::Capability,
    Moment::StartTls,
    Moment::AuthSent,
    Moment::Challenge,
    Moment::Verdict,
];

/// Whether a session of that kind passes there at all.
pub(crate) fn comes(moment: Moment, tls: UpstreamTls) -> bool {
    moment != Moment::StartTls || tls == UpstreamTls::StartTls
}

/// Whether upstream may have seen the token by then. IMAP says it in the line that names the mechanism.
fn shows_token(protocol: Protocol, moment: Moment) -> bool {
    match moment {
        Moment::AuthSent => protocol == Protocol::Imap,
        Moment::Challenge | Moment::Verdict => true,
        _ => false,
    }
}

/// One cell of the matrix: the login fails for now, and the next on the same connection does not.
async fn fails_for_now(rig: &mut Rig, protocol: Protocol, moment: Moment, action: Action, cell: &str) {
    let faults = &rig.sim.exchange().faults;
    let (happened, account) = (faults.happened(), rig.whose(moment).clone());
    rig.plan(protocol, Fault::new(moment, action.clone()));
    let mut client = rig.greeted(protocol).await;

    let reply = client.log_in(&account.login, &account.password).await;

    assert_eq!(reply.refusal(), Some(Refusal::Unavailable), "{cell}: {reply:?}");
    let happened = faults.happened() - happened;
    // F14: a second try only where no credential was shown.
    let lost = matches!(action, Action::Reset | Action::Finish);
    let most = if lost && !shows_token(protocol, moment) {
        2
    } else {
        1
    };
    assert!((1..=most).contains(&happened), "{cell}: {happened} tries");
    faults.clear();
    let alice = &rig.account;
    let reply = client.log_in(&alice.login, &alice.password).await;
    assert!(reply.is_yes(), "{cell}, afterwards: {reply:?}");
    drop(client);
    rig.is_as_before(protocol, cell).await;
}

#[tokio::test]
async fn an_upstream_that_fails_before_the_verdict_is_told_as_something_else_or_leaves_something_behind() {
    let _alone = ALONE.lock().await;
    let mut cells = 0;
    for tls in [UpstreamTls::Implicit, UpstreamTls::StartTls] {
        let mut rig = Rig::new(tls).await;
        for protocol in Protocol::ALL {
            for moment in MOMENTS.into_iter().filter(|moment| comes(*moment, tls)) {
                // Stalls have a test of their own.
                for action in ACTIONS.into_iter().filter(|action| *action != Action::Stall) {
                    let cell = format!("{tls:?} {protocol} {moment:?} {action:?}");
                    fails_for_now(&mut rig, protocol, moment, action, &cell).await;
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, (7 + 8) * 3 * 3);
}

#[tokio::test]
async fn one_lost_connection_costs_a_login_that_had_shown_nothing_yet() {
    let _alone = ALONE.lock().await;
    let mut rig = Rig::new(UpstreamTls::StartTls).await;
    let mut cells = 0;
    for protocol in Protocol::ALL {
        for moment in MOMENTS {
            for action in [Action::Reset, Action::Finish] {
                let cell = format!("{protocol} {moment:?} {action:?}");
                let account = rig.whose(moment).clone();
                let accepted = rig.sim.exchange().counts().accepted;
                rig.plan(protocol, Fault::new(moment, action).times(1));
                let mut client = rig.greeted(protocol).await;

                let reply = client.log_in(&account.login, &account.password).await;

                let tries = rig.sim.exchange().counts().accepted - accepted;
                if shows_token(protocol, moment) {
                    assert_eq!(reply.refusal(), Some(Refusal::Unavailable), "{cell}: {reply:?}");
                    assert_eq!(tries, 1, "{cell}");
                } else {
                    assert!(reply.is_yes(), "{cell}: {reply:?}");
                    assert_eq!(tries, 2, "{cell}");
                }
                drop(client);
                rig.is_as_before(protocol, &cell).await;
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 48);
}
