//! Base64 as SASL carries it in all three protocols.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Decodes one message. RFC 4648 as strictly as it can be read (3.1 no line breaks, 3.2 padding, 3.3 no other
/// characters, 3.5 zero pad bits): what two readers could read in two ways is not read at all.
pub fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Decoded in place of its own size, so that neither growing nor an error leaves half a password behind.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_base64_is_read() {
        assert_eq!(*decode(b"AGJvYgBwdw==").unwrap(), b"\0bob\0pw");
        assert_eq!(*decode(b"").unwrap(), b"");
        assert_eq!(*decode(b"/+8=").unwrap(), b"\xff\xef");
        let refused: &[&[u8]] = &[
            b"AGJvYgBwdw",       // no padding
            b"AGJvYgBwdw=",      // half of it
            b"AGJvYgBwdw===",    // too much
            b"AGJv=YgBwdw==",    // inside
            b"====",             // nothing but padding
            b"=",                // an empty initial response only
            b"AGJvYgBwdw== ",    // trailing space
            b" AGJvYgBwdw==",    // leading space
            b"AGJv\r\nYgBwdw==", // a line break
            b"AGJv\nYgBwdw==",
            b"AGJv\tYgBwdw==",
            b"_-8=",         // the URL alphabet, RFC 4648 5
            b"AGJvYgBwdx==", // pad bits that are not zero
            b"*",
            b"\xff\xff\xff\xff",
            b"AGJv\0",
        ];
        for text in refused {
            assert!(decode(text).is_none(), "{}", text.escape_ascii());
        }
        assert_eq!(refused.len(), 16);
    }
}
