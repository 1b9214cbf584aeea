//! A secret, and the disguises in which it could be seen.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem;
use url::form_urlencoded::byte_serialize;

/// A secret that the test knows.
pub(crate) struct Canary<'a> {
    name: &'a str,
    secret: &'a str,
}

/// One way to write it.
pub(crate) struct Disguise<'a> {
    name: &'a str,
    how: &'static str,
    text: String,
}

impl<'a> Canary<'a> {
    pub(crate) fn new(name: &'a str, secret: &'a str) -> Self {
        assert!(secret.len() >= 20, "{name} is too short to be told from chance");
        Self { name, secret }
    }

    /// As it is, as JSON writes it, as base64 of both alphabets at three offsets, hexadecimal, in a URL.
    pub(crate) fn disguises(&self) -> Vec<Disguise<'a>> {
        let mut all = vec![
            ("as it is", self.secret.to_owned()),
            ("in JSON", self.in_json()),
            ("in hexadecimal", self.in_hex(false)),
            ("in capital hexadecimal", self.in_hex(true)),
            ("in a URL", byte_serialize(self.secret.as_bytes()).collect()),
        ];
        for offset in 0..3 {
            all.push(("in base64", self.in_base64(&STANDARD, offset)));
            all.push(("in URL-safe base64", self.in_base64(&URL_SAFE, offset)));
        }
        all.into_iter()
            .map(|(how, text)| Disguise {
                name: self.name,
                how,
                text,
            })
            .collect()
    }

    fn in_json(&self) -> String {
        let quoted = serde_json::to_string(self.secret).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    }

    fn in_hex(&self, capitals: bool) -> String {
        let hex = |byte| {
            if capitals {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        };
        self.secret.bytes().map(hex).collect()
    }

    /// What every encoding has in common in which the secret begins `offset` bytes into a group of three.
    fn in_base64(&self, alphabet: &impl base64::Engine, offset: usize) -> String {
        let before = "\0".repeat(offset);
        let encoded = alphabet.encode(format!("{before}{}", self.secret));
        // The first group holds other bytes too, the last may be padded.
        let first = if offset == 0 { 0 } else { 4 };
        encoded[first..encoded.len() - 4].to_owned()
    }
}

impl Disguise<'_> {
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        memmem::find(bytes, self.text.as_bytes()).is_some()
    }
}

/// Which secret and how it is written, never the secret.
impl fmt::Display for Disguise<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.how)
    }
}

#[test]
fn a_canary_is_found_in_every_disguise() {
    let secret = "0123456789abcdefghij+/\"secret";
    let canary = Canary::new("secret", secret);
    let hex = secret
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat();
    let mut places = vec![
        format!("password={secret}"),
        format!("{{\"password\":{}}}", serde_json::to_string(secret).unwrap()),
        hex.to_uppercase(),
        hex,
        url::Url::parse_with_params("https://x/", [("p", secret)])
            .unwrap()
            .to_string(),
    ];
    for before in ["", "a", "ab"] {
        places.push(STANDARD.encode(format!("{before}{secret} and more")));
        places.push(URL_SAFE.encode(format!("xyz{before}{secret}")));
    }
    let disguises = canary.disguises();
    assert_eq!(disguises.len(), places.len());
    for place in &places {
        assert!(
            disguises.iter().any(|disguise| disguise.is_in(place.as_bytes())),
            "{place}"
        );
    }
    for disguise in &disguises {
        assert!(
            places.iter().any(|place| disguise.is_in(place.as_bytes())),
            "{disguise}"
        );
    }
}
