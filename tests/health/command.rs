//! `saslgate health`, as a container's HEALTHCHECK runs it.

use rustix::process::Signal;
use saslgate::sim::{Demo, Settings, Sim};

use crate::Rig;
use crate::support::command::run;
use crate::support::config::{Account, Config};
use crate::support::place::Place;
use crate::support::program::Program;

#[tokio::test]
async fn one_line_and_an_exit_code_by_the_control_socket() {
    let sim = Sim::start(Settings::default()).unwrap();
    let config = Config::new(&sim).account(&Account::new(Demo::ALICE));
    let place = Place::new(&sim);
    place.configure(&config);
    let said = run(&place, &["health"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.output, "no saslgate is running with this configuration");

    let mut gate = Program::start(place, &config).await;
    let said = run(&gate.place, &["health"]).await;
    assert_eq!(
        (said.code, said.output.as_str()),
        (Some(0), "healthy"),
        "{said:?}"
    );
    assert_eq!(said.complaints, "");

    // A file with a problem is in use by nobody.
    gate.place.write(
        "saslgate.toml",
        "[server]\ncontrol = \"control/socket\"\nnonsense = 1\n",
    );
    let mark = gate.log.mark();
    gate.signal(Signal::HUP);
    gate.log
        .message(mark, "not reloaded; the old configuration stays in use")
        .await;
    let said = crate::support::soon("a fresh look", async {
        loop {
            let said = run(&gate.place, &["health"]).await;
            if said.output != "healthy" {
                return said;
            }
        }
    })
    .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.output.starts_with("healthy; degraded: reload: "),
        "{}",
        said.output
    );
    gate.signal(Signal::TERM);
    assert!(gate.exit().await.success());
}

#[tokio::test]
async fn one_line_and_an_exit_code_by_the_listener() {
    let rig = Rig::new().await;
    // The port that the system chose is known to the running one alone, so the file is told.
    let named = rig
        .config
        .clone()
        .table("health", &format!("bind = \"0.0.0.0:{}\"", rig.health.port()));
    rig.gate.place.configure(&named);
    let said = run(&rig.gate.place, &["health"]).await;
    assert_eq!(
        (said.code, said.output.as_str()),
        (Some(0), "healthy"),
        "{said:?}"
    );

    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = holder.local_addr().unwrap();
    let named = rig
        .config
        .clone()
        .table("health", &format!("bind = \"{silent}\""));
    rig.gate.place.configure(&named);
    let said = run(&rig.gate.place, &["health"]).await;
    assert_eq!(
        (said.code, said.output.as_str()),
        (Some(1), "no answer within 3 seconds")
    );
    drop(holder);
    let said = run(&rig.gate.place, &["health"]).await;
    assert_eq!(said.code, Some(1));
    let begins = format!("nothing answers at http://{silent}/healthz: ");
    assert!(said.output.starts_with(&begins), "{}", said.output);
}
