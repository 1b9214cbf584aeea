//! HTTP from here: to providers, who give tokens, and to webhooks, which hear alerts. One builder for both, on the one TLS stack.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use reqwest::redirect;
use url::Url;

/// For name resolution, TCP and TLS; less than what any request may take in all, so that an address that swallows packets is
/// told apart from whoever is slow.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// By which way requests leave this machine.
#[derive(Clone, Default)]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// Through this HTTP proxy, except to what `NO_PROXY` names.
    At(Url),
    /// Straight.
    Direct,
}

impl fmt::Debug for Proxy {
    /// A proxy's URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::At(url) => write!(f, "At({})", url.host_str().unwrap_or_default()),
            Self::Direct => f.write_str("Direct"),
        }
    }
}

/// The proxy of `[upstream]` can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the proxy can't be used: its URL has to begin with http:// or https:// and name a host")]
pub struct ProxyError;

/// The way out for requests: no redirects, no cookies, no second try. Clones go the same way, and change it together.
#[derive(Clone)]
pub struct Outgoing(Arc<ArcSwap<Clients>>);

struct Clients {
    https: reqwest::Client,
    local: reqwest::Client,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outgoing")
    }
}

impl Outgoing {
    /// A way that trusts what `tls` trusts.
    pub fn new(tls: &Arc<rustls::ClientConfig>, proxy: &Proxy) -> Result<Self, ProxyError> {
        let mut tls = rustls::ClientConfig::clone(tls);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let https = builder(&tls).https_only(true);
        let https = match proxy {
            Proxy::Environment => https,
            Proxy::At(url) => https.proxy(fixed(url)?),
            Proxy::Direct => https.no_proxy(),
        };
        let clients = Clients {
            https: https.build().map_err(|_| ProxyError)?,
            local: builder(&tls).no_proxy().build().map_err(|_| ProxyError)?,
        };
        Ok(Self(Arc::new(ArcSwap::from_pointee(clients))))
    }

    /// Goes another one's way from the next request on, in every clone of this one.
    pub fn go_like(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    /// For https, and nothing else, by the proxy if there is one.
    pub fn https(&self) -> reqwest::Client {
        self.0.load().https.clone()
    }

    /// Never by a proxy, and without TLS too: for what listens on this machine, and for the addresses at which a platform
    /// tells its own machines who they are.
    pub fn local(&self) -> reqwest::Client {
        self.0.load().local.clone()
    }
}

fn builder(tls: &rustls::ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_DEADLINE)
        // Token requests come most of an hour apart, alerts are rare: a kept connection would be found dead by the next one.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("saslgate/", env!("CARGO_PKG_VERSION")))
}

fn fixed(url: &Url) -> Result<reqwest::Proxy, ProxyError> {
    // Any other kind would be taken here and found out with the first request.
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ProxyError);
    }
    let proxy = reqwest::Proxy::all(url.clone()).map_err(|_| ProxyError)?;
    Ok(proxy.no_proxy(reqwest::NoProxy::from_env()))
}
