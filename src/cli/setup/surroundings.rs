//! What the questions ask of the machine: defaults, and what is there already. Everything else of the dialogue is pure.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::kept::Kept;
use crate::config::{Environment as _, Origin, System};

/// The machine, as far as the questions need to know it.
pub(super) trait Surroundings {
    /// Its own name, if it has one.
    fn host_name(&self) -> Option<String>;
    /// Whether saslgate's image runs here.
    fn in_container(&self) -> bool;
    /// Where files go if nobody says it.
    fn directory(&self) -> PathBuf;
    /// A path as it was typed, absolute, with the home directory in the place of `~`.
    fn absolute(&self, typed: &str) -> Result<PathBuf, String>;
    /// Whether files can be made in a directory that may not be there yet; what is wrong, if not.
    fn usable(&self, directory: &Path) -> Result<(), String>;
    /// Whether something of that name is there.
    fn is_there(&self, path: &Path) -> bool;
    /// What mail clients type today, of the configuration that is there.
    fn kept(&self, directory: &Path) -> Kept;
}

/// Where the packages, the unit and the image look for a configuration.
pub(super) const OF_THE_MACHINE: &str = "/etc/saslgate";

/// This machine.
pub(super) struct Machine;

impl Surroundings for Machine {
    fn host_name(&self) -> Option<String> {
        let uname = rustix::system::uname();
        let name = uname.nodename().to_str().ok()?;
        (!name.is_empty() && name != "localhost").then(|| name.to_owned())
    }

    fn in_container(&self) -> bool {
        System
            .variable("SASLGATE_CONTAINER")
            .is_some_and(|value| value == "1")
    }

    fn directory(&self) -> PathBuf {
        let of_machine = Path::new(OF_THE_MACHINE);
        if self.usable(of_machine).is_ok() {
            return of_machine.to_owned();
        }
        Origin::of_person(&System).unwrap_or_else(|| "saslgate".into())
    }

    fn absolute(&self, typed: &str) -> Result<PathBuf, String> {
        let path = match typed.strip_prefix("~/").or((typed == "~").then_some("")) {
            Some(rest) => variable("HOME")
                .ok_or("there is no home directory: write the path in full")?
                .join(rest),
            None => PathBuf::from(typed),
        };
        if path
            .to_str()
            .is_none_or(|path| path.chars().any(crate::name::acts))
        {
            return Err("a control character is in it".to_owned());
        }
        std::path::absolute(&path).map_err(|error| format!("that is no path: {error}"))
    }

    fn usable(&self, directory: &Path) -> Result<(), String> {
        let nearest = directory.ancestors().find(|path| path.symlink_metadata().is_ok());
        let nearest = nearest.unwrap_or(Path::new("/"));
        let shown = nearest.display();
        if !fs::metadata(nearest).is_ok_and(|found| found.is_dir()) {
            return Err(format!("{shown} is not a directory"));
        }
        rustix::fs::access(nearest, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|_| format!("this user may not write to {shown}: name another directory, or use sudo"))
    }

    fn is_there(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn kept(&self, directory: &Path) -> Kept {
        Kept::of(directory)
    }
}

/// A directory that a variable names.
fn variable(name: &str) -> Option<PathBuf> {
    let named = System.variable(name).map(PathBuf::from)?;
    named.is_absolute().then_some(named)
}
