//! ENVELOPE and BODYSTRUCTURE (RFC 3501, 7.4.2).

use crate::sim::message::{Message, field};
use crate::sim::mime::{Part, parameterized};

/// A string, quoted if it can be and a literal otherwise; NIL for nothing.
fn nstring(value: Option<&[u8]>) -> Vec<u8> {
    let Some(value) = value else {
        return b"NIL".to_vec();
    };
    if value.iter().any(|byte| !(0x20..0x7f).contains(byte)) {
        return [format!("{{{}}}\r\n", value.len()).as_bytes(), value].concat();
    }
    let mut quoted = vec![b'"'];
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

fn list(items: &[Vec<u8>], between: &[u8]) -> Vec<u8> {
    [b"(", &items.join(between)[..], b")"].concat()
}

/// The ENVELOPE of a header.
pub(super) fn envelope(header: &[u8]) -> Vec<u8> {
    let text = |name: &str| nstring(field(header, name).as_deref());
    let from = addresses(header, "From");
    // RFC 3501, 7.4.2: sender and reply-to fall back to from.
    let or_from = |name: &str| {
        addresses(header, name)
            .or_else(|| from.clone())
            .unwrap_or_else(|| b"NIL".to_vec())
    };
    let plain = |name: &str| addresses(header, name).unwrap_or_else(|| b"NIL".to_vec());
    let items = [
        text("Date"),
        text("Subject"),
        plain("From"),
        or_from("Sender"),
        or_from("Reply-To"),
        plain("To"),
        plain("Cc"),
        plain("Bcc"),
        text("In-Reply-To"),
        text("Message-ID"),
    ];
    list(&items, b" ")
}

/// The addresses of a field; `None` when there are none.
fn addresses(header: &[u8], name: &str) -> Option<Vec<u8>> {
    let value = field(header, name)?;
    let mut items = Vec::new();
    for mailbox in split_addresses(&String::from_utf8_lossy(&value)) {
        items.push(address(&mailbox));
    }
    (!items.is_empty()).then(|| list(&items, b""))
}

/// Splits at commas outside quotes, angle brackets and comments. Groups are shown as their members.
fn split_addresses(value: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut found = vec![String::new()];
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '<' | '(' if !quoted => depth += 1,
            '>' | ')' if !quoted => depth = depth.saturating_sub(1),
            ',' | ';' if !quoted && depth == 0 => {
                found.push(String::new());
                continue;
            }
            ':' if !quoted && depth == 0 => {
                found.pop();
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found
        .into_iter()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

fn address(text: &str) -> Vec<u8> {
    let (name, spec) = match text.split_once('<') {
        Some((name, rest)) => (
            name.trim().trim_matches('"'),
            rest.split('>').next().unwrap_or_default(),
        ),
        None => ("", text),
    };
    let (local, domain) = spec.trim().rsplit_once('@').unwrap_or((spec.trim(), ""));
    let name = (!name.is_empty()).then(|| name.replace("\\\"", "\""));
    let items = [
        nstring(name.as_deref().map(str::as_bytes)),
        b"NIL".to_vec(),
        nstring(Some(local.as_bytes())),
        nstring(Some(domain.as_bytes())),
    ];
    list(&items, b" ")
}

/// BODYSTRUCTURE, or BODY without the extension data.
pub(super) fn body_structure(message: &Message, extended: bool) -> Vec<u8> {
    structure(message.raw(), message.structure(), extended)
}

fn structure(raw: &[u8], part: &Part, extended: bool) -> Vec<u8> {
    if part.is_multipart() {
        let children: Vec<Vec<u8>> = part
            .children
            .iter()
            .map(|it| structure(raw, it, extended))
            .collect();
        let mut items = vec![children.concat(), nstring(Some(part.subtype.as_bytes()))];
        if extended {
            items.extend([
                parameters(&part.parameters),
                disposition(raw, part),
                b"NIL".to_vec(),
                b"NIL".to_vec(),
            ]);
        }
        return list(&items, b" ");
    }
    let header = raw.get(part.header.clone()).unwrap_or_default();
    let text = |name: &str| nstring(field(header, name).as_deref());
    let encoding = field(header, "Content-Transfer-Encoding").unwrap_or_else(|| b"7BIT".to_vec());
    let body = raw.get(part.body.clone()).unwrap_or_default();
    let mut items = vec![
        nstring(Some(part.kind.as_bytes())),
        nstring(Some(part.subtype.as_bytes())),
        parameters(&part.parameters),
        text("Content-ID"),
        text("Content-Description"),
        nstring(Some(&encoding)),
        body.len().to_string().into_bytes(),
    ];
    if let Some(embedded) = &part.embedded {
        items.push(envelope(raw.get(embedded.header.clone()).unwrap_or_default()));
        items.push(structure(raw, embedded, extended));
    }
    if part.kind == "TEXT" || part.embedded.is_some() {
        items.push(
            body.split(|byte| *byte == b'\n')
                .skip(1)
                .count()
                .to_string()
                .into_bytes(),
        );
    }
    if extended {
        items.extend([
            text("Content-MD5"),
            disposition(raw, part),
            b"NIL".to_vec(),
            b"NIL".to_vec(),
        ]);
    }
    list(&items, b" ")
}

fn parameters(pairs: &[(String, String)]) -> Vec<u8> {
    if pairs.is_empty() {
        return b"NIL".to_vec();
    }
    let items: Vec<Vec<u8>> = pairs
        .iter()
        .flat_map(|(name, value)| [name, value])
        .map(|text| nstring(Some(text.as_bytes())))
        .collect();
    list(&items, b" ")
}

fn disposition(raw: &[u8], part: &Part) -> Vec<u8> {
    let header = raw.get(part.header.clone()).unwrap_or_default();
    let Some(value) = field(header, "Content-Disposition") else {
        return b"NIL".to_vec();
    };
    let (kind, pairs) = parameterized(&String::from_utf8_lossy(&value));
    list(&[nstring(Some(kind.as_bytes())), parameters(&pairs)], b" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn envelope_of_a_message() {
        let header =
            b"Subject: Hi \"you\"\r\nFrom: \"Doe, Jane\" <jane@x.org>, bob@y.org\r\nTo: team: a@b.c;\r\n\r\n";
        assert_eq!(
            text(&envelope(header)),
            "(NIL \"Hi \\\"you\\\"\" ((\"Doe, Jane\" NIL \"jane\" \"x.org\")(NIL NIL \"bob\" \"y.org\")) \
             ((\"Doe, Jane\" NIL \"jane\" \"x.org\")(NIL NIL \"bob\" \"y.org\")) \
             ((\"Doe, Jane\" NIL \"jane\" \"x.org\")(NIL NIL \"bob\" \"y.org\")) \
             ((NIL NIL \"a\" \"b.c\")) NIL NIL NIL NIL)"
        );
    }

    #[test]
    fn structure_of_a_multipart() {
        let message = Message::new(
            &b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n\r\n--x\r\nContent-Type: image/png\r\n\
               Content-Disposition: attachment; filename=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n"[..],
        );
        assert_eq!(
            text(&body_structure(&message, true)),
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 5 1 NIL NIL NIL NIL)(\"IMAGE\" \"PNG\" NIL NIL NIL \
             \"base64\" 4 NIL (\"attachment\" (\"FILENAME\" \"a.png\")) NIL NIL) \"MIXED\" (\"BOUNDARY\" \"x\") NIL NIL NIL)"
        );
    }
}
