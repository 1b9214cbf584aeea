//! `[health]`: where probes and scrapes are answered.

use std::net::SocketAddr;

use super::keys;
use super::network;
use super::reader::Reader;
use super::table::Table;
use crate::health::Settings;

/// Reads `[health]`, if it is there. `taken`: where this configuration listens already.
pub(super) fn read(root: &Table<'_>, taken: &[SocketAddr], reader: &mut Reader<'_>) -> Option<Settings> {
    let table = root.sub("health", &keys::HEALTH, reader)?;
    let settings = Settings {
        bind: bind(&table, taken, reader),
        allow_from: network::list("allow_from", &table, reader).unwrap_or_default(),
        account_names: table.flag("account_names", reader).is_some_and(|at| at.value),
    };
    note_names(&settings, &table, reader);
    Some(settings)
}

fn bind(table: &Table<'_>, taken: &[SocketAddr], reader: &mut Reader<'_>) -> Vec<SocketAddr> {
    if table.key("bind").is_none() {
        let fix = "add bind = \"127.0.0.1:9143\", or \"0.0.0.0:9143\" where probes come from elsewhere";
        table.missing(
            "bind",
            "it says where probes and scrapes are answered",
            fix,
            reader,
        );
    }
    network::unshared(table, taken, reader)
}

/// Names are shown to everybody who can connect.
fn note_names(settings: &Settings, table: &Table<'_>, reader: &mut Reader<'_>) {
    let is_open =
        settings.allow_from.is_empty() && settings.bind.iter().any(|address| !address.ip().is_loopback());
    if let Some(span) = table
        .key("account_names")
        .filter(|_| is_open && settings.account_names)
    {
        reader.warning(
            &span,
            "the names of all accounts can be read by whoever reaches this address",
            "nobody logs in here",
            "name the networks of the monitoring in `allow_from`, or remove `account_names`",
        );
    }
}

/// Where the running saslgate of a configuration answers probes, whatever else is wrong with the file by now.
pub(super) fn addresses(root: &Table<'_>, reader: &mut Reader<'_>) -> Vec<SocketAddr> {
    let table = root.sub("health", &keys::HEALTH, reader);
    table.map_or(Vec::new(), |table| bind(&table, &[], reader))
}

#[cfg(test)]
mod tests {

    use std::path::Path;

    use crate::config::{Config, Given, Origin, Problems, health, load};

    const REST: &str = "[app]\ngrant = \"command\"\npreset = \"own\"\ncommand = [\"/usr/local/bin/token\"]\n\
                        [provider.own]\nimap = \"imap.example:993\"\n\
                        [[account]]\nlogin = \"a@contoso.com\"\nprotocols = [\"imap\"]\n\
                        password = \"sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";

    fn machine(text: &str) -> Given {
        let mut machine = Given::default().file("saslgate.toml", text);
        machine.programs.push("/usr/local/bin/token".into());
        machine
    }

    fn read(health: &str) -> Result<Config, Problems> {
        load(Path::new("saslgate.toml"), &machine(&format!("{REST}{health}")))
    }

    #[test]
    fn nobody_is_answered_unless_the_operator_says_where() {
        assert!(read("").unwrap().health.is_none());
        let problems = read("[health]\naccount_names = true\n")
            .err()
            .unwrap()
            .to_string();
        assert!(problems.contains("[health] has no `bind`"), "{problems}");
        let settings = read("[health]\nbind = \"127.0.0.1:9143\"\n")
            .unwrap()
            .health
            .unwrap();
        assert_eq!(settings.bind, ["127.0.0.1:9143".parse().unwrap()]);
        assert!(settings.allow_from.is_empty() && !settings.account_names);
    }

    #[test]
    fn names_for_everybody_are_worth_a_word() {
        let table = [
            ("bind = \"0.0.0.0:9143\"\naccount_names = true", true),
            ("bind = \"0.0.0.0:9143\"\naccount_names = false", false),
            ("bind = \"localhost:9143\"\naccount_names = true", false),
            (
                "bind = \"[::]:9143\"\naccount_names = true\nallow_from = [\"10.0.0.0/8\"]",
                false,
            ),
        ];
        for (lines, warned) in table {
            let warnings = read(&format!("[health]\n{lines}\n"))
                .unwrap()
                .warnings
                .to_string();
            assert_eq!(
                warnings.contains("names of all accounts"),
                warned,
                "{lines}: {warnings}"
            );
        }
        assert_eq!(table.len(), 4);
    }

    /// `saslgate health` has to find the running one although somebody is editing the file.
    #[test]
    fn the_address_is_found_in_a_file_with_problems() {
        let file = |path: &str| Origin::File(path.into());
        let text = "nonsense = 1\n[health]\nbind = [\"localhost:9143\"]\nmore = 2\n[app]\n";
        assert_eq!(health(&file("saslgate.toml"), &machine(text)).len(), 2);
        assert!(health(&file("saslgate.toml"), &machine(REST)).is_empty());
        assert!(health(&file("nowhere.toml"), &machine(REST)).is_empty());
    }
}
