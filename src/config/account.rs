//! `[[account]]`: who may log in, what they open, and the way there.

use std::collections::HashMap;
use std::sync::Arc;

use super::app::Apps;
use super::keys;
use super::network;
use super::password;
use super::reader::{At, Reader, Span, Text};
use super::route::{self, Ways};
use super::snapshot::AccountPrint;
use super::table::Table;
use crate::account::{Account, Pattern, Route};
use crate::name::{LoginName, Mailbox};
use crate::oauth::Grant;
use crate::provider::Protocol;

/// Reads every account.
pub(super) fn read(
    root: &Table<'_>,
    apps: &mut Apps,
    reader: &mut Reader<'_>,
) -> Vec<(Account, AccountPrint)> {
    let tables = root.each("account", &keys::ACCOUNT, reader);
    // Under a mistyped name it is there, which has been told.
    if tables.is_empty() && root.key("account").is_none() && !root.is_mistyped("account") {
        let fix = "add [[account]] with login and password";
        reader.file_error(0, "there is no [[account]]", "nobody could log in", fix);
    }
    let mut taken = HashMap::new();
    let mut accounts = Vec::new();
    for table in tables {
        let table = if reader.is_line(&table.span) {
            table.called(&keys::ACCOUNT_LINE)
        } else {
            table
        };
        accounts.extend(account(&table, apps, &mut taken, reader));
    }
    accounts
}

/// Logins, and where the account is that has each.
type Taken = HashMap<String, Span>;

fn account(
    table: &Table<'_>,
    apps: &mut Apps,
    taken: &mut Taken,
    reader: &mut Reader<'_>,
) -> Option<(Account, AccountPrint)> {
    let errors = reader.errors();
    let fix = "add `login`: the name that the mail client sends";
    let login = table.required("login", "no mail client could log in to it", fix, reader);
    let name = login.as_ref().and_then(|login| pattern(login, reader));
    let logins = logins(table, name.as_ref(), reader);
    note_taken(name.as_ref().zip(login.as_ref()), &logins, taken, reader);
    let mailbox = own_mailbox(table, name.as_ref(), login.as_ref(), reader);
    let signs_in_as = mailbox_of("signs_in_as", table, reader);
    let ways = route::read(table, apps, signs_in_as.as_ref(), reader);
    let passwords = password::read(table, &ways, reader);
    let upstream_password = password::upstream(table, &ways, reader);
    // Each password then opens what is that person's at the provider, and nothing else.
    let is_own = ways.all_by_password() && !password::are_given(table) && signs_in_as.is_none();
    if is_own {
        note_needless(table, reader);
    } else {
        note_any_mailbox(table, name.as_ref(), login.as_ref(), reader);
    }
    let watch = table.flag("watch", reader).is_none_or(|at| at.value);
    let notify_in_client = notify_in_client(table, &ways, reader);
    let signs_in_as = signs_in_as.filter(|owner| route::has_owner(owner, &ways.routes, reader));
    let allow_from = network::list("allow_from", table, reader).unwrap_or_default();
    let may_open = may_open(table, reader);
    if reader.errors() > errors {
        return None;
    }
    if passwords.imported && matches!(name, Some(Pattern::Domain(_))) {
        note_imported_domain(table, reader);
        return None;
    }
    let imported = passwords.imported;
    let (passwords, prints): (Vec<_>, Vec<_>) = passwords.here.into_iter().unzip();
    let account = Account {
        name: name?,
        logins: logins.into_iter().map(|login| login.value).collect(),
        mailbox,
        signs_in_as: signs_in_as.map(|at| at.value),
        passwords,
        imported,
        upstream_password: upstream_password.map(|at| Arc::new(at.value)),
        routes: ways.routes,
        allow_from,
        may_open,
        watch,
        notify_in_client,
    };
    let print = AccountPrint::of(&account, prints);
    Some((account, print))
}

/// `login`, or `*@domain` for every login of a domain.
fn pattern(login: &Text, reader: &mut Reader<'_>) -> Option<Pattern> {
    let name = login_name(login, reader)?;
    let catch_all = name.as_str().strip_prefix("*@");
    if !name.as_str().contains('*') {
        return Some(Pattern::Login(name));
    }
    if let Some(domain) = catch_all.filter(|domain| !domain.is_empty() && !domain.contains(['*', '@'])) {
        return Some(Pattern::Domain(domain.into()));
    }
    reader.error(
        &login.span,
        format!("`login` = {} has a `*` where it means nothing", login.shown()),
        "a `*` stands only for everything before the @ of one domain",
        "write \"*@example.com\", or the login itself",
    );
    None
}

fn login_name(text: &Text, reader: &mut Reader<'_>) -> Option<LoginName> {
    match LoginName::parse(text.value.as_bytes()) {
        Ok(name) => Some(name),
        Err(error) => {
            let fix = "write the name that the mail client sends";
            reader.error(&text.span, "this login cannot be used", error.to_string(), fix);
            None
        }
    }
}

/// Whether the mail client is told when a sign-in is wanted: noted where nobody signs in, or no mail client could hear it.
fn notify_in_client(table: &Table<'_>, ways: &Ways, reader: &mut Reader<'_>) -> bool {
    const KEY: &str = "notify_in_client";
    if table.flag(KEY, reader).is_none_or(|at| !at.value) {
        return false;
    }
    let is_signed_in_to = |route: &Route| matches!(route.app.grant, Grant::SignIn(_));
    let why = if ways.routes.is_empty() {
        // An error tells why there is none.
        None
    } else if !ways.routes.contains_key(&Protocol::Imap) {
        Some("only by IMAP can a mail client be told something, and this account has no IMAP")
    } else if !ways.routes.values().any(is_signed_in_to) {
        Some("nobody signs in for this account, whose app gets tokens without that")
    } else {
        None
    };
    if let (Some(why), Some(span)) = (why, table.key(KEY)) {
        reader.no_effect(&span, KEY, why);
    }
    true
}

/// Each mail client had a password of its own.
fn note_imported_domain(table: &Table<'_>, reader: &mut Reader<'_>) {
    let span = table.key("password").unwrap_or_else(|| table.span.clone());
    reader.error(
        &span,
        "an imported password for a whole domain",
        "what was imported belongs to one account each",
        "write one [[account]] for each of them; for the domain, add the line that `saslgate password` prints",
    );
}

/// Notes `allow_any_mailbox` where no password opens more than its own mailbox.
fn note_needless(table: &Table<'_>, reader: &mut Reader<'_>) {
    if table.flag("allow_any_mailbox", reader).is_some()
        && let Some(span) = table.key("allow_any_mailbox")
    {
        let why = "the provider judges each password, for its own mailbox";
        reader.no_effect(&span, "allow_any_mailbox", why);
    }
}

/// One local password that opens every mailbox of a domain has to be asked for in so many words.
fn note_any_mailbox(
    table: &Table<'_>,
    name: Option<&Pattern>,
    login: Option<&Text>,
    reader: &mut Reader<'_>,
) {
    let allowed = table.flag("allow_any_mailbox", reader);
    let (Some(name), Some(login)) = (name, login) else {
        return;
    };
    match (name, allowed) {
        (Pattern::Login(_), Some(at)) if at.value => {
            reader.no_effect(
                &at.span,
                "allow_any_mailbox",
                "it belongs to a login such as \"*@example.com\"",
            );
        }
        (Pattern::Login(_), _) => {}
        (Pattern::Domain(domain), Some(At { value: true, .. })) => reader.warning(
            &login.span,
            format!("this account's password opens every mailbox of {domain}"),
            "`allow_any_mailbox` is set, and no other account needs to name a mailbox",
            "keep it only if all who know the password may read all mail; else write one account per mailbox",
        ),
        (Pattern::Domain(domain), _) => reader.error(
            &login.span,
            format!("{} stands for every mailbox of {domain}", login.shown()),
            "whoever knows this account's password could open all of them",
            "write one account per mailbox, or add `allow_any_mailbox = true` if that is meant",
        ),
    }
}

fn logins(table: &Table<'_>, name: Option<&Pattern>, reader: &mut Reader<'_>) -> Vec<At<LoginName>> {
    let Some(list) = table.texts("logins", reader) else {
        return Vec::new();
    };
    if let Some(Pattern::Domain(_)) = name {
        reader.no_effect(
            &list.span,
            "logins",
            "an account for a whole domain has no other spellings",
        );
        return Vec::new();
    }
    let mut logins = Vec::new();
    for text in list.value {
        if text.value.contains('*') {
            let why = "only `login` itself may stand for a domain";
            reader.error(
                &text.span,
                "a `*` in `logins`",
                why,
                "write another [[account]] for the domain",
            );
        } else if let Some(value) = login_name(&text, reader) {
            logins.push(At {
                value,
                span: text.span,
            });
        }
    }
    logins
}

/// A login that two accounts have would open the mailbox of whichever came first.
fn note_taken(
    name: Option<(&Pattern, &Text)>,
    logins: &[At<LoginName>],
    taken: &mut Taken,
    reader: &mut Reader<'_>,
) {
    let own = name.map(|(name, login)| (name.to_string(), &login.span));
    let others = logins.iter().map(|login| (login.value.to_string(), &login.span));
    for (login, span) in own.into_iter().chain(others) {
        match taken.get(&login) {
            Some(first) => {
                let why = format!(
                    "{} has it already, and a login means one account",
                    reader.elsewhere(first, span)
                );
                reader.error(
                    span,
                    format!("the login \"{login}\" a second time"),
                    why,
                    "remove one of the two",
                );
            }
            None => drop(taken.insert(login, span.clone())),
        }
    }
}

/// The mailbox that the account opens; none for a whole domain, where the mail client names it.
fn own_mailbox(
    table: &Table<'_>,
    name: Option<&Pattern>,
    login: Option<&Text>,
    reader: &mut Reader<'_>,
) -> Option<Mailbox> {
    if table.key("mailbox").is_some() {
        return mailbox_of("mailbox", table, reader).map(|at| at.value);
    }
    let Some(Pattern::Login(name)) = name else {
        return None;
    };
    if name.domain().is_none() {
        let why = "the login is not an address, so it does not tell which mailbox is meant";
        table.missing("mailbox", why, "add mailbox = \"someone@example.com\"", reader);
    }
    Mailbox::parse(&login?.value).ok()
}

fn mailbox_of(key: &str, table: &Table<'_>, reader: &mut Reader<'_>) -> Option<At<Mailbox>> {
    let text = table.text(key, reader)?;
    let value = mailbox(key, &text, reader)?;
    Some(At {
        value,
        span: text.span,
    })
}

fn mailbox(key: &str, text: &Text, reader: &mut Reader<'_>) -> Option<Mailbox> {
    let (why, mailbox) = match Mailbox::parse(&text.value) {
        Ok(mailbox) if text.value.contains('@') => return Some(mailbox),
        Ok(_) => ("it has no @".to_owned(), None),
        Err(error) => (error.to_string(), None),
    };
    reader.error(
        &text.span,
        format!("`{key}` = {} is not an address", text.shown()),
        why,
        "write the mailbox's address",
    );
    mailbox
}

fn may_open(table: &Table<'_>, reader: &mut Reader<'_>) -> Vec<Mailbox> {
    let list = table.texts("may_open", reader).map_or(Vec::new(), |at| at.value);
    list.iter()
        .filter_map(|text| mailbox("may_open", text, reader))
        .collect()
}
