//! Every file under `config/` works, on a machine that has the files and variables that it names.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where something is not as expected"
)]

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use saslgate::config::{Content, Environment, System, load};
use saslgate::oauth::Grant;
use saslgate::token::store::KeySource;

/// This machine, except that every file is below a folder of its own.
struct Below(tempfile::TempDir);

impl Below {
    fn place(&self, path: &Path) -> PathBuf {
        self.0.path().join(path.strip_prefix("/").unwrap_or(path))
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.place(Path::new(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }
}

impl Environment for Below {
    fn read(&self, path: &Path) -> std::io::Result<Content> {
        System.read(&self.place(path))
    }

    fn list(&self, directory: &Path) -> std::io::Result<Vec<OsString>> {
        System.list(&self.place(directory))
    }

    fn variables(&self, _beginning: &str) -> Vec<String> {
        Vec::new()
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        let value = match name {
            "TENANT" => "contoso.onmicrosoft.com",
            "CLIENT_ID" => "11111111-2222-3333-4444-555555555555",
            "NETWORK" => "172.16.0.0/12",
            _ => return None,
        };
        Some(value.into())
    }

    fn is_program(&self, path: &Path) -> bool {
        let known = [
            "/usr/local/bin/alert",
            "/usr/local/bin/token",
            "/usr/local/bin/token-of",
            "/usr/bin/az",
        ];
        known.iter().any(|known| path == Path::new(known))
    }

    fn now(&self) -> SystemTime {
        System.now()
    }

    fn descriptors(&self) -> u64 {
        524_288
    }
}

fn machine() -> Below {
    let machine = Below(tempfile::tempdir().unwrap());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    machine.put("/etc/saslgate/contoso.secret", "value");
    for guide in ["email-this-issue", "highstage", "osticket", "oracle"] {
        machine.put(&format!("/etc/saslgate/{guide}.secret"), "value");
    }
    machine.put("/etc/saslgate/keycloak.secret", "value");
    machine.put("/etc/saslgate/webhook.header", "Bearer value");
    machine.put("/etc/saslgate/company-ca.pem", &certificate);
    machine.put("/etc/saslgate/certs/server.pem", &certificate);
    machine.put("/etc/saslgate/certs/server.key", &key);
    machine.put("/run/secrets/client_secret", "value");
    machine.put("/run/secrets/erp_password", "a plain password");
    machine.put("/run/secrets/tls.crt", &certificate);
    machine.put("/run/secrets/tls.key", &key);
    for secret in ["client_secret", "mail_password", "store_key"] {
        machine.put(
            &format!("/run/secrets/saslgate/{secret}"),
            "Zm9ydHktdHdvIHJhbmRvbSBieXRlcywgb3Igc28uLi4=",
        );
    }
    machine
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_file_that_we_show_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let machine = machine();
    let mut warned = Vec::new();
    let mut files = files(&root);
    // Files for other programs have tests of their own.
    files.retain(|file| file.extension().is_some_and(|found| found == "toml"));
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let shown = format!("/etc/saslgate/{name}");
        machine.put(&shown, &fs::read_to_string(file).unwrap());
        let config = load(Path::new(&shown), &machine)
            .map_err(|problems| problems.to_string())
            .unwrap();
        assert!(!config.accounts.is_empty() && !config.listeners.is_empty());
        for warning in &config.warnings.list {
            warned.push((name.to_owned(), warning.what.clone()));
        }
    }
    assert_eq!(files.len(), 14);
    warned.sort();
    let expected = [
        (
            "catch-all.toml",
            "this account's password opens every mailbox of contoso.com",
        ),
        (
            "oracle-b2c.toml",
            "from other machines, nobody can reach pop3 0.0.0.0:995 [::]:995",
        ),
    ];
    let expected = expected.map(|(file, what)| (file.to_owned(), what.to_owned()));
    assert_eq!(warned, expected);
}

/// The TOML in a Kubernetes manifest: what is indented below `saslgate.toml: |`.
fn embedded(manifest: &str) -> String {
    let lines = manifest
        .lines()
        .skip_while(|line| line.trim() != "saslgate.toml: |");
    let lines = lines
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    lines.map(str::trim).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn every_configuration_in_a_manifest_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let machine = machine();
    let mut grants = Vec::new();
    for name in ["kubernetes", "kubernetes-sign-in"] {
        let manifest = fs::read_to_string(root.join(name).with_extension("yaml")).unwrap();
        let shown = format!("/etc/saslgate/{name}.toml");
        machine.put(&shown, &embedded(&manifest));
        let config = load(Path::new(&shown), &machine)
            .map_err(|problems| problems.to_string())
            .unwrap();
        assert!(config.warnings.list.is_empty(), "{name}: {}", config.warnings);
        let stored = matches!(config.state.store.key, KeySource::File(_));
        grants.push((matches!(config.apps[0].app.grant, Grant::SignIn(_)), stored));
        // What it is given of the pod has to be mounted there.
        for mounted in ["/etc/saslgate", "/run/secrets/saslgate", "/var/lib/saslgate"] {
            assert!(manifest.contains(&format!("mountPath: {mounted}")), "{name}");
        }
    }
    assert_eq!(grants, [(false, false), (true, true)]);
}
