//! What a provider's clock says.

use std::time::SystemTime;

use http::header::{ACCEPT, DATE};
use url::Url;

use super::endpoint::Endpoint;
use super::error::TokenError;
use super::timestamp::http_date;

impl Endpoint {
    /// What time a token endpoint says it is, to the second; none if it does not say. The `Date` of its answer (RFC 9110
    /// 6.6.1) is taken and not the `iat` of a token: Entra ID dates tokens back by five minutes, so that clocks that are
    /// slow take them, and a token at hand may be an hour old. Nothing is sent that proves anything; that such a request
    /// is refused (AADSTS900561) does not matter.
    pub async fn date(&self, url: &Url) -> Result<Option<SystemTime>, TokenError> {
        let reply = self.way_unproven(url).get(url, (ACCEPT.as_str(), "*/*")).await?;
        let date = reply.headers.get(DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(http_date))
    }
}
