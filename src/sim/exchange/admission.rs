//! May this token open that mailbox with this protocol?

use std::sync::Arc;

use super::xoauth2::Credentials;
use crate::sim::World;
use crate::sim::clock;
use crate::sim::entra::{self, Claims};
use crate::sim::faults::Protocol;
use crate::sim::mailbox::{Mailbox, Right};
use crate::sim::record::{Cause, TokenFacts};

/// What Exchange makes of a login.
pub(super) enum Verdict {
    /// The mailbox is open.
    Open(Arc<Mailbox>),
    /// The token is accepted, but this mailbox does not open for it.
    NoMailbox(Arc<Mailbox>, Cause),
    /// The token is not accepted.
    Refused(Cause),
}

/// The token's claims if it is one of ours, and the verdict.
pub(super) fn judge(
    world: &World,
    protocol: Protocol,
    credentials: &Credentials,
) -> (Option<TokenFacts>, Verdict) {
    let Some(claims) = world.entra.read(&credentials.token) else {
        return (None, Verdict::Refused(Cause::NotOurToken));
    };
    let facts = TokenFacts {
        user: claims.user.clone(),
        object_id: claims.object_id.clone(),
        client_id: claims.client_id.clone(),
        expires: claims.expires,
    };
    let verdict = match check_token(protocol, &claims) {
        Some(cause) => Verdict::Refused(cause),
        None => open(world, protocol, &claims, &credentials.user),
    };
    (Some(facts), verdict)
}

fn check_token(protocol: Protocol, claims: &Claims) -> Option<Cause> {
    let now = clock::now();
    if !entra::is_for_exchange(&claims.audience) {
        Some(Cause::WrongAudience)
    } else if claims.expires <= now || claims.not_before > now {
        Some(Cause::Expired)
    } else if !permits(protocol, claims) {
        Some(Cause::MissingPermission)
    } else {
        None
    }
}

fn permits(protocol: Protocol, claims: &Claims) -> bool {
    let (scope, role) = match protocol {
        Protocol::Imap => ("IMAP.AccessAsUser.All", "IMAP.AccessAsApp"),
        Protocol::Pop3 => ("POP.AccessAsUser.All", "POP.AccessAsApp"),
        Protocol::Smtp => ("SMTP.Send", "SMTP.SendAsApp"),
    };
    match claims.user {
        Some(_) => claims.scopes.iter().any(|has| has == scope),
        None => claims.roles.iter().any(|has| has == role),
    }
}

fn open(world: &World, protocol: Protocol, claims: &Claims, user: &str) -> Verdict {
    let takes_aliases = world.exchange.takes_aliases.get();
    let found = world.directory.mailbox(user);
    let Some(mailbox) = found.filter(|mailbox| takes_aliases || mailbox.has_own_name(user)) else {
        return Verdict::Refused(Cause::UnknownMailbox);
    };
    let tenant = world.directory.tenant_of(mailbox.address());
    if tenant.as_ref().is_some_and(|tenant| tenant.id != claims.tenant) {
        return Verdict::Refused(Cause::WrongTenant);
    }
    let switches = mailbox.switches.get();
    let smtp_auth = switches
        .smtp_auth
        .unwrap_or_else(|| tenant.is_none_or(|it| !it.smtp_auth_disabled));
    let on = match protocol {
        Protocol::Imap => switches.imap,
        Protocol::Pop3 => switches.pop,
        Protocol::Smtp => smtp_auth,
    };
    if !on {
        return Verdict::Refused(Cause::ProtocolOff);
    }
    match not_allowed(world, protocol, claims, &mailbox) {
        Some(Cause::ServicePrincipalUnknown) => Verdict::Refused(Cause::ServicePrincipalUnknown),
        Some(cause) => Verdict::NoMailbox(mailbox, cause),
        None if !switches.licensed => Verdict::NoMailbox(mailbox, Cause::NotLicensed),
        None => Verdict::Open(mailbox),
    }
}

fn not_allowed(world: &World, protocol: Protocol, claims: &Claims, mailbox: &Mailbox) -> Option<Cause> {
    match &claims.user {
        // Submission is for the token's owner; another sender's address needs SendAs, not another login.
        Some(user) if protocol == Protocol::Smtp => {
            let own = world.directory.mailbox(user);
            own.is_none_or(|own| own.address() != mailbox.address())
                .then_some(Cause::NotTheOwner)
        }
        Some(user) => (!mailbox.allows(user, Right::FullAccess)).then_some(Cause::NotTheOwner),
        None => {
            let app = world.directory.app_anywhere(&claims.client_id);
            let known = app.is_some_and(|app| app.known_to_exchange && app.object_id == claims.object_id);
            if known {
                (!mailbox.allows(&claims.client_id, Right::FullAccess)).then_some(Cause::NoFullAccess)
            } else {
                Some(Cause::ServicePrincipalUnknown)
            }
        }
    }
}
