//! Where a configuration comes from.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::variables;

/// Where a configuration comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A file, and what it refers to.
    File(PathBuf),
    /// Environment variables alone.
    Variables,
}

/// Where packages, the unit and the image look.
const OF_THE_MACHINE: &str = "/etc/saslgate/saslgate.toml";

impl Origin {
    /// The file, wherever a command is typed; none where variables stand for it.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            Self::Variables => None,
        }
    }

    /// Where a configuration is looked for that nobody names: the machine's, else the person's (XDG Base Directory
    /// Specification), if that is there.
    pub fn usual(environment: &dyn Environment) -> PathBuf {
        let of_machine = PathBuf::from(OF_THE_MACHINE);
        if !is_missing(&of_machine, environment) {
            return of_machine;
        }
        Self::of_person(environment)
            .map(|directory| directory.join("saslgate.toml"))
            .filter(|path| !is_missing(path, environment))
            .unwrap_or(of_machine)
    }

    /// The directory of the person's own configuration; none for who has no home.
    pub fn of_person(environment: &dyn Environment) -> Option<PathBuf> {
        let variable = |name| {
            environment
                .variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let config = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
        Some(config.join("saslgate"))
    }

    /// The file of that path, unless nobody `named` it, it is not there, and variables say what it would.
    pub fn find(path: &Path, named: bool, environment: &dyn Environment) -> Self {
        if named || variables::given(environment).is_empty() || !is_missing(path, environment) {
            Self::File(path.to_owned())
        } else {
            Self::Variables
        }
    }
}

/// Whoever may not read a file is not led to another one.
fn is_missing(path: &Path, environment: &dyn Environment) -> bool {
    environment
        .read(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// As a message names it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variables => f.write_str(variables::NAME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Given;

    #[test]
    fn the_machines_configuration_comes_before_the_persons() {
        let of_home = "/home/ann/.config/saslgate/saslgate.toml";
        let of_xdg = "/xdg/saslgate/saslgate.toml";
        let cases: [(&[&str], &str, &str); 6] = [
            (&[], "", OF_THE_MACHINE),
            (&[OF_THE_MACHINE, of_home], "", OF_THE_MACHINE),
            (&[of_home], "", of_home),
            (&[of_home], "not/absolute", of_home),
            (&[of_home, of_xdg], "/xdg", of_xdg),
            (&[of_home], "/xdg", OF_THE_MACHINE),
        ];
        for (there, xdg, expected) in cases {
            let mut machine = Given::default()
                .variable("HOME", "/home/ann")
                .variable("XDG_CONFIG_HOME", xdg);
            for path in there {
                machine.files.insert(path.into(), (Vec::new(), 0o600));
            }
            assert_eq!(Origin::usual(&machine), Path::new(expected), "{there:?} {xdg}");
        }
        assert_eq!(cases.len(), 6);
    }
}
