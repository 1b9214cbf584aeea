//! Writing: all of it or nothing, never readable for too many, never in the place of a file that nobody agreed to lose.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::layout::{IfThere, Planned, Readers};

/// A file that is complete and has not its name yet.
struct Fresh<'p> {
    planned: &'p Planned,
    at: PathBuf,
}

/// What has got its name: where, and where the one before is now.
struct Named {
    path: PathBuf,
    old: Option<PathBuf>,
}

/// Writes all files, or none. Which ones it left alone, because they say the same already.
pub(super) fn write(
    directory: &Path,
    files: &[(Planned, Zeroizing<Vec<u8>>)],
) -> Result<Vec<PathBuf>, String> {
    let there =
        |planned: &&Planned| planned.if_there == IfThere::Refuse && planned.path.symlink_metadata().is_ok();
    if let Some(planned) = files.iter().map(|(planned, _)| planned).find(there) {
        return Err(format!(
            "{} is there, and what belongs to it is not: nothing was written; put the rest beside it, or take another directory",
            planned.path.display()
        ));
    }
    let group = prepare(directory)?;
    let (unchanged, changed): (Vec<_>, Vec<_>) = files
        .iter()
        .partition(|(planned, content)| is_as_planned(planned, group, content));
    let fresh = filled(&changed, group)?;
    let mut named = Vec::new();
    for one in &fresh {
        match name(one) {
            Ok(done) => named.push(done),
            Err(error) => {
                discard(&fresh);
                undo(&named);
                return Err(format!(
                    "{} can't be put in place: {error}; nothing was changed",
                    one.planned.path.display()
                ));
            }
        }
    }
    Ok(unchanged
        .iter()
        .map(|(planned, _)| planned.path.clone())
        .collect())
}

/// Whether a file holds this already, for the same readers: a service that was installed since the last time has to get at it.
fn is_as_planned(planned: &Planned, group: Option<u32>, content: &[u8]) -> bool {
    let (mode, group) = access(planned.readers, group);
    let for_the_same = |found: fs::Metadata| {
        let is_its_group = group.is_none_or(|group| found.gid() == group);
        found.is_file() && found.mode() & 0o777 == mode && is_its_group
    };
    planned.path.symlink_metadata().is_ok_and(for_the_same)
        && fs::read(&planned.path)
            .map(Zeroizing::new)
            .is_ok_and(|found| found.as_slice() == content)
}

/// A file's mode, and the group that it is given.
const fn access(readers: Readers, group: Option<u32>) -> (u32, Option<u32>) {
    match (readers, group) {
        (Readers::Service, Some(_)) => (0o640, group),
        (Readers::Everybody, _) => (0o644, None),
        (Readers::Owner | Readers::Service, _) => (0o600, None),
    }
}

/// The files, complete, under names of their own.
fn filled<'p>(
    files: &[&'p (Planned, Zeroizing<Vec<u8>>)],
    group: Option<u32>,
) -> Result<Vec<Fresh<'p>>, String> {
    let mut fresh = Vec::new();
    for (planned, content) in files {
        let at = beside(&planned.path, &format!("new-{}", std::process::id()));
        fresh.push(Fresh {
            planned,
            at: at.clone(),
        });
        if let Err(error) = fill(&at, planned.readers, group, content) {
            discard(&fresh);
            return Err(format!(
                "{} can't be written: {error}; nothing was written",
                planned.path.display()
            ));
        }
    }
    Ok(fresh)
}

/// Makes the directory if it is missing, and tells which group is to read what is in it.
fn prepare(directory: &Path) -> Result<Option<u32>, String> {
    let make = || {
        let is_new = !directory.exists();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(directory)?;
        let metadata = fs::metadata(directory)?;
        let by_root = rustix::process::geteuid().is_root();
        let group = match metadata.gid() {
            0 if by_root => of_service(),
            0 => None,
            // A person's own group is no service's.
            group => by_root.then_some(group),
        };
        if is_new && group.is_some() {
            fchown(File::open(directory)?, None, group)?;
        }
        Ok(group)
    };
    make().map_err(|error: io::Error| {
        format!(
            "{} can't be made: {error}; nothing was written",
            directory.display()
        )
    })
}

/// The group that the packages make for saslgate.
fn of_service() -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find_map(|line| line.strip_prefix("saslgate:"))?;
    line.split(':').nth(1)?.parse().ok()
}

fn fill(at: &Path, readers: Readers, group: Option<u32>, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = at.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o750).create(parent)?;
        // Where the service reads nothing, the directory may be anybody's.
        let group = group.filter(|_| readers != Readers::Owner);
        if let Some(group) =
            group.filter(|group| fs::metadata(parent).is_ok_and(|found| found.gid() != *group))
        {
            fchown(File::open(parent)?, None, Some(group))?;
        }
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(at)?;
    file.write_all(content)?;
    let (mode, group) = access(readers, group);
    if group.is_some() {
        fchown(&file, None, group)?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()
}

/// A name beside another one, in its directory, that no configuration reads.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Gives a file its name. The one before is kept under another, which no file has yet.
fn name(fresh: &Fresh<'_>) -> io::Result<Named> {
    let path = fresh.planned.path.clone();
    let old = if path.symlink_metadata().is_ok() {
        let endings = (1..).map(|at: u32| {
            if at == 1 {
                "old".to_owned()
            } else {
                format!("old{at}")
            }
        });
        let free = endings
            .map(|ending| beside(&path, &ending))
            .find(|path| path.symlink_metadata().is_err());
        let free = free.ok_or(io::ErrorKind::AlreadyExists)?;
        fs::rename(&path, &free)?;
        Some(free)
    } else {
        None
    };
    if let Err(error) = fs::rename(&fresh.at, &path) {
        undo(&[Named { path, old }]);
        return Err(error);
    }
    Ok(Named { path, old })
}

/// Takes names back, the last one first. What can't be undone shows in what is there.
fn undo(named: &[Named]) {
    for Named { path, old } in named.iter().rev() {
        let _ = match old {
            Some(old) => fs::rename(old, path),
            None => fs::remove_file(path),
        };
    }
}

/// Removes what has no name yet.
fn discard(fresh: &[Fresh<'_>]) {
    for one in fresh {
        let _ = fs::remove_file(&one.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::setup::layout::Kind;

    fn planned(path: PathBuf, readers: Readers, if_there: IfThere) -> Planned {
        Planned {
            path,
            kind: Kind::Config,
            readers,
            if_there,
        }
    }

    fn files(list: Vec<(Planned, &str)>) -> Vec<(Planned, Zeroizing<Vec<u8>>)> {
        list.into_iter()
            .map(|(planned, text)| (planned, Zeroizing::new(text.as_bytes().to_vec())))
            .collect()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_get_their_readers_and_old_ones_another_name() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("new/saslgate");
        let write_once = |text| {
            let list = vec![
                (
                    planned(directory.join("a.toml"), Readers::Owner, IfThere::Replace),
                    text,
                ),
                (
                    planned(
                        directory.join("certs/b.pem"),
                        Readers::Everybody,
                        IfThere::Replace,
                    ),
                    text,
                ),
            ];
            write(&directory, &files(list)).unwrap();
        };
        write_once("one");
        write_once("two");
        write_once("three");
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
        assert_eq!(
            (read("a.toml"), read("a.toml.old"), read("a.toml.old2")),
            ("three".into(), "one".into(), "two".into())
        );
        let mode = |name: &str| fs::metadata(directory.join(name)).unwrap().mode() & 0o777;
        assert_eq!(
            (mode("a.toml"), mode("certs/b.pem"), mode("certs")),
            (0o600, 0o644, 0o750)
        );
    }

    /// `--powershell ~/saslgate.ps1` by root would otherwise hand a home directory to the service's group.
    #[test]
    fn a_directory_that_the_service_does_not_read_stays_whose_it_is() {
        let place = tempfile::tempdir().unwrap();
        let group = fs::metadata(place.path()).unwrap().gid();
        let file = place.path().join("password.txt");
        fill(&file, Readers::Owner, Some(group + 1), b"x").unwrap();
        assert_eq!(fs::metadata(place.path()).unwrap().gid(), group);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_is_there_keeps_all_from_being_written() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("ca.key"), "precious").unwrap();
        let list = vec![
            (
                planned(place.path().join("a.toml"), Readers::Owner, IfThere::Replace),
                "a",
            ),
            (
                planned(place.path().join("ca.key"), Readers::Owner, IfThere::Refuse),
                "b",
            ),
        ];
        let error = write(place.path(), &files(list)).unwrap_err();
        assert!(error.contains("nothing was written"), "{error}");
        assert_eq!(names(place.path()), ["ca.key"]);
    }

    /// A directory in the place of the second file: the first one is taken back, and the one before it has its name again.
    #[test]
    fn what_fails_in_the_middle_is_undone() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a.toml"), "before").unwrap();
        fs::write(place.path().join("parent"), "a file").unwrap();
        let list = vec![
            (
                planned(place.path().join("a.toml"), Readers::Owner, IfThere::Replace),
                "a",
            ),
            (
                planned(place.path().join("parent/b"), Readers::Owner, IfThere::Replace),
                "b",
            ),
        ];
        let error = write(place.path(), &files(list)).unwrap_err();
        assert!(error.contains("parent/b can't be written"), "{error}");
        assert_eq!(names(place.path()), ["a.toml", "parent"]);
        assert_eq!(fs::read_to_string(place.path().join("a.toml")).unwrap(), "before");
    }
}
