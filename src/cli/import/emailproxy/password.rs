//! What becomes of the password that a mail client has.

use super::super::draft::{Draft, Password};
use super::Section;
use crate::token::imported::{Holds, Sealed, Written};

/// What becomes of the password that the mail client has.
pub(super) fn password(section: &Section<'_>, grant: &str, draft: &mut Draft) -> Result<Password, String> {
    if grant == "password" {
        return Ok(Password::Provider);
    }
    if section.login.starts_with('@') {
        // Each of its mail clients had a password of its own.
        return Password::make(None);
    }
    let of = |name: &str| {
        section
            .own
            .get(name)
            .map(|value| value.as_str())
            .filter(|value| !value.is_empty())
    };
    let is_delegated = grant != "client_credentials";
    let refresh_token = of("refresh_token").filter(|_| is_delegated);
    let proof = || {
        of("access_token")
            .or_else(|| of("client_secret_encrypted"))
            .or_else(|| of("refresh_token"))
    };
    let token = refresh_token
        .map(|token| (token, Holds::RefreshToken))
        .or_else(|| Some((proof()?, Holds::Proof)));
    // Where a domain's section gives the salt, all of its accounts have that one.
    let sealed = section
        .get("token_salt")
        .zip(token)
        .map(|(salt, (token, holds))| {
            Sealed::new(Written {
                salt,
                iterations: section
                    .get("token_iterations")
                    .and_then(|count| count.parse().ok()),
                token,
                holds,
                used: of("last_activity").and_then(|moment| moment.parse().ok()),
            })
        });
    let name = format!("[{}]", section.login);
    if is_delegated && refresh_token.is_none() {
        let fix = format!("run `saslgate sign-in {}`", section.login);
        draft.note(name.clone(), "it has no refresh token: nobody is signed in", fix);
    }
    match sealed {
        Some(Ok(sealed)) => return Ok(Password::Imported(sealed)),
        Some(Err(error)) => {
            let fix = "sign in anew with `saslgate sign-in`, and give the mail client the new password";
            draft.note(
                name,
                format!("what it has can't be opened by anybody: {error}"),
                fix,
            );
        }
        None => {
            let fix = "give the mail client the new password; it is shown below";
            draft.note(
                name,
                "it has nothing that would tell a right password from a wrong one",
                fix,
            );
        }
    }
    Password::make(None)
}
