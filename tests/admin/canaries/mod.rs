//! B6: what the page must never show and the log never write, whoever asks for whatever: every address of the page, right and wrong,
//! and every sign-in, with every secret known to the test.

#[path = "../../e2e/secrecy/canaries.rs"]
mod canary;
mod known;
mod orders;
mod places;
mod walk;
mod world;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use memchr::memmem;
use url::form_urlencoded::byte_serialize;

use self::canary::Canary;
use self::known::Secrets;
use self::places::Places;
use self::world::World;

/// What was found where, and how often was looked.
#[derive(Default)]
struct Search {
    hits: Vec<String>,
    looked: usize,
}

impl Search {
    /// Looks for each secret in each place, in every disguise.
    fn of(secrets: &Secrets, places: &Places) -> Self {
        let mut search = Self::default();
        for (name, secret) in secrets.all() {
            // Too short to be told from chance in a disguise: a device code's other half, which people type.
            if secret.len() < 20 {
                search.look(name, places, |bytes| {
                    memmem::find(bytes, secret.as_bytes()).is_some()
                });
                continue;
            }
            // Whoever cuts a long one short shows a piece of it.
            let middle = secret.len() / 2;
            let piece = secret.get(middle..middle + 40).filter(|_| secret.len() > 200);
            for text in [Some(secret), piece].into_iter().flatten() {
                for disguise in Canary::new(name, text).disguises() {
                    search.look(&disguise.to_string(), places, |bytes| disguise.is_in(bytes));
                }
            }
        }
        search
    }

    fn look(&mut self, what: &str, places: &Places, is_in: impl Fn(&[u8]) -> bool) {
        for (place, bytes) in places.all() {
            self.looked += 1;
            if is_in(bytes) {
                self.hits.push(format!("{what} is in {place}"));
            }
        }
    }
}

/// The search is worth what it finds: each secret, planted in each disguise.
fn finds_what_is_planted(secrets: &Secrets) -> usize {
    let mut planted = 0;
    for (name, secret) in secrets.all() {
        let said = format!("<p>value={secret}&more</p>");
        let in_a_url: String = byte_serialize(secret.as_bytes()).collect();
        let mut texts = vec![
            said.clone(),
            said.replace('&', "&amp;").replace('\'', "&#39;"),
            in_a_url.replace('+', "%20"),
        ];
        if secret.len() >= 20 {
            texts.extend([
                in_a_url,
                serde_json::to_string(&said).unwrap(),
                STANDARD.encode(&said),
                STANDARD_NO_PAD.encode(&said),
                URL_SAFE.encode(&said),
                URL_SAFE_NO_PAD.encode(&said),
                URL_SAFE_NO_PAD.encode(secret),
            ]);
        }
        let one = Secrets::of([(name.to_owned(), secret.to_owned())]);
        for text in texts {
            let mut places = Places::default();
            places.text("a planted one", &text);
            let found = Search::of(&one, &places);
            assert!(!found.hits.is_empty(), "{name} would not be found as in {text}");
            planted += 1;
        }
    }
    planted
}

async fn nothing_leaks(level: &str, least_lines: usize) {
    let mut world = World::new(level).await;
    world.walk().await;
    let (secrets, places) = world.end().await;
    let planted = finds_what_is_planted(&secrets);
    let search = Search::of(&secrets, &places);
    assert!(search.hits.is_empty(), "{level}: {:#?}", search.hits);
    let kinds = secrets.kinds();
    assert_eq!(kinds, known::KINDS, "{kinds:?}");
    assert!(secrets.count() > 50, "{} secrets", secrets.count());
    assert!(places.pages > 600, "{} pages", places.pages);
    assert!(places.lines > least_lines, "{} lines", places.lines);
    assert!(planted > 500, "{planted} planted");
    assert!(search.looked > 150_000, "{} looks", search.looked);
    // What may be shown was shown, in the one place for it.
    assert_eq!(places.codes_shown, 1, "pages with a code to type");
    assert_eq!(places.links_shown, 1, "pages that made a link");
    assert!(
        places.forms > 30 && places.cookies > 10 && places.ways_on > 2,
        "{places:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_seen_on_a_page_in_the_log_or_on_the_disk() {
    nothing_leaks("trace", 75).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_the_page_is_seen_in_what_libraries_log() {
    nothing_leaks(
        "trace,rustls=trace,tokio_rustls=trace,hyper=trace,hyper_util=trace,reqwest=trace,mio=trace",
        2_000,
    )
    .await;
}
