//! The page follows the configuration, and says what is wrong with one that was not taken.

use crate::http::{Browser, deserted};
use crate::people::free_port;
use crate::rig::{PASSWORD, Rig, https, stored, with_tls};
use crate::support::Gate as _;

#[tokio::test]
async fn a_refused_configuration_is_shown_with_its_problems_and_the_page_goes_on() {
    let rig = Rig::new().await;
    let mut browser = rig.operator().await;
    let good = rig.config.text();
    rig.gate
        .place
        .write("saslgate.toml", &format!("{good}\n[nonsense]\n"));
    let page = browser.submit("/", "/reload", &[]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("stays in use") && page.body.contains("nonsense"),
        "{}",
        page.body
    );
    let overview = browser.get("/").await;
    assert!(overview.body.contains("nonsense"), "{}", overview.body);
    rig.gate.place.write("saslgate.toml", &good);
    let page = browser.submit("/", "/reload", &[]).await;
    assert!(page.body.contains("It is in use now"), "{}", page.body);
    let line = rig
        .gate
        .log
        .wait(0, "the order", |line| line["event"] == "admin_order")
        .await;
    assert_eq!(
        (&line["order"], &line["source"]),
        (&"reload".into(), &"127.0.0.1".into())
    );
}

/// Who knows the old password has nothing any more, a session included.
#[tokio::test]
async fn another_password_another_port_and_no_page_count_at_once() {
    let mut rig = Rig::new().await;
    let mut browser = rig.operator().await;
    let table = |port: u16, password: &str| {
        format!(
            "bind = \"127.0.0.1:{port}\"\npassword = \"{}\"\n",
            stored(password)
        )
    };
    let same = rig
        .config
        .clone()
        .table("log", "format = \"json\"\nlevel = \"info\"");
    rig.gate.reload(&same).await;
    assert_eq!(
        browser.get("/").await.status,
        200,
        "a session outlives a reload of something else"
    );
    let other = rig.config.clone().table("admin", &table(rig.port, "another one"));
    rig.gate.reload(&other).await;
    assert_eq!(browser.get("/").await.status, 303);
    assert_eq!(rig.browser().log_in("another one").await.status, 303);
    let port = free_port();
    let moved = rig.config.clone().table("admin", &table(port, PASSWORD));
    rig.gate.reload(&moved).await;
    deserted(rig.address()).await;
    assert_eq!(Browser::new(port).log_in(PASSWORD).await.status, 303);
    let gone = crate::support::config::Config::clone(&rig.config).table("admin", "");
    let without = gone.text().replace("[admin]\n", "");
    rig.gate.place.write("saslgate.toml", &without);
    let mark = rig.gate.log.mark();
    rig.gate.signal(rustix::process::Signal::HUP);
    rig.gate.log.message(mark, "configuration reloaded").await;
    deserted(([127, 0, 0, 1], port).into()).await;
}

/// certbot renews while saslgate runs: the page shows the new certificate, and goes on with the old one where the new is none.
#[tokio::test]
async fn the_pages_certificate_is_replaced_while_it_answers() {
    let port = free_port();
    let rig = Rig::with("", |config, _| config.table("admin", &with_tls(port))).await;
    let (place, log) = (&rig.gate.place, &rig.gate.log);
    let old = place.trusting();
    let answers = async |trusting: &rustls::ClientConfig| {
        let asked = https(trusting).get(format!("https://localhost:{port}/login"));
        asked.send().await.is_ok_and(|answer| answer.status() == 200)
    };
    assert!(answers(&old).await);

    place.write("listener.key", "-----BEGIN PRIVATE KEY-----\ncut");
    let mark = rig.gate.reread(&rig.config);
    log.message(mark, "not reloaded; the old configuration stays in use")
        .await;
    assert!(answers(&old).await);

    let renewed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    place.write("listener.pem", &renewed.cert.pem());
    place.write("listener.key", &renewed.signing_key.serialize_pem());
    let mark = rig.gate.reread(&rig.config);
    log.message(mark, "configuration reloaded").await;
    assert!(!answers(&old).await, "the old certificate is shown");
    assert!(answers(&place.trusting_file("listener.pem")).await);
}
