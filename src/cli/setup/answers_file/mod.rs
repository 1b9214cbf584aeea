//! `--answers FILE`: the same questions, answered beforehand. Every problem is told at once.

mod template;

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zeroize::Zeroizing;

use super::answers::Answers;
use super::draft::{Draft, LATER, NO_SECRET, NOBODY_SIGNS_IN};
use super::layout;
use super::question::Question;
use super::surroundings::Surroundings;
use super::way::Way;
use crate::certificates;
use crate::secret::Secret;

pub(super) use template::template;

/// What a file says, in the order of the questions.
pub(super) fn read(
    path: &Path,
    directory: Option<&Path>,
    surroundings: &dyn Surroundings,
) -> Result<Answers, String> {
    let text = certificates::read(path)?;
    let beside = path.parent().unwrap_or(Path::new(""));
    of_text(&text, beside, directory, surroundings)
        .map_err(|problems| format!("{} can't be used:\n  {}", path.display(), problems.join("\n  ")))
}

/// The answers of a text. `beside`: the directory that the files it names are counted from.
fn of_text(
    text: &str,
    beside: &Path,
    directory: Option<&Path>,
    surroundings: &dyn Surroundings,
) -> Result<Answers, Vec<String>> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| vec![error.message().to_owned()])?;
    let mut problems: Vec<String> = table.keys().filter_map(|key| unknown(key)).collect();
    let mut draft = Draft::default();
    for question in Question::ALL {
        let said = directory.filter(|_| question == Question::Directory);
        let given = match (said, table.get(question.key())) {
            (Some(said), _) => Ok(Some(said.display().to_string())),
            (None, Some(value)) => written(value).map(Some).ok_or("write text, or a list of texts"),
            (None, None) => Ok(implied(question, &table, &draft)),
        };
        let put = match given {
            Ok(given) => put(question, given, &mut draft, surroundings, beside),
            Err(why) => Err(why.to_owned()),
        };
        match put {
            // Beside a problem it is not known whether it has a meaning.
            Err(why) if why != NO_MEANING || problems.is_empty() => {
                problems.push(format!("{}: {why}", question.key()));
            }
            _ => {}
        }
    }
    let mut answers = draft.answers();
    if let (Some(answers), Some(value)) = (&mut answers, table.get(PASSWORD_FILE)) {
        match password_file(value, beside, answers, surroundings) {
            Ok(path) => answers.password_file = Some(path),
            Err(why) => problems.push(format!("{PASSWORD_FILE}: {why}")),
        }
    }
    match answers {
        Some(answers) if problems.is_empty() => Ok(answers),
        _ => Err(problems),
    }
}

/// The file that takes the mail client's password, so that no script has to look for it in what is printed.
const PASSWORD_FILE: &str = "password_file";

const NO_MEANING: &str = "it has no meaning beside the other answers: remove it";

/// What an answer that is missing is, because of another one: whoever says who signs in has said that the mailbox is shared, and
/// that a person signs in.
fn implied(question: Question, table: &Table, draft: &Draft) -> Option<String> {
    let signer = table.get(Question::SignsInAs.key())?.as_str()?;
    let mut ways = draft.ways().into_iter();
    match question {
        Question::Shared => Some("shared".to_owned()),
        Question::Way if !is(signer, NOBODY_SIGNS_IN) => {
            ways.find(|way| way.has_sign_in()).map(|way| way.key().to_owned())
        }
        Question::Way => Some(Way::AppSecret.key().to_owned()),
        _ => None,
    }
}

/// Takes one answer, or what is taken without it.
fn put(
    question: Question,
    given: Option<String>,
    draft: &mut Draft,
    surroundings: &dyn Surroundings,
    beside: &Path,
) -> Result<(), String> {
    if question == Question::Cloud && given.is_some() {
        // A GUID does not tell which cloud it is of; whoever writes a file may.
        draft.clouds = super::typed::every_cloud();
    }
    if let Some(why) = given
        .as_deref()
        .and_then(|given| contradicted(question, given, draft))
    {
        return Err(why);
    }
    match (given, question.applies(draft)) {
        (Some(given), true) if question == Question::Secret && !is_word(&given) => {
            secret_of(&beside.join(&given))
                .and_then(|secret| draft.put(question, secret.expose(), surroundings))
        }
        (Some(given), true) => draft.put(question, &given, surroundings),
        (None, true) => match question.default(draft, surroundings) {
            Some(default) => draft.put(question, &default, surroundings),
            None => Err(format!("it is missing. {}", question.about(draft))),
        },
        // That nobody signs in may be said twice.
        (Some(given), false) if question == Question::SignsInAs && is(&given, NOBODY_SIGNS_IN) => Ok(()),
        (Some(_), false) => Err(NO_MEANING.to_owned()),
        (None, false) => Ok(()),
    }
}

/// An answer that an earlier one leaves no room for: both are named.
fn contradicted(question: Question, given: &str, draft: &Draft) -> Option<String> {
    let way = draft.way.map_or("", Way::key);
    let is_shared = draft.is_shared == Some(true);
    match question {
        Question::Way if is_shared && is(given, Way::Password.key()) => Some(format!(
            "a shared mailbox (mailboxes_are, signs_in_as) has no password that could be typed: write one of {}, or mailboxes_are = \"own\"",
            draft
                .ways()
                .into_iter()
                .map(Way::key)
                .collect::<Vec<_>>()
                .join(", ")
        )),
        Question::SignsInAs if is(given, NOBODY_SIGNS_IN) => draft
            .way
            .filter(|way| way.has_sign_in())
            .map(|_| format!("somebody signs in by way = \"{way}\": write who, or way = \"app-secret\"")),
        Question::SignsInAs if !is_shared => Some(
            "mailboxes_are = \"own\" has each mailbox sign in as itself: remove one of the two".to_owned(),
        ),
        Question::SignsInAs if draft.way.is_some_and(Way::is_app_only) => Some(format!(
            "nobody signs in by way = \"{way}\": remove one of the two"
        )),
        _ => None,
    }
}

fn is(given: &str, word: &str) -> bool {
    given.trim().eq_ignore_ascii_case(word)
}

/// The secret stays out of the answers: they name its file.
fn secret_of(file: &Path) -> Result<Secret<String>, String> {
    let text: Zeroizing<String> = certificates::read(file)?;
    if text.trim().is_empty() {
        return Err(format!("{} is empty", file.display()));
    }
    Ok(Secret::new(text.trim().to_owned()))
}

/// Where the password goes. One file holds one password.
fn password_file(
    value: &Value,
    beside: &Path,
    answers: &Answers,
    surroundings: &dyn Surroundings,
) -> Result<PathBuf, String> {
    let named = value.as_str().filter(|named| !named.is_empty());
    let named = named.ok_or("write the name of a file that is not there yet")?;
    if !answers.way.has_local_password() {
        return Err("way = \"password\" makes no password: the mailbox's own is typed".to_owned());
    }
    if answers.has_users_file() {
        return Err(format!(
            "every password is in {} beside the configuration already: remove it",
            layout::CARDS
        ));
    }
    if answers.mailboxes.len() > 1 {
        return Err(format!(
            "it takes the password of one mailbox, and mailboxes names {}; product = \"many\" writes all of them into {}, a line each",
            answers.mailboxes.len(),
            layout::CARDS
        ));
    }
    let path = beside.join(named);
    let path = path.to_str().ok_or("its path is not UTF-8")?;
    surroundings.absolute(path)
}

/// Whether it stands for a secret, rather than for the file of one.
fn is_word(given: &str) -> bool {
    [LATER, NO_SECRET].iter().any(|word| is(given, word))
}

fn unknown(key: &str) -> Option<String> {
    let mut keys = Question::ALL.map(Question::key).to_vec();
    keys.push(PASSWORD_FILE);
    if keys.contains(&key) {
        return None;
    }
    let shown = crate::name::shown(key.as_bytes(), 40);
    let near = |known: &&&str| strsim::damerau_levenshtein(known, key) <= 3;
    let meant = keys.iter().find(near).map_or_else(
        || format!("the keys are {}", keys.join(", ")),
        |known| format!("is {known} meant?"),
    );
    Some(match key {
        "client_secret" => {
            "client_secret: a secret has no place in this file: put it into one of its own, and name that with client_secret_from"
                .to_owned()
        }
        _ => format!("{shown}: there is no such key; {meant}"),
    })
}

/// A value as it would be typed.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Datetime(date) => Some(date.to_string()),
        Value::Array(list) => {
            let texts: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
            Some(texts?.join("\n"))
        }
        _ => None,
    }
}
