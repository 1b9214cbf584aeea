//! `conf.d/*.toml` beside the configuration's own file: further apps and accounts, one file for each customer or host.

use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::app::Form;
use super::document;
use super::environment::Environment;
use super::keys::{self, Shape};
use super::reader::{Opened, Reader, unreadable};
use super::table;
use crate::name::shown;

/// What such a file may have.
const PART: Shape = Shape {
    name: "a file of conf.d",
    keys: &["app", "account"],
    expands: false,
    refused: &[],
};

/// The files of such a directory that count, in the order in which they do. What editors and package managers leave
/// beside them, and what a `ConfigMap` is made of, begins with a dot or has another ending.
pub(super) fn parts(directory: &Path, environment: &dyn Environment) -> io::Result<Vec<PathBuf>> {
    let mut names = environment.list(directory)?;
    names.retain(|name| {
        let hidden = name.as_encoded_bytes().starts_with(b".");
        !hidden && Path::new(name).extension().is_some_and(|ending| ending == "toml")
    });
    names.sort_unstable();
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// Reads those beside a file; none for one beside an error.
pub(super) fn open(own: &Path, reader: &mut Reader<'_>) -> Vec<Option<Opened>> {
    let directory = own.with_file_name("conf.d");
    match reader.list(&directory) {
        Ok(parts) => parts.iter().map(|path| reader.open(path)).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let (why, _) = unreadable(error.kind());
            let start = reader.name(&directory.display().to_string()).start;
            let fix = "let the user that runs saslgate list it, or call it otherwise";
            reader.file_error(start, "the directory cannot be read", &why, fix);
            vec![None]
        }
    }
}

/// Adds what one of them says.
pub(super) fn add<'t>(root: &mut DeTable<'t>, part: DeTable<'t>, own: &Path, reader: &mut Reader<'_>) {
    for (key, value) in part {
        match key.get_ref().as_ref() {
            "account" if !matches!(value.get_ref(), DeValue::Array(_)) => {
                table::not_tables("account", &value, reader);
            }
            "account" => document::add_tables(root, key, value),
            "app" => add_apps(root, key, value, own, reader),
            name if is_of_own_file(name) => {
                let what = format!("`{name}` does not belong in {}", PART.name);
                let why = "such a file adds apps and accounts, and what holds for all is said in one place";
                let fix = format!("move it to {}", own.display());
                reader.key_error(&key.span(), what, why, fix);
            }
            name => table::unknown(&PART, name, &key.span(), reader),
        }
    }
}

fn is_of_own_file(name: &str) -> bool {
    keys::ROOT.keys.contains(&name) || keys::ROOT.refused.iter().any(|refused| refused.key == name)
}

fn add_apps<'t>(
    root: &mut DeTable<'t>,
    key: Spanned<DeString<'t>>,
    value: Spanned<DeValue<'t>>,
    own: &Path,
    reader: &mut Reader<'_>,
) {
    let DeValue::Table(apps) = value.get_ref() else {
        return table::wrong_type("app", &value, "a table", reader);
    };
    if Form::of(apps) != Form::Several {
        let why = "beside the apps of other files each needs a name";
        let fix = format!(
            "write [app.NAME], or move it to {} if it is the only one",
            own.display()
        );
        let what = format!("an [app] without a name in {}", PART.name);
        reader.error(&key.span(), what, why, fix);
    } else if let Some((first, _)) = root.get_key_value("app").filter(|(_, only)| is_one(only)) {
        let first = reader.elsewhere(&first.span(), &key.span());
        let why = format!("{first} has an [app] without a name, and that is the only one then");
        let what = "[app.NAME] beside an [app]";
        reader.error(&key.span(), what, why, "give that one a name too");
        return;
    }
    let span = value.span();
    match (root.get_mut("app").map(Spanned::get_mut), value.into_inner()) {
        (None, apps) => drop(root.insert(key, Spanned::new(span, apps))),
        (Some(DeValue::Table(all)), DeValue::Table(apps)) => merge(all, apps, reader),
        _ => {}
    }
}

fn is_one(app: &Spanned<DeValue<'_>>) -> bool {
    matches!(app.get_ref(), DeValue::Table(entries) if Form::of(entries) == Form::One)
}

fn merge<'t>(all: &mut DeTable<'t>, apps: DeTable<'t>, reader: &mut Reader<'_>) {
    for (name, app) in apps {
        let Some((first, _)) = all.get_key_value(name.get_ref().as_ref()) else {
            // A key of an app without a name was told of, and is nobody's.
            if app.get_ref().is_table() {
                all.insert(name, app);
            }
            continue;
        };
        let first = reader.elsewhere(&first.span(), &name.span());
        let why = format!("{first} has it already, and a name means one app");
        let what = format!(
            "the app \"{}\" a second time",
            shown(name.get_ref().as_bytes(), 40)
        );
        reader.error(
            &name.span(),
            what,
            why,
            "choose another name, or remove one of the two",
        );
    }
}
