//! A sign-in whose browser is somewhere: what comes back, by the landing or pasted, and what is told meanwhile.

use std::time::Duration;

use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::Refused;
use super::landing::{Landed, Landing};
use super::sign_in::ended;
use crate::control::{News, Talk, Told, Word};
use crate::oauth::flow::authorize::Authorization;
use crate::oauth::flow::sign_in::{Foreign, Returned, SignIn};
use crate::oauth::{Delegated, Proof};
use crate::secret::Secret;
use crate::web::Notice;

/// How long a sign-in by browser is waited for: its state is good for no longer.
const SIGN_IN: Duration = Duration::from_secs(10 * 60);

/// After so long without a word the browser is likely to show an error that never comes back here.
const SILENCE: Duration = Duration::from_secs(45);

/// Where the browser of a sign-in ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// At this machine, where it is waited for.
    Here,
    /// At a page that may not load, whose address is pasted.
    Pasted,
    /// At the admin page, which hands on what it brought.
    Page,
}

/// A sign-in whose browser is somewhere.
pub(super) struct Waiting<'a> {
    sign_in: SignIn,
    authorization: &'a Authorization,
    proves_itself: bool,
    end: End,
    landing: Option<Landing>,
}

/// A browser that waits for its page.
pub(super) struct BrowserPage(Landed);

impl BrowserPage {
    pub(super) async fn show(self, trouble: Option<&Refused>) {
        let page = match trouble {
            None => Notice::new(
                StatusCode::OK,
                "Signed in",
                "You can close this window. What came of it is told where the sign-in was begun.",
            ),
            Some(trouble) => Notice::new(
                StatusCode::OK,
                "Not signed in",
                format!(
                    "{}. {}. What to do: {}",
                    trouble.0.what, trouble.0.why, trouble.0.fix
                ),
            ),
        };
        self.0.show(page).await;
    }
}

impl<'a> Waiting<'a> {
    /// `authorization` is what the sign-in was begun with.
    pub(super) fn new(
        sign_in: SignIn,
        app: &Delegated,
        authorization: &'a Authorization,
        end: End,
    ) -> Result<Self, Refused> {
        let landing = (end == End::Here).then(|| Landing::bind(&authorization.redirect_uri));
        Ok(Self {
            sign_in,
            authorization,
            proves_itself: !matches!(app.registration.proof, Proof::None),
            end,
            landing: landing.transpose().map_err(Refused::from)?,
        })
    }

    /// Waits for what belongs to this sign-in, by browser or pasted.
    pub(super) async fn returned(
        mut self,
        owner: &str,
        talk: &mut Talk,
    ) -> Result<(Returned, Option<BrowserPage>), Refused> {
        talk.tell(News::OpenBrowser {
            url: Told(Secret::new(self.sign_in.url().to_string())),
            redirect_uri: self.authorization.redirect_uri.to_string(),
            listening: self.landing.is_some(),
            owner: owner.to_owned(),
        })
        .await;
        let (landed, mut arriving) = mpsc::channel(1);
        let landing = self.landing.take();
        let serving = async move {
            if let Some(landing) = landing {
                landing.serve(landed).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::pin!(serving);
        let deadline = Instant::now() + SIGN_IN;
        let silence = sleep(SILENCE);
        tokio::pin!(silence);
        let mut told_silence = false;
        loop {
            tokio::select! {
                () = &mut serving => {}
                Some(landed) = arriving.recv() => match self.sign_in.hear(&landed.target) {
                    Returned::Nothing => say(landed, StatusCode::NOT_FOUND, "Nothing here", "saslgate waits for a sign-in.").await,
                    Returned::Foreign(foreign) => say(landed, StatusCode::BAD_REQUEST, "Not this sign-in", foreign_text(foreign)).await,
                    returned => return Ok((returned, Some(BrowserPage(landed)))),
                },
                word = talk.hear() => match word {
                    Some(word) => match self.said(word) {
                        Returned::Nothing => talk.tell(News::NotThat(NO_ANSWER.into())).await,
                        Returned::Foreign(foreign) => talk.tell(News::NotThat(foreign_text(foreign).into())).await,
                        returned => return Ok((returned, None)),
                    },
                    // Nobody is there any more who could be told of it.
                    None => return Err(ended()),
                },
                () = &mut silence, if !told_silence => {
                    told_silence = true;
                    talk.tell(News::Silence {
                        redirect_uri: self.authorization.redirect_uri.to_string(),
                        client_id: self.authorization.client_id.to_string(),
                        proves_itself: self.proves_itself,
                    })
                    .await;
                }
                () = sleep_until(deadline) => return Err(ended()),
            }
        }
    }

    /// What the operator's side brought. Only a person can vouch for an answer without its state, and nobody pastes at the
    /// page: what a browser brought there may have been sent by any other page.
    fn said(&mut self, word: Word) -> Returned {
        match (word, self.end) {
            (Word::Landed(Told(target)), End::Page) => self.sign_in.hear(target.expose()),
            (Word::Paste(Told(text)), End::Here | End::Pasted) => self.sign_in.paste(text.expose()),
            (Word::Landed(_), _) | (Word::Paste(_), End::Page) => Returned::Nothing,
        }
    }
}

const NO_ANSWER: &str = "That is not where the browser ends: copy all of its address line once the sign-in is done; it has \"code=\" in it.";

const fn foreign_text(foreign: Foreign) -> &'static str {
    match foreign {
        Foreign::Stateless => "An answer without its state is not taken: it may have been sent by anybody.",
        Foreign::Other => {
            "This is the answer to another sign-in, perhaps one that was begun before in another tab. Go on with the newest."
        }
        Foreign::Elsewhere => {
            "This answer names another provider than the one that was asked, and is not taken."
        }
        Foreign::Late => "This sign-in has had its answer already.",
    }
}

async fn say(landed: Landed, status: StatusCode, title: &'static str, text: &str) {
    landed.show(Notice::new(status, title, text)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::talk;
    use crate::oauth::flow::authorize::Hints;
    use crate::oauth::{Dialect, Registration, Scopes, UsualSignIn};

    /// A public app, and a sign-in that was begun with it.
    fn begun() -> (Delegated, SignIn) {
        let scopes = Scopes::parse("a b").unwrap();
        let authorization = Authorization {
            authorize_url: "https://login.example/t/authorize".parse().unwrap(),
            client_id: "app".into(),
            redirect_uri: "http://localhost:8425/".into(),
            scopes: scopes.clone(),
            dialect: Dialect::Scope,
            extra: Vec::new(),
        };
        let sign_in = SignIn::begin(&authorization, &Hints::default()).unwrap();
        let app = Delegated {
            registration: Registration {
                token_url: "https://login.example/t/token".parse().unwrap(),
                client_id: "app".into(),
                proof: Proof::None,
                dialect: Dialect::Scope,
            },
            scopes,
            browser: Some(authorization),
            device_url: None,
            admin_consent_url: None,
            usual: UsualSignIn::Browser,
        };
        (app, sign_in)
    }

    /// Entra ID shows most of what is wrong with a registration in the browser alone, and never sends it back.
    #[tokio::test(start_paused = true)]
    async fn silence_is_explained_once_and_waited_out() {
        let (app, sign_in) = begun();
        let waiting = Waiting::new(sign_in, &app, app.browser.as_ref().unwrap(), End::Pasted)
            .ok()
            .unwrap();
        let (mut here, mut operator) = talk();
        let begun = Instant::now();
        let watching = async {
            assert!(matches!(operator.hear().await, Some(News::OpenBrowser { .. })));
            let told = operator.hear().await;
            assert_eq!(begun.elapsed().as_secs(), 45);
            let Some(News::Silence {
                redirect_uri,
                client_id,
                proves_itself: false,
            }) = told
            else {
                panic!("{told:?}")
            };
            assert_eq!((&*redirect_uri, &*client_id), ("http://localhost:8425/", "app"));
            let paste = Secret::new("https://login.example/t/authorize".to_owned());
            operator.tell(Word::Paste(Told(paste))).await;
            assert!(matches!(operator.hear().await, Some(News::NotThat(_))));
            // Nothing more comes until the end.
            operator
        };
        let (ended, mut operator) = tokio::join!(waiting.returned("alice@contoso.com", &mut here), watching);
        assert!(ended.is_err());
        assert_eq!(begun.elapsed(), SIGN_IN);
        drop(here);
        assert!(operator.hear().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_in_ends_with_the_command_that_waits_for_it() {
        let (app, sign_in) = begun();
        let waiting = Waiting::new(sign_in, &app, app.browser.as_ref().unwrap(), End::Pasted)
            .ok()
            .unwrap();
        let (mut here, operator) = talk();
        drop(operator);
        let begun = Instant::now();
        assert!(waiting.returned("alice@contoso.com", &mut here).await.is_err());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
