//! Texts for the owner of a mailbox, to be forwarded: they are read by somebody who has never heard of saslgate, and who
//! should know what a fraud would look like.

use std::time::SystemTime;

use crate::hook::clock::in_words;

/// What somebody else has to know of a link.
pub(super) struct Invitation<'a> {
    pub(super) mailbox: &'a str,
    pub(super) owner: &'a str,
    /// The host of the provider's sign-in page.
    pub(super) sign_in_page: &'a str,
    pub(super) asked_by: &'a str,
    pub(super) url: &'a str,
    pub(super) expires: SystemTime,
}

/// The text that goes with a link.
pub(super) fn link(invitation: &Invitation<'_>) -> String {
    let Invitation {
        mailbox,
        owner,
        sign_in_page,
        asked_by,
        url,
        expires,
    } = invitation;
    let whose = whose(sign_in_page);
    format!(
        "  Please sign in once for the mailbox {mailbox}

  A mail program or device that uses {mailbox} needs your permission to go on.

  1. Open this page. It names the mailbox and who asks, and asks for nothing else:
     {url}
  2. Press \"Sign in\". You come to {whose} sign-in page.
     Its address begins with https://{sign_in_page}/
  3. Sign in there as {owner}. You come back to a page that says whether it has worked.

  Asked for by: {asked_by}
  The link is good for one sign-in, until {}.
  Type your password on {whose} page only.
  If you did not expect this, ask {asked_by} first, by phone.",
        in_words(*expires)
    )
}

/// The text that goes with a code.
pub(super) fn code(
    account: &str,
    owner: &str,
    verification_uri: &str,
    user_code: &str,
    expires: SystemTime,
) -> String {
    format!(
        "\nTo forward, to {owner} alone, who should know beforehand that it comes:

  Please sign in once for the mailbox {account}

  A mail program or device that uses {account} needs your permission to go on.
  Open {verification_uri}, type {user_code}, and sign in as {owner}.
  The code is good until {}.
  If you did not expect this, do not type it: whoever sent it could read your mail.
",
        in_words(expires)
    )
}

/// Whose a sign-in page is, as people know it.
fn whose(host: &str) -> &'static str {
    // The clouds of Microsoft have an ending each.
    let is_microsoft = [
        "microsoftonline.com",
        "microsoftonline.us",
        "partner.microsoftonline.cn",
    ]
    .iter()
    .any(|known| host == *known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.')));
    match host {
        _ if is_microsoft => "Microsoft's own",
        "accounts.google.com" => "Google's own",
        _ => "your mail provider's own",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn until() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800)
    }

    #[test]
    fn the_text_of_a_link_says_which_mailbox_who_asks_what_will_come_and_until_when() {
        let text = link(&Invitation {
            mailbox: "support@contoso.com",
            owner: "alice@contoso.com",
            sign_in_page: "login.microsoftonline.com",
            asked_by: "Jane (IT)",
            url: "https://mail.contoso.com/sign-in/t0ken",
            expires: until(),
        });
        let parts = [
            "mailbox support@contoso.com",
            "     https://mail.contoso.com/sign-in/t0ken\n",
            "Microsoft's own sign-in page.\n     Its address begins with https://login.microsoftonline.com/\n",
            "Sign in there as alice@contoso.com",
            "Asked for by: Jane (IT)",
            "one sign-in, until Sun 22 Nov 2026, 12:00 UTC",
        ];
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(parts.len(), 6);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn the_text_of_a_code_says_the_mailbox_and_the_end() {
        let text = code(
            "support@contoso.com",
            "alice@contoso.com",
            "https://login.microsoft.com/device",
            "ABCD1234",
            until(),
        );
        for part in [
            "mailbox support@contoso.com",
            "type ABCD1234",
            "sign in as alice@contoso.com",
            "good until Sun 22 Nov 2026, 12:00 UTC",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    /// A page elsewhere that is called Microsoft's is what this text should warn of.
    #[test]
    fn only_microsofts_page_is_called_that() {
        let table = [
            ("login.microsoftonline.com", "Microsoft's own"),
            ("login.microsoftonline.us", "Microsoft's own"),
            ("login.partner.microsoftonline.cn", "Microsoft's own"),
            ("accounts.google.com", "Google's own"),
            ("login.evilmicrosoftonline.com", "your mail provider's own"),
            (
                "login.microsoftonline.com.evil.example",
                "your mail provider's own",
            ),
        ];
        for (host, expected) in table {
            assert_eq!(whose(host), expected, "{host}");
        }
        assert_eq!(table.len(), 6);
    }
}
