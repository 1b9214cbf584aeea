//! `saslgate sign-in --link`: a link for the owner of a mailbox, and the text to forward with it.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::forward::{self, Invitation};
use super::{SignInArgs, needed, say};
use crate::cli::operator;
use crate::control::{LinkHappening, News, Order, Told};
use crate::hook::clock::in_words;

/// A link that was made.
pub(super) struct Link {
    account: String,
    app: String,
    mailbox: String,
    owner: String,
    sign_in_page: String,
    /// The link itself.
    pub(super) url: Told,
    expires: u64,
    asked_by: String,
}

/// Makes the links that are asked for, and prints them.
pub(super) async fn run(args: &SignInArgs) -> Result<ExitCode, ExitCode> {
    if args.all_needed && needed(&args.which).await?.is_empty() {
        say(if args.json {
            "[]"
        } else {
            "No account needs a sign-in."
        });
        return Ok(ExitCode::SUCCESS);
    }
    let asked_by = args
        .asked_by
        .clone()
        .unwrap_or_else(|| whoever_asks(|name| env::var(name).ok()));
    let order = Order::MakeLink {
        account: args.account.clone(),
        app: args.app.clone(),
        asked_by: asked_by.clone(),
    };
    let mut operator = operator::give(&args.which, order).await?;
    let (mut links, mut code) = (Vec::new(), ExitCode::SUCCESS);
    // The end of the news is the end of the order.
    while let Some(news) = operator.hear().await {
        match news {
            News::Refused(trouble) => code = operator::refused(&trouble),
            news => links.extend(Link::of(news, Some(&asked_by))),
        }
    }
    if args.json {
        let links: Vec<_> = links.iter().map(Link::json).collect();
        say(&serde_json::to_string_pretty(&links).unwrap_or_default());
    } else {
        for link in &links {
            say(&link.text());
        }
    }
    Ok(code)
}

/// The name of whoever types the command; nobody outside knows who `root` is.
fn whoever_asks(variable: impl Fn(&str) -> Option<String>) -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(variable);
    let mut people = names.filter(|name| !name.is_empty() && name != "root");
    people.next().unwrap_or_else(|| "your administrator".into())
}

impl Link {
    /// What the news of a link say, and who asks for it where that is known here.
    pub(super) fn of(news: News, asked_by: Option<&str>) -> Option<Self> {
        let News::Link {
            account,
            app,
            mailbox,
            owner,
            sign_in_page,
            url,
            expires,
        } = news
        else {
            return None;
        };
        Some(Self {
            account,
            app,
            mailbox,
            owner,
            sign_in_page,
            url,
            expires,
            asked_by: asked_by.unwrap_or("your administrator").to_owned(),
        })
    }

    fn expires(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.expires)
    }

    fn forward(&self) -> String {
        forward::link(&Invitation {
            mailbox: &self.mailbox,
            owner: &self.owner,
            sign_in_page: &self.sign_in_page,
            asked_by: &self.asked_by,
            url: self.url.0.expose(),
            expires: self.expires(),
        })
    }

    fn text(&self) -> String {
        format!(
            "{} (app \"{}\"), for {}, until {}:\n{}\n\nTo forward to {}, and to nobody else:\n\n{}\n",
            self.account,
            self.app,
            self.owner,
            in_words(self.expires()),
            self.url.0.expose(),
            self.owner,
            self.forward()
        )
    }

    /// What somebody reads who wanted to sign in at a terminal.
    pub(super) fn waited_for(&self, opened: bool) -> String {
        let opened = if opened {
            "A browser was opened with it."
        } else {
            "Open it in any browser that reaches it."
        };
        format!(
            "`redirect_uri` of the app is that of the admin page, so this sign-in goes by a link. Sign in as {}:\n\n  {}\n\n\
             {opened} Or forward this to {}, and to nobody else:\n\n{}\n\n\
             Waiting until it was used. Ctrl-C ends the waiting; the link stays good until {} ...",
            self.owner,
            self.url.0.expose(),
            self.owner,
            self.forward(),
            in_words(self.expires())
        )
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "account": self.account,
            "app": self.app,
            "mailbox": self.mailbox,
            "owner": self.owner,
            "asked_by": self.asked_by,
            "url": self.url.0.expose(),
            "expires": self.expires,
            "text": self.forward(),
        })
    }
}

/// What is said while a link is waited for.
pub(super) fn happening(happening: &LinkHappening) -> String {
    match happening {
        LinkHappening::Opened => "The link was opened.".to_owned(),
        LinkHappening::Begun => "Somebody has gone on to the sign-in page ...".to_owned(),
        LinkHappening::Failed(trouble) => {
            let code = trouble.code.as_ref();
            let code = code.map_or(String::new(), |code| format!(" [{code}]"));
            format!(
                "Not signed in: {}{code}\n  why: {}\n  fix: {}\nThe link is still good. Still waiting ...",
                trouble.what, trouble.why, trouble.fix
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn made() -> Link {
        let news = News::Link {
            account: "support".into(),
            app: "people".into(),
            mailbox: "support@contoso.com".into(),
            owner: "alice@contoso.com".into(),
            sign_in_page: "login.microsoftonline.com".into(),
            url: Told(Secret::new("https://mail.contoso.com/sign-in/t0ken".into())),
            expires: 1_795_348_800,
        };
        Link::of(news, Some("Jane (IT)")).unwrap()
    }

    #[test]
    fn the_link_stands_in_a_line_of_its_own_before_the_text() {
        let text = made().text();
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some("support (app \"people\"), for alice@contoso.com, until Sun 22 Nov 2026, 12:00 UTC:")
        );
        assert_eq!(lines.next(), Some("https://mail.contoso.com/sign-in/t0ken"));
        assert!(text.contains("To forward to alice@contoso.com"), "{text}");
    }

    #[test]
    fn json_has_what_a_script_needs_to_send_a_mail() {
        let json = made().json();
        assert_eq!(json["url"], "https://mail.contoso.com/sign-in/t0ken");
        assert_eq!(json["owner"], "alice@contoso.com");
        assert_eq!(json["expires"], 1_795_348_800);
        assert!(json["text"].as_str().unwrap().contains("Jane (IT)"));
    }

    #[test]
    fn nobody_is_asked_by_root() {
        type Variables = &'static [(&'static str, &'static str)];
        let table: [(Variables, &str); 4] = [
            (&[("SUDO_USER", "jane"), ("USER", "root")], "jane"),
            (&[("USER", "joe")], "joe"),
            (&[("USER", "root"), ("LOGNAME", "root")], "your administrator"),
            (&[], "your administrator"),
        ];
        for (variables, expected) in table {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(whoever_asks(variable), expected);
        }
        assert_eq!(table.len(), 4);
    }
}
