//! What an administrator runs in PowerShell: a few lines to paste, or one file that does all of it.
//!
//! Names come from outside. Each stands in single quotes, where PowerShell replaces nothing, and never in a comment.

mod file;
mod lines;

pub(super) use file::file;
pub(super) use lines::{about, before, lines};

use crate::provider::Preset;

/// A text as PowerShell takes it to the letter (`about_Quoting_Rules`): in single quotes, which are doubled within. The
/// typographic ones end such a string too.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// The clouds as the two modules call them: `Connect-MgGraph -Environment`, `Connect-ExchangeOnline
/// -ExchangeEnvironmentName`.
fn environments(preset: &Preset) -> (&'static str, &'static str) {
    match preset.name {
        "microsoft365-gcc-high" => ("USGov", "O365USGovGCCHigh"),
        "microsoft365-dod" => ("USGovDoD", "O365USGovDoD"),
        "microsoft365-china" => ("China", "O365China"),
        _ => ("Global", "O365Default"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mailbox of that name would otherwise run as a command on an administrator's desk.
    #[test]
    fn nothing_gets_out_of_its_quotes() {
        let cases = [
            ("support@contoso.com", "'support@contoso.com'"),
            ("o'brien@contoso.com", "'o''brien@contoso.com'"),
            ("'; Remove-Mailbox *; '", "'''; Remove-Mailbox *; '''"),
            (
                "a\u{2019}; calc; \u{2018}b",
                "'a\u{2019}\u{2019}; calc; \u{2018}\u{2018}b'",
            ),
            ("\u{201a}\u{201b}", "'\u{201a}\u{201a}\u{201b}\u{201b}'"),
            ("$(calc) `$x \"y\"", "'$(calc) `$x \"y\"'"),
            ("", "''"),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected);
        }
        assert_eq!(cases.len(), 7);
    }
}
