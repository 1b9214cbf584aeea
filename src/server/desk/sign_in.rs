//! A person signs in: by browser, by device code, or somewhere else.

use std::borrow::Cow;

use tokio::time::{Instant, sleep};

use super::waiting::{End, Waiting};
use super::{Desk, Refused, explained, refused, stored};
use crate::account::Authorized;
use crate::audit;
use crate::control::{News, SignInOrder, SignInWay, Talk, Told};
use crate::name::LoginName;
use crate::oauth::flow::authorize::{Authorization, Hints};
use crate::oauth::flow::device::Pace;
use crate::oauth::flow::sign_in::{Returned, SignIn};
use crate::oauth::{Delegated, Granted, TokenError, UsualSignIn};
use crate::secret::Secret;

impl Desk {
    pub(super) async fn sign_in(&self, order: SignInOrder, talk: &mut Talk) -> Result<(), Refused> {
        let login = self.login_to_sign_in(&order.account, order.app.as_deref())?;
        let Some(app) = login.route().app.grant.delegated() else {
            return Err(refused(
                "the app has no sign-in",
                "its grant needs none: it gets tokens by itself",
                "leave it: nothing has to be done for this account",
            ));
        };
        let way = way(order.way, app);
        if !matches!(way, SignInWay::AdminConsent) {
            // Before somebody signs in for nothing.
            self.store.store().await.map_err(|error| stored(&error))?;
        }
        let granted = match way {
            SignInWay::Browser if self.comes_back_to_the_page(app) => {
                return self.by_own_link(&login, order.accept_owner, talk).await;
            }
            SignInWay::Browser => self.by_browser(app, &login, End::Here, talk).await?,
            SignInWay::Paste => self.by_browser(app, &login, End::Pasted, talk).await?,
            SignInWay::Page => self.by_browser(app, &login, End::Page, talk).await?,
            SignInWay::Device => self.by_device(app, &login, talk).await?,
            SignInWay::AdminConsent => return self.admin_consent(app, &login, talk).await,
            SignInWay::RefreshToken(Told(token)) => self.by_refresh_token(app, &login, &token).await?,
            SignInWay::Usual => return Err(needs_refresh_token(&order.account)),
        };
        self.take_in(login, granted, order.accept_owner, talk).await
    }

    /// A browser that comes back to the admin page is not heard of at a terminal, so the terminal waits for a link.
    async fn by_own_link(&self, login: &Authorized, accept_owner: bool, talk: &Talk) -> Result<(), Refused> {
        if accept_owner {
            return Err(refused(
                "--accept-owner does not go with a link",
                "`redirect_uri` of the app is that of the admin page, so this sign-in goes by a link, which may be opened by somebody else",
                "run the same command with --paste or --device too",
            ));
        }
        self.sign_in_by_own_link(login, talk).await
    }

    /// The one login of an account whose app people sign in to; with `app`, that one.
    pub(super) fn login_to_sign_in(&self, account: &str, app: Option<&str>) -> Result<Authorized, Refused> {
        let (name, found) = self.account(account)?;
        let mut logins = self.sign_ins(&name);
        if let Some(app) = app {
            logins.retain(|login| &*login.route().app.name == app);
        }
        let names: Vec<_> = logins
            .iter()
            .map(|login| login.route().app.name.to_string())
            .collect();
        match (logins.pop(), logins.is_empty()) {
            (Some(login), true) => Ok(login),
            (Some(_), false) => Err(refused(
                format!(
                    "{} uses several apps that people sign in to: {}",
                    found.name,
                    names.join(", ")
                ),
                "each has a consent of its own",
                format!(
                    "run `saslgate sign-in {} --app {}`, then the same with each other one",
                    found.name, names[0]
                ),
            )),
            (None, _) => Err(nothing_to_sign_in(&name, app)),
        }
    }

    pub(super) async fn by_browser(
        &self,
        app: &Delegated,
        login: &Authorized,
        end: End,
        talk: &mut Talk,
    ) -> Result<Granted, Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let mut authorization = Cow::Borrowed(page(app)?);
        if end == End::Page {
            // Wherever else the app's own one leads, to a terminal for instance: a browser at the page comes back to the page.
            authorization.to_mut().redirect_uri = self.callback()?;
        }
        let hints = Hints {
            login_hint: Some(login.owner().as_str().into()),
            ..Hints::default()
        };
        let sign_in = SignIn::begin(&authorization, &hints).map_err(|error| told(&error))?;
        let waiting = Waiting::new(sign_in, app, &authorization, end)?;
        let owner = login.owner().as_str();
        let (returned, page) = waiting.returned(owner, talk).await?;
        let granted = match returned {
            Returned::Code(redemption) => {
                let redeemed = self
                    .endpoint
                    .authorization_code(&app.registration, &app.scopes, redemption);
                redeemed.await.map_err(|error| told(&error))
            }
            Returned::AdminConsent { .. } => Err(refused(
                "an administrator has consented, and nobody has signed in",
                "the browser came back from the page for administrators",
                "run the same command once more: now it needs no further consent",
            )),
            Returned::Refused(error) => Err(told(&error)),
            Returned::Foreign(_) | Returned::Nothing => Err(ended()),
        };
        if let Some(page) = page {
            page.show(granted.as_ref().err()).await;
        }
        granted
    }

    async fn admin_consent(
        &self,
        app: &Delegated,
        login: &Authorized,
        talk: &mut Talk,
    ) -> Result<(), Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let authorization = page(app)?;
        let Some(url) = &app.admin_consent_url else {
            return Err(refused(
                "this provider has no page where an administrator consents for everybody",
                "only Entra ID has one, and only for one tenant",
                "run the command without --admin-consent, and let each person consent at the sign-in",
            ));
        };
        let sign_in = SignIn::begin_admin_consent(url, authorization, &app.scopes);
        let sign_in = sign_in.map_err(|error| told(&error))?;
        let waiting = Waiting::new(sign_in, app, authorization, End::Here)?;
        let (returned, page) = waiting.returned("an administrator", talk).await?;
        let consented = match returned {
            Returned::AdminConsent { tenant } => Ok(tenant),
            Returned::Refused(error) => Err(told(&error)),
            Returned::Code(_) | Returned::Foreign(_) | Returned::Nothing => Err(ended()),
        };
        if let Some(page) = page {
            page.show(consented.as_ref().err()).await;
        }
        let tenant: Option<String> = consented?.map(Into::into);
        let account = login.account().name.to_string();
        audit::consented(&account, &login.route().app.name, tenant.as_deref());
        talk.tell(News::Consented { tenant }).await;
        Ok(())
    }

    async fn by_device(
        &self,
        app: &Delegated,
        login: &Authorized,
        talk: &mut Talk,
    ) -> Result<Granted, Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let Some(device_url) = &app.device_url else {
            return Err(refused(
                "this provider has no sign-in by code for mail",
                "it lets codes open less than mail",
                "run the command with --browser instead, or with --paste where this machine has no browser",
            ));
        };
        let registration = &app.registration;
        let asked = self
            .endpoint
            .device_authorization(registration, device_url, &app.scopes);
        let authorization = asked.await.map_err(|error| told(&error))?;
        talk.tell(News::TypeCode {
            user_code: authorization.user_code.to_string(),
            verification_uri: authorization.verification_uri.to_string(),
            verification_uri_complete: authorization
                .verification_uri_complete
                .as_deref()
                .map(|uri| Told(Secret::new(uri.to_owned()))),
            message: authorization.message.as_deref().map(Into::into),
            seconds: authorization.lifetime.as_secs(),
            owner: login.owner().to_string(),
        })
        .await;
        let (begun, mut pace) = (Instant::now(), Pace::of(&authorization));
        while let Some(pause) = pace.pause(begun.elapsed()) {
            tokio::select! {
                () = sleep(pause) => {}
                // Nobody is there any more who could be told of it.
                () = talk.gone() => return Err(ended()),
            }
            let answer = self.endpoint.device_token(registration, &authorization).await;
            if let Some(granted) = pace.heard(answer).map_err(|error| told(&error))? {
                return Ok(*granted);
            }
        }
        Err(refused(
            "the code has expired",
            "nobody typed it in time",
            "run the same command again: it shows a new code",
        ))
    }

    /// A refresh token from elsewhere is tried at once: what comes of it tells whose it is.
    async fn by_refresh_token(
        &self,
        app: &Delegated,
        login: &Authorized,
        token: &Secret<String>,
    ) -> Result<Granted, Refused> {
        let told = |error: &TokenError| Refused::from(explained(error, login));
        let refreshed = self.endpoint.refresh(&app.registration, &app.scopes, token).await;
        let mut granted = refreshed.map_err(|error| told(&error))?;
        // Where the provider keeps its refresh tokens, this is the one to keep.
        let kept = || Secret::new(token.expose().clone());
        granted.refresh_token.get_or_insert_with(kept);
        Ok(granted)
    }
}

fn nothing_to_sign_in(name: &LoginName, app: Option<&str>) -> Refused {
    if let Some(app) = app {
        return refused(
            format!("{name} uses no app \"{app}\" that people sign in to"),
            "`app` of the account, or of one of its protocols, names another",
            "run `saslgate status`: it shows which apps the account uses",
        );
    }
    refused(
        format!("nobody has to sign in for {name}"),
        "its app gets tokens by itself, or asks the provider with each mail client's password",
        format!("leave it; `saslgate test {name}` shows whether mail works"),
    )
}

fn way(asked: SignInWay, app: &Delegated) -> SignInWay {
    match (asked, app.usual) {
        (SignInWay::Usual, UsualSignIn::Browser) => SignInWay::Browser,
        (SignInWay::Usual, UsualSignIn::Device) => SignInWay::Device,
        (asked, _) => asked,
    }
}

pub(super) fn page(app: &Delegated) -> Result<&Authorization, Refused> {
    app.browser.as_ref().ok_or_else(|| {
        refused(
            "it is not known where people sign in at this provider",
            "its [provider.NAME] has no `authorize_url`",
            "add it from the provider's documentation and reload saslgate, or sign in elsewhere and hand the refresh token over with --refresh-token",
        )
    })
}

fn needs_refresh_token(account: &str) -> Refused {
    refused(
        "this app is given refresh tokens that were got elsewhere",
        "its grant is \"refresh_token\"",
        format!(
            "run `saslgate sign-in {account} --refresh-token < FILE`, where FILE holds the token, or choose --browser or --device"
        ),
    )
}

pub(super) fn ended() -> Refused {
    refused(
        "the sign-in was not finished",
        "nothing that belongs to it came back within ten minutes",
        "run the same command again, and finish on the page that opens; if it shows an error, that one's code stands in docs/errors.md",
    )
}
