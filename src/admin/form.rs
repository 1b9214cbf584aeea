//! What a form brings, and what an address says behind its `?`.

use http::Uri;
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use crate::secret::Secret;
use crate::web::Asked;

/// The field of every form that says which page it was sent from.
pub(super) const TOKEN: &str = "token";

/// The fields of a form.
pub(super) struct Form(Vec<(String, Secret<String>)>);

impl Form {
    /// Reads a form. None if it was not sent as our forms are: a page elsewhere can send text without asking anybody.
    pub(super) fn read(asked: &Asked) -> Option<Self> {
        let sent_as = asked.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let sent_as = sent_as.split(';').next()?.trim();
        if !sent_as.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        let fields = form_urlencoded::parse(asked.body.expose());
        let fields = fields.map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned())));
        Some(Self(fields.collect()))
    }

    /// A field that is there once and not empty.
    pub(super) fn field(&self, name: &str) -> Option<&Secret<String>> {
        let mut ours = self.0.iter().filter(|(known, _)| known == name);
        let (_, value) = ours.next()?;
        (ours.next().is_none() && !value.expose().is_empty()).then_some(value)
    }

    /// The same as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.field(name).map(|value| value.expose().clone())
    }
}

/// A field of an address.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(uri.query()?.as_bytes());
    let (_, value) = fields.find(|(known, _)| known == name)?;
    (!value.is_empty()).then(|| value.into_owned())
}

/// An address with one field.
pub(super) fn address(path: &str, name: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(name, value);
    format!("{path}?{}", query.finish())
}
