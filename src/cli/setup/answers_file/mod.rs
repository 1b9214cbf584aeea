//! `--answers FILE`: the same questions, answered beforehand. Every problem is told at once.

use std::fmt::Write as _;
use std::path::Path;

use toml::{Table, Value};
use zeroize::Zeroizing;

use super::answers::Answers;
use super::draft::{Draft, LATER, NO_SECRET};
use super::question::{Question, SHARED};
use super::surroundings::Surroundings;
use super::way::Way;
use crate::certificates;
use crate::secret::Secret;

/// What a file says, in the order of the questions.
pub(super) fn read(
    path: &Path,
    directory: Option<&Path>,
    surroundings: &dyn Surroundings,
) -> Result<Answers, String> {
    let text = certificates::read(path)?;
    of_text(&text, directory, surroundings, |named| secret_of(path, named))
        .map_err(|problems| format!("{} can't be used:\n  {}", path.display(), problems.join("\n  ")))
}

/// The secret stays out of the answers: they name its file, counted from their own place.
fn secret_of(path: &Path, named: &str) -> Result<Secret<String>, String> {
    let file = path.parent().unwrap_or(Path::new("")).join(named);
    let text: Zeroizing<String> = certificates::read(&file)?;
    if text.trim().is_empty() {
        return Err(format!("{} is empty", file.display()));
    }
    Ok(Secret::new(text.trim().to_owned()))
}

fn of_text(
    text: &str,
    directory: Option<&Path>,
    surroundings: &dyn Surroundings,
    secret_of: impl Fn(&str) -> Result<Secret<String>, String>,
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
            // Whoever says who signs in has said that it is shared.
            (None, None) if question == Question::Shared && table.contains_key("signs_in_as") => {
                Ok(Some("shared".to_owned()))
            }
            (None, Some(value)) => written(value).map(Some).ok_or("write text, or a list of texts"),
            (None, None) => Ok(None),
        };
        let put = match given {
            Ok(given) => put(question, given, &mut draft, surroundings, &secret_of),
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
    match draft.answers() {
        Some(answers) if problems.is_empty() => Ok(answers),
        _ => Err(problems),
    }
}

const NO_MEANING: &str = "it has no meaning beside the other answers: remove it";

/// Takes one answer, or what is taken without it.
fn put(
    question: Question,
    given: Option<String>,
    draft: &mut Draft,
    surroundings: &dyn Surroundings,
    secret_of: &impl Fn(&str) -> Result<Secret<String>, String>,
) -> Result<(), String> {
    if question == Question::Cloud && given.is_some() {
        // A GUID does not tell which cloud it is of; whoever writes a file may.
        draft.clouds = super::typed::every_cloud();
    }
    match (given, question.applies(draft)) {
        (Some(given), true) if question == Question::Secret && !is_word(&given) => {
            secret_of(&given).and_then(|secret| draft.put(question, secret.expose(), surroundings))
        }
        (Some(given), true) => draft.put(question, &given, surroundings),
        (None, true) => match question.default(draft, surroundings) {
            Some(default) => draft.put(question, &default, surroundings),
            None => Err(format!("it is missing. {}", question.about(draft))),
        },
        (Some(_), false) => Err(NO_MEANING.to_owned()),
        (None, false) => Ok(()),
    }
}

/// Whether it stands for a secret, rather than for the file of one.
fn is_word(given: &str) -> bool {
    [LATER, NO_SECRET]
        .iter()
        .any(|word| given.eq_ignore_ascii_case(word))
}

fn unknown(key: &str) -> Option<String> {
    let keys = Question::ALL.map(Question::key);
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

/// A file with every key, to be filled in, with what suits a product.
pub(super) fn template(product: &str, surroundings: &dyn Surroundings) -> Result<String, String> {
    let mut text = "\
# Answers for `saslgate setup --answers FILE`. What is commented out has the value that it shows, or the one that suits the product.
"
    .to_owned();
    let mut draft = Draft::default();
    draft.put(Question::Product, product, surroundings)?;
    for question in Question::ALL {
        let (example, values) = example(question, &draft);
        let about = question.about(&draft);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n# {} {about}\n", question.heading());
        if !values.is_empty() {
            let _ = writeln!(text, "# One of: {}", values.join(", "));
        }
        let _ = writeln!(text, "{example}");
    }
    Ok(text)
}

/// The line of a template, and what it may say.
fn example(question: Question, draft: &Draft) -> (String, Vec<&'static str>) {
    use super::{place::Place, product::Product};
    let product = draft.product.unwrap_or(Product::MailProgram).facts();
    let fixed = |line: &str| (line.to_owned(), Vec::new());
    match question {
        Question::Product => (
            format!("product = \"{}\"", product.key),
            Product::ALL.map(|product| product.facts().key).to_vec(),
        ),
        Question::Way => (
            format!("#way = \"{}\"", product.way.key()),
            draft.ways().into_iter().map(Way::key).collect(),
        ),
        Question::Shared => (
            "#mailboxes_are = \"own\"".to_owned(),
            SHARED.map(|(key, ..)| key).to_vec(),
        ),
        Question::SignsInAs => fixed("#signs_in_as = \"alice@contoso.com\""),
        Question::Tenant => fixed("tenant = \"contoso.onmicrosoft.com\""),
        Question::Cloud => (
            "#cloud = \"microsoft365\"".to_owned(),
            vec!["microsoft365", "microsoft365-gcc-high", "microsoft365-dod"],
        ),
        Question::Protocols => {
            let names = product.protocols.iter().map(|protocol| format!("\"{protocol}\""));
            let names: Vec<_> = names.collect();
            fixed(&format!("#protocols = [{}]", names.join(", ")))
        }
        Question::ClientId => fixed("client_id = \"11111111-2222-3333-4444-555555555555\""),
        Question::Mailboxes => fixed("mailboxes = [\"alice@contoso.com\"]"),
        Question::Place => (
            format!("#connects_from = \"{}\"", product.place.key()),
            Place::ALL.map(Place::key).to_vec(),
        ),
        Question::Host => fixed("#server_name = \"mail.contoso.lan\""),
        Question::Networks => fixed("#networks = [\"192.168.1.0/24\"]"),
        Question::Secret => fixed(
            "# Here: the file that holds it, which is copied. Without it the secret is put in place by hand; \"none\" where the app has none.\n#client_secret_from = \"secret.txt\"",
        ),
        Question::SecretExpires => fixed("#client_secret_expires = 2027-11-01"),
        Question::Directory => fixed("#directory = \"/etc/saslgate\""),
    }
}
