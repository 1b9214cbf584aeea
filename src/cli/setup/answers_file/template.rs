//! `--answers-template`: a file with every key, to be filled in.

use std::fmt::Write as _;

use super::super::draft::Draft;
use super::super::place::Place;
use super::super::product::Product;
use super::super::question::{Question, SHARED};
use super::super::surroundings::Surroundings;
use super::super::way::Way;
use super::PASSWORD_FILE;

const HEAD: &str = "\
# Answers for `saslgate setup --answers FILE`, which ends with
#   0  written, and `saslgate check` finds nothing
#   1  written, and something is left to do: what it prints says what
#   2  nothing was written
# A line that begins with # and a key has what is taken without it, on this machine; one with \"For example\" has no such value.
";

const LAST: &str = "
# The local password goes into this file, mode 0600, instead of onto the screen; a file that is there is never overwritten.
# For one mailbox: those of product = \"many\" are all in cards.csv beside the configuration.
";

/// The file, with what suits a product.
pub(in super::super) fn template(product: &str, surroundings: &dyn Surroundings) -> Result<String, String> {
    let mut text = HEAD.to_owned();
    let mut draft = Draft::default();
    draft.put(Question::Product, product, surroundings)?;
    for question in Question::ALL {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n# {} {}\n", question.heading(), question.about(&draft));
        let values = values(question, &draft);
        if !values.is_empty() {
            let _ = writeln!(text, "# One of: {}", values.join(", "));
        }
        text += &about(question, &draft);
        let _ = writeln!(text, "{}", line(question, &mut draft, surroundings)?);
    }
    let _ = writeln!(text, "{LAST}# For example: {PASSWORD_FILE} = \"password.txt\"");
    Ok(text)
}

/// What a key may say, where that is a list.
fn values(question: Question, draft: &Draft) -> Vec<&'static str> {
    match question {
        Question::Product => Product::ALL.map(|product| product.facts().key).to_vec(),
        Question::Way => draft.ways().into_iter().map(Way::key).collect(),
        Question::Shared => SHARED.map(|(key, ..)| key).to_vec(),
        Question::Cloud => vec!["microsoft365", "microsoft365-gcc-high", "microsoft365-dod"],
        Question::Place => Place::ALL.map(Place::key).to_vec(),
        _ => Vec::new(),
    }
}

/// What only an answers file needs to be told.
fn about(question: Question, draft: &Draft) -> String {
    let text = match question {
        Question::Way => return of_shared(draft),
        Question::SignsInAs => {
            "# Only beside mailboxes_are = \"shared\", which it implies, and a way by which a person signs in.\n"
        }
        Question::Host | Question::Networks => {
            "# Only where connects_from is network, network-without-tls or internet.\n"
        }
        Question::Secret => {
            "# Here: the file that holds it, such as secret.txt beside this one; it is copied. Only where the app has a secret.\n"
        }
        Question::SecretExpires => "# Only beside client_secret_from. Such as 2027-11-01.\n",
        _ => "",
    };
    text.to_owned()
}

/// What is taken where a mailbox is shared, if that is something else.
fn of_shared(draft: &Draft) -> String {
    let product = draft.product.unwrap_or(Product::MailProgram);
    match (product.ways().first(), product.ways_to_shared().first()) {
        (own, Some(shared)) if own != Some(shared) => {
            format!(
                "# Beside mailboxes_are = \"shared\" it is \"{}\".\n",
                shared.key()
            )
        }
        _ => String::new(),
    }
}

/// The line of a key: what has to be filled in, or, commented out, what is taken without it.
fn line(question: Question, draft: &mut Draft, surroundings: &dyn Surroundings) -> Result<String, String> {
    let key = question.key();
    let applies = question.applies(draft);
    let taken = question.default(draft, surroundings);
    let to_fill_in = match question {
        Question::Product => return Ok(format!("{key} = \"{}\"", facts(draft).key)),
        Question::Tenant => Some("contoso.onmicrosoft.com"),
        Question::ClientId => Some("11111111-2222-3333-4444-555555555555"),
        Question::Mailboxes => Some("alice@contoso.com"),
        Question::Host if taken.is_none() => Some("mail.contoso.com"),
        _ => None,
    };
    if let Some(example) = to_fill_in.filter(|_| applies) {
        draft.put(question, example, surroundings)?;
        let value = if question == Question::Mailboxes {
            format!("[\"{example}\"]")
        } else {
            format!("\"{example}\"")
        };
        return Ok(format!("{key} = {value}"));
    }
    let Some(taken) = shown(question, draft, taken) else {
        return Ok("# For example: signs_in_as = \"alice@contoso.com\"".to_owned());
    };
    if applies && let Some(default) = question.default(draft, surroundings) {
        draft.put(question, &default, surroundings)?;
    }
    Ok(format!("#{key} = {taken}"))
}

/// What is taken, as it is written in TOML; a choice by its key instead of its number.
fn shown(question: Question, draft: &Draft, taken: Option<String>) -> Option<String> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let list = |text: &str| {
        let parts: Vec<_> = text.split(", ").map(quoted).collect();
        format!("[{}]", parts.join(", "))
    };
    match question {
        Question::Way => draft.ways().first().map(|way| quoted(way.key())),
        Question::Shared => Some(quoted(SHARED[0].0)),
        Question::Place => Some(quoted(facts(draft).place.key())),
        Question::Cloud => Some(quoted("microsoft365")),
        Question::Protocols | Question::Networks => taken.map(|taken| list(&taken)),
        Question::Host => Some(quoted(&taken.unwrap_or_else(|| "mail.contoso.com".to_owned()))),
        _ => taken.map(|taken| quoted(&taken)),
    }
}

fn facts(draft: &Draft) -> &'static super::super::product::Facts {
    draft.product.unwrap_or(Product::MailProgram).facts()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::tests::Given;
    use super::super::{NO_MEANING, of_text};
    use super::*;

    /// Whoever removes the comment of one line has what they had before; or the line has no meaning for that product, and
    /// they are told so.
    #[test]
    fn what_is_commented_out_is_what_is_taken_without_it() {
        let given = Given::default();
        let answers = |text: &str| of_text(text, Path::new("/tmp"), None, &given);
        let (mut same, mut without_meaning) = (0, 0);
        for product in Product::ALL {
            let text = template(product.facts().key, &given).unwrap();
            let before = format!("{:?}", answers(&text).unwrap());
            let commented = text
                .lines()
                .filter(|line| line.starts_with('#') && !line.starts_with("# "));
            for line in commented {
                let with = text.replacen(&format!("\n{line}\n"), &format!("\n{}\n", &line[1..]), 1);
                assert_ne!(with, text);
                match answers(&with) {
                    Ok(after) => {
                        assert_eq!(format!("{after:?}"), before, "{product:?}: {line}");
                        same += 1;
                    }
                    Err(problems) => {
                        assert_eq!(problems.len(), 1, "{problems:?}");
                        assert!(
                            problems[0].ends_with(NO_MEANING),
                            "{product:?} {line}: {problems:?}"
                        );
                        without_meaning += 1;
                    }
                }
            }
            let is_other = product.ways()[0] != product.ways_to_shared()[0];
            assert_eq!(
                text.contains("\"shared\" it is \"app-secret\""),
                is_other,
                "{text}"
            );
            for word in ["an empty line", "? explains", "is not shown", "(<)"] {
                assert!(!text.contains(word), "{product:?}: {word}");
            }
        }
        assert!(same > 60 && without_meaning > 20, "{same} {without_meaning}");
    }
}
