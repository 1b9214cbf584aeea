//! Upstream fails after the login, while bytes are relayed.

use saslgate::provider::Protocol;
use saslgate::sim::faults::{Action, Fault, Moment};

use crate::rig::{ACTIONS, ALONE, Rig, UpstreamTls};
use crate::support::mail_client::MailClient;
use crate::support::soon;

/// Moments after the login, and where they come.
const MOMENTS: [(Moment, &[Protocol]); 4] = [
    (Moment::Relay, &Protocol::ALL),
    (Moment::MidLiteral, &[Protocol::Imap, Protocol::Pop3]),
    (Moment::MidData, &[Protocol::Imap, Protocol::Smtp]),
    (Moment::AfterFinalDot, &[Protocol::Imap, Protocol::Smtp]),
];

/// How often an upstream waits for a command before the mail client's first: saslgate's own come first.
fn waits_before(protocol: Protocol) -> u32 {
    match protocol {
        Protocol::Imap => 2,
        Protocol::Pop3 => 1,
        Protocol::Smtp => 0,
    }
}

/// Brings a session to the moment. Whatever is asked there is not answered.
async fn go_to(moment: Moment, protocol: Protocol, client: &mut MailClient, sender: &str) {
    match (moment, protocol) {
        (Moment::MidLiteral, Protocol::Imap) => {
            assert!(client.ask("a SELECT INBOX").await.is_yes());
            client.say("a FETCH 1 BODY[]").await;
        }
        (Moment::MidLiteral, _) => client.say("RETR 1").await,
        (Moment::MidData | Moment::AfterFinalDot, Protocol::Imap) => {
            client.say("a APPEND INBOX {24}").await;
            assert!(client.line().await.starts_with("+ "));
            client.say_bytes(b"Subject: x\r\n").await;
        }
        (Moment::MidData | Moment::AfterFinalDot, _) => {
            assert!(client.ask(&format!("MAIL FROM:<{sender}>")).await.is_yes());
            assert!(client.ask(&format!("RCPT TO:<{sender}>")).await.is_yes());
            assert!(client.ask("DATA").await.line.starts_with("354"));
            client.say_bytes(b"Subject: x\r\n").await;
        }
        // The answer comes, and then the fault.
        _ => assert!(client.is_relayed().await),
    }
    if moment == Moment::AfterFinalDot {
        let rest: &[u8] = if protocol == Protocol::Imap {
            b"\r\n12345678\r\n\r\n"
        } else {
            b"\r\n.\r\n"
        };
        client.say_bytes(rest).await;
    }
}

/// Nobody may take what is left of the conversation for a yes.
fn is_no_yes(heard: &str) -> bool {
    !heard.contains("a OK") && !heard.contains("250 2") && !heard.contains("\r\n.\r\n")
}

async fn ends(rig: &mut Rig, protocol: Protocol, moment: Moment, action: Action, cell: &str) {
    let happened = rig.sim.exchange().faults.happened();
    let skip = if moment == Moment::Relay {
        waits_before(protocol) + 1
    } else {
        0
    };
    rig.plan(protocol, Fault::new(moment, action.clone()).skip(skip));
    let address = rig.gate.addresses.of(protocol);
    let mut client = MailClient::logged_in(protocol, address, &rig.account).await;
    go_to(moment, protocol, &mut client, &rig.account.login).await;
    let exchange = rig.sim.exchange();
    let wait = async {
        while exchange.faults.happened() == happened {
            tokio::task::yield_now().await;
        }
    };
    soon(cell, wait).await;
    exchange.faults.clear();

    if matches!(action, Action::Reset | Action::Finish) {
        let heard = client.rest().await;
        assert!(is_no_yes(&heard), "{cell}: {heard:?}");
        if (moment, &action) == (Moment::MidLiteral, &Action::Finish) {
            assert!(
                heard.contains("Grace Hopper"),
                "{cell}: half a message was lost: {heard:?}"
            );
        }
    }
    drop(client);
    rig.is_as_before(protocol, cell).await;
}

#[tokio::test]
async fn an_upstream_that_fails_under_a_relay_is_answered_for_or_leaves_something_behind() {
    let _alone = ALONE.lock().await;
    let mut cells = 0;
    for tls in [UpstreamTls::Implicit, UpstreamTls::StartTls] {
        let mut rig = Rig::new(tls).await;
        for (moment, protocols) in MOMENTS {
            for &protocol in protocols {
                for action in ACTIONS {
                    let cell = format!("{tls:?} {protocol} {moment:?} {action:?}");
                    ends(&mut rig, protocol, moment, action, &cell).await;
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 2 * (3 + 2 + 2 + 2) * 4);
}
