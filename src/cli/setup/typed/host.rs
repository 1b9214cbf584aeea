//! The name by which mail clients reach this machine.

use crate::certificates::Name;

/// Reads a host name or an address.
pub(in super::super) fn host(typed: &str) -> Result<Name, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err("a name is needed: the one that is typed into the mail client as server".to_owned());
    }
    if typed.contains("://") || typed.contains('/') {
        return Err(
            "that is an address of a page: write the host's name alone, such as mail.contoso.lan".to_owned(),
        );
    }
    let name = Name::parse(typed)?;
    if name.to_string() == "localhost" {
        return Err(
            "localhost is another machine for each mail client: write the name of this one".to_owned(),
        );
    }
    Ok(name)
}

/// The same where it is looked up in the internet, which knows no bare host name.
pub(in super::super) fn public_host(typed: &str) -> Result<Name, String> {
    let name = host(typed)?;
    let text = name.to_string();
    if text.contains(['.', ':']) {
        return Ok(name);
    }
    Err(format!(
        "{text} is known to nobody in the internet: write the full public name, such as mail.contoso.com"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_other_machines_call_this_one() {
        for (typed, expected) in [
            ("Mail.Contoso.LAN", "mail.contoso.lan"),
            ("192.168.1.2", "192.168.1.2"),
            ("[fd00::1]", "fd00::1"),
        ] {
            assert_eq!(host(typed).unwrap().to_string(), expected);
        }
        for typed in [
            "",
            "localhost",
            "https://mail.contoso.lan",
            "mail contoso",
            "k\u{e4}se.lan",
        ] {
            assert!(host(typed).is_err(), "{typed}");
        }
        assert!(public_host("desk-7").unwrap_err().contains("full public name"));
        for typed in ["mail.contoso.com", "203.0.113.7", "2001:db8::7"] {
            assert!(public_host(typed).is_ok(), "{typed}");
        }
    }
}
