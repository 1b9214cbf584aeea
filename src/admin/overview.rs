//! The first page: how everything stands, what is wrong first.

use std::cmp::Reverse;

use http::StatusCode;

use super::Admin;
use super::form::{address, query};
use super::look::{ago, state, until};
use super::page::{Button, Page, trouble};
use super::routes::{Visitor, ended};
use crate::account::state::State;
use crate::control::{AccountStatus, ConfigurationStatus, Expiry, News, Order, Status};
use crate::secret::Secret;
use crate::web::html::Html;
use crate::web::{Answer, Asked};

/// Accounts on one page: more is nothing that anybody reads.
const SHOWN: usize = 100;

/// How soon an end is worth a line, in seconds: a new client secret can need another person.
const SOON: u64 = 30 * 24 * 60 * 60;

impl Admin {
    /// How everything stands, as `saslgate status` tells it.
    pub(super) async fn status(&self) -> Option<Box<Status>> {
        match self.ask(Order::Status).await {
            Some(News::Status(status)) => Some(status),
            _ => None,
        }
    }

    pub(super) async fn overview(&self, visitor: &Visitor, asked: &Asked) -> Answer {
        let Some(mut status) = self.status().await else {
            return nothing_told(visitor);
        };
        status.accounts.sort_by(|one, other| {
            (Reverse(one.state), &one.account).cmp(&(Reverse(other.state), &other.account))
        });
        let wanted = query(&asked.uri, "q").unwrap_or_default();
        let page = query(&asked.uri, "page")
            .and_then(|page| page.parse().ok())
            .unwrap_or(1_usize)
            .max(1);
        Page::new("Accounts").operator(&visitor.token).with(|html| {
            counts(&status, html);
            accounts(&status.accounts, &wanted, page, html);
            configuration(status.configuration.as_ref(), &visitor.token, html);
            store(&status, html);
            ends(&status.expiries, html);
            html.raw("<p>saslgate ").text(&status.version);
            if let Some(since) = status.running_since {
                html.raw(", started ").text(ago(since));
            }
            html.raw("</p>");
        })
    }
}

/// The page of an order without an answer.
pub(super) fn nothing_told(visitor: &Visitor) -> Answer {
    let page = Page::new("No answer").operator(&visitor.token);
    page.status(StatusCode::SERVICE_UNAVAILABLE)
        .with(|html| trouble(&ended(), html))
}

fn counts(status: &Status, html: &mut Html) {
    let of = |state: State| {
        status
            .accounts
            .iter()
            .filter(|account| account.state == state)
            .count()
    };
    let counts = State::ALL.into_iter().rev().map(|state| (state, of(state)));
    let counts: Vec<_> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    html.raw("<p role=\"status\">Accounts: ")
        .text(status.accounts.len().to_string());
    if !counts.is_empty() {
        html.raw(" (").text(counts.join(", ")).raw(")");
    }
    html.raw("</p>");
}

fn accounts(all: &[AccountStatus], wanted: &str, page: usize, html: &mut Html) {
    let folded = wanted.to_lowercase();
    let is_wanted = |account: &&AccountStatus| account.account.to_lowercase().contains(&folded);
    let found: Vec<_> = all.iter().filter(is_wanted).collect();
    html.raw("<form method=\"get\" action=\"/\" role=\"search\"><p><label for=\"q\">Find an account</label><input id=\"q\" name=\"q\" value=\"");
    html.text(wanted)
        .raw("\"></p><p><button class=\"quiet\">Find</button></p></form>");
    if found.is_empty() {
        html.element("p", "No account has that in its name.");
        return;
    }
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Accounts\"><table><caption>What needs somebody comes first</caption>\
              <thead><tr><th scope=\"col\">Account</th><th scope=\"col\">State</th><th scope=\"col\">Signed in</th><th scope=\"col\">Sessions</th>\
              <th scope=\"col\">Last login</th><th scope=\"col\">What is wrong</th></tr></thead><tbody>");
    for account in found.iter().skip((page - 1) * SHOWN).take(SHOWN) {
        row(account, html);
    }
    html.raw("</tbody></table></div>");
    pages(found.len(), wanted, page, html);
}

fn row(account: &AccountStatus, html: &mut Html) {
    html.raw("<tr><th scope=\"row\"><a href=\"")
        .text(address("/account", "name", &account.account))
        .raw("\">");
    html.text(&account.account).raw("</a></th><td>");
    state(account.state, html);
    let owners: Vec<_> = account
        .sign_ins
        .iter()
        .filter_map(|sign_in| sign_in.owner.as_deref())
        .collect();
    html.raw("</td>").element("td", owners.join(", "));
    html.raw("<td>").text(account.sessions.to_string()).raw("</td>");
    let last = account
        .protocols
        .iter()
        .filter_map(|protocol| protocol.last_login)
        .max();
    html.element("td", last.map_or("none yet".to_owned(), ago));
    let wrong = account
        .protocols
        .iter()
        .find_map(|protocol| protocol.trouble.as_ref());
    html.element("td", wrong.map_or("", |told| told.what.as_str()))
        .raw("</tr>");
}

fn pages(count: usize, wanted: &str, page: usize, html: &mut Html) {
    let last = count.div_ceil(SHOWN);
    if last < 2 {
        return;
    }
    html.raw("<nav aria-label=\"Further accounts\"><ul class=\"actions\">");
    let to = |number: usize, label: &'static str, html: &mut Html| {
        let to = format!("{}&page={number}", address("/", "q", wanted));
        html.raw("<li><a href=\"")
            .text(to)
            .raw("\">")
            .raw(label)
            .raw("</a></li>");
    };
    if page > 1 {
        to(page - 1, "Before", html);
    }
    html.raw("<li>Page ")
        .text(page.to_string())
        .raw(" of ")
        .text(last.to_string())
        .raw("</li>");
    if page < last {
        to(page + 1, "Next", html);
    }
    html.raw("</ul></nav>");
}

fn configuration(status: Option<&ConfigurationStatus>, token: &Secret<String>, html: &mut Html) {
    let Some(status) = status else { return };
    html.element("h2", "Configuration");
    html.raw("<p>The configuration in use is number ")
        .number(status.generation);
    html.raw(" since the start, in use since ")
        .text(ago(status.since))
        .raw(".</p>");
    if let Some(problems) = &status.refused {
        html.raw("<div class=\"panel\"><p><strong>What the file says now is not in use.</strong> What is wrong with it:</p>");
        html.element("pre", problems).raw("</div>");
    }
    Button::new("/reload", "Read it again").quiet().put(token, html);
}

fn store(status: &Status, html: &mut Html) {
    let Some(store) = &status.store else { return };
    html.element("h2", "Token store");
    html.raw("<p>").text(&store.path).raw("</p>");
    if let Some(told) = &store.trouble {
        trouble(told, html);
    }
    if !store.unsaved.is_empty() {
        html.raw("<p>In memory only, and lost by a restart: ")
            .text(store.unsaved.join(", "))
            .raw("</p>");
    }
    for orphan in &status.orphans {
        html.raw("<p>A sign-in that no account uses: ")
            .text(&orphan.account)
            .raw(", app ")
            .text(&orphan.app);
        html.raw(". <a href=\"")
            .text(address("/sign-out", "name", &orphan.account))
            .raw("\">Forget it</a></p>");
    }
}

fn ends(expiries: &[Expiry], html: &mut Html) {
    let limit = crate::control::seconds(std::time::SystemTime::now()) + SOON;
    let soon: Vec<_> = expiries.iter().filter(|expiry| expiry.at < limit).collect();
    if soon.is_empty() {
        return;
    }
    html.element("h2", "What ends soon").raw("<ul>");
    for expiry in soon {
        html.raw("<li><strong>")
            .text(&expiry.what)
            .raw("</strong>: ")
            .text(until(expiry.at))
            .raw(". ")
            .text(&expiry.fix)
            .raw("</li>");
    }
    html.raw("</ul>");
}
