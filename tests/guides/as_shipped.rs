//! The files as they are shipped, for Microsoft's own addresses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::example::{moved, secret_files, shipped};
use crate::table::GUIDES;
use crate::walk::SECRET;

/// Everything that an administrator reads in `check` before running it.
#[test]
fn check_finds_nothing() {
    let mut checked = 0;
    for guide in &GUIDES {
        let folder = tempfile::tempdir().unwrap();
        let text = shipped(guide.name);
        for file in secret_files(&text) {
            let path = folder.path().join(file);
            fs::write(&path, SECRET).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        // Of the listener that strangers reach.
        let made = rcgen::generate_simple_self_signed(["mail.contoso.com".to_owned()]).unwrap();
        fs::create_dir(folder.path().join("certs")).unwrap();
        fs::write(folder.path().join("certs/server.pem"), made.cert.pem()).unwrap();
        let key = folder.path().join("certs/server.key");
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let hash = "sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let config = folder.path().join("saslgate.toml");
        // The addresses of the vendor's cloud are filled in, as the password is: those in the file are nobody's, of which check warns.
        let text = text.replace("\"192.0.2.0/24\", \"198.51.100.0/24\"", "\"20.0.0.0/24\"");
        fs::write(&config, moved(&text, hash)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_saslgate"))
            .args(["check", "--config"])
            .arg(&config)
            .output()
            .unwrap();
        let told =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {told}", guide.name);
        assert!(!told.contains("warning"), "{}: {told}", guide.name);
        assert!(told.contains("preset microsoft365"), "{}: {told}", guide.name);
        checked += 1;
    }
    assert_eq!(checked, 5);
}
