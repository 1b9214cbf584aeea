//! Failures on the way to upstream, and of the token for it.

use super::facts::Facts;
use super::{Diagnosis, exchange};
use crate::provider::MailHost;
use crate::token::TokenError;
use crate::transport::{Trouble, WhyAndFix};
use crate::upstream::{Cause, PATIENCE, Stage, UpstreamError};
use crate::wire::{Closing, Foreign};

/// Explains why an upstream was not opened.
pub(super) fn explain(error: &UpstreamError, facts: &Facts) -> Diagnosis {
    match &error.cause {
        Cause::Rejected(rejection) => exchange::explain(&error.host.name, rejection, facts),
        Cause::Token(error) => of_token(error, facts),
        cause => {
            let trouble = trouble(cause);
            let (why, fix) = match &trouble {
                Some(trouble) => trouble.explain(&error.host.name, error.host.port),
                None => without_trouble(cause, error.stage, &error.host),
            };
            Diagnosis {
                code: None,
                what: what(error, trouble.as_ref()),
                why: why.into(),
                fix: fix.into(),
            }
        }
    }
}

/// Explains why there is no token.
pub(super) fn of_token(error: &TokenError, facts: &Facts) -> Diagnosis {
    Diagnosis {
        code: error.code.as_ref().map(ToString::to_string),
        what: match &facts.account {
            Some(account) => format!("no access token for {account}: {error}"),
            None => format!("no access token: {error}"),
        },
        why: facts.fill(&error.why, None).into(),
        fix: facts.fill(&error.fix, None).into(),
    }
}

fn what(error: &UpstreamError, trouble: Option<&Trouble<'_>>) -> String {
    match trouble {
        // rustls shows the inside of an error that is not its own.
        Some(Trouble::Distrust(distrust)) => {
            format!("{}: its certificate is not believed: {distrust}", error.host)
        }
        _ => error.to_string(),
    }
}

/// What the network did, where that tells more than what we were doing.
fn trouble(cause: &Cause) -> Option<Trouble<'_>> {
    match cause {
        Cause::Resolve(error) => Some(Trouble::of(error).unwrap_or(Trouble::NoNameServer)),
        Cause::Connect(unreached) => unreached.trouble(),
        Cause::Tls(error) => Trouble::of(error),
        _ => None,
    }
}

fn without_trouble(cause: &Cause, stage: Stage, host: &MailHost) -> WhyAndFix {
    let (why, fix) = why_and_fix(cause, stage);
    let filled = |text: &str| {
        let text = text.replace("HOST", &host.name);
        text.replace("PORT", &host.port.to_string())
            .replace("PATIENCE", &PATIENCE.as_secs().to_string())
    };
    (filled(why), filled(fix))
}

fn why_and_fix(cause: &Cause, stage: Stage) -> (&'static str, &'static str) {
    match cause {
        Cause::Timeout => too_slow(stage),
        Cause::Protocol(closing) => of_closing(closing),
        Cause::UnusableToken(_) => (
            "the program that gives the tokens printed something that is no access token",
            "run the `command` of the app by hand: it has to print the token alone, or JSON with access_token; if it prints something else, ask whoever wrote it",
        ),
        Cause::Connect(_) => (
            "the network, a firewall, or the wrong port",
            "ask the network administrator to let this machine out to HOST, TCP port PORT",
        ),
        Cause::Tls(_) => (
            "the other side does not speak TLS as it should, or something on the way inspects it",
            "ask the network administrator to exempt HOST from TLS inspection; for a server of your own, look at its log",
        ),
        _ => (
            "the mail provider, or something on the way, ended the conversation",
            "wait: mail clients try again by themselves; if it lasts, ask the network administrator to exempt HOST, TCP port PORT, from inspection in the firewall",
        ),
    }
}

fn of_closing(closing: &Closing) -> (&'static str, &'static str) {
    match closing {
        Closing::PlaintextBeforeTls => (
            "something came unencrypted where encryption had to begin (STARTTLS): somebody on the way may have put it there",
            "ask the network administrator what lies between this machine and HOST, and have it removed from the way; nothing secret was sent, and waiting does not \
             help",
        ),
        Closing::Foreign(Foreign::Tls) => (
            "the port speaks TLS from the first byte",
            "set `tls = \"implicit\"` for HOST in its [provider.NAME], and reload saslgate (`saslgate reload`)",
        ),
        Closing::Foreign(Foreign::Http) => (
            "something answers as a web server would: the sign-in page of a network or an HTTP proxy stands in the way, or the port is wrong",
            "sign in to this network in a browser if it wants that; else check that HOST and its port PORT are the mail provider's",
        ),
        _ => (
            "the mail provider, or something on the way, ended or garbled the conversation",
            "check that HOST and its port PORT are the provider's; if they are, wait, because mail clients try again by themselves",
        ),
    }
}

/// By the step that took too long.
fn too_slow(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Resolve => (
            "no name server answered within PATIENCE seconds",
            "run `getent hosts HOST` on this machine: it has to print an address at once; if it does not, ask the network administrator about the name servers in \
             /etc/resolv.conf (inside the container, if there is one)",
        ),
        Stage::Connect => (
            "nothing answered within PATIENCE seconds: a firewall on the way swallows the packets",
            "ask the network administrator to open the firewall for HOST, TCP port PORT, with the answers; `nc -vz HOST PORT` on this machine shows whether the \
             way is free",
        ),
        Stage::Tls => (
            "the connection stands and the TLS handshake gets no answer: a firewall inspects or filters it, or large packets get lost",
            "try `post_quantum = false` in [upstream], which makes the first packet small, and reload saslgate (`saslgate reload`); if it stays, ask the network administrator to exempt \
             HOST from inspection, or to lower the MTU of a VPN on the way",
        ),
        Stage::Token | Stage::Login => (
            "the mail provider took longer than PATIENCE seconds for the login",
            "wait: mail clients try again by themselves; if it lasts, look at https://status.cloud.microsoft, then ask the network administrator about the way to HOST",
        ),
    }
}
