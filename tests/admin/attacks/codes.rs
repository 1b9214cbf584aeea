//! O7: a device code is a way in for whoever has somebody type it (Storm-2372).

use std::time::Duration;

use super::no_code_was_made;
use crate::people::{person, type_user_code};
use crate::rig::Rig;
use crate::support::{command, until, within};

/// It is shown to the operator who asked for it, in that browser; a page elsewhere can't have one made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_an_operator_has_a_code_made() {
    let rig = Rig::new().await;
    let entra = rig.signing.sim.entra();
    let fields = [
        ("account", rig.grace.login.as_str()),
        ("app", "page"),
        ("way", "device"),
    ];
    assert_eq!(rig.browser().post("/sign-in", &fields).await.status, 403);
    // A button without a way is a sign-in by browser, and so is a link, whatever its owner adds to the form.
    let mut operator = rig.operator().await;
    rig.begin_without_a_way(&mut operator).await;
    let link = rig.link().await;
    let page = rig.browser().submit(&link, &link, &fields).await;
    assert!(page.body.contains("http-equiv=\"refresh\""), "{page:?}");
    no_code_was_made(entra);
    // So is the command's.
    let said = command::run(&rig.gate.place, &["sign-in", &rig.grace.login, "--link"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    no_code_was_made(entra);

    operator.submit(&rig.grace_page(), "/sign-in", &fields).await;
    until(Duration::from_secs(60), "a code", || {
        !entra.user_codes().is_empty()
    })
    .await;
    assert_eq!(
        rig.browser().get("/signing-in").await.status,
        404,
        "another browser"
    );
    // Whoever else types it is not kept.
    let mallory = person(&rig.signing.sim, "mallory");
    type_user_code(&rig.signing.sim, Some(&mallory)).await;
    within(Duration::from_secs(60), "a refusal", async {
        while !operator.get("/signing-in").await.body.contains("Not signed in") {}
    })
    .await;
}
