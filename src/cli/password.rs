//! `saslgate password`: a password for a mail program, and what the configuration stores of it.
//!
//! Exit codes: 0 if it was made, 1 if a chosen one was made and is not a good one, 2 if none was made.

use std::io::{self, IsTerminal as _, Read, Write};
use std::process::ExitCode;

use clap::Args;
use zeroize::{Zeroize as _, Zeroizing};

use crate::account::PasswordHash;
use crate::account::password::{ChosenHash, Cost, GeneratedPassword};
use crate::cli::complain;
use crate::secret::Secret;

/// A chosen password with fewer characters is within reach of who steals the configuration and guesses at the hash.
const SHORT: usize = 12;

/// The most bytes of a chosen password: a device has long given up before, and a login is bounded as well.
const LONGEST: usize = 255;

const EXAMPLES: &str = "Examples:
  saslgate password                       make one and show it once, with what to store of it
  saslgate password --choose              ask for one of your own, twice, without showing it
  saslgate password --stdin < secret.txt  take the first line of a file

Nobody can guess a password made here, and each device can have its own. Choose one only for
software whose password can't be changed.

Exit codes: 0 made, 1 made with a warning, 2 not made.";

/// What `password` is told.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PasswordArgs {
    /// Hash a password of your own instead of making one
    #[arg(long)]
    choose: bool,
    /// Read the password of your own from standard input
    #[arg(long)]
    stdin: bool,
}

/// Makes or hashes a password.
pub(super) fn run(args: &PasswordArgs) -> ExitCode {
    let done = match source(args, io::stdin().is_terminal()) {
        Source::Made => make().map(|text| (text, None)),
        Source::Terminal => asked_twice().and_then(|password| hash(&password)),
        Source::Stdin => first_line(io::stdin().lock()).and_then(|password| hash(&password)),
    };
    let told = done.and_then(|(text, warning)| {
        let written = anstream::stdout().lock().write_all(text.as_bytes());
        written.map_err(|error| format!("nobody could be told the password: {error}"))?;
        Ok(warning)
    });
    match told {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(warning)) => {
            complain(&format!("warning: {warning}"));
            ExitCode::from(1)
        }
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

/// Where the password comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    Made,
    Terminal,
    Stdin,
}

fn source(args: &PasswordArgs, terminal: bool) -> Source {
    match (args.choose, args.stdin) {
        (false, false) => Source::Made,
        (true, false) if terminal => Source::Terminal,
        _ => Source::Stdin,
    }
}

/// A new password, with what to store of it.
fn make() -> Result<Zeroizing<String>, String> {
    let (password, hash) = GeneratedPassword::make().map_err(|error| error.to_string())?;
    // Made in one piece: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    text.push_str(
        "The password, shown this once; hyphens and capitals do not matter when it is typed:\n\n    ",
    );
    text.push_str(password.text());
    text.push_str("\n\n");
    text.push_str(&lines(&PasswordHash::Generated(hash).stored()));
    Ok(text)
}

/// What to store of a chosen password, and what is wrong with it.
fn hash(password: &Secret<String>) -> Result<(Zeroizing<String>, Option<&'static str>), String> {
    usable(password.expose())?;
    let hash = ChosenHash::make(password, Cost::default()).map_err(|error| error.to_string())?;
    let stored = PasswordHash::Chosen(hash).stored();
    Ok((Zeroizing::new(lines(&stored)), weakness(password.expose())))
}

fn lines(stored: &str) -> String {
    format!(
        "What to store of it:\n\n    {stored}\n\n\
         In the account's table of the configuration (several passwords are a list, of which one may be chosen):\n\n    \
         password = \"{stored}\"\n"
    )
}

/// Whether a mail client can send it at all.
fn usable(password: &str) -> Result<(), String> {
    if password.is_empty() {
        return Err("the password is empty: nothing was hashed".into());
    }
    if password.len() > LONGEST {
        return Err(format!(
            "the password is longer than {LONGEST} bytes: nothing was hashed"
        ));
    }
    if password.chars().any(char::is_control) {
        return Err("the password contains a control character, which no mail program can send".into());
    }
    Ok(())
}

fn weakness(password: &str) -> Option<&'static str> {
    if password.chars().count() < SHORT {
        return Some(
            "it has fewer than 12 characters: who gets hold of the configuration can guess it; \
             `saslgate password` makes one that nobody can",
        );
    }
    if password.trim() != password {
        return Some("it begins or ends with a space, which many mail programs drop");
    }
    if !password.is_ascii() {
        return Some(
            "it is not plain ASCII: some mail programs can't send it, others send it in another encoding",
        );
    }
    None
}

fn asked_twice() -> Result<Secret<String>, String> {
    let ask = |prompt| {
        let answer = rpassword::prompt_password(prompt).map(Secret::new);
        answer.map_err(|error| format!("the password can't be read from the terminal ({error}): use --stdin"))
    };
    let password = ask("Password: ")?;
    // Told before it is typed again.
    usable(password.expose())?;
    let again = ask("The same again: ")?;
    if password.expose() == again.expose() {
        Ok(password)
    } else {
        Err("the two passwords differ: nothing was hashed".into())
    }
}

/// The first line, without its end: a file or `echo` adds one that is not meant.
fn first_line(input: impl Read) -> Result<Secret<String>, String> {
    // Read in one piece: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 3));
    let read = input.take(LONGEST as u64 + 3).read_to_end(&mut bytes);
    read.map_err(|error| format!("the password can't be read from standard input: {error}"))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match String::from_utf8(line.to_vec()) {
        Ok(password) => Ok(Secret::new(password)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err("the password is not UTF-8: nothing was hashed".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored password on the configuration's line.
    fn stored(text: &str) -> PasswordHash {
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("password = \""))
            .unwrap();
        PasswordHash::parse(line.strip_suffix('"').unwrap()).unwrap()
    }

    #[test]
    fn what_is_asked_for_decides_where_the_password_comes_from() {
        let table = [
            (false, false, true, Source::Made),
            (false, false, false, Source::Made),
            (true, false, true, Source::Terminal),
            (true, false, false, Source::Stdin),
            (false, true, true, Source::Stdin),
            (true, true, true, Source::Stdin),
        ];
        for (choose, stdin, terminal, expected) in table {
            assert_eq!(source(&PasswordArgs { choose, stdin }, terminal), expected);
        }
    }

    #[test]
    fn a_made_password_is_shown_once_with_the_line_that_recognises_it() {
        let text = make().unwrap();
        let PasswordHash::Generated(hash) = stored(&text) else {
            panic!("{}", *text);
        };
        let password = text.lines().nth(2).unwrap().trim();
        assert_eq!(password.len(), 34);
        assert!(password.starts_with(&hash.id().to_string()));
        assert_eq!(text.matches(password).count(), 1);
    }

    #[test]
    fn a_chosen_password_is_never_shown() {
        let password = "correct horse battery";
        let (text, warning) = hash(&Secret::new(password.into())).unwrap();
        assert!(matches!(stored(&text), PasswordHash::Chosen(_)));
        assert!(!text.contains(password));
        assert_eq!(warning, None);
    }

    #[test]
    fn weak_passwords_are_made_with_a_warning() {
        let table = [
            ("eleven char", Some("fewer than 12")),
            (" twelve chars", Some("space")),
            ("twelve chärs", Some("ASCII")),
            ("twelve chars", None),
        ];
        for (password, expected) in table {
            let warning = weakness(password);
            assert_eq!(warning.is_some(), expected.is_some(), "{password}");
            assert!(
                expected.is_none_or(|word| warning.unwrap().contains(word)),
                "{password}"
            );
        }
    }

    #[test]
    fn the_first_line_of_standard_input_is_the_password() {
        let table: [(&[u8], Result<&str, &str>); 9] = [
            (b"pass word\n", Ok("pass word")),
            (b"pass word\r\nmore", Ok("pass word")),
            (b"pass word", Ok("pass word")),
            (b" pass word ", Ok(" pass word ")),
            ("pässword\n".as_bytes(), Ok("pässword")),
            (b"p\xe4ssword\n", Err("UTF-8")),
            (b"\n", Err("empty")),
            (b"pass\tword\n", Err("control")),
            (&[b'a'; 300], Err("longer")),
        ];
        for (input, expected) in table {
            let read = first_line(input).and_then(|password| {
                usable(password.expose())?;
                Ok(password.expose().clone())
            });
            match expected {
                Ok(password) => assert_eq!(read.as_deref(), Ok(password)),
                Err(word) => assert!(read.unwrap_err().contains(word), "{word}"),
            }
        }
    }
}
