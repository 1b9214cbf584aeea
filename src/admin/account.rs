//! The page of one account.

use http::StatusCode;

use super::form::{address, query};
use super::link::asker_field;
use super::look::{ago, span, state};
use super::overview::nothing_told;
use super::page::{Button, Page, trouble};
use super::routes::{Visitor, not_found};
use super::{Admin, CALLBACK};
use crate::control::{AccountStatus, AppStatus, ProtocolStatus, SignedIn, TroubleTold};
use crate::secret::Secret;
use crate::web::html::Html;
use crate::web::{Answer, Asked};

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
            html.raw(" Sessions: ").text(account.sessions.to_string()).raw("</p>");
            troubles(account, html);
            protocols(account, html);
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
            html.element("p", "Every step from DNS to the opened mailbox, and what to do about the one that fails. Nothing is sent.");
            Button::new("/test", "Test").field("account", &account.account).quiet().put(&visitor.token, html);
        })
    }
}

/// Everything that is wrong, each once: the same trouble in three protocols is one to read.
fn troubles(account: &AccountStatus, html: &mut Html) {
    let mut told: Vec<&TroubleTold> = Vec::new();
    for one in account
        .protocols
        .iter()
        .filter_map(|protocol| protocol.trouble.as_ref())
    {
        if !told.contains(&one) {
            told.push(one);
            trouble(one, html);
        }
    }
}

fn protocols(account: &AccountStatus, html: &mut Html) {
    html.element("h2", "Protocols");
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Protocols\"><table><caption>Each with its way to the mailbox</caption>\
              <thead><tr><th scope=\"col\">Protocol</th><th scope=\"col\">State</th><th scope=\"col\">Mail host</th><th scope=\"col\">App</th>\
              <th scope=\"col\">Last login</th><th scope=\"col\">Access token</th></tr></thead><tbody>");
    for protocol in &account.protocols {
        of_protocol(protocol, html);
    }
    html.raw("</tbody></table></div>");
}

fn of_protocol(protocol: &ProtocolStatus, html: &mut Html) {
    html.raw("<tr><th scope=\"row\">")
        .text(protocol.protocol.name())
        .raw("</th><td>");
    state(protocol.state, html);
    if let Some(since) = protocol.since {
        html.raw(" since ").text(ago(since));
    }
    html.raw("</td>")
        .element("td", &protocol.host)
        .element("td", &protocol.app);
    html.element("td", protocol.last_login.map_or("none yet".to_owned(), ago));
    let token = protocol.token_seconds.map_or("none at hand".to_owned(), |left| {
        format!("good for {}", span(left))
    });
    html.element("td", token).raw("</tr>");
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
        html.raw("<h2>Sign-in with the app ")
            .text(&sign_in.app)
            .raw("</h2>");
        who(sign_in, html);
        html.raw("<div class=\"actions\">");
        let allows = |way: &str| app.is_some_and(|app| app.sign_in_ways.iter().any(|known| known == way));
        let button = |label| {
            Button::new("/sign-in", label)
                .field("account", account)
                .field("app", &sign_in.app)
        };
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
            html.raw("<h3>A link for the owner</h3><p>The owner signs in by it without this page's password. It works once, and ends after a day.</p>");
            asker_field(&format!("asked-by-{number}"), token, account, &sign_in.app, html);
            html.raw("<p>For both, the app registration has this redirect URI (platform: Web, or Mobile and desktop applications for an app \
                      without a secret):</p><p class=\"copy\">");
            html.text(self.callback).raw("</p>");
        }
    }
}

fn who(sign_in: &SignedIn, html: &mut Html) {
    html.raw("<dl><dt>Who should sign in</dt><dd>")
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
        html.element("dt", "Permissions")
            .element("dd", sign_in.permissions.join(", "));
    }
    html.raw("</dl>");
}
