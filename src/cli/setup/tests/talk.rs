//! A person and the questions. `S:` is a part of what is shown since the last answer, `C:` is what is typed; `C: (end)` is the end
//! of the input.

use std::path::{Path, PathBuf};

use super::super::answers::Answers;
use super::super::dialogue::{Dialogue, Step};
use super::super::kept::Kept;
use super::super::surroundings::Surroundings;
use crate::secret::Secret;

/// A machine that is made up.
#[derive(Default)]
pub(in super::super) struct Given {
    pub(super) there: Vec<PathBuf>,
    pub(super) in_container: bool,
}

impl Surroundings for Given {
    fn host_name(&self) -> Option<String> {
        Some("desk-7".to_owned())
    }

    fn in_container(&self) -> bool {
        self.in_container
    }

    fn directory(&self) -> PathBuf {
        "/home/ann/.config/saslgate".into()
    }

    fn absolute(&self, typed: &str) -> Result<PathBuf, String> {
        Ok(Path::new("/srv").join(typed))
    }

    fn usable(&self, directory: &Path) -> Result<(), String> {
        if directory.starts_with("/root") {
            return Err("this user may not write to /root".to_owned());
        }
        Ok(())
    }

    fn is_there(&self, path: &Path) -> bool {
        self.there.iter().any(|there| there == path)
    }

    fn kept(&self, _: &Path) -> Kept {
        Kept::default()
    }
}

/// Plays a conversation to its end.
pub(super) fn play(given: &Given, script: &str) -> Step {
    let mut dialogue = Dialogue::new(given, None, None);
    let mut shown = String::new();
    let mut end = pump(&mut dialogue, &mut shown);
    let mut lines = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(expected) = line.strip_prefix("S: ") {
            assert!(shown.contains(expected), "{line}\nis not in:\n{shown}");
        } else {
            let typed = line.strip_prefix("C:").unwrap_or_else(|| panic!("{line}")).trim();
            assert!(end.is_none(), "nobody listens any more: {line}");
            shown.clear();
            match typed {
                "(end)" => dialogue.closed(),
                typed => dialogue.receive(&Secret::new(typed.to_owned())),
            }
            end = pump(&mut dialogue, &mut shown);
        }
        lines += 1;
    }
    assert!(lines > 1, "no conversation in {script:?}");
    end.unwrap_or_else(|| panic!("it goes on:\n{shown}"))
}

/// Plays one that ends with answers.
pub(super) fn done(given: &Given, script: &str) -> Answers {
    match play(given, script) {
        Step::Done(answers) => *answers,
        other => panic!("{other:?}"),
    }
}

/// What is shown until a line is wanted; how it ended, if it did.
fn pump(dialogue: &mut Dialogue<'_>, shown: &mut String) -> Option<Step> {
    loop {
        match dialogue.step() {
            Step::Say(text) => {
                shown.push_str(&text);
                shown.push('\n');
            }
            Step::Ask(ask) => {
                let hidden = if ask.hidden { "(not shown) " } else { "" };
                let lines = [ask.heading, ask.body, hidden.to_owned() + &ask.prompt];
                shown.push_str(&lines.join("\n"));
                return None;
            }
            over => return Some(over),
        }
    }
}
