//! Managed identities: the platform that runs this process knows its own machines, and gives them tokens.
//!
//! What is asked is an address of the machine itself, so it is plain HTTP, and the one place where that is spoken.

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use http::StatusCode;
use url::{Host, Url};

use crate::oauth::Issued;
use crate::oauth::endpoint::{Endpoint, Reply, Way, retry_after};
use crate::oauth::error::{Kind, TokenError};
use crate::oauth::printed;
use crate::oauth::refusal;
use crate::oauth::reply::ErrorReply;
use crate::secret::Secret;

/// The instance metadata service of an Azure virtual machine: an address that no router passes on.
const IMDS: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// Who gives tokens here.
#[derive(Debug)]
pub enum Platform {
    /// An Azure virtual machine, scale set or AKS node.
    VirtualMachine,
    /// App Service, Functions or Container Apps: `IDENTITY_ENDPOINT` with `IDENTITY_HEADER`.
    AppService(AppService),
}

/// What App Service tells its processes.
#[derive(Debug)]
pub struct AppService {
    endpoint: Url,
    header: Secret<String>,
}

/// An address that is not of this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the managed identity's address is not http:// with an address of this machine: loopback or 169.254.0.0/16"
)]
pub struct PlatformError;

/// A managed identity.
#[derive(Debug)]
pub struct ManagedIdentity {
    /// Who gives its tokens.
    pub platform: Platform,
    /// What they are for, such as `https://outlook.office365.com`; no scope, so without `/.default`.
    pub resource: Box<str>,
    /// The client id of a user-assigned identity; none for the machine's own.
    pub client_id: Option<Box<str>>,
}

impl Platform {
    /// App Service, by the values of `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
    pub fn app_service(endpoint: &str, header: Secret<String>) -> Result<Self, PlatformError> {
        let endpoint = of_this_machine(endpoint)?;
        Ok(Self::AppService(AppService { endpoint, header }))
    }

    /// What a question carries, so that nobody outside can have one asked in his place.
    fn header(&self) -> (&'static str, &str) {
        match self {
            Self::VirtualMachine => ("Metadata", "true"),
            Self::AppService(service) => ("X-IDENTITY-HEADER", service.header.expose()),
        }
    }

    const fn secret(&self) -> Option<&Secret<String>> {
        match self {
            Self::VirtualMachine => None,
            Self::AppService(service) => Some(&service.header),
        }
    }

    const fn api_version(&self) -> &'static str {
        match self {
            Self::VirtualMachine => "2018-02-01",
            Self::AppService(_) => "2019-08-01",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VirtualMachine => "virtual machine",
            Self::AppService(_) => "App Service",
        })
    }
}

/// Plain HTTP is spoken with this machine alone: a token comes back, and no certificate says from whom.
fn of_this_machine(address: &str) -> Result<Url, PlatformError> {
    let url = Url::parse(address).map_err(|_| PlatformError)?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    (url.scheme() == "http" && is_here)
        .then_some(url)
        .ok_or(PlatformError)
}

impl ManagedIdentity {
    fn url(&self) -> Result<Url, TokenError> {
        let mut url = match &self.platform {
            Platform::VirtualMachine => Url::parse(IMDS).map_err(|_| self.absent())?,
            Platform::AppService(service) => service.endpoint.clone(),
        };
        url.query_pairs_mut()
            .append_pair("api-version", self.platform.api_version())
            .append_pair("resource", &self.resource);
        if let Some(client_id) = &self.client_id {
            url.query_pairs_mut().append_pair("client_id", client_id);
        }
        Ok(url)
    }

    /// What the operator is told when nobody answers there.
    fn absent(&self) -> TokenError {
        TokenError::temporary(
            format!("no managed identity of this {} answers", self.platform),
            "this machine is not one of Azure's, has no managed identity, or is a container that its network keeps away from the address",
            "switch the managed identity on in the portal (Identity), and let this process reach its address; elsewhere use a certificate",
        )
    }

    fn unidentified(&self, detail: String) -> TokenError {
        TokenError::misconfigured(
            format!("this {} gives no token for the managed identity", self.platform),
            "no managed identity is assigned to it, or client_id names another one",
            "assign the identity in the portal (Identity), or correct client_id",
        )
        .with_detail(detail)
    }

    /// The token in a reply. `now` is for lifetimes that are told as a moment.
    fn read(&self, way: &Way, reply: &Reply, now: SystemTime) -> Result<Issued, TokenError> {
        let Reply {
            status,
            headers,
            body,
        } = reply;
        match *status {
            StatusCode::OK => {
                printed::json(body, now).map_err(|unusable| way.asked.malformed(unusable.text()))
            }
            // 404 and 410 are what IMDS answers while it is being renewed.
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::TOO_MANY_REQUESTS => {
                Err(way.asked.busy(*status, retry_after(headers), body))
            }
            status if status.is_server_error() => Err(way.asked.busy(status, retry_after(headers), body)),
            status => match serde_json::from_slice::<ErrorReply>(body) {
                // A resource that the tenant does not know.
                Ok(reply) if !reply.aadsts().is_empty() => Err(refusal::told(&way.asked, &reply)),
                Ok(reply) => Err(self.unidentified(way.asked.readable(&reply.said(), 300))),
                Err(_) => Err(self.unidentified(format!("HTTP {}", status.as_u16()))),
            },
        }
    }
}

impl Endpoint {
    /// One token of a managed identity.
    pub async fn managed_identity(&self, identity: &ManagedIdentity) -> Result<Issued, TokenError> {
        let url = identity.url()?;
        let way = self.way_to_platform(&url, identity.platform.secret());
        let reply = ask(identity, &way, &url).await?;
        identity.read(&way, &reply, SystemTime::now())
    }
}

async fn ask(identity: &ManagedIdentity, way: &Way, url: &Url) -> Result<Reply, TokenError> {
    way.get(url, identity.platform.header()).await.map_err(|error| {
        // What the network says is kept; what is to be done about it is another thing than with a provider far away.
        let absent = identity.absent();
        match error.kind {
            Kind::Temporary { .. } => TokenError {
                detail: error.detail,
                ..absent
            },
            _ => error,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(platform: Platform, client_id: Option<&str>) -> ManagedIdentity {
        ManagedIdentity {
            platform,
            resource: "https://outlook.office365.com".into(),
            client_id: client_id.map(Into::into),
        }
    }

    fn said(identity: &ManagedIdentity) -> String {
        let (name, value) = identity.platform.header();
        format!("{} {name}: {value}", identity.url().unwrap())
    }

    #[test]
    fn each_platform_is_asked_as_it_documents() {
        let header = || Secret::new("853b9a84".to_owned());
        let service = |endpoint| Platform::app_service(endpoint, header()).unwrap();
        let cases = [
            (
                identity(Platform::VirtualMachine, None),
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01\
                 &resource=https%3A%2F%2Foutlook.office365.com Metadata: true",
            ),
            (
                identity(Platform::VirtualMachine, Some("1111-2222")),
                "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01\
                 &resource=https%3A%2F%2Foutlook.office365.com&client_id=1111-2222 Metadata: true",
            ),
            (
                identity(service("http://169.254.130.3:8081/msi/token"), Some("1111-2222")),
                "http://169.254.130.3:8081/msi/token?api-version=2019-08-01\
                 &resource=https%3A%2F%2Foutlook.office365.com&client_id=1111-2222 X-IDENTITY-HEADER: 853b9a84",
            ),
        ];
        for (identity, expected) in &cases {
            assert_eq!(said(identity), *expected);
            assert!(!format!("{identity:?}").contains("853b9a84"));
        }
        assert_eq!(cases.len(), 3);
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        let cases = [
            ("http://127.0.0.1:41564/msi/token/", true),
            ("http://[::1]:41564/msi/token/", true),
            ("http://localhost:12356/msi/token", true),
            ("http://169.254.130.3:8081/msi/token", true),
            ("http://10.0.0.1/msi/token", false),
            ("http://evil.example/msi/token", false),
            ("http://localhost.evil.example/", false),
            ("http://localhost@evil.example/", false),
            ("http://2130706433.evil/", false),
            ("https://localhost/msi/token", false),
            ("file:///etc/passwd", false),
            ("", false),
        ];
        for (address, is_here) in cases {
            assert_eq!(of_this_machine(address).is_ok(), is_here, "{address}");
        }
        assert_eq!(cases.len(), 12);
    }
}
