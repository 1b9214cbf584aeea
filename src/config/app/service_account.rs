//! `service_account_file`: a service account of Google Workspace.

use super::super::provider::Provider;
use super::super::reader::Reader;
use super::super::table::Table;
use super::{grant, scope};
use crate::oauth::Dialect;
use crate::oauth::flow::ServiceAccount;

/// Reads the key file, and what its tokens are for.
pub(super) fn read(
    table: &Table<'_>,
    provider: Option<&Provider>,
    reader: &mut Reader<'_>,
) -> Option<ServiceAccount> {
    let why = "the service account's file says who asks";
    grant::note(&["tenant", "client_id"], why, table, reader);
    let named = table.text("service_account_file", reader);
    let provider = provider?;
    if provider.preset.is_some_and(|preset| preset.name != "google") {
        reader.error(
            &table.key("service_account_file")?,
            format!("the provider \"{}\" has no service accounts", provider.name),
            "they are Google's",
            "add preset = \"google\"",
        );
        return None;
    }
    let scopes = scope::of_service_account(table, provider, reader);
    let named = named?;
    let json = reader.secret_file(&named)?;
    let template = provider.token_url.as_deref()?;
    let token_url = provider.endpoint(template, "", Dialect::Scope)?;
    match ServiceAccount::from_json(json.expose(), token_url, scopes?) {
        Ok(account) => Some(account),
        Err(error) => {
            let why = error.to_string();
            reader.error(
                &named.span,
                "`service_account_file` cannot be used",
                why,
                error.fix(),
            );
            None
        }
    }
}
