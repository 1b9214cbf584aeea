//! What a mail client has to show to whoever sits before it.

/// The one notice: somebody has to sign in for an account, whose mail still comes. RFC 3501 7.1: a text with ALERT must be
/// shown to the user; 9: it is ASCII, and a name that is not stays out of it.
pub(super) fn sign_in_wanted(account: &str) -> String {
    let whose = if account.is_ascii() {
        account
    } else {
        "this mailbox"
    };
    format!(
        "* OK [ALERT] The sign-in of {whose} has ended or will end soon: ask the administrator of saslgate for a sign-in link, or mail will stop."
    )
}
