//! What an operator reads, each from the trouble itself: `tests/golden/token_store.txt`.
//!
//! After a change that is meant, `SASLGATE_BLESS=1 cargo test --lib words` writes the texts anew; read the difference.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::io::Errno;

use super::super::failing::{self, Doing};
use super::calls::{Fault, Faulty};
use super::*;
use crate::token::store::{Swap, TokenStore as _};

/// What an operator reads.
fn parts(said: &StoreError) -> [&str; 3] {
    [&said.what, &said.why, &said.fix]
}

/// The texts so far.
#[derive(Default)]
struct Page {
    text: String,
    texts: usize,
}

impl Page {
    /// Adds a text, without what differs from machine to machine.
    fn add(&mut self, title: &str, rig: &Rig, said: &StoreError) {
        let folder = rig.folder.path().to_str().unwrap();
        let me = rustix::process::geteuid().as_raw();
        writeln!(self.text, "{title}").unwrap();
        for (name, part) in ["what", "why ", "fix "].iter().zip(parts(said)) {
            assert!(!part.contains(KEY) && !part.contains("kkkk"), "{part}");
            assert!(!part.chars().any(char::is_control), "{part:?}");
            let part = part
                .replace(folder, "/var/lib/saslgate")
                .replace(&format!("process {}", std::process::id()), "process 4711")
                .replace(&format!("user {me}"), "user 998")
                .replace(&format!("chown -R {me} "), "chown -R 998 ")
                .replace(&format!("-o {me} "), "-o 998 ");
            writeln!(self.text, "  {name}: {part}").unwrap();
        }
        self.texts += 1;
    }
}

/// A store that fails as told, and what it says.
async fn failing(call: &'static str, errno: Errno) -> (Rig, StoreError) {
    let rig = Rig::new();
    let faulty = Faulty::default();
    let store = rig.open_on(&faulty).await;
    put(&store, grant(1), None, sign_in("alice@contoso.com", "1")).await;
    faulty.plan(Some(Fault::Fail(call, errno)));
    let swap = store
        .swap(grant(2), None, sign_in("bob@contoso.com", "1"))
        .await
        .unwrap();
    let Swap::Unsaved(_, error) = swap else {
        panic!("{swap:?}");
    };
    (rig, error)
}

async fn saving(page: &mut Page) {
    let faults = [
        ("the disk is full", "write", Errno::NOSPC),
        ("the disk is read-only", "create", Errno::ROFS),
        ("the directory may not be written", "create", Errno::ACCESS),
        ("the disk is broken", "sync", Errno::IO),
        ("the file is mounted", "rename", Errno::BUSY),
        ("the directory is gone", "create", Errno::NOENT),
        ("too many files are open", "create", Errno::MFILE),
        ("files may not grow", "write", Errno::FBIG),
        ("anything else", "link", Errno::LOOP),
    ];
    for (title, call, errno) in faults {
        let (rig, error) = failing(call, errno).await;
        page.add(title, &rig, &error);
    }
}

async fn owning(page: &mut Page) {
    let rig = Rig::with_three().await;
    let store = rig.open().await;
    page.add("another process has it", &rig, &rig.error().await);
    store.close().await.unwrap();
    page.add("it is closed", &rig, &store.list().await.unwrap_err());
    let whole = fs::read_to_string(rig.path()).unwrap();
    let other = settings(&rig.path(), "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=");
    page.add(
        "the key is another",
        &rig,
        &FileStore::open(&other).await.unwrap_err(),
    );
    fs::write(rig.path(), whole.replacen("\"version\":1", "\"version\":2", 1)).unwrap();
    page.add("the format is newer", &rig, &rig.error().await);
    fs::remove_file(rig.path()).unwrap();
    symlink("elsewhere", rig.path()).unwrap();
    page.add("the path is a link", &rig, &rig.error().await);
    let error = FileStore::open(&settings(Path::new("/"), KEY)).await.unwrap_err();
    page.add("the path names no file", &rig, &error);
    let inside = settings(&rig.file(".prev").join("tokens"), KEY);
    page.add(
        "the directory is a file",
        &rig,
        &FileStore::open(&inside).await.unwrap_err(),
    );
    // Root may make any directory, so nobody refuses this one to a test.
    let place = Place::of(&rig.folder.path().join("missing/tokens")).unwrap();
    let refused = Errno::ACCESS.into();
    let error = failing::explain(Doing::Opening, &place, &place.folder, &refused);
    page.add("the directory may not be made", &rig, &error);
}

async fn keys(page: &mut Page) {
    let rig = Rig::new();
    let path = rig.folder.path().join("key");
    let open = async |key| {
        let settings = Settings {
            path: rig.path(),
            key,
            command: "run",
        };
        FileStore::open(&Arc::new(settings)).await
    };
    page.add(
        "no key file",
        &rig,
        &open(KeySource::File(path.clone())).await.unwrap_err(),
    );
    fs::write(&path, "a passphrase").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    page.add(
        "no key in the file",
        &rig,
        &open(KeySource::File(path.clone())).await.unwrap_err(),
    );
    let value = KeySource::Value(Secret::new("kkkk-a-passphrase".into()));
    page.add("no key in the variable", &rig, &open(value).await.unwrap_err());
    let folder = KeySource::File(rig.folder.path().into());
    page.add("no key in a directory", &rig, &open(folder).await.unwrap_err());
    fs::write(&path, KEY).unwrap();
    for (title, mode) in [
        ("a key that others read", 0o644),
        ("a key that others write", 0o666),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match open(KeySource::File(path.clone())).await {
            Ok((_, notices)) => page.add(title, &rig, &notices[0]),
            Err(error) => page.add(title, &rig, &error),
        }
    }
    let found = || KeySource::Found { credentials: None };
    let (store, notices) = open(found()).await.unwrap();
    page.add("the key lies beside it", &rig, &notices[0]);
    put(&store, grant(1), None, sign_in("alice@contoso.com", "1")).await;
    drop(store);
    fs::remove_file(rig.file(".key")).unwrap();
    page.add("the key is lost", &rig, &open(found()).await.unwrap_err());
}

async fn damage(page: &mut Page) {
    let rig = Rig::with_three().await;
    let (whole, lines) = (fs::read(rig.path()).unwrap(), rig.lines());
    fs::write(rig.path(), &whole[..50]).unwrap();
    page.add("the file before is used", &rig, &rig.notices().await[0]);
    rig.write_lines(&lines[..lines.len() - 1]);
    page.add(
        "a record of the file before is used",
        &rig,
        &rig.notices().await[0],
    );
    rig.write_lines(&[&lines[..], &["{}".to_owned()]].concat());
    page.add("a line too many", &rig, &rig.notices().await[0]);

    fs::write(rig.path(), "From alice@contoso.com Sat Nov 21\n").unwrap();
    fs::write(rig.file(".prev"), "").unwrap();
    page.add("neither can be read", &rig, &rig.error().await);
    fs::remove_file(rig.file(".prev")).unwrap();
    fs::write(rig.path(), &whole[..whole.len() / 4]).unwrap();
    page.add(
        "it can't be read, and there was none before",
        &rig,
        &rig.error().await,
    );
    fs::rename(rig.path(), rig.file(".prev")).unwrap();
    page.add("only a broken one before is there", &rig, &rig.error().await);
    fs::remove_file(rig.file(".prev")).unwrap();

    rig.write_lines(&lines[..lines.len() - 1]);
    let (store, notices) = FileStore::open(&rig.settings()).await.unwrap();
    page.add("a record is damaged", &rig, &notices[0]);
    let error = store.load(grant(3)).await.unwrap_err();
    assert_eq!(parts(&error), parts(&notices[0]));
    let image = rig.recover().unwrap().image;
    let newer = recovery::unopened(&image.entries[&grant(1)], Condition::Newer);
    page.add("a record is newer", &rig, &newer);
}

async fn exposed(page: &mut Page) {
    let rig = Rig::with_three().await;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&rig.path(), 0o644);
    page.add("others read the file", &rig, &rig.notices().await[0]);
    set(&rig.path(), 0o600);
    set(rig.folder.path(), 0o755);
    page.add("others read the directory", &rig, &rig.notices().await[0]);
    set(rig.folder.path(), 0o777);
    page.add("others write the directory", &rig, &rig.notices().await[0]);
}

#[tokio::test]
async fn every_trouble_says_what_happened_why_and_what_mends_it() {
    let mut page = Page::default();
    saving(&mut page).await;
    owning(&mut page).await;
    keys(&mut page).await;
    damage(&mut page).await;
    exposed(&mut page).await;
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/token_store.txt");
    if std::env::var_os("SASLGATE_BLESS").is_some() {
        fs::write(golden, &page.text).unwrap();
    }
    let expected = fs::read_to_string(golden).unwrap();
    for (at, (is, should)) in page.text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(is, should, "tests/golden/token_store.txt:{}", at + 1);
    }
    assert_eq!(page.text.len(), expected.len());
    assert_eq!(page.texts, 36);
}
