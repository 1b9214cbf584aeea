//! Local passwords of the configuration that is replaced: a mail client that has one goes on with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::layout;
use crate::account::PasswordHash;

/// What is stored of passwords, by login.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<String, Vec<String>>);

impl Kept {
    /// Those of the files that are there. What can't be read has none: `check` and the mail client's card tell of new ones.
    pub(super) fn of(directory: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        let mut kept = Self::default();
        kept.take_table(&read(layout::CONFIG));
        kept.take_lines(&read(layout::USERS));
        kept
    }

    /// What is stored for a login.
    pub(super) fn get(&self, login: &str) -> Option<&[String]> {
        self.0.get(&login.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// Whether something is.
    pub(super) fn has(&self, login: &str) -> bool {
        self.get(login).is_some()
    }

    /// `[[account]]` of a configuration.
    fn take_table(&mut self, text: &str) {
        let table: Table = text.parse().unwrap_or_default();
        let accounts = table.get("account").and_then(Value::as_array);
        for account in accounts.into_iter().flatten() {
            let login = account.get("login").and_then(Value::as_str);
            let stored = match account.get("password") {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(list)) => list
                    .iter()
                    .filter_map(Value::as_str)
                    .map(ToOwned::to_owned)
                    .collect(),
                _ => Vec::new(),
            };
            self.take(login.unwrap_or_default(), stored);
        }
    }

    /// The lines of a users file.
    fn take_lines(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            if let (Some(login), Some(stored)) = (words.next(), words.next()) {
                self.take(login, vec![stored.to_owned()]);
            }
        }
    }

    fn take(&mut self, login: &str, mut stored: Vec<String>) {
        stored.retain(|stored| PasswordHash::parse(stored).is_ok() && !is_example(stored));
        if !login.is_empty() && !stored.is_empty() {
            self.0.insert(login.to_ascii_lowercase(), stored);
        }
    }
}

/// The line of the example files, which matches no password.
fn is_example(stored: &str) -> bool {
    stored.starts_with("sg1:here:AAAA")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::password::GeneratedPassword;

    fn made() -> String {
        let (_, hash) = GeneratedPassword::make().unwrap();
        PasswordHash::Generated(hash).stored()
    }

    #[test]
    fn what_mail_clients_have_is_found_in_both_files() {
        let place = tempfile::tempdir().unwrap();
        let [one, two, three] = [made(), made(), made()];
        let example = format!("sg1:here:{}:{}", "A".repeat(22), "A".repeat(43));
        let text = format!(
            "[[account]]\nlogin = \"Alice@contoso.com\"\npassword = \"{one}\"\n[[account]]\nlogin = \"bob@contoso.com\"\n\
             password = [\"{one}\", \"{two}\"]\n[[account]]\nlogin = \"eve@contoso.com\"\npassword = \"{example}\"\n\
             [[account]]\nlogin = \"dan@contoso.com\"\npassword_env = \"DAN\"\n"
        );
        fs::write(place.path().join(layout::CONFIG), text).unwrap();
        fs::write(
            place.path().join(layout::USERS),
            format!("# login hash\ncarol@contoso.com {three} protocols=imap\nfay@contoso.com -\n"),
        )
        .unwrap();
        let kept = Kept::of(place.path());
        assert_eq!(kept.get("alice@CONTOSO.com"), Some(&[one.clone()][..]));
        assert_eq!(kept.get("bob@contoso.com"), Some(&[one, two][..]));
        assert_eq!(kept.get("carol@contoso.com"), Some(&[three][..]));
        for nobody in ["eve", "dan", "fay", "login", "#"] {
            assert!(!kept.has(&format!("{nobody}@contoso.com")), "{nobody}");
        }
        assert!(!Kept::of(&place.path().join("gone")).has("alice@contoso.com"));
    }
}
