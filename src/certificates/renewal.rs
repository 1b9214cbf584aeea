//! A certificate that `saslgate certs` made is renewed by the running server: nobody logs in to the machine once a year.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

use super::authority::{Authority, DAY, Name, ORGANIZATION, day, key_from_pem};
use super::files::{read, replace};
use super::validity::Validity;
use super::{Places, without_repeats};

/// What came of looking at a listener's certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Renewal {
    /// It was not made by `saslgate certs`, or is not where that put it: somebody else renews it, and it is never touched.
    Foreign,
    /// Its end is not worth a word yet.
    NotDue,
    /// Another one with the same key and the same names is in its place.
    Renewed {
        /// For which names.
        names: String,
        /// The last day on which it is good.
        until: String,
    },
    /// It is due and could not be renewed; it is as it was.
    Failed(NotRenewed),
}

/// Why a certificate could not be renewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotRenewed {
    /// What happened.
    pub what: String,
    /// What causes this.
    pub why: String,
    /// What mends it, with the command to type.
    pub fix: String,
}

/// A listener's certificate as `saslgate certs` laid it out: beside the authority that issued it.
#[derive(Debug)]
pub struct Ours {
    places: Places,
    /// From when until when it is good.
    pub validity: Validity,
    /// The same of its authority.
    pub authority: Validity,
}

impl Ours {
    /// Recognises it by its place, its authority's name and its signature; none for any other certificate.
    pub fn of(certificate: &Path) -> Option<Self> {
        let places = Places::of(certificate.parent()?).ok()?;
        let is_ours = certificate.file_name() == places.server.file_name();
        // A link leads to what somebody else keeps.
        if !is_ours || !certificate.symlink_metadata().ok()?.is_file() {
            return None;
        }
        let (server, ca) = (first(certificate)?, first(&places.ca)?);
        let (server, ca) = (parsed(&server)?, parsed(&ca)?);
        let is_issued = server.issuer().as_raw() == ca.subject().as_raw()
            && server.verify_signature(Some(ca.public_key())).is_ok();
        (is_named_so(ca.subject()) && is_issued).then(|| Self {
            validity: Validity::of(&server),
            authority: Validity::of(&ca),
            places,
        })
    }

    /// Where its files are.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// What an operator types to do it by hand.
    pub fn by_hand(&self) -> String {
        format!("saslgate certs --renew {}", self.places.dir().display())
    }

    /// What an operator does about the end of the authority.
    pub fn anew(&self) -> String {
        format!(
            "make another authority with `saslgate certs` in a new directory, import its ca.pem into each mail program, then name \
             its server.pem and server.key in the configuration (the old one is in {})",
            self.places.dir().display()
        )
    }

    /// A new certificate for the same key and names. One file is replaced in one step, so that there is no moment at which
    /// key and certificate do not match.
    fn renew(&self, key: &Path, now: SystemTime) -> Result<(String, String), String> {
        let Places {
            ca, ca_key, server, ..
        } = &self.places;
        let authority = Authority::read(&read(ca)?, &read(ca_key)?)?;
        let old = read(server)?;
        let names = without_repeats(Name::all_of(&old)?.into_iter());
        let key = key_from_pem(&read(key)?).map_err(|error| format!("{}: {error}", key.display()))?;
        if !fits(&old, key.public_key_raw()) {
            return Err(format!("the key is not that of {}", server.display()));
        }
        let (pem, until) = authority.issue(&names, &key, now)?;
        replace(server, &pem)?;
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Ok((names.join(", "), until))
    }
}

/// Renews a listener's certificate if it is ours and due; `key` is its key's file. It reads and signs, which takes
/// milliseconds: not for a thread that serves sessions.
pub fn renew_due(certificate: &Path, key: &Path, now: SystemTime) -> Renewal {
    let Some(ours) = Ours::of(certificate) else {
        return Renewal::Foreign;
    };
    if now < ours.validity.told_from() {
        return Renewal::NotDue;
    }
    let (until, authority_until) = (ours.validity.not_after, ours.authority.not_after);
    // What it issues ends with it: that would be renewed again each time somebody looks.
    let renewed = if authority_until <= (until + DAY).max(now) {
        Err(format!("its authority ends on {}", date(authority_until)))
    } else {
        ours.renew(key, now)
    };
    match renewed {
        Ok((names, until)) => Renewal::Renewed { names, until },
        Err(why) => Renewal::Failed(NotRenewed {
            what: format!(
                "the certificate {} could not be renewed; it ends on {}",
                certificate.display(),
                date(until)
            ),
            fix: if authority_until <= until + DAY {
                ours.anew()
            } else {
                format!(
                    "type `{}` as a user that may read ca.key and write there; saslgate takes it within seconds",
                    ours.by_hand()
                )
            },
            why,
        }),
    }
}

/// What an operator does about a listener's certificate that ends soon or has ended: that depends on who issued it. It reads
/// files.
pub fn mended_by(certificate: &Path) -> String {
    match Ours::of(certificate) {
        Some(ours) => format!(
            "saslgate renews it where it can, and the log says why it could not: type `{}` as a user that may read ca.key and \
             write there; saslgate takes it within seconds",
            ours.by_hand()
        ),
        None => format!(
            "have it renewed by whoever issued it (certbot or lego do that by themselves: look why they did not), and put the new one in \
             the place of {}; saslgate takes it within seconds",
            certificate.display()
        ),
    }
}

/// Whether a certificate says that an authority of `saslgate certs` issued it, wherever that is kept: nobody knows it but those who
/// imported it.
pub fn is_local(der: &CertificateDer<'_>) -> bool {
    parsed(der).is_some_and(|certificate| is_named_so(certificate.issuer()))
}

fn is_named_so(authority: &X509Name<'_>) -> bool {
    let organization = authority.iter_organization().next();
    organization.is_some_and(|name| name.as_str() == Ok(ORGANIZATION))
}

/// From when until when the first certificate of a PEM file is good; none if that can't be read.
pub fn validity_of(certificate: &Path) -> Option<Validity> {
    parsed(&first(certificate)?).map(|certificate| Validity::of(&certificate))
}

fn first(path: &Path) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(&fs::read(path).ok()?).ok()
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der)
        .ok()
        .map(|(_, certificate)| certificate)
}

fn fits(pem: &str, public_key: &[u8]) -> bool {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .is_ok_and(|der| parsed(&der).is_some_and(|it| it.public_key().subject_public_key.data == public_key))
}

fn date(moment: SystemTime) -> String {
    day(moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::super::{Kind, Mode, create_all, server_key};
    use super::*;

    const NAMES: [&str; 2] = ["mail.example.net", "192.0.2.7"];

    /// What `saslgate certs` leaves in a directory.
    fn made(now: SystemTime) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let names = NAMES.map(|name| Name::parse(name).unwrap());
        let authority = Authority::make(&names[0], Kind::Ecdsa, now).unwrap();
        let key = server_key(Kind::Ecdsa).unwrap();
        let (server, _) = authority.issue(&names, &key, now).unwrap();
        let places = Places::of(dir.path()).unwrap();
        create_all(&[
            (&places.ca, Mode::Public, authority.pem().as_bytes()),
            (&places.ca_key, Mode::Secret, authority.key_pem().as_bytes()),
            (&places.server, Mode::Public, server.as_bytes()),
            (&places.server_key, Mode::Secret, key.serialize_pem().as_bytes()),
        ])
        .unwrap();
        dir
    }

    fn files(dir: &TempDir) -> (PathBuf, PathBuf) {
        (dir.path().join("server.pem"), dir.path().join("server.key"))
    }

    fn renewed(dir: &TempDir, now: SystemTime) -> Renewal {
        let (certificate, key) = files(dir);
        renew_due(&certificate, &key, now)
    }

    fn in_days(days: u32) -> SystemTime {
        SystemTime::now() + DAY * days
    }

    fn text(dir: &TempDir, name: &str) -> String {
        fs::read_to_string(dir.path().join(name)).unwrap()
    }

    #[test]
    fn thirty_days_before_its_end_another_takes_its_place_with_the_same_key_and_names() {
        let dir = made(SystemTime::now());
        let before = ["ca.pem", "ca.key", "server.key"].map(|name| text(&dir, name));
        let old = text(&dir, "server.pem");
        assert_eq!(renewed(&dir, in_days(366)), Renewal::NotDue);
        assert_eq!(text(&dir, "server.pem"), old);
        let Renewal::Renewed { names, .. } = renewed(&dir, in_days(368)) else {
            panic!("it was due");
        };
        assert_eq!(names, "mail.example.net, 192.0.2.7");
        assert_eq!(
            ["ca.pem", "ca.key", "server.key"].map(|name| text(&dir, name)),
            before
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            4,
            "nothing is left behind"
        );
        let (certificate, key) = files(&dir);
        let pair = crate::listener::identity::from_pem(
            text(&dir, "server.pem").as_bytes(),
            fs::read(key).unwrap().as_slice(),
        );
        let left = pair
            .unwrap()
            .validity
            .not_after
            .duration_since(in_days(368))
            .unwrap();
        assert_eq!((left + DAY / 2).as_secs() / DAY.as_secs(), 397);
        assert!(Ours::of(&certificate).is_some());
        // And is good for another year.
        assert_eq!(renewed(&dir, in_days(368)), Renewal::NotDue);
    }

    #[test]
    fn also_one_that_has_ended_is_renewed_and_a_crash_before_does_not_hinder_it() {
        let dir = made(SystemTime::now());
        let rest = dir.path().join(format!("server.pem.{}", std::process::id()));
        fs::write(rest, "half a certif").unwrap();
        let renewed = renewed(&dir, in_days(500));
        assert!(matches!(renewed, Renewal::Renewed { .. }), "{renewed:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
    }

    #[test]
    fn what_we_did_not_make_is_never_touched() {
        type Change = fn(&TempDir);
        let stranger: Change = |dir| {
            let made = rcgen::generate_simple_self_signed(["mail.example.net".to_owned()]).unwrap();
            fs::write(dir.path().join("server.pem"), made.cert.pem()).unwrap();
        };
        let link: Change = |dir| {
            let (kept, place) = (dir.path().join("live.pem"), dir.path().join("server.pem"));
            fs::rename(&place, &kept).unwrap();
            std::os::unix::fs::symlink(kept, place).unwrap();
        };
        let no_authority: Change = |dir| fs::remove_file(dir.path().join("ca.pem")).unwrap();
        let other_authority: Change = |dir| {
            let other = made(SystemTime::now());
            fs::copy(other.path().join("ca.pem"), dir.path().join("ca.pem")).unwrap();
        };
        // Of a company's own authority: its name is not ours.
        let company: Change = |dir| {
            let key = server_key(Kind::Ecdsa).unwrap();
            let mut params = rcgen::CertificateParams::default();
            params
                .distinguished_name
                .push(rcgen::DnType::OrganizationName, "Contoso");
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            fs::write(dir.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
            let issuer = rcgen::Issuer::new(params, key);
            let own = rcgen::KeyPair::from_pem(&text(dir, "server.key")).unwrap();
            let server = rcgen::CertificateParams::new(["x.example".to_owned()]).unwrap();
            let server = server.signed_by(&own, &issuer).unwrap();
            fs::write(dir.path().join("server.pem"), server.pem()).unwrap();
        };
        let table = [stranger, link, no_authority, other_authority, company];
        for change in table {
            let dir = made(SystemTime::now());
            change(&dir);
            let before = text(&dir, "server.pem");
            assert_eq!(renewed(&dir, in_days(390)), Renewal::Foreign);
            assert_eq!(text(&dir, "server.pem"), before);
        }
        assert_eq!(table.len(), 5);
    }

    #[test]
    fn what_can_not_be_renewed_says_why_and_stays_as_it_is() {
        type Change = fn(&TempDir);
        let no_key: Change = |dir| fs::remove_file(dir.path().join("ca.key")).unwrap();
        let wrong_key: Change = |dir| {
            let other = made(SystemTime::now());
            fs::copy(other.path().join("ca.key"), dir.path().join("ca.key")).unwrap();
        };
        let other_server_key: Change = |dir| {
            let other = made(SystemTime::now());
            fs::copy(other.path().join("server.key"), dir.path().join("server.key")).unwrap();
        };
        // Root may write to a directory that is read-only, but not to a file where a directory is.
        let in_the_way: Change = |dir| {
            let temporary = format!("server.pem.{}", std::process::id());
            fs::create_dir(dir.path().join(temporary)).unwrap();
        };
        let table = [
            (no_key, "ca.key can't be read", "certs --renew"),
            (wrong_key, "not the key of ca.pem", "certs --renew"),
            (other_server_key, "the key is not that of", "certs --renew"),
            (in_the_way, "can't be written", "certs --renew"),
        ];
        for (change, why, fix) in table {
            let dir = made(SystemTime::now());
            change(&dir);
            let before = text(&dir, "server.pem");
            let Renewal::Failed(failed) = renewed(&dir, in_days(390)) else {
                panic!("it can't be renewed: {why}");
            };
            assert!(failed.why.contains(why), "{failed:?}");
            assert!(
                failed.fix.contains(fix) && !failed.why.contains("PRIVATE"),
                "{failed:?}"
            );
            assert_eq!(text(&dir, "server.pem"), before);
        }
        assert_eq!(table.len(), 4);
    }

    /// What it issues ends with it: without a word about that, it would be renewed every hour until the end.
    #[test]
    fn an_authority_that_ends_is_told_and_issues_nothing() {
        let dir = made(SystemTime::now());
        let places = Places::of(dir.path()).unwrap();
        let authority = Authority::read(&text(&dir, "ca.pem"), &text(&dir, "ca.key")).unwrap();
        let key = key_from_pem(&text(&dir, "server.key")).unwrap();
        let names = Name::all_of(&text(&dir, "server.pem")).unwrap();
        let (last, _) = authority.issue(&names, &key, in_days(3_600)).unwrap();
        fs::write(&places.server, &last).unwrap();
        for days in [3_640, 3_660] {
            let Renewal::Failed(failed) = renewed(&dir, in_days(days)) else {
                panic!("day {days}");
            };
            assert!(failed.why.contains("its authority ends on"), "{failed:?}");
            assert!(failed.fix.contains("make another authority"), "{failed:?}");
        }
        assert_eq!(text(&dir, "server.pem"), last);
    }
}
