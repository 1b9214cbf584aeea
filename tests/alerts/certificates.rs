//! A listener's certificate that ends soon: renewed if `saslgate certs` made it, told if not.

use std::fs;
use std::time::{Duration, SystemTime};

use saslgate::certificates::{
    AHEAD, Authority, DAY, Kind, Mode, Name, Places, create_all, server_key, validity_of,
};
use saslgate::provider::Protocol;
use saslgate::sim::{Demo, Settings, Sim};

use crate::stage::{SOON, by_command, heard, heard_so_many};
use crate::support::config::{Account, Config};
use crate::support::in_process::InProcess;
use crate::support::place::Place;
use crate::support::until;

/// A place with certificates that were made that long ago, and a configuration whose listener uses them.
fn laid_out(sim: &Sim, ago: Duration) -> (Place, Places, String) {
    let place = Place::new(sim);
    let tls = place.path("tls");
    fs::create_dir(&tls).unwrap();
    let (places, then) = (Places::of(&tls).unwrap(), SystemTime::now() - ago);
    let name = Name::parse("localhost").unwrap();
    let authority = Authority::make(&name, Kind::Ecdsa, then).unwrap();
    let key = server_key(Kind::Ecdsa).unwrap();
    let (server, _) = authority.issue(&[name], &key, then).unwrap();
    create_all(&[
        (&places.ca, Mode::Public, authority.pem().as_bytes()),
        (&places.ca_key, Mode::Secret, authority.key_pem().as_bytes()),
        (&places.server, Mode::Public, server.as_bytes()),
        (&places.server_key, Mode::Secret, key.serialize_pem().as_bytes()),
    ])
    .unwrap();
    let config = Config::new(sim)
        .account(&Account::new(Demo::ALICE))
        .listeners([(Protocol::Imap, "implicit")]);
    let config = by_command(config, &place, "");
    let text = config
        .text()
        .replace("listener.pem", "tls/server.pem")
        .replace("listener.key", "tls/server.key");
    (place, places, text)
}

fn start(place: &Place, text: &str) -> saslgate::server::Server {
    place.write("saslgate.toml", text);
    let config = saslgate::config::load(&place.path("saslgate.toml"), &saslgate::config::System);
    saslgate::server::Server::start(config.unwrap(), saslgate::server::Inherited::default(), None).unwrap()
}

#[tokio::test]
async fn one_that_was_made_here_is_renewed_before_anybody_is_told() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (place, places, text) = laid_out(&sim, DAY * 375);
    let key = fs::read(&places.server_key).unwrap();
    let server = start(&place, &text);
    let far = SystemTime::now() + AHEAD * 12;
    until(SOON, "it is renewed", || {
        validity_of(&places.server).unwrap().not_after > far
    })
    .await;
    assert_eq!(fs::read(&places.server_key).unwrap(), key);
    server.stop().await;
    assert!(heard(&place).is_empty());
}

#[tokio::test]
async fn one_whose_authority_is_kept_elsewhere_is_told_with_the_command_to_type() {
    let sim = Sim::start(Settings::default()).unwrap();
    let (place, places, text) = laid_out(&sim, DAY * 375);
    fs::remove_file(&places.ca_key).unwrap();
    let before = fs::read(&places.server).unwrap();
    let server = start(&place, &text);
    let told = heard_so_many(&place, 1).await;
    assert_eq!(
        (&told[0]["event"], &told[0]["state"]),
        (&"expiry".into(), &"ends soon".into())
    );
    let fix = told[0]["fix"].as_str().unwrap();
    assert!(
        fix.contains(&format!("saslgate certs --renew {}", places.dir().display())),
        "{fix}"
    );
    assert_eq!(fs::read(&places.server).unwrap(), before);
    server.stop().await;
    assert_eq!(heard(&place).len(), 1);
}

/// Somebody else's certificate, in its last week.
#[tokio::test]
async fn one_of_somebody_else_is_told_and_not_touched() {
    let sim = Sim::start(Settings::default()).unwrap();
    let place = Place::new(&sim);
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970 + DAY * 5;
    let key = rcgen::KeyPair::generate().unwrap();
    place.write("listener.pem", &params.self_signed(&key).unwrap().pem());
    place.write("listener.key", &key.serialize_pem());
    let before = fs::read(place.path("listener.pem")).unwrap();
    let config = Config::new(&sim)
        .account(&Account::new(Demo::ALICE))
        .listeners([(Protocol::Imap, "implicit")]);
    let config = by_command(config, &place, "");
    let gate = InProcess::start(place, &config);
    let told = heard_so_many(&gate.place, 1).await;
    let what = told[0]["what"].as_str().unwrap();
    assert!(what.contains("listener.pem ends in 5 days"), "{what}");
    assert_eq!(fs::read(gate.place.path("listener.pem")).unwrap(), before);
}
