//! Typed access to one TOML table. Everything that is not as it should be is noted, and reading goes on.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};
use toml::value::Date;

use super::keys::Shape;
use super::reader::{At, Reader, Span, Text};
use crate::name::shown;

/// What a key has that is switched on as it is, or by a name.
pub(super) enum FlagOrText {
    Flag(bool),
    Text(Text),
}

/// One table of the file.
pub(super) struct Table<'t> {
    /// Its header, or its first key.
    pub(super) span: Span,
    shape: &'static Shape,
    entries: &'t DeTable<'t>,
}

impl<'t> Table<'t> {
    /// Takes a table and notes every key that it must not have.
    pub(super) fn open(
        shape: &'static Shape,
        span: Span,
        entries: &'t DeTable<'t>,
        reader: &mut Reader<'_>,
    ) -> Self {
        for key in entries.keys() {
            if !shape.keys.contains(&key.get_ref().as_ref()) {
                unknown(shape, key.get_ref(), &key.span(), reader);
            }
        }
        Self { span, shape, entries }
    }

    /// The same without a word about its keys: for a look ahead.
    pub(super) fn ahead(shape: &'static Shape, entries: &'t DeTable<'t>) -> Self {
        Self {
            span: 0..0,
            shape,
            entries,
        }
    }

    /// The same under the name of another shape with the same keys.
    pub(super) fn called(self, shape: &'static Shape) -> Self {
        Self { shape, ..self }
    }

    /// Whether a key is there, right or wrong: where it stands.
    pub(super) fn key(&self, key: &str) -> Option<Span> {
        self.entries.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Whether a key has a table.
    pub(super) fn is_table(&self, key: &str) -> bool {
        self.value(key)
            .is_some_and(|value| matches!(value.get_ref(), DeValue::Table(_)))
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.shape.keys.contains(&key), "{key} is in no list of keys");
        self.entries.get(key)
    }

    /// A string.
    pub(super) fn text(&self, key: &str, reader: &mut Reader<'_>) -> Option<Text> {
        self.text_of(key, self.value(key)?, reader)
    }

    /// A string that must be there.
    pub(super) fn required(&self, key: &str, why: &str, fix: &str, reader: &mut Reader<'_>) -> Option<Text> {
        if self.key(key).is_none() {
            self.missing(key, why, fix, reader);
        }
        self.text(key, reader)
    }

    /// Whether a key that the table does not know was probably meant for that one. It has been told of then, with the name that it
    /// should have.
    pub(super) fn is_mistyped(&self, key: &str) -> bool {
        let is_refused = |written: &str| self.shape.refused.iter().any(|refused| refused.key == written);
        let written = self.entries.keys().map(|written| written.get_ref().as_ref());
        let mut unknown =
            written.filter(|written| !self.shape.keys.contains(written) && !is_refused(written));
        unknown.any(|written| nearest(written, self.shape.keys.iter().copied()) == Some(key))
    }

    /// Notes that a key is missing, unless it is there under a mistyped name.
    pub(super) fn missing(&self, key: &str, why: &str, fix: &str, reader: &mut Reader<'_>) {
        if self.is_mistyped(key) {
            return;
        }
        reader.error(
            &self.span,
            format!("{} has no `{key}`", self.shape.name),
            why,
            fix,
        );
    }

    fn text_of(&self, key: &str, value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Text> {
        let DeValue::String(written) = value.get_ref() else {
            wrong_type(key, value, "a string in quotes", reader);
            return None;
        };
        let text = Text {
            value: written.to_string(),
            written: written.to_string(),
            span: value.span(),
        };
        if !written.contains("${") {
            Some(text)
        } else if self.shape.expands {
            expanded(text, reader)
        } else {
            reader.error(
                &text.span,
                format!("`${{…}}` is not replaced in {}", self.shape.name),
                "environment variables count in [app] and [[listener]] only, so that none can change who may log in",
                "write the value itself",
            );
            None
        }
    }

    /// A list of strings.
    pub(super) fn texts(&self, key: &str, reader: &mut Reader<'_>) -> Option<At<Vec<Text>>> {
        let value = self.value(key)?;
        let DeValue::Array(array) = value.get_ref() else {
            wrong_type(key, value, "a list of strings", reader);
            return None;
        };
        self.list_of(key, array, value.span(), reader)
    }

    /// A string, or a list of them.
    pub(super) fn one_or_more(&self, key: &str, reader: &mut Reader<'_>) -> Option<At<Vec<Text>>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Array(array) => self.list_of(key, array, value.span(), reader),
            DeValue::String(_) => self.text_of(key, value, reader).map(|text| At {
                span: text.span.clone(),
                value: vec![text],
            }),
            _ => {
                wrong_type(key, value, "a string or a list of strings", reader);
                None
            }
        }
    }

    fn list_of(
        &self,
        key: &str,
        array: &DeArray<'_>,
        span: Span,
        reader: &mut Reader<'_>,
    ) -> Option<At<Vec<Text>>> {
        if array.is_empty() {
            reader.error(
                &span,
                format!("`{key}` is an empty list"),
                "that could mean nothing or everything",
                "remove the key for its default, or list something",
            );
            return None;
        }
        let mut texts = Vec::new();
        for value in array {
            texts.push(self.text_of(key, value, reader));
        }
        // After one bad item the list is not what the operator meant: what depends on it is not looked at.
        let value = texts.into_iter().collect::<Option<Vec<_>>>()?;
        Some(At { value, span })
    }

    /// A whole number within bounds.
    pub(super) fn whole(
        &self,
        key: &str,
        bounds: RangeInclusive<u32>,
        why: &str,
        reader: &mut Reader<'_>,
    ) -> Option<At<u32>> {
        let value = self.value(key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            wrong_type(key, value, "a whole number", reader);
            return None;
        };
        let number = number(integer).filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            let fix = format!("write a number from {least} to {most}");
            reader.error(
                &value.span(),
                format!("`{key}` = {integer} is out of range"),
                why,
                fix,
            );
        }
        number.map(|number| At {
            value: number,
            span: value.span(),
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, reader: &mut Reader<'_>) -> Option<At<bool>> {
        let value = self.value(key)?;
        let DeValue::Boolean(flag) = value.get_ref() else {
            wrong_type(key, value, "true or false, without quotes", reader);
            return None;
        };
        Some(At {
            value: *flag,
            span: value.span(),
        })
    }

    /// `true`, `false` or a string.
    pub(super) fn flag_or_text(&self, key: &str, reader: &mut Reader<'_>) -> Option<FlagOrText> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(FlagOrText::Flag(*flag)),
            DeValue::String(_) => self.text_of(key, value, reader).map(FlagOrText::Text),
            _ => {
                wrong_type(key, value, "true, false or a string", reader);
                None
            }
        }
    }

    /// A day.
    pub(super) fn date(&self, key: &str, reader: &mut Reader<'_>) -> Option<At<Date>> {
        let value = self.value(key)?;
        if let DeValue::Datetime(datetime) = value.get_ref()
            && let Some(date) = datetime.date
        {
            return Some(At {
                value: date,
                span: value.span(),
            });
        }
        wrong_type(key, value, "a date such as 2027-11-01, without quotes", reader);
        None
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        words: &[(&'static str, T)],
        reader: &mut Reader<'_>,
    ) -> Option<At<T>> {
        let text = self.text(key, reader)?;
        one_of(key, text, words, reader)
    }

    /// A table within.
    pub(super) fn sub(&self, key: &str, shape: &'static Shape, reader: &mut Reader<'_>) -> Option<Table<'t>> {
        let value = self.value(key)?;
        let DeValue::Table(entries) = value.get_ref() else {
            wrong_type(key, value, "a table", reader);
            return None;
        };
        Some(Table::open(shape, self.key(key)?, entries, reader))
    }

    /// The tables of `[NAME.…]`: their names, where those stand, and what is in them.
    pub(super) fn named(&self, key: &str, reader: &mut Reader<'_>) -> Vec<(At<&'t str>, &'t DeTable<'t>)> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Table(entries) = value.get_ref() else {
            wrong_type(key, value, "a table", reader);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in entries {
            let at = At {
                value: name.get_ref().as_ref(),
                span: name.span(),
            };
            match value.get_ref() {
                _ if !is_plain(at.value) => reader.error(
                    &at.span,
                    format!(
                        "the name of a [{key}.NAME] has other characters than A-Z, a-z, 0-9, - and _, or none"
                    ),
                    "it is shown in logs",
                    "choose another name",
                ),
                DeValue::Table(table) => tables.push((at, table)),
                _ => wrong_type(at.value, value, "a table", reader),
            }
        }
        tables
    }

    /// The raw table of a key, for one whose shape depends on what is in it.
    pub(super) fn raw(&self, key: &str, reader: &mut Reader<'_>) -> Option<At<&'t DeTable<'t>>> {
        let value = self.value(key)?;
        let DeValue::Table(entries) = value.get_ref() else {
            wrong_type(key, value, "a table", reader);
            return None;
        };
        Some(At {
            value: entries,
            span: self.key(key)?,
        })
    }

    /// The tables of `[[NAME]]`.
    pub(super) fn each(&self, key: &str, shape: &'static Shape, reader: &mut Reader<'_>) -> Vec<Table<'t>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            not_tables(key, value, reader);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for value in array {
            match value.get_ref() {
                DeValue::Table(entries) => tables.push(Table::open(shape, value.span(), entries, reader)),
                _ => wrong_type(key, value, "a list of tables", reader),
            }
        }
        tables
    }
}

/// Notes a value that stands where `[[NAME]]` does.
pub(super) fn not_tables(key: &str, value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) {
    let header = format!("[[{key}]]");
    let fix = format!("write {header} with two brackets on each side");
    reader.error(
        &value.span(),
        format!("`{key}` is not a list of tables"),
        "there may be several",
        fix,
    );
}

/// The word that a text is, if it is one of them.
pub(super) fn one_of<T: Copy>(
    key: &str,
    text: Text,
    words: &[(&'static str, T)],
    reader: &mut Reader<'_>,
) -> Option<At<T>> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
        return Some(At {
            value: *value,
            span: text.span,
        });
    }
    let known = words.iter().map(|(word, _)| *word);
    let why = format!("it is one of {}", list(known.clone()));
    let fix = match nearest(&text.written, known) {
        Some(word) => format!("did you mean \"{word}\"?"),
        None => "write one of those".to_owned(),
    };
    reader.error(
        &text.span,
        format!("`{key}` = {} is not known", text.shown()),
        why,
        fix,
    );
    None
}

/// Notes a key that a table does not have.
pub(super) fn unknown(shape: &'static Shape, key: &str, span: &Span, reader: &mut Reader<'_>) {
    let name = shown(key.as_bytes(), 40);
    if let Some(refused) = shape.refused.iter().find(|refused| refused.key == key) {
        let what = format!("`{name}` is not taken in {}", shape.name);
        reader.key_error(span, what, refused.why, refused.fix.to_owned());
        return;
    }
    let fix = match nearest(key, shape.keys.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("it takes {}", list(shape.keys.iter().copied())),
    };
    reader.key_error(
        span,
        format!("`{name}` is not known in {}", shape.name),
        "a key that is passed over could be the one that protects something",
        fix,
    );
}

/// Whether a name can be shown anywhere as it is.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// The word that was probably meant: at most a third of it differs.
pub(super) fn nearest<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    words
        .map(|word| (strsim::damerau_levenshtein(written, word), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

/// Words in a sentence.
pub(super) fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Notes a value of another type than the one that is taken.
pub(super) fn wrong_type(key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, reader: &mut Reader<'_>) {
    let found = match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let name = shown(key.as_bytes(), 40);
    let fix = format!("write {wanted}");
    reader.error(
        &value.span(),
        format!("`{name}` is {found}"),
        format!("{wanted} is expected"),
        fix,
    );
}

fn number(integer: &DeInteger<'_>) -> Option<u32> {
    u32::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Replaces each `${NAME}` by the variable of that name. This happens in values, after parsing: in the text itself a
/// variable could bring keys and tables of its own.
fn expanded(mut text: Text, reader: &mut Reader<'_>) -> Option<Text> {
    let mut value = String::new();
    let written = text.written.clone();
    let mut rest = written.as_str();
    while let Some(start) = rest.find("${") {
        value.push_str(&rest[..start]);
        let Some((name, after)) = rest[start + 2..].split_once('}') else {
            reader.error(
                &text.span,
                "`${` has no end",
                "a variable is written `${NAME}`",
                "add the `}`",
            );
            return None;
        };
        match reader.variable(name) {
            Ok(found) => value.push_str(&found),
            Err(why) => {
                let what = format!(
                    "the environment variable `{}` cannot be used",
                    shown(name.as_bytes(), 40)
                );
                reader.error(
                    &text.span,
                    what,
                    why,
                    "set it where saslgate is started, or write the value",
                );
                return None;
            }
        }
        rest = after;
    }
    value.push_str(rest);
    text.value = value;
    Some(text)
}
