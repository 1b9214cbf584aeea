//! The device authorization endpoint, and the page where the person types the code.

use std::time::Duration;

use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::codes::{Entered, Wish};
use crate::sim::World;
use crate::sim::entra::error::{self, EntraError};
use crate::sim::entra::form::Form;
use crate::sim::entra::page;
use crate::sim::entra::path::{Place, Version};
use crate::sim::entra::realm::Realm;
use crate::sim::entra::response::Answer;
use crate::sim::entra::scope::Scope;
use crate::sim::entra::sign_in::{self, Asking, Stop};

/// Answers one POST to `/{tenant}/oauth2/v2.0/devicecode` (RFC 8628, 3.1).
pub(in crate::sim::entra) fn answer(
    world: &World,
    place: Place<'_>,
    form: &Form,
) -> Result<String, EntraError> {
    let realm = Realm::named(world, place.realm)?;
    if form.stranger(&["client_id", "scope", "resource"]).is_some() {
        return Err(error::malformed());
    }
    let app = realm.app(&world.directory, form.required("client_id")?)?;
    let scope = Scope::required(world, form, place.version, &realm)?;
    let settings = world.entra.device.get();
    let wish = Wish {
        client_id: app.client_id,
        realm: realm.key().to_owned(),
        scope,
        expires: world.entra.ages.now() + Duration::from_secs(settings.expires_in),
        interval: Duration::from_secs(settings.interval),
    };
    let device_code = format!("CAQABAAEAAA{}", world.random.text(180));
    let user_code = world
        .entra
        .device_codes
        .issue(wish, device_code.clone(), &world.random.bytes(9));
    Ok(body(place.version, &settings, &device_code, &user_code))
}

/// How device codes are given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSettings {
    /// Life of a device code in seconds.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
    /// The page that the person is sent to. The simulator serves one at `/devicelogin`, but announces Microsoft's.
    pub verification_uri: String,
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self {
            expires_in: 900,
            interval: 5,
            verification_uri: "https://microsoft.com/devicelogin".to_owned(),
        }
    }
}

/// v1 has another name for the page, and its numbers are texts.
fn body(version: Version, settings: &DeviceSettings, device_code: &str, user_code: &str) -> String {
    let number = |seconds: u64| -> Value {
        match version {
            Version::V1 => seconds.to_string().into(),
            Version::V2 => seconds.into(),
        }
    };
    let uri_name = match version {
        Version::V1 => "verification_url",
        Version::V2 => "verification_uri",
    };
    let uri = &settings.verification_uri;
    let message = format!(
        "To sign in, use a web browser to open the page {uri} and enter the code {user_code} to authenticate."
    );
    json!({
        "user_code": user_code,
        "device_code": device_code,
        uri_name: uri,
        "expires_in": number(settings.expires_in),
        "interval": number(settings.interval),
        "message": message,
    })
    .to_string()
}

/// Somebody opens `/devicelogin?otc=CODE` in the browser of the knob.
pub(in crate::sim::entra) fn enter(world: &World, form: &Form) -> Response<Answer> {
    let user_code = form.get("otc").unwrap_or_default();
    let now = world.entra.ages.now();
    let Some(entered) = world.entra.device_codes.entered(user_code, now) else {
        return page::error(&error::unknown_device_code());
    };
    let end = signed_in(world, &entered, form.get("login_hint"));
    let text = match end {
        Ok(upn) => {
            world.entra.device_codes.decide(user_code, Some(&upn), now);
            "You have signed in on your device. You may now close this window."
        }
        Err(Stop::Return(_)) => {
            world.entra.device_codes.decide(user_code, None, now);
            "You have declined the request."
        }
        Err(Stop::Page(error)) => return page::error(&error),
        Err(Stop::Bare(_) | Stop::Waits) => "Pick an account.",
    };
    page::text(StatusCode::OK, text)
}

fn signed_in(world: &World, entered: &Entered, hint: Option<&str>) -> Result<String, Stop> {
    let realm = Realm::named(world, &entered.realm).map_err(Stop::Page)?;
    let app = realm
        .app(&world.directory, &entered.client_id)
        .map_err(Stop::Page)?;
    let asking = Asking {
        realm: &realm,
        app: &app,
        hint,
        silent: false,
        permissions: entered.scope.permissions(&app),
    };
    sign_in::at_browser(world, &asking).map(|(person, _)| person.upn)
}
