//! Who hears of trouble, and by what.

use std::fmt::{self, Display};

use super::{joined, reach, section};
use crate::config::Config;
use crate::health;

/// Where alerts go and where probes are answered. Either will do for a saslgate that nobody looks at; one word where there is
/// neither.
pub(super) struct Telling<'a>(pub(super) &'a Config);

impl Display for Telling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { alert, health, .. } = self.0;
        let ways = alert.ways();
        if ways.is_empty() && health.is_none() {
            return writeln!(
                f,
                "Alerts: none, and no [health] to probe: who does not look at the log or at `saslgate status` hears of no trouble\n"
            );
        }
        if !ways.is_empty() {
            let lines = ways.iter().map(|(way, to)| format!("{way}  {to}"));
            section(f, "Alerts", lines)?;
        }
        if health.is_some() {
            section(f, "Health", health.iter().map(probed))?;
        }
        Ok(())
    }
}

fn probed(settings: &health::Settings) -> String {
    let health::Settings {
        bind,
        allow_from,
        account_names,
    } = settings;
    let names = if *account_names { "  names accounts" } else { "" };
    format!("http  {}{}{names}", joined(bind, " "), reach(bind, allow_from))
}
