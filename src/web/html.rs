//! HTML: markup that is ours and text that is anybody's, which can't be taken for each other.

/// A piece of HTML that is being written.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Markup, as it stands in the source of saslgate.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, whoever wrote it: between tags, or between the double quotes of an attribute.
    pub fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        text.as_ref()
            .chars()
            .for_each(|character| self.character(character));
        self
    }

    /// Text with names in it that are longer than a narrow page: a line ends behind `@` or a dot rather than within a word.
    pub fn name(&mut self, text: impl AsRef<str>) -> &mut Self {
        for (number, part) in text.as_ref().split_inclusive(['@', '.']).enumerate() {
            if number > 0 {
                self.raw("<wbr>");
            }
            self.text(part);
        }
        self
    }

    /// A number.
    pub fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        self.text(number.into().to_string())
    }

    /// Another piece.
    pub fn piece(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// An element of ours around a text.
    pub fn element(&mut self, name: &'static str, text: impl AsRef<str>) -> &mut Self {
        self.raw("<").raw(name).raw(">").text(text);
        self.raw("</").raw(name).raw(">")
    }

    /// All of it.
    pub fn into_string(self) -> String {
        self.0
    }

    fn character(&mut self, character: char) {
        match character {
            '&' => self.0.push_str("&amp;"),
            '<' => self.0.push_str("&lt;"),
            '>' => self.0.push_str("&gt;"),
            '"' => self.0.push_str("&quot;"),
            '\'' => self.0.push_str("&#39;"),
            '\n' | '\t' => self.0.push(character),
            // What has no shape of its own, and what turns the text around it, makes one name look like another.
            hidden if hidden.is_control() || is_bidirectional(hidden) => self.0.push('\u{fffd}'),
            other => self.0.push(other),
        }
    }
}

/// Unicode's embeddings, overrides, isolates and marks of direction.
const fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_between_the_parts_of_a_name() {
        let mut html = Html::default();
        html.name("al<ice@contoso.com").name("Log in").name("");
        assert_eq!(html.into_string(), "al&lt;ice@<wbr>contoso.<wbr>comLog in");
    }

    #[test]
    fn text_stays_text() {
        let table = [
            (
                "<img src=x onerror=\"alert(1)\">",
                "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;",
            ),
            ("O'Brien & <sons>", "O&#39;Brien &amp; &lt;sons&gt;"),
            (
                "two\nlines\tand\ra bell\u{7}",
                "two\nlines\tand\u{fffd}a bell\u{fffd}",
            ),
            ("moc.live\u{202e}@ecila", "moc.live\u{fffd}@ecila"),
            ("Grüße, 世界", "Grüße, 世界"),
        ];
        for (text, expected) in table {
            let mut html = Html::default();
            html.text(text);
            assert_eq!(html.into_string(), expected);
        }
        assert_eq!(table.len(), 5);
    }

    #[test]
    fn an_element_closes_itself() {
        let mut html = Html::default();
        html.element("p", "1 < 2").raw("<hr>").number(7_u32);
        assert_eq!(html.into_string(), "<p>1 &lt; 2</p><hr>7");
    }
}
