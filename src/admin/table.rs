//! A table that is read on a phone too: where there is no room beside each other, each row is a card whose lines have the names of
//! their columns.

use crate::web::html::Html;

/// A table that is being written.
pub(super) struct Table<'a> {
    columns: &'static [&'static str],
    html: &'a mut Html,
}

/// A row of it.
pub(super) struct Row<'a> {
    left: std::slice::Iter<'static, &'static str>,
    html: &'a mut Html,
}

impl<'a> Table<'a> {
    /// Begins one. The roles say what the elements say already: a browser may forget it of what is laid out as cards.
    pub(super) fn begin(caption: &'static str, columns: &'static [&'static str], html: &'a mut Html) -> Self {
        html.raw("<table role=\"table\"><caption>").raw(caption);
        html.raw("</caption><thead role=\"rowgroup\"><tr role=\"row\">");
        for column in columns {
            html.raw("<th scope=\"col\" role=\"columnheader\">")
                .raw(column)
                .raw("</th>");
        }
        html.raw("</tr></thead><tbody role=\"rowgroup\">");
        Self { columns, html }
    }

    /// One more row: what it is about, then its cells.
    pub(super) fn row(&mut self, about: impl FnOnce(&mut Html), cells: impl FnOnce(&mut Row<'_>)) {
        self.html
            .raw("<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">");
        about(self.html);
        self.html.raw("</th>");
        let mut row = Row {
            left: self.columns.iter(),
            html: self.html,
        };
        row.left.next();
        cells(&mut row);
        self.html.raw("</tr>");
    }

    /// Ends it.
    pub(super) fn end(self) {
        self.html.raw("</tbody></table>");
    }
}

impl Row<'_> {
    /// The cell of the next column.
    pub(super) fn cell(&mut self, content: impl FnOnce(&mut Html)) -> &mut Self {
        let column = self.left.next().copied().unwrap_or_default();
        self.html
            .raw("<td role=\"cell\" data-column=\"")
            .raw(column)
            .raw("\">");
        content(self.html);
        self.html.raw("</td>");
        self
    }

    /// The same with nothing but text.
    pub(super) fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.cell(|html| {
            html.text(text);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_has_the_name_of_its_column() {
        let mut html = Html::default();
        let mut table = Table::begin("All", &["Who", "What", "When"], &mut html);
        table.row(
            |html| {
                html.text("a & b");
            },
            |row| {
                row.text("<x>").cell(|html| {
                    html.raw("<b>now</b>");
                });
            },
        );
        table.end();
        let html = html.into_string();
        for part in [
            "<th scope=\"row\" role=\"rowheader\">a &amp; b</th>",
            "data-column=\"What\">&lt;x&gt;</td>",
            "data-column=\"When\"><b>now</b></td></tr></tbody></table>",
        ] {
            assert!(html.contains(part), "no {part}: {html}");
        }
    }
}
