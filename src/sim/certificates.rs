//! A throw-away certification authority, and the good and bad certificates a peer may be shown.

use std::io;
use std::sync::Mutex;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Names for which the good certificates are valid: what the tests dial, and what Exchange's own carry.
const NAMES: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "outlook.office365.com",
    "smtp.office365.com",
    "login.microsoftonline.com",
];

/// What the simulator shows in its TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CertificateChoice {
    /// Good: one ECDSA P-256 certificate right below the root. The cheapest to make and to check.
    #[default]
    Ecdsa,
    /// Good: an RSA 2048 leaf and its RSA 2048 intermediate, the shape of Exchange Online's own chain.
    RsaChain,
    /// Signed by its own key.
    SelfSigned,
    /// Signed by a root that [`Sim::ca_pem`](crate::sim::Sim::ca_pem) does not contain.
    UnknownRoot,
    /// Valid for `mail.example.net` only.
    WrongHost,
    /// Ran out in 2021.
    Expired,
    /// Begins in 2048.
    NotYetValid,
    /// Extended key usage `clientAuth`, no `serverAuth`.
    ClientAuthOnly,
    /// The host stands in the common name alone; no subject alternative name (RFC 9525, 6.3 forbids using it).
    CommonNameOnly,
    /// The intermediate that links the leaf to the root is not sent.
    TruncatedChain,
}

impl CertificateChoice {
    /// Every choice that a careful peer must refuse.
    pub const BAD: [Self; 8] = [
        Self::SelfSigned,
        Self::UnknownRoot,
        Self::WrongHost,
        Self::Expired,
        Self::NotYetValid,
        Self::ClientAuthOnly,
        Self::CommonNameOnly,
        Self::TruncatedChain,
    ];
}

/// Leaf first, then the intermediates that are sent; and the leaf's key.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// The roots of one simulator.
pub(crate) struct Authority {
    ecdsa: Issuer,
    rsa: Issuer,
}

impl Authority {
    /// Makes both roots. The first call in a process makes an RSA key (about 0.1 s).
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            ecdsa: root("Throw-away ECDSA root", ecdsa_key()?)?,
            rsa: root("Throw-away RSA root", rsa_key(RsaKey::Root)?)?,
        })
    }

    /// Both roots, PEM.
    pub(crate) fn pem(&self) -> String {
        format!("{}{}", self.ecdsa.pem(), self.rsa.pem())
    }

    /// The certificates and key that belong to `choice`.
    pub(crate) fn identity(&self, choice: CertificateChoice) -> io::Result<Identity> {
        match choice {
            CertificateChoice::RsaChain => self.rsa_chain(),
            CertificateChoice::TruncatedChain => self.truncated_chain(),
            CertificateChoice::SelfSigned => self_signed(),
            CertificateChoice::UnknownRoot => leaf(
                &leaf_params(choice)?,
                &ecdsa_key()?,
                &root("Another root", ecdsa_key()?)?,
            ),
            _ => leaf(&leaf_params(choice)?, &ecdsa_key()?, &self.ecdsa),
        }
    }

    fn rsa_chain(&self) -> io::Result<Identity> {
        let intermediate = intermediate(
            "Throw-away RSA intermediate",
            rsa_key(RsaKey::Intermediate)?,
            &self.rsa,
        )?;
        let params = leaf_params(CertificateChoice::RsaChain)?;
        let (mut chain, key) = leaf(&params, &rsa_key(RsaKey::Leaf)?, &intermediate)?;
        chain.push(intermediate.der().clone());
        Ok((chain, key))
    }

    fn truncated_chain(&self) -> io::Result<Identity> {
        let intermediate = intermediate("Throw-away ECDSA intermediate", ecdsa_key()?, &self.ecdsa)?;
        leaf(
            &leaf_params(CertificateChoice::TruncatedChain)?,
            &ecdsa_key()?,
            &intermediate,
        )
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn root(name: &str, key: KeyPair) -> io::Result<Issuer> {
    CertifiedIssuer::self_signed(authority_params(name), key).map_err(io::Error::other)
}

fn intermediate(name: &str, key: KeyPair, issuer: &Issuer) -> io::Result<Issuer> {
    let mut params = authority_params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.use_authority_key_identifier_extension = true;
    CertifiedIssuer::signed_by(params, key, issuer).map_err(io::Error::other)
}

fn leaf_params(choice: CertificateChoice) -> io::Result<CertificateParams> {
    let names: Vec<String> = match choice {
        CertificateChoice::WrongHost => vec!["mail.example.net".to_owned()],
        CertificateChoice::CommonNameOnly => Vec::new(),
        _ => NAMES.iter().map(ToString::to_string).collect(),
    };
    let common_name = names.first().map_or("localhost", String::as_str).to_owned();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = match choice {
        CertificateChoice::Expired => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
        CertificateChoice::NotYetValid => (date_time_ymd(2048, 1, 1), date_time_ymd(2049, 1, 1)),
        _ => (date_time_ymd(2024, 1, 1), date_time_ymd(2049, 1, 1)),
    };
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match choice {
        CertificateChoice::ClientAuthOnly => ExtendedKeyUsagePurpose::ClientAuth,
        _ => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params.use_authority_key_identifier_extension = choice != CertificateChoice::SelfSigned;
    Ok(params)
}

fn leaf(params: &CertificateParams, key: &KeyPair, issuer: &Issuer) -> io::Result<Identity> {
    let certificate = params.signed_by(key, issuer).map_err(io::Error::other)?;
    Ok((vec![certificate.der().clone()], private_key(key)))
}

fn self_signed() -> io::Result<Identity> {
    let key = ecdsa_key()?;
    let params = leaf_params(CertificateChoice::SelfSigned)?;
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    Ok((vec![certificate.der().clone()], private_key(&key)))
}

fn private_key(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

fn ecdsa_key() -> io::Result<KeyPair> {
    KeyPair::generate().map_err(io::Error::other)
}

#[derive(Clone, Copy)]
enum RsaKey {
    Root,
    Intermediate,
    Leaf,
}

/// RSA keys take long to make, so the simulators of one process share theirs.
fn rsa_key(which: RsaKey) -> io::Result<KeyPair> {
    static KEYS: [Mutex<Option<Vec<u8>>>; 3] = [const { Mutex::new(None) }; 3];
    let mut made = KEYS[which as usize]
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(der) = made.as_deref() {
        let der = PrivatePkcs8KeyDer::from(der);
        return KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256).map_err(io::Error::other);
    }
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(io::Error::other)?;
    *made = Some(key.serialize_der());
    Ok(key)
}
