//! `saslgate certs DIR`: a local certificate authority, and a certificate for the listeners. `saslgate certs app DIR`: a
//! certificate for an app registration.
//!
//! Exit codes: 0 if it was made or is all there, 2 if not.

pub(super) mod app;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::complain;
use crate::certificates::{
    Authority, Kind, Mode, Name, Ours, Places, create_all, key_from_pem, read, replace, server_key,
    without_repeats,
};
use crate::transport::issuer;

const EXAMPLES: &str = "Examples:
  saslgate certs /etc/saslgate/tls                          for this machine
  saslgate certs /etc/saslgate/tls --name mail.example.net  under another name too
  saslgate certs /etc/saslgate/tls --name 192.0.2.7         under an address
  saslgate certs /etc/saslgate/tls --renew                  by hand: another certificate

It makes ca.pem, which is imported once into each mail program, ca.key, server.pem and
server.key. `saslgate run` renews server.pem 30 days before its end, as long as
it can read ca.key there. Renewing keeps the authority, the names and server.key; remove that
file first to replace it. A server.pem that somebody else issued is never touched. None of it
concerns Exchange, whose certificate is the provider's.

A directory that is called app is written ./app.";

const EXIT_CODES: &str = "Exit codes: 0 made, or all there already; 2 not made.";

/// What stands below the options.
fn after_help() -> String {
    format!("{EXAMPLES}\n\n{IMPORT}\n{EXIT_CODES}")
}

/// What `certs` is told.
#[derive(Args, Debug)]
#[command(after_help = after_help(), args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub(super) struct CertsArgs {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    listeners: Option<ListenersArgs>,
}

/// Certificates that are not for the listeners.
#[derive(Debug, Subcommand)]
enum Other {
    /// Make a key and a certificate with which an app proves itself instead of a client secret
    App(app::AppArgs),
}

/// What `certs` is told for the listeners.
#[derive(Args, Debug)]
struct ListenersArgs {
    /// Where the files go; made if it is missing
    dir: PathBuf,
    /// A further host name or address that mail programs connect to (repeatable)
    #[arg(long = "name", value_name = "NAME", value_parser = Name::parse)]
    names: Vec<Name>,
    /// Make ECDSA keys: faster, but old software knows RSA only
    #[arg(long, conflicts_with = "renew")]
    ecdsa: bool,
    /// Make a new server certificate from the authority that is there
    #[arg(long)]
    renew: bool,
}

/// Makes certificates and says what to do with them on standard output.
pub(super) fn run(args: &CertsArgs) -> ExitCode {
    let now = SystemTime::now();
    let made = match (&args.other, &args.listeners) {
        (Some(Other::App(app)), _) => app::make(app, now),
        (None, Some(listeners)) if listeners.renew => renew(listeners, now),
        (None, Some(listeners)) => make(listeners, host_name(), now),
        // The arguments are required.
        (None, None) => Err("a directory is missing".to_owned()),
    };
    match made {
        Ok(made) => {
            // Whoever reads us may stop reading; the files are there.
            let _ = anstream::stdout().write_all(made.as_bytes());
            ExitCode::SUCCESS
        }
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

/// The machine's own name, if mail programs could connect to it.
fn host_name() -> Option<Name> {
    let uname = rustix::system::uname();
    Name::parse(uname.nodename().to_str().ok()?).ok()
}

fn make(args: &ListenersArgs, host: Option<Name>, now: SystemTime) -> Result<String, String> {
    let places = Places::of(&args.dir)?;
    if args.names.is_empty() && places.all().into_iter().all(|path| path.is_file()) {
        return Ok(all_there(&places));
    }
    if let Some(there) = places
        .all()
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        return Err(format!(
            "{} is there already, and nothing is overwritten: --renew makes a new server certificate from it, \
             another directory a new authority",
            there.display()
        ));
    }
    let names = names(&args.names, host);
    let kind = if args.ecdsa { Kind::Ecdsa } else { Kind::Rsa };
    let authority = Authority::make(&names[0], kind, now)?;
    let key = server_key(kind)?;
    let (server, until) = authority.issue(&names, &key, now)?;
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| format!("{} can't be made: {error}", args.dir.display()))?;
    create_all(&[
        (&places.ca_key, Mode::Secret, authority.key_pem().as_bytes()),
        (&places.ca, Mode::Public, authority.pem().as_bytes()),
        (
            &places.server_key,
            Mode::Secret,
            Zeroizing::new(key.serialize_pem()).as_bytes(),
        ),
        (&places.server, Mode::Public, server.as_bytes()),
    ])?;
    Ok(after_making(&places, &names, &until))
}

/// A new certificate for the same key is one file, so there is no moment at which key and certificate do not match.
fn renew(args: &ListenersArgs, now: SystemTime) -> Result<String, String> {
    let places = Places::of(&args.dir)?;
    let authority = Authority::read(&read(&places.ca)?, &read(&places.ca_key)?)?;
    let names = if places.server.symlink_metadata().is_ok() {
        let old = read(&places.server)?;
        refuse_foreign(&places, &old)?;
        let old = Name::all_of(&old)?;
        without_repeats(old.into_iter().chain(args.names.iter().cloned()))
    } else {
        names(&args.names, host_name())
    };
    let key = kept_or_new_key(&places.server_key, authority.kind())?;
    let (server, until) = authority.issue(&names, &key, now)?;
    replace(&places.server, &server)?;
    Ok(format!(
        "Renewed {} for {}, until {until}.\nA saslgate that runs takes it within seconds. Mail programs notice nothing.\n",
        places.server.display(),
        listed(&names)
    ))
}

/// Renews the server certificate with a further name.
pub(in crate::cli) fn add_name(places: &Places, name: &Name, now: SystemTime) -> Result<(), String> {
    let args = ListenersArgs {
        dir: places.dir().to_owned(),
        names: vec![name.clone()],
        ecdsa: false,
        renew: true,
    };
    renew(&args, now).map(drop)
}

/// What connects expects the issuer that it knows: one of another authority in that place would be refused from then on.
fn refuse_foreign(places: &Places, pem: &str) -> Result<(), String> {
    if Ours::of(&places.server).is_some() {
        return Ok(());
    }
    // One that can't be read has words of its own.
    Name::all_of(pem)?;
    let Places {
        ca,
        server,
        server_key,
        ..
    } = places;
    let (server, server_key) = (server.display(), server_key.display());
    let target = std::fs::read_link(&places.server).map(|target| target.display().to_string());
    let (what, who) = match (CertificateDer::from_pem_slice(pem.as_bytes()), target) {
        (_, Ok(target)) => (
            format!("is a link to {target}"),
            "whoever keeps that file".to_owned(),
        ),
        (Ok(der), _) => (
            format!("was not issued by {}, but by {}", ca.display(), issuer(&der)),
            issuer(&der),
        ),
        (Err(_), _) => return Ok(()),
    };
    Err(format!(
        "{server} {what}: nothing was changed. To renew it, put the next one of {who} in its place, with its key in {server_key} if that is \
         another one; saslgate takes it within seconds. To have one of the authority here instead, move {server} and {server_key} away, then \
         type this command again"
    ))
}

fn kept_or_new_key(path: &PathBuf, kind: Kind) -> Result<KeyPair, String> {
    if path.exists() {
        return key_from_pem(&read(path)?).map_err(|error| format!("{}: {error}", path.display()));
    }
    let key = server_key(kind)?;
    create_all(&[(path, Mode::Secret, Zeroizing::new(key.serialize_pem()).as_bytes())])?;
    Ok(key)
}

/// What the operator named, then the machine, then this machine as programs on it call it.
fn names(named: &[Name], host: Option<Name>) -> Vec<Name> {
    let local = ["localhost", "127.0.0.1", "::1"]
        .into_iter()
        .filter_map(|name| Name::parse(name).ok());
    without_repeats(named.iter().cloned().chain(host).chain(local))
}

fn listed(names: &[Name]) -> String {
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whoever comes back wants to know how ca.pem is imported.
fn all_there(places: &Places) -> String {
    let dir = places.dir().display();
    format!(
        "{dir} has all of it already, and nothing was made. A new server certificate from the same authority:  saslgate certs --renew {dir}\n\n{IMPORT}"
    )
}

fn after_making(places: &Places, names: &[Name], until: &str) -> String {
    let Places {
        ca,
        ca_key,
        server,
        server_key,
    } = places;
    let mut text = format!(
        "Made:
  {ca}
      the authority: import it into each mail program, or into the store that it trusts (below)
  {ca_key}
      its key: whoever has it can pose as any server toward who imported ca.pem; keep it for --renew, best elsewhere
  {server}
      the certificate for {names}, until {until}
  {server_key}
      its key: only its owner may read it, so give it to the user that runs saslgate (chown)

In the configuration:

",
        ca = ca.display(),
        ca_key = ca_key.display(),
        server = server.display(),
        server_key = server_key.display(),
        names = listed(names),
    );
    for (protocol, port) in [("imap", 1993), ("pop3", 1995), ("smtp", 1465)] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", listener(protocol, port, server, server_key));
    }
    let dir = places.dir().display();
    let _ = write!(
        text,
        "{IMPORT}\nsaslgate renews server.pem by itself, 30 days before {until}, as long as it can read ca.key and write to {dir}.\n\
         Where it can't, once a year:  saslgate certs --renew {dir}\n"
    );
    text
}

/// A path as a TOML string.
fn quoted(path: &Path) -> String {
    toml::Value::String(path.to_string_lossy().into_owned()).to_string()
}

fn listener(protocol: &str, port: u16, certificate: &Path, key: &Path) -> String {
    format!(
        "[[listener]]
protocol    = \"{protocol}\"
bind        = \"0.0.0.0:{port}\"
allow_from  = [\"127.0.0.0/8\", \"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\"]
tls         = \"implicit\"
certificate = {}
key         = {}
",
        quoted(certificate),
        quoted(key)
    )
}

const IMPORT: &str = "How to trust ca.pem:
  Thunderbird     Settings > Privacy & Security > Manage Certificates > Authorities > Import: identify websites
  Debian, Ubuntu  cp ca.pem /usr/local/share/ca-certificates/saslgate.crt && update-ca-certificates
  Fedora, RHEL    trust anchor ca.pem
  Windows         certutil -addstore Root ca.pem    in an elevated prompt
  macOS           Keychain Access: open ca.pem, then Trust > Always Trust
  Java            keytool -importcert -cacerts -alias saslgate -file ca.pem
  scripts         curl --cacert, Python ssl.create_default_context(cafile=...), mutt certificate_file
";

#[cfg(test)]
mod tests;
