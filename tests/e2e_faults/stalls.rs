//! Upstream says nothing more. The minutes of these tests pass as soon as nobody has anything to do.

use std::time::Duration;

use saslgate::downstream::Refusal;
use saslgate::provider::Protocol;
use saslgate::sim::faults::{Action, Fault, Moment};
use saslgate::upstream::PATIENCE;
use tokio::time::Instant;

use crate::before_login::{MOMENTS, comes};
use crate::rig::{ALONE, Rig, UpstreamTls};
use crate::support::mail_client::Reply;

/// Logs in while that happens upstream; what the mail client is told, and after how long.
async fn log_in_while(
    rig: &mut Rig,
    protocol: Protocol,
    moment: Moment,
    action: Action,
) -> (Reply, Duration) {
    let (faults, account) = (&rig.sim.exchange().faults, rig.whose(moment).clone());
    rig.plan(protocol, Fault::new(moment, action).times(1));
    let happened = faults.happened();
    let mut client = rig.greeted(protocol).await;
    tokio::time::pause();
    let begun = Instant::now();
    let reply = client.log_in(&account.login, &account.password).await;
    let waited = begun.elapsed();
    tokio::time::resume();
    assert_eq!(faults.happened(), happened + 1, "{protocol} {moment:?}");
    faults.clear();
    drop(client);
    (reply, waited)
}

#[tokio::test]
async fn a_stalled_upstream_holds_the_mail_client_until_it_gives_up_itself() {
    let _alone = ALONE.lock().await;
    let mut cells = 0;
    for tls in [UpstreamTls::Implicit, UpstreamTls::StartTls] {
        let mut rig = Rig::new(tls).await;
        for protocol in Protocol::ALL {
            for moment in MOMENTS.into_iter().filter(|moment| comes(*moment, tls)) {
                let cell = format!("{tls:?} {protocol} {moment:?}");
                let (reply, waited) = log_in_while(&mut rig, protocol, moment, Action::Stall).await;
                assert_eq!(reply.refusal(), Some(Refusal::Unavailable), "{cell}: {reply:?}");
                assert!(
                    (PATIENCE..PATIENCE + Duration::from_secs(2)).contains(&waited),
                    "{cell}: {waited:?}"
                );
                rig.is_as_before(protocol, &cell).await;
                cells += 1;
            }
        }
    }
    assert_eq!(cells, (7 + 8) * 3);
}

#[tokio::test]
async fn a_slow_greeting_is_not_waited_for_or_waited_for_too_long() {
    let _alone = ALONE.lock().await;
    let mut rig = Rig::new(UpstreamTls::StartTls).await;
    for protocol in Protocol::ALL {
        for (seconds, comes_in_time) in [(0, true), (5, true), (29, true), (31, false)] {
            let delay = Action::Delay(Duration::from_secs(seconds));
            let (reply, _) = log_in_while(&mut rig, protocol, Moment::Greeting, delay).await;
            let expected = if comes_in_time {
                None
            } else {
                Some(Refusal::Unavailable)
            };
            assert_eq!(reply.refusal(), expected, "{protocol} {seconds} s: {reply:?}");
            rig.is_as_before(protocol, &format!("{protocol} {seconds} s"))
                .await;
        }
    }
}
