//! The page of one account.

use http::StatusCode;

use super::form::{address, query};
use super::link::asker_field;
use super::look::{ago, span, state};
use super::overview::nothing_told;
use super::page::{Button, Page, trouble, trouble_with};
use super::routes::{Visitor, not_found};
use super::table::Table;
use super::{Admin, CALLBACK};
use crate::account::state::State;
use crate::control::{AccountStatus, AppStatus, ProtocolStatus, SignedIn, TroubleTold};
use crate::secret::Secret;
use crate::web::html::Html;
use crate::web::{Answer, Asked};

const COLUMNS: [&str; 6] = [
    "Protocol",
    "State",
    "Last login",
    "Mail host",
    "App",
    "Access token",
];

impl Admin {
    pub(super) async fn account(&self, visitor: &Visitor, asked: &Asked) -> Answer {
        let Some(name) = query(&asked.uri, "name") else {
            return not_found();
        };
        let Some(status) = self.status().await else {
            return nothing_told(visitor);
        };
        let Some(account) = status.accounts.iter().find(|account| account.account == name) else {
            let page = Page::new("No such account")
                .operator(&visitor.token)
                .status(StatusCode::NOT_FOUND);
            return page.with(|html| {
                html.element("p", "The configuration in use has no account of that name.")
                    .raw("<p><a href=\"/\">All accounts</a></p>");
            });
        };
        let callback = format!("{}{CALLBACK}", self.ground.load().origin);
        Page::new(&account.account).operator(&visitor.token).with(|html| {
            html.raw("<p>");
            state(account.state, html);
            html.raw("</p><p>Sessions of mail programs now: ")
                .text(account.sessions.to_string())
                .raw("</p>");
            troubles(account, html);
            wrong_passwords(account, html);
            let actions = Actions {
                account,
                token: &visitor.token,
                callback: &callback,
            };
            for (number, sign_in) in account.sign_ins.iter().enumerate() {
                let app = status.apps.iter().find(|app| app.app == sign_in.app);
                actions.of_sign_in(number, sign_in, app, html);
            }
            html.element("h2", "Test");
            html.element("p", "Goes the whole way from here to the opened mailbox, and says what to do about the step that fails. No mail is sent.");
            Button::new("/test", "Test").field("account", &account.account).quiet().put(&visitor.token, html);
            protocols(account, html);
        })
    }
}

/// Everything that is wrong, each once: the same trouble in three protocols is one to read.
fn troubles(account: &AccountStatus, html: &mut Html) {
    let mut told: Vec<&TroubleTold> = Vec::new();
    for protocol in &account.protocols {
        let Some(one) = protocol.trouble.as_ref().filter(|one| !told.contains(one)) else {
            continue;
        };
        told.push(one);
        // What a command would do, the buttons below do.
        if protocol.state == State::NeedsSignIn && !account.sign_ins.is_empty() {
            trouble_with(
                one,
                "sign in below, or make a link for the owner of the mailbox",
                html,
            );
        } else {
            trouble(one, html);
        }
    }
}

/// What a mail client was refused for; the account itself is well.
fn wrong_passwords(account: &AccountStatus, html: &mut Html) {
    for wrong in &account.wrong_passwords {
        let logins = if wrong.count == 1 { "login" } else { "logins" };
        let what = format!(
            "{}: {} {logins} with a wrong password, the last {} from {} (none right since)",
            wrong.protocol.name().to_uppercase(),
            wrong.count,
            ago(wrong.last),
            wrong.from
        );
        let told = TroubleTold {
            code: None,
            what,
            why: "the mail client has another password than the configuration, or somebody is guessing"
                .into(),
            fix: wrong.fix.clone(),
        };
        trouble(&told, html);
    }
}

fn protocols(account: &AccountStatus, html: &mut Html) {
    html.element("h2", "Protocols");
    let mut table = Table::begin("Each with its way to the mailbox", &COLUMNS, html);
    for protocol in &account.protocols {
        of_protocol(protocol, &mut table);
    }
    table.end();
}

fn of_protocol(protocol: &ProtocolStatus, table: &mut Table<'_>) {
    let name = |html: &mut Html| {
        html.text(protocol.protocol.name().to_uppercase());
    };
    let token = protocol.token_seconds.map_or("none at hand".to_owned(), |left| {
        format!("good for {}", span(left))
    });
    table.row(name, |row| {
        row.cell(|html| {
            state(protocol.state, html);
            if let Some(since) = protocol.since {
                html.raw(", begun ").text(ago(since));
            }
        })
        .text(protocol.last_login.map_or("none yet".to_owned(), ago))
        .text(&protocol.host)
        .text(&protocol.app)
        .text(token);
    });
}

/// What can be done about a sign-in.
struct Actions<'a> {
    account: &'a AccountStatus,
    token: &'a Secret<String>,
    callback: &'a str,
}

impl Actions<'_> {
    fn of_sign_in(&self, number: usize, sign_in: &SignedIn, app: Option<&AppStatus>, html: &mut Html) {
        let (account, token) = (self.account.account.as_str(), self.token);
        html.raw("<h2>Sign-in");
        if self.account.sign_ins.len() > 1 {
            html.raw(", app ").text(&sign_in.app);
        }
        html.raw("</h2>");
        who(sign_in, html);
        let allows = |way: &str| app.is_some_and(|app| app.sign_in_ways.iter().any(|known| known == way));
        let button = |label| {
            Button::new("/sign-in", label)
                .field("account", account)
                .field("app", &sign_in.app)
        };
        if allows("browser") || allows("device") {
            html.raw("<p>If <strong>").text(&sign_in.expected);
            html.raw("</strong> is at this computer, sign in here. If not, make a link or a code: they sign in with it wherever they are.</p>");
        }
        html.raw("<div class=\"actions\">");
        if allows("browser") {
            button("Sign in").field("way", "page").put(token, html);
        }
        if allows("device") {
            button("Sign in by code")
                .field("way", "device")
                .quiet()
                .put(token, html);
        }
        if sign_in.signed_in.is_some() {
            let to = format!(
                "{}&{}",
                address("/sign-out", "name", account),
                &address("", "app", &sign_in.app)[1..]
            );
            html.raw("<a class=\"button quiet\" href=\"")
                .text(to)
                .raw("\">Sign out</a>");
        }
        html.raw("</div>");
        if allows("browser") {
            html.raw("<h3>A link for the owner</h3><p>It opens without the password of this page, works once, and ends after a day.</p>");
            asker_field(&format!("asked-by-{number}"), token, account, &sign_in.app, html);
            html.raw("<details><summary>What the app registration needs for both</summary><p>This redirect URI, to the letter (platform: Web, or \
                      Mobile and desktop applications for an app without a secret):</p><p class=\"copy\">");
            html.text(self.callback).raw("</p></details>");
        }
    }
}

fn who(sign_in: &SignedIn, html: &mut Html) {
    html.raw("<dl class=\"pairs\"><dt>Who should sign in</dt><dd>")
        .text(&sign_in.expected)
        .raw("</dd><dt>Who did</dt><dd>");
    match (sign_in.signed_in, &sign_in.owner) {
        (None, _) => html.raw("nobody yet"),
        (Some(at), owner) => html
            .text(
                owner
                    .as_deref()
                    .unwrap_or("somebody whom the provider does not name"),
            )
            .raw(", ")
            .text(ago(at)),
    };
    html.raw("</dd>");
    if let Some(at) = sign_in.refreshed {
        html.element("dt", "Last renewed").element("dd", ago(at));
    }
    if !sign_in.permissions.is_empty() {
        let permissions = sign_in.permissions.iter();
        let permissions: Vec<_> = permissions.map(|permission| short(permission)).collect();
        html.element("dt", "Permissions")
            .element("dd", permissions.join(", "));
    }
    html.raw("</dl>");
}

/// A permission without the resource in front: `IMAP.AccessAsUser.All`.
fn short(permission: &str) -> &str {
    match permission.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name,
        _ => permission,
    }
}
