//! PLAIN (RFC 4616), from a mail client.

use crate::name::MAX_NAME;
use crate::secret::Secret;
use crate::wire::MAX_PASSWORD;

/// What a PLAIN message says.
#[derive(Debug)]
pub struct Message {
    /// Whose mailbox is asked for; mostly empty, which means its own.
    pub authzid: Vec<u8>,
    /// Its own name.
    pub authcid: Vec<u8>,
    /// Its password.
    pub password: Secret<Vec<u8>>,
}

impl Message {
    /// Reads `[authzid] NUL authcid NUL passwd` (RFC 4616 2): two NULs, no more, and only the first part may be empty.
    /// Whether names are UTF-8 is not settled here, so that such a login is refused like that of any unknown name.
    pub fn parse(message: &[u8]) -> Option<Self> {
        let mut parts = message.split(|&byte| byte == 0);
        let (authzid, authcid, password) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = authzid.len() <= MAX_NAME
            && (1..=MAX_NAME).contains(&authcid.len())
            && (1..=MAX_PASSWORD).contains(&password.len());
        (fits && parts.next().is_none()).then(|| Self {
            authzid: authzid.to_vec(),
            authcid: authcid.to_vec(),
            password: Secret::new(password.to_vec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nuls_and_both_names_where_they_belong() {
        let cases: &[(&[u8], [&[u8]; 3])] = &[
            (b"\0tim\0tanstaaftanstaaf", [b"", b"tim", b"tanstaaftanstaaf"]), // RFC 4616 4
            (b"Ursel\0Kurt\0xipj3plmq", [b"Ursel", b"Kurt", b"xipj3plmq"]),   // RFC 4616 4
            (b"\0u\xe9\0p\xe9 \r\n", [b"", b"u\xe9", b"p\xe9 \r\n"]),
        ];
        for (message, parts) in cases {
            let read = Message::parse(message).unwrap();
            assert_eq!([&read.authzid[..], &read.authcid, read.password.expose()], *parts);
        }
        assert_eq!(cases.len(), 3);
    }

    #[test]
    fn any_other_shape_is_malformed() {
        let long = |count: usize| vec![b'x'; count];
        let refused = [
            b"".to_vec(),
            b"u\0p".to_vec(),
            b"\0\0p".to_vec(),
            b"\0u\0".to_vec(),
            b"\0u\0p\0x".to_vec(),
            b"\0u\0p\0".to_vec(),
            b"\0\0\0".to_vec(),
            [&long(MAX_NAME + 1)[..], b"\0u\0p"].concat(),
            [b"\0", &long(MAX_NAME + 1)[..], b"\0p"].concat(),
            [b"\0u\0", &long(MAX_PASSWORD + 1)[..]].concat(),
        ];
        for message in &refused {
            assert!(Message::parse(message).is_none(), "{}", message.escape_ascii());
        }
        assert_eq!(refused.len(), 10);
        let fits = [b"\0", &long(MAX_NAME)[..], b"\0", &long(MAX_PASSWORD)[..]].concat();
        assert!(Message::parse(&fits).is_some());
    }
}
