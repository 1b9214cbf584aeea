//! What a balancer may say in front of a mail client.

use crate::listener::proxy::{Announced, Broken, MAX_HEADER, Scan, scan};

/// A connection to a listener that wants the PROXY protocol begins with `data`. Its first byte picks the size of the pieces.
///
/// # Panics
/// If more is read than the header, the pieces make a difference, or an address comes from nowhere: findings.
pub fn proxy(data: &[u8]) {
    let Some((&size, said)) = data.split_first() else {
        return;
    };
    let (whole, length) = read(said, said.len());
    assert!((whole.clone(), length) == read(said, usize::from(size) + 1));
    let header = &said[..length];
    match whole {
        Some(Ok(Announced::Own)) => assert!(header.starts_with(b"PROXY UNKNOWN") || header[0] == b'\r'),
        Some(Ok(Announced::From(source))) => {
            // What stands behind the header is not known, so it can't have made a difference.
            assert!(read(header, length) == (whole, length));
            let text = source.ip().to_string();
            assert!(!text.is_empty() && !source.ip().is_unspecified());
        }
        Some(Err(_)) | None => {}
    }
}

/// What came of it, none while the header is not whole, and how many bytes were taken.
fn read(said: &[u8], piece: usize) -> (Option<Result<Announced, String>>, usize) {
    let mut have = 0;
    loop {
        let more = match scan(&said[..have]) {
            Ok(Scan::Whole(announced)) => return (Some(Ok(announced)), have),
            // When it is known that there is none depends on the pieces; that there is none does not.
            Err(broken) => return (Some(Err(kind(&broken))), 0),
            Ok(Scan::Needs(more)) => more,
        };
        assert!(more > 0 && have + more <= MAX_HEADER);
        let coming = more.min(piece).min(said.len() - have);
        if coming == 0 {
            return (None, 0);
        }
        have += coming;
    }
}

fn kind(broken: &Broken) -> String {
    format!("{broken:?}")
}
