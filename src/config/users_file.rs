//! `users_file`: an account a line, `login hash [key=value …]`, for those who have hundreds of them or a program that
//! writes them. Each line becomes the table that `[[account]]` would be, so that the same is checked in both.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::document;
use super::excerpt::MASK;
use super::keys;
use super::reader::{Opened, Reader, Span};
use super::table::{Table, list, nearest};
use crate::name::shown;

/// What a setting's value is.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Several, with commas between.
    List,
    Flag,
}

/// The settings of a line. What is a table in `[[account]]` has no place in a word.
const SETTINGS: &[(&str, Kind)] = &[
    ("mailbox", Kind::Text),
    ("signs_in_as", Kind::Text),
    ("app", Kind::Text),
    ("tenant", Kind::Text),
    ("protocols", Kind::List),
    ("allow_from", Kind::List),
    ("may_open", Kind::List),
    ("logins", Kind::List),
    ("allow_any_mailbox", Kind::Flag),
    ("watch", Kind::Flag),
    ("notify_in_client", Kind::Flag),
    ("password_file", Kind::Text),
    ("password_env", Kind::Text),
    ("upstream_password_file", Kind::Text),
];

/// What stands where a hash would, if the account's password is elsewhere.
const NO_HASH: &str = "-";

/// Opens the file that the document names. None beside an error, and where it names none.
pub(super) fn open(root: &DeTable<'_>, reader: &mut Reader<'_>) -> Option<Opened> {
    let named = Table::ahead(&keys::ROOT, root).text("users_file", reader)?;
    reader.open_users(&named)
}

/// Adds an account for each line.
pub(super) fn add(root: &mut DeTable<'_>, file: &Opened, reader: &mut Reader<'_>) {
    let mut accounts = DeArray::new();
    let mut start = 0;
    for line in file.text.expose().split_inclusive('\n') {
        let line = Line {
            text: line,
            start: file.start + start,
        };
        if let Some(account) = line.account(reader) {
            accounts.push(account);
        }
        start += line.text.len();
    }
    let whole = file.start..file.start;
    let key = Spanned::new(whole.clone(), Cow::Borrowed("account"));
    document::add_tables(root, key, Spanned::new(whole, DeValue::Array(accounts)));
}

/// Where the words of a line are, without a comment. Only white space of ASCII parts them; a byte order mark is none.
fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    let is_between = |c: char| c.is_ascii_whitespace() || c == '\u{feff}';
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &line[at..];
        let start = at + (rest.len() - rest.trim_start_matches(is_between).len());
        let rest = &line[start..];
        let end = start + rest.find(is_between).unwrap_or(rest.len());
        at = end;
        Some(start..end)
    })
    .take_while(|word| !word.is_empty() && !line[word.start..].starts_with('#'))
}

fn is_hash(word: &str) -> bool {
    word == NO_HASH || word.starts_with("sg1:") || word.starts_with("sg2:")
}

/// One line of the file.
struct Line<'t> {
    text: &'t str,
    start: usize,
}

impl Line<'_> {
    fn span(&self, word: &Range<usize>) -> Span {
        self.start + word.start..self.start + word.end
    }

    /// None for an empty line, and beside an error.
    fn account(&self, reader: &mut Reader<'_>) -> Option<Spanned<DeValue<'static>>> {
        let mut words = words(self.text);
        let login = words.next()?;
        let Some(hash) = words.next() else {
            let what = "this line has one word only";
            let why = "a line is a login, the hash of its password, and settings";
            reader.error(&self.span(&login), what, why, HASH);
            return None;
        };
        if !is_hash(&self.text[hash.clone()]) {
            let what = "the second word of this line is not the hash of a password";
            // Nothing of such a line is repeated: the word could be the password itself.
            let why = "a line is a login, a hash, which begins with sg1: or sg2:, and settings";
            reader.error(&self.span(&hash), what, why, HASH);
            return None;
        }
        let mut account = DeTable::new();
        self.put(&mut account, "login", &login, self.string(&login));
        if &self.text[hash.clone()] != NO_HASH {
            self.put(&mut account, "password", &hash, self.list(&hash));
        }
        for word in words {
            self.setting(&word, &mut account, reader);
        }
        Some(Spanned::new(self.span(&login), DeValue::Table(account)))
    }

    fn setting(&self, word: &Range<usize>, account: &mut DeTable<'static>, reader: &mut Reader<'_>) {
        let Some((key, _)) = self.text[word.clone()].split_once('=') else {
            let why = "what stands after the hash is settings, each as key=value";
            let fix = "write it so, without spaces within, or remove it; a comment begins with #";
            reader.error(&self.span(word), "a word without `=`", why, fix);
            return;
        };
        let name = word.start..word.start + key.len();
        let value = name.end + 1..word.end;
        let Some((known, kind)) = SETTINGS.iter().find(|(known, _)| *known == key) else {
            return unknown(key, &self.span(&name), reader);
        };
        if account.contains_key(*known) {
            let what = format!("`{known}` a second time on this line");
            reader.error(
                &self.span(&name),
                what,
                "only one can be meant",
                "remove one of the two",
            );
            return;
        }
        let value = match kind {
            Kind::Text => self.string(&value),
            Kind::List => DeValue::Array(self.items(&value)),
            Kind::Flag => match &self.text[value.clone()] {
                "true" => DeValue::Boolean(true),
                "false" => DeValue::Boolean(false),
                _ => {
                    let what = format!("`{known}` is neither true nor false");
                    let fix = format!("write {known}=true or {known}=false");
                    reader.error(&self.span(&value), what, "it is switched on or off", fix);
                    return;
                }
            },
        };
        let value_span = name.end + 1..word.end;
        self.put(account, known, &value_span, value);
    }

    fn put(
        &self,
        account: &mut DeTable<'static>,
        key: &'static str,
        place: &Range<usize>,
        value: DeValue<'static>,
    ) {
        let span = self.span(place);
        account.insert(
            Spanned::new(span.clone(), Cow::Borrowed(key)),
            Spanned::new(span, value),
        );
    }

    fn string(&self, word: &Range<usize>) -> DeValue<'static> {
        DeValue::String(Cow::Owned(self.text[word.clone()].to_owned()))
    }

    /// One string, or several with commas between.
    fn list(&self, word: &Range<usize>) -> DeValue<'static> {
        if self.text[word.clone()].contains(',') {
            DeValue::Array(self.items(word))
        } else {
            self.string(word)
        }
    }

    fn items(&self, word: &Range<usize>) -> DeArray<'static> {
        let mut start = word.start;
        let mut items = DeArray::new();
        for item in self.text[word.clone()].split(',') {
            let place = start..start + item.len();
            start = place.end + 1;
            items.push(Spanned::new(self.span(&place), self.string(&place)));
        }
        items
    }
}

const HASH: &str = "run `saslgate password` and write the hash that it prints after the login, or - if the password is elsewhere";

fn unknown(key: &str, span: &Span, reader: &mut Reader<'_>) {
    let known = || SETTINGS.iter().map(|(known, _)| *known);
    let fix = match nearest(key, known()) {
        Some(word) => format!("did you mean `{word}`?"),
        None if keys::ACCOUNT.keys.contains(&key) => {
            "write an [[account]] for this login, which takes it".to_owned()
        }
        None => format!("it takes {}", list(known())),
    };
    let what = format!(
        "`{}` is not known on a line of users_file",
        shown(key.as_bytes(), 40)
    );
    let why = "a setting that is passed over could be the one that protects something";
    reader.key_error(span, what, why, fix);
}

/// A line as it may be shown, and where in it the mark is. The hash never is, nor is anything where no hash is: words in
/// another order could be a password in any place.
pub(super) fn excerpt(line: &str, marked: Range<usize>) -> (String, Range<usize>) {
    let is_sound = words(line).nth(1).is_some_and(|hash| is_hash(&line[hash]));
    let mut shown = String::new();
    let mut mark = None;
    for (at, word) in words(line).enumerate() {
        if at > 0 {
            shown.push(' ');
        }
        let start = shown.len();
        let is_shown = is_sound && may_be_shown(at, &line[word.clone()]);
        shown.push_str(if is_shown { &line[word.clone()] } else { MASK });
        if mark.is_none() && marked.start < word.end {
            let within = |at: usize| start + at.clamp(word.start, word.end) - word.start;
            mark = Some(if is_shown {
                within(marked.start)..within(marked.end)
            } else {
                start..shown.len()
            });
        }
        if !is_shown && at != 1 {
            break;
        }
    }
    let end = shown.len();
    (shown, mark.unwrap_or(end..end))
}

fn may_be_shown(at: usize, word: &str) -> bool {
    let is_plain = !word.contains(char::is_control);
    is_plain
        && match at {
            0 => true,
            1 => word == NO_HASH,
            _ => word.split_once('=').is_some_and(|(key, _)| {
                SETTINGS.iter().any(|(known, _)| *known == key) && keys::may_be_shown(key)
            }),
        }
}
