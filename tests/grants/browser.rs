//! A person's browser: it trusts the simulator, and goes where it is sent.

use reqwest::header::LOCATION;
use saslgate::sim::Sim;

use crate::sim_support::trusting;
use crate::support::soon;

/// A browser with a session at the provider.
pub(crate) struct Browser(reqwest::Client);

/// What a browser shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(sim: &Sim) -> Self {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(trusting(sim))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        Self(http.build().unwrap())
    }

    /// Opens the provider's page: where the browser is sent back to.
    pub(crate) async fn sent_back(&self, address: &str) -> String {
        let answer = soon("the provider's page", self.0.get(address).send())
            .await
            .unwrap();
        let to = answer
            .headers()
            .get(LOCATION)
            .map(|to| to.to_str().unwrap().to_owned());
        let status = answer.status();
        match to {
            Some(to) => to,
            None => panic!("{status}: {}", answer.text().await.unwrap()),
        }
    }

    /// Loads a page.
    pub(crate) async fn load(&self, address: &str) -> Page {
        self.load_as(address, None).await
    }

    /// Loads a page under a name that its address does not have, as a page elsewhere could make a browser do.
    pub(crate) async fn load_as(&self, address: &str, host: Option<&str>) -> Page {
        let mut request = self.0.get(address);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = soon("a page", request.send()).await.unwrap();
        Page {
            status: answer.status().as_u16(),
            text: answer.text().await.unwrap(),
        }
    }

    /// Signs in: the last page.
    pub(crate) async fn signs_in(&self, address: &str) -> Page {
        let back = self.sent_back(address).await;
        self.load(&back).await
    }

    /// A refresh token that a person got elsewhere, by name and password.
    pub(crate) async fn refresh_token(&self, token_url: &str, form: &[(&str, &str)]) -> String {
        let json = self.asks(token_url, form).await;
        json["refresh_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{json}"))
            .to_owned()
    }

    /// Asks the token endpoint as anybody can who is no app of ours: what it says.
    pub(crate) async fn asks(&self, token_url: &str, form: &[(&str, &str)]) -> serde_json::Value {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .0
            .post(token_url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let answer = soon("tokens", request.send())
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}
