//! The authorize endpoint and the admin consent page: what a browser is sent there with, and what it is sent back with.

mod admin_consent;
mod redirect_uri;
mod request;

use hyper::header::{HeaderValue, LOCATION};
use hyper::{Response, StatusCode};

pub(super) use self::admin_consent::visit as visit_admin_consent;
pub(super) use self::redirect_uri::platform;

use self::request::{Asked, Back};
use super::code::Code;
use super::error::{self, EntraError};
use super::form::Form;
use super::page;
use super::path::Place;
use super::record::{Visit, VisitOutcome};
use super::response::{self, Answer};
use super::sign_in::{self, Asking, Stop};
use crate::sim::World;
use crate::sim::directory::Person;

/// Answers one visit to `/{tenant}/oauth2/v2.0/authorize`, and writes it down.
pub(super) fn visit(world: &World, place: Place<'_>, form: &Result<Form, EntraError>) -> Response<Answer> {
    let mut visit = Visit::of(place, form.as_ref().ok());
    let response = match form {
        Ok(form) => authorize(world, place, form, &mut visit),
        Err(error) => shown(error, &mut visit),
    };
    world.entra.note_visit(visit);
    response
}

fn authorize(world: &World, place: Place<'_>, form: &Form, visit: &mut Visit) -> Response<Answer> {
    // Until the redirect URI is known to be the app's own, nobody is sent there.
    let back = match request::back(world, place, form) {
        Ok(back) => back,
        Err(error) => return shown(&error, visit),
    };
    let asked = match request::read(world, place.version, form, &back) {
        Ok(asked) => asked,
        Err(error) => return returned(world, &back, &error, visit),
    };
    let asking = Asking {
        realm: &back.realm,
        app: &back.app,
        hint: form.get("login_hint"),
        silent: form.get("prompt") == Some("none"),
        permissions: asked.scope.permissions(&back.app),
    };
    match sign_in::at_browser(world, &asking) {
        Ok((person, _)) => {
            visit.person = Some(person.upn.clone());
            visit.outcome = VisitOutcome::Code;
            let code = code(world, &back, asked, &person);
            // Nobody asked for the second one; Entra adds it all the same.
            back.send(&[("code", code), ("session_state", world.random.guid())])
        }
        Err(stop) => stopped(world, &back, stop, visit),
    }
}

fn code(world: &World, back: &Back<'_>, asked: Asked, person: &Person) -> String {
    let code = Code {
        client_id: back.app.client_id.clone(),
        realm: back.realm.key().to_owned(),
        redirect_uri: back.uri.to_owned(),
        challenge: asked.challenge,
        upn: person.upn.clone(),
        scope: asked.scope,
        nonce: asked.nonce,
        born: world.entra.ages.now(),
        redeemed: false,
    };
    world.entra.codes.issue(code, &world.random)
}

/// A sign-in that ended without a code.
fn stopped(world: &World, back: &Back<'_>, stop: Stop, visit: &mut Visit) -> Response<Answer> {
    match stop {
        Stop::Page(error) => shown(&error, visit),
        Stop::Return(error) => returned(world, back, &error, visit),
        Stop::Bare(error) => {
            visit.outcome = VisitOutcome::ReturnedBare;
            back.send(&[("error", error.to_owned())])
        }
        Stop::Waits => {
            visit.outcome = VisitOutcome::Waits;
            page::text(StatusCode::OK, "Pick an account.")
        }
    }
}

/// An error that only the person at the browser sees.
fn shown(error: &EntraError, visit: &mut Visit) -> Response<Answer> {
    visit.outcome = VisitOutcome::Page(error.code);
    page::error(error)
}

/// An error that the app is told.
fn returned(world: &World, back: &Back<'_>, error: &EntraError, visit: &mut Visit) -> Response<Answer> {
    visit.outcome = VisitOutcome::Returned(error.code);
    back.send(&failure(world, error))
}

/// The parameters of an error (RFC 6749, 4.1.2.1).
fn failure(world: &World, error: &EntraError) -> Vec<(&'static str, String)> {
    let mut parameters = vec![
        ("error", error.error.to_owned()),
        ("error_description", error.sentence(&world.random)),
        ("error_uri", error.uri()),
    ];
    // The button "Cancel" is told apart from other refusals by this word.
    if error.code == 65_004 {
        parameters.push(("error_subcode", "cancel".to_owned()));
    }
    parameters
}

impl Back<'_> {
    /// Sends the browser back, in the way that was asked for, `state` always along.
    fn send(&self, parameters: &[(&'static str, String)]) -> Response<Answer> {
        let mut parameters = parameters.to_vec();
        parameters.extend(self.state.map(|state| ("state", state.to_owned())));
        match self.mode {
            "form_post" => page::form_post(self.uri, &parameters),
            mode => {
                let separator = if mode == "fragment" { '#' } else { '?' };
                redirect(&redirect_uri::with(self.uri, separator, &parameters))
            }
        }
    }
}

fn redirect(to: &str) -> Response<Answer> {
    let mut response = response::whole(StatusCode::FOUND, "text/html; charset=utf-8", "");
    match HeaderValue::from_str(to) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        // A redirect URI with bytes that no header takes can't be registered in the portal.
        Err(_) => page::error(&error::malformed()),
    }
}
