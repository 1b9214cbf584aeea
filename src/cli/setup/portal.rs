//! What has to be done in the portal, for exactly this choice, in the portal's own words.

use std::fmt::Write as _;

use url::Url;

use super::answers::{Answers, NO_CLIENT_ID};
use super::draft::Draft;
use super::layout;
use super::product::Product;
use super::way::{Proof, Way};
use crate::oauth::Scopes;
use crate::provider::{Preset, Protocol};

/// Where the browser comes back to, to the letter: Entra ID compares characters. The configuration's own default.
pub(super) const REDIRECT_URI: &str = "http://localhost:8425/";

/// An app registration as it has to be.
pub(super) struct Registration<'a> {
    pub(super) product: Product,
    pub(super) way: Way,
    proof: Proof,
    pub(super) preset: &'static Preset,
    pub(super) tenant: &'a str,
    pub(super) protocols: &'a [Protocol],
    pub(super) client_id: Option<&'a str>,
    /// The file that is uploaded, where a certificate proves the app.
    upload: Option<String>,
}

impl<'a> Registration<'a> {
    /// The one that answers want.
    pub(super) fn of(answers: &'a Answers) -> Self {
        let upload = answers.directory.join(layout::app(answers, "cer"));
        Self {
            product: answers.product,
            way: answers.way,
            proof: answers.proof,
            preset: answers.preset,
            tenant: &answers.tenant,
            protocols: &answers.protocols,
            client_id: answers.client_id.as_deref(),
            upload: Some(upload.display().to_string()),
        }
    }

    /// The one that answers so far want, as soon as they say enough.
    pub(super) fn of_draft(draft: &'a Draft) -> Option<Self> {
        Some(Self {
            product: draft.product?,
            way: draft.way?,
            proof: draft.proof()?,
            preset: draft.cloud.or(draft.clouds.first().copied())?,
            tenant: draft.tenant.as_deref()?,
            protocols: draft.protocols.as_deref()?,
            client_id: None,
            upload: None,
        })
    }

    /// What the permissions are called in the portal.
    pub(super) fn permissions(&self) -> Vec<&'static str> {
        let of_protocol = |protocol: &Protocol| match (protocol, self.way.is_app_only()) {
            (Protocol::Imap, true) => "IMAP.AccessAsApp",
            (Protocol::Pop3, true) => "POP.AccessAsApp",
            (Protocol::Smtp, true) => "SMTP.SendAsApp",
            (Protocol::Imap, false) => "IMAP.AccessAsUser.All",
            (Protocol::Pop3, false) => "POP.AccessAsUser.All",
            (Protocol::Smtp, false) => "SMTP.Send",
        };
        let mut names: Vec<_> = self.protocols.iter().map(of_protocol).collect();
        if !self.way.is_app_only() {
            // Without it one sign-in lasts an hour; the other two say who signed in.
            names.extend(["offline_access", "openid", "profile"]);
        }
        names
    }

    /// The redirect URI, and the platform under which it belongs: under the other one Entra ID refuses the sign-in
    /// (AADSTS700025 with a secret, 7000218 without one).
    pub(super) fn redirect(&self) -> Option<&'static str> {
        match (self.way, self.proof) {
            (Way::Browser, Proof::None) => Some("Mobile and desktop applications"),
            (Way::Browser, _) => Some("Web"),
            _ => None,
        }
    }

    /// Whether the app has nothing that proves it, so that the portal's switch has to say so.
    pub(super) fn is_public(&self) -> bool {
        self.proof == Proof::None
    }

    fn client_id(&self) -> &str {
        self.client_id.unwrap_or(NO_CLIENT_ID)
    }
}

/// The steps, numbered.
pub(super) fn steps(registration: &Registration<'_>) -> String {
    let mut steps = vec![open(registration)];
    steps.extend(redirect(registration));
    if registration.is_public() {
        steps.push("Authentication > Advanced settings > Allow public client flows: Yes. Save.".to_owned());
    }
    steps.extend(proof(registration));
    steps.push(permissions(registration));
    steps.push(consent(registration));
    let mut text = String::new();
    for (at, step) in steps.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:>2}. {}",
            at + 1,
            step.replace('\n', "\n    ")
                .replace("\n    \n", "\n\n")
                .trim_end_matches("    ")
        );
    }
    text
}

fn portal(preset: &Preset) -> &'static str {
    match preset.authorities.first() {
        Some(&"login.microsoftonline.us") => {
            "https://portal.azure.us > Microsoft Entra ID > App registrations"
        }
        Some(&"login.partner.microsoftonline.cn") => {
            "https://portal.azure.cn > Microsoft Entra ID > App registrations"
        }
        _ => "https://entra.microsoft.com > Entra ID > App registrations",
    }
}

fn open(registration: &Registration<'_>) -> String {
    let portal = portal(registration.preset);
    let facts = registration.product.facts();
    if facts.has_guide {
        return format!(
            "{portal}\n> the app that you registered by the guide of {}. What the guide put there stays as it is.\n\
             Without one: New registration, any name, \"Accounts in this organizational directory only\".",
            facts.name
        );
    }
    format!(
        "{portal}\n> New registration. Name: saslgate (any will do). Supported account types:\n\
         \"Accounts in this organizational directory only\". Leave the redirect URI empty. Register.\n\
         Overview: copy Application (client) ID into the configuration, if it is not there yet."
    )
}

fn redirect(registration: &Registration<'_>) -> Option<String> {
    let platform = registration.redirect()?;
    Some(format!(
        "Authentication > Add a platform (or the platform that is there) > {platform}\n> add exactly this, with its slash; others may stay beside it. Save.\n\n    {REDIRECT_URI}\n"
    ))
}

fn proof(registration: &Registration<'_>) -> Option<String> {
    match registration.proof {
        Proof::None => None,
        Proof::Secret => Some(
            "Certificates & secrets > Client secrets > New client secret, or the one that you have.\n\
             Copy the column Value at once: it is shown only now, and the Secret ID is not it."
                .to_owned(),
        ),
        Proof::Certificate => {
            let file = registration
                .upload
                .as_deref()
                .unwrap_or("app.cer, which setup makes");
            Some(format!(
                "Certificates & secrets > Certificates > Upload certificate:\n\n    {file}\n"
            ))
        }
    }
}

fn permissions(registration: &Registration<'_>) -> String {
    let from = if registration.way.is_app_only() {
        "API permissions > Add a permission > APIs my organization uses\n\
         > Office 365 Exchange Online (type it into the search field) > Application permissions. Tick each:"
    } else {
        "API permissions > Add a permission > Microsoft Graph > Delegated permissions. Tick each:"
    };
    let names: Vec<_> = registration
        .permissions()
        .iter()
        .map(|name| format!("    {name}"))
        .collect();
    format!("{from}\n\n{}\n", names.join("\n"))
}

fn consent(registration: &Registration<'_>) -> String {
    let why = if registration.way.is_app_only() {
        "Without it the permissions do nothing."
    } else if registration.way == Way::Password {
        "Nobody can be asked later, because nobody sees a page."
    } else {
        "Without it each person is asked at the sign-in, if the tenant allows that."
    };
    let mut text = format!("On the same page: Grant admin consent for … {why}\n");
    if let Some(link) = link(registration) {
        let _ = write!(text, "{}", elsewhere(registration, &link));
    }
    text
}

/// The button for whoever is not at this desk: what the link is for, who needs it, and then itself.
fn elsewhere(registration: &Registration<'_>, link: &str) -> String {
    let about = if registration.redirect().is_some() {
        "It asks for all of them, and comes back to a page that may not load: admin_consent=True in its address is a yes."
    } else {
        "It asks for whatever stands under API permissions, of every service at once, so one link is enough. An app without a redirect\n\
         URI may end at AADSTS500113 (no reply address): if the permissions are not \"Granted\" then, add the redirect URI\n\
         http://localhost:8425/ (Authentication > Web), open the link again, and remove the URI."
    };
    let zeros = if registration.client_id.is_none() {
        " (the zeros stand for the client id)"
    } else {
        ""
    };
    format!(
        "Only if you may not press that button: send this link to an administrator who may, when the permissions are there{zeros}.\n\
         {about}\n\n    {link}\n"
    )
}

/// Where an administrator consents for everybody. A grant without a browser has no page to come back to.
pub(super) fn link(registration: &Registration<'_>) -> Option<String> {
    let template = registration.preset.admin_consent_url?;
    let mut page = Url::parse(&template.replace("{tenant}", registration.tenant)).ok()?;
    if registration.redirect().is_none() {
        return Some(everything(&page, registration));
    }
    let scopes = Scopes::of(registration.preset, registration.protocols).to_string();
    page.query_pairs_mut()
        .append_pair("client_id", registration.client_id())
        .append_pair("scope", &scopes)
        .append_pair("redirect_uri", REDIRECT_URI);
    Some(page.into())
}

/// The older page: it takes whatever stands under API permissions, of every resource, and names no redirect URI.
fn everything(page: &Url, registration: &Registration<'_>) -> String {
    let mut url = page.clone();
    url.set_path(&format!("/{}/adminconsent", registration.tenant));
    url.query_pairs_mut()
        .append_pair("client_id", registration.client_id());
    url.to_string()
}
