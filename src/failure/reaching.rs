//! Failures on the way to upstream, and of the token for it.

use super::{Diagnosis, exchange};
use crate::token::TokenError;
use crate::upstream::{Cause, UpstreamError};
use crate::wire::{Closing, Foreign};

/// Explains why an upstream was not opened.
pub(super) fn explain(error: &UpstreamError) -> Diagnosis {
    match &error.cause {
        Cause::Rejected(rejection) => exchange::explain(&error.host.name, rejection),
        Cause::Token(error) => of_token(error),
        cause => {
            let (why, fix) = why_and_fix(cause);
            Diagnosis::new(None, error.to_string(), why, fix)
        }
    }
}

fn of_token(error: &TokenError) -> Diagnosis {
    let code = error.code.as_ref().map(ToString::to_string);
    Diagnosis::new(
        code,
        format!("no access token: {error}"),
        error.why.clone(),
        error.fix.clone(),
    )
}

fn why_and_fix(cause: &Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Resolve(_) => (
            "no name server answered, or the name is wrong",
            "check the name servers of this machine, and the provider's host names in the configuration",
        ),
        Cause::Connect(_) => (
            "the network, a firewall, or the wrong port",
            "let this machine out to the mail provider's ports (993, 995, 587)",
        ),
        Cause::Tls(_) => (
            "the certificate is not trusted here, names another host, or something on the way inspects TLS",
            "give an inspecting firewall's CA as [upstream] ca_file, or exempt the mail provider from inspection; check this machine's clock",
        ),
        Cause::Protocol(Closing::PlaintextBeforeTls) => (
            "bytes in clear followed STARTTLS: somebody on the way may be injecting them",
            "look at what lies between this machine and the mail provider; nothing was sent to it",
        ),
        Cause::Protocol(Closing::Foreign(Foreign::Tls)) => (
            "the port speaks TLS from the first byte",
            "set `tls = \"implicit\"` for this host of the provider",
        ),
        Cause::Broken(_) | Cause::Protocol(_) => (
            "the mail provider, or something on the way, ended or garbled the conversation",
            "nothing, if it passes; else check that the provider's hosts and ports are right",
        ),
        Cause::UnusableToken(_) => (
            "the source of tokens printed something that is no access token",
            "run the command of the app by hand and look at what it prints",
        ),
        Cause::Timeout | Cause::Rejected(_) | Cause::Token(_) => (
            "the mail provider, or something on the way, is slow or swallows packets",
            "nothing, if it passes; else check the way to the mail provider",
        ),
    }
}
