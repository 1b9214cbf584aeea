//! A browser comes back from a provider: with a code, or with why there is none.

use std::time::Duration;

use http::StatusCode;

use super::Admin;
use super::page::{notice, see_other};
use super::prose::sentence;
use super::routes::SIGNING_IN;
use crate::secret::Secret;
use crate::web::{Answer, Asked};

/// How long what a browser brought is looked at before the browser is sent on: the page it sees then looks again by itself.
const PATIENCE: Duration = Duration::from_secs(20);

impl Admin {
    /// Hands what a browser brought to the sign-in that the same browser has begun. Without its cookie nothing is looked at, whatever the
    /// state says: a stranger's page can send any browser here with an answer of the stranger's own (RFC 9700 4.7). The address has the
    /// code in it, so that no page is shown at it but a refusal.
    pub(super) async fn callback(&self, asked: &Asked) -> Answer {
        let Some(sign_in) = self.own_sign_in(asked) else {
            return not_taken(
                "This browser has begun no sign-in here, or takes no cookies. Begin it again in this browser, and finish it in the \
                 same one.",
            );
        };
        let before = sign_in.now();
        let target = asked.uri.path_and_query().map(ToString::to_string);
        let (None, Some(target)) = (before.end, target) else {
            return not_taken(
                "This sign-in has had its answer already. Begin another one if it has to be done again.",
            );
        };
        sign_in.landed(Secret::new(target)).await;
        let heard = sign_in
            .when(PATIENCE, |now| {
                now.strange.0 > before.strange.0 || now.probing.is_some() || now.end.is_some()
            })
            .await;
        if heard.strange.0 > before.strange.0 {
            return not_taken(&heard.strange.1);
        }
        see_other(SIGNING_IN)
    }
}

fn not_taken(why: &str) -> Answer {
    notice(StatusCode::BAD_REQUEST, "Not this sign-in", sentence(why), false)
}
