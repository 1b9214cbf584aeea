//! Carries alerts by one way, now.

use super::alert::Alert;
use super::webhook::Web;
use super::{Settings, Way, command, submission};
use crate::outgoing::Outgoing;
use crate::session::Context;

/// Why alerts did not arrive by one way. It never repeats an alert, a header or an address that may hold a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Undelivered {
    /// What happened.
    pub what: String,
    /// What causes this.
    pub why: String,
    /// What mends it.
    pub fix: String,
}

/// A way that was tried.
#[derive(Debug)]
pub struct Tried {
    /// Where it leads: the program, the webhook's host, who gets the mail.
    pub to: String,
    /// What came of it.
    pub outcome: Result<(), Undelivered>,
}

/// What the ways need besides their settings.
pub(super) struct Courier {
    web: Web,
    host: Box<str>,
}

impl Courier {
    pub(super) fn new(outgoing: Outgoing, host: Box<str>) -> Self {
        Self {
            web: Web(outgoing),
            host,
        }
    }

    /// Carries alerts by one way; several only by mail.
    pub(super) async fn deliver(
        &self,
        settings: &Settings,
        way: Way,
        alerts: &[Alert],
        context: &Context,
    ) -> Result<(), Undelivered> {
        match (way, settings) {
            (Way::Mail, Settings { mail: Some(mail), .. }) => {
                submission::send(mail, alerts, &self.host, context).await
            }
            (
                Way::Command,
                Settings {
                    command: Some(argv), ..
                },
            ) => {
                for alert in alerts {
                    command::tell(argv, alert, &alert.json(&self.host)).await?;
                }
                Ok(())
            }
            (
                Way::Webhook,
                Settings {
                    webhook: Some(to), ..
                },
            ) => {
                for alert in alerts {
                    self.web.post(to, &alert.json(&self.host)).await?;
                }
                Ok(())
            }
            // It was taken out of the configuration a moment ago.
            _ => Ok(()),
        }
    }
}

/// Where a way leads, as it may be shown; none if it is not configured.
pub(super) fn whereto(settings: &Settings, way: Way) -> Option<String> {
    match way {
        Way::Command => Some(settings.command.as_ref()?.first()?.to_string()),
        Way::Webhook => Some(settings.webhook.as_ref()?.host().to_owned()),
        Way::Mail => {
            let to = settings.mail.as_ref()?.to.iter();
            Some(to.map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}
