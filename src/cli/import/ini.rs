//! The format of Python's `configparser`, as far as programs that keep their settings in it use it.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// A section's options, their names in lower case.
pub(super) type Options = BTreeMap<String, Zeroizing<String>>;

/// A file: its sections in their order.
#[derive(Default)]
pub(super) struct Ini(Vec<(String, Options)>);

impl Ini {
    /// Reads a text. What is no option is passed over: the program that wrote it has taken it.
    pub(super) fn read(text: &str) -> Self {
        let mut ini = Self::default();
        let mut last: Option<String> = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t']) && last.is_some() {
                ini.go_on(last.as_deref(), trimmed);
            } else if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                ini.section(name.0);
                last = None;
            } else if let Some((name, value)) = trimmed.split_once(['=', ':']) {
                let name = name.trim().to_lowercase();
                ini.set(name.clone(), value.trim());
                last = Some(name);
            }
        }
        ini
    }

    /// Every section, in the order of the file.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&str, &Options)> {
        self.0.iter().map(|(name, options)| (name.as_str(), options))
    }

    /// A section.
    pub(super) fn get(&self, name: &str) -> Option<&Options> {
        let mut sections = self.0.iter();
        sections.find_map(|(known, options)| (known == name).then_some(options))
    }

    /// Puts an option into a section, which is made if it is missing.
    pub(super) fn put(&mut self, section: &str, name: &str, value: &str) {
        self.section(section);
        self.set(name.to_owned(), value);
    }

    /// Makes a section the last one, so that options go there.
    fn section(&mut self, name: &str) {
        let at = self.0.iter().position(|(known, _)| known == name);
        let section = at.map_or_else(|| (name.to_owned(), Options::new()), |at| self.0.remove(at));
        self.0.push(section);
    }

    fn set(&mut self, name: String, value: &str) {
        if let Some((_, options)) = self.0.last_mut() {
            options.insert(name, Zeroizing::new(value.to_owned()));
        }
    }

    /// A line that is indented belongs to the option before it.
    fn go_on(&mut self, name: Option<&str>, more: &str) {
        let options = self.0.last_mut().map(|(_, options)| options);
        if let Some(value) = name
            .zip(options)
            .and_then(|(name, options)| options.get_mut(name))
        {
            value.push('\n');
            value.push_str(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_python_reads_it() {
        let ini = Ini::read(
            "# a comment\n[IMAP-1993]\nServer_Address = outlook.office365.com\nserver_port: 993\n\n[a@b.example]\n\
             scope = one\n  two\n; another\nurl = https://host/?a=b:c\nempty =\nnothing\n",
        );
        let of = |section: &str, name: &str| {
            let options = ini.get(section).unwrap();
            options.get(name).map(|value| value.to_string())
        };
        let table = [
            ("IMAP-1993", "server_address", Some("outlook.office365.com")),
            ("IMAP-1993", "server_port", Some("993")),
            ("a@b.example", "scope", Some("one\ntwo")),
            ("a@b.example", "url", Some("https://host/?a=b:c")),
            ("a@b.example", "empty", Some("")),
            ("a@b.example", "nothing", None),
        ];
        for (section, name, value) in table {
            assert_eq!(of(section, name).as_deref(), value, "{section} {name}");
        }
        assert_eq!(ini.sections().count(), 2);
    }
}
