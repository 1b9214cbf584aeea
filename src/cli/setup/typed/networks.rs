//! From where mail clients may connect.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::is_private;

/// Which networks make sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Reach {
    /// Those that are not reached from the internet.
    Private,
    /// Somebody's addresses in the internet.
    Public,
}

/// Reads addresses and networks, with commas or spaces between.
pub(in super::super) fn networks(typed: &str, reach: Reach) -> Result<Vec<IpNet>, String> {
    let mut found = Vec::new();
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    for text in typed.split(between).filter(|text| !text.is_empty()) {
        let shown = crate::name::shown(text.as_bytes(), 60);
        let network = text.parse::<IpNet>().ok();
        let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let Some(network) = network.map(|network| network.trunc()) else {
            return Err(format!(
                "{shown} is neither an address such as 192.168.1.20 nor a network such as 192.168.1.0/24"
            ));
        };
        if network.prefix_len() == 0 {
            return Err(format!("{shown} is everybody: name the addresses that need it"));
        }
        if reach == Reach::Private && !is_private(&network) {
            return Err(format!(
                "{shown} is reached from the internet: name addresses of this network, or choose the internet as where it connects from"
            ));
        }
        if !found.contains(&network) {
            found.push(network);
        }
    }
    if found.is_empty() {
        return Err(
            "an address is needed, such as 192.168.1.20, or a network, such as 192.168.1.0/24".to_owned(),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_what_the_place_can_have() {
        let texts = |found: Vec<IpNet>| {
            found
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let cases = [
            ("192.168.1.20", Reach::Private, Ok("192.168.1.20/32")),
            (
                "10.1.2.3/8, 10.0.0.0/8 fd00::/8",
                Reach::Private,
                Ok("10.0.0.0/8 fd00::/8"),
            ),
            ("8.8.8.8", Reach::Public, Ok("8.8.8.8/32")),
            ("8.8.8.8", Reach::Private, Err("from the internet")),
            ("0.0.0.0/0", Reach::Public, Err("everybody")),
            ("localhost", Reach::Private, Err("neither an address")),
            ("192.168.1.0/33", Reach::Private, Err("neither an address")),
            ("", Reach::Private, Err("is needed")),
        ];
        for (typed, reach, expected) in cases {
            match expected {
                Ok(expected) => assert_eq!(texts(networks(typed, reach).unwrap()), expected, "{typed}"),
                Err(word) => assert!(networks(typed, reach).unwrap_err().contains(word), "{typed}"),
            }
        }
        assert_eq!(cases.len(), 8);
    }
}
