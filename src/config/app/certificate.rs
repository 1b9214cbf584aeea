//! `certificate` and its key: read here to see whether they fit; whoever signs with them reads them again.

use super::super::reader::Reader;
use super::super::table::Table;
use super::client_secret::note_end;
use super::proof::Planned;
use crate::oauth::{Algorithm, Signer};

const ALGORITHMS: &[(&str, Algorithm)] = &[("PS256", Algorithm::Ps256), ("RS256", Algorithm::Rs256)];

/// Reads `certificate`, `key` and `certificate_algorithm`.
pub(super) fn read(table: &Table<'_>, reader: &mut Reader<'_>) -> Option<Planned> {
    let algorithm = table.choice("certificate_algorithm", ALGORITHMS, reader);
    let certificate = table.text("certificate", reader);
    let own_key = table.text("key", reader);
    if table.key("key").is_some() && own_key.is_none() {
        return None;
    }
    let certificate = certificate?;
    let algorithm = algorithm.map_or(Algorithm::default(), |at| at.value);
    let (public, secret) = match &own_key {
        Some(key) => (reader.public_file(&certificate), reader.secret_file(key)?),
        None => (None, reader.secret_file(&certificate)?),
    };
    if own_key.is_some() && public.is_none() {
        return None;
    }
    let pem = public.as_ref().unwrap_or(&secret);
    match Signer::from_pem(pem.expose(), secret.expose(), algorithm) {
        Ok(signer) => {
            let fix = "make a new one (`saslgate certs app`), upload it to the app registration, and put it in place";
            note_end(
                "certificate",
                &certificate.span,
                signer.validity(),
                None,
                fix,
                reader,
            );
        }
        Err(error) => {
            let why = error.to_string();
            reader.error(
                &certificate.span,
                "`certificate` cannot be used",
                why,
                error.fix(),
            );
            return None;
        }
    }
    Some(Planned::Certificate {
        certificate: reader.path(&certificate),
        key: reader.path(own_key.as_ref().unwrap_or(&certificate)),
        algorithm,
    })
}
