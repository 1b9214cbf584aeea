//! Every reply of Exchange Online that is documented or was seen, and what it is taken for.

use crate::provider::Protocol::{self, Imap, Pop3, Smtp};
use crate::upstream::handshake::{Kind, Rejection, classify};

use Kind::{Denied, Limit, NotConnected, Temporary, TokenRefused};

const REPLIES: &[(Protocol, &str, Option<Kind>)] = &[
    (Imap, "NO AUTHENTICATE failed.", Some(TokenRefused)),
    (
        Imap,
        "NO AUTHENTICATE failed. [Error=\"AuthFailed:LogonDenied-None-OAuthLog:AuthExc_x User:a@x\"]",
        Some(TokenRefused),
    ),
    (
        Imap,
        "NO [AUTHENTICATIONFAILED] AUTHENTICATE failed.",
        Some(TokenRefused),
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [AuthResultFromPopImapEnd=8]",
        Some(Denied),
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [Error=NoADRecipient]",
        Some(Denied),
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [Error=\"LogonDenied-BasicAuthBlocked\"]",
        Some(Denied),
    ),
    (Imap, "NO Basic authentication is disabled.", Some(Denied)),
    (Imap, "NO LOGIN failed.", Some(TokenRefused)),
    (
        Imap,
        "BYE Microsoft Exchange Server IMAP4 server signing off.",
        Some(Temporary),
    ),
    (
        Imap,
        "BAD User is authenticated but not connected.",
        Some(NotConnected),
    ),
    (
        Imap,
        "NO User is authenticated but not connected.",
        Some(NotConnected),
    ),
    (Imap, "BYE Connection closed. 14", Some(Temporary)),
    (Imap, "BYE Connection closed. 15", Some(Temporary)),
    (Imap, "BAD Command Error. 10", Some(Kind::Protocol)),
    (Imap, "BAD Command Argument Error. 11", Some(Kind::Protocol)),
    (Imap, "BAD Command Argument Error. 12", Some(Kind::Protocol)),
    (
        Imap,
        "BAD Command received in Invalid state.",
        Some(Kind::Protocol),
    ),
    (Imap, "BYE Session invalidated - Invalid", Some(Temporary)),
    (
        Imap,
        "BYE Session invalidated - AccessTokenExpired",
        Some(TokenRefused),
    ),
    (
        Imap,
        "BAD Session invalidated - AccessTokenExpired",
        Some(TokenRefused),
    ),
    (Imap, "NO [UNAVAILABLE] x", Some(Temporary)),
    (Imap, "NO Server Unavailable. 15", Some(Temporary)),
    (Imap, "NO Session limit exceeded", Some(Limit)),
    (Imap, "NO [LIMIT] x", Some(Limit)),
    (Imap, "NO [REFERRAL imap://x/] x", Some(Denied)),
    (Imap, "NO [ALERT] whatever", None),
    (
        Pop3,
        "-ERR Authentication failure: unknown user name or bad password.",
        Some(TokenRefused),
    ),
    (
        Pop3,
        "-ERR Logon failure: unknown user name or bad password.",
        Some(TokenRefused),
    ),
    (Pop3, "-ERR Connection is closed. 14", Some(Temporary)),
    (
        Pop3,
        "-ERR Protocol error. Connection is closed. 10",
        Some(Kind::Protocol),
    ),
    (
        Pop3,
        "-ERR Command is not valid in this state.",
        Some(Kind::Protocol),
    ),
    (Pop3, "-ERR [AUTH] x", Some(TokenRefused)),
    (Pop3, "-ERR [SYS/TEMP] x", Some(Temporary)),
    (Pop3, "-ERR [SYS/PERM] x", Some(Denied)),
    (Pop3, "-ERR [IN-USE] x", Some(Temporary)),
    (Pop3, "-ERR [LOGIN-DELAY] x", Some(Limit)),
    (Pop3, "-ERR", None),
    (
        Smtp,
        "535 5.7.3 Authentication unsuccessful [LO4P302CA0005.GBRP302.PROD.OUTLOOK.COM 2024-10-10T21:50:33.251Z 08DCE9686F3D146F]",
        Some(TokenRefused),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
        Some(Denied),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
        Some(Denied),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        Some(Denied),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
        Some(Denied),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.",
        Some(Denied),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        Some(TokenRefused),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the account is locked",
        Some(Denied),
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, account has been disabled",
        Some(Denied),
    ),
    (
        Smtp,
        "504 5.7.4 Unrecognized authentication type",
        Some(Kind::Protocol),
    ),
    (
        Smtp,
        "530 5.7.57 Client not authenticated to send mail.",
        Some(Kind::Protocol),
    ),
    (
        Smtp,
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        Some(Kind::Protocol),
    ),
    (
        Smtp,
        "550 5.7.30 Basic authentication is not supported for Client Submission.",
        Some(Denied),
    ),
    (
        Smtp,
        "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2.",
        Some(Denied),
    ),
    (
        Smtp,
        "501 5.5.127 Invalid XOAUTH2 auth data - Token will expire soon error",
        Some(TokenRefused),
    ),
    (
        Smtp,
        "454 4.7.0 Temporary authentication failure",
        Some(Temporary),
    ),
    (
        Smtp,
        "451 4.7.0 Temporary server error. Please try again later. PRX2",
        Some(Temporary),
    ),
    (
        Smtp,
        "554 5.2.252 SendAsDenied; a@x not allowed to send as b@x; STOREDRV.Submission.Exception:SendAsDeniedException",
        Some(Denied),
    ),
    (
        Smtp,
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        Some(Denied),
    ),
    (
        Smtp,
        "430 4.2.0 STOREDRV; mailbox logon failure; STOREDRV.Submission.Exception:ConnectionFailedTransientException",
        Some(NotConnected),
    ),
    (
        Smtp,
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
        Some(Limit),
    ),
    (
        Smtp,
        "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        Some(Limit),
    ),
    (
        Smtp,
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        Some(Limit),
    ),
    (
        Smtp,
        "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
        Some(Denied),
    ),
    (
        Smtp,
        "550 5.2.251 Sender throttled due to continuous mailbox full errors.",
        Some(Limit),
    ),
    (
        Smtp,
        "550 5.2.252 Sender throttled due to continuous send as denied errors.",
        Some(Limit),
    ),
    (
        Smtp,
        "550 5.2.253 Sender throttled due to continuous invalid license errors.",
        Some(Limit),
    ),
    (
        Smtp,
        "550 5.2.254 Sender throttled due to continuous too many recipients errors.",
        Some(Limit),
    ),
    (
        Smtp,
        "550 5.2.255 Sender throttled due to continuous invalid recipients errors.",
        Some(Limit),
    ),
    (Smtp, "550 5.1.8 Access denied, bad outbound sender", Some(Denied)),
    (Smtp, "452 4.5.3 Too many recipients", Some(Limit)),
    (
        Smtp,
        "552 5.3.4 Message size exceeds fixed maximum message size",
        Some(Denied),
    ),
    (
        Smtp,
        "421 4.4.2 Connection dropped due to ConnectionReset",
        Some(Temporary),
    ),
    (Smtp, "421 4.4.1 Connection timed out", Some(Temporary)),
    (Smtp, "421 4.3.2 Service not active", Some(Temporary)),
    (
        Smtp,
        "451 4.7.500 Server busy. Please try again later",
        Some(Temporary),
    ),
    (Smtp, "500 5.3.3 Unrecognized command", Some(Kind::Protocol)),
    (Smtp, "503 5.5.1 Bad sequence of commands", Some(Kind::Protocol)),
    (Smtp, "503 5.5.2 Send hello first", Some(Kind::Protocol)),
    (Smtp, "501 5.5.4 Invalid domain name", Some(Kind::Protocol)),
];

#[test]
fn each_reply_has_its_kind() {
    for (protocol, reply, kind) in REPLIES {
        assert_eq!(classify(*protocol, reply), *kind, "{protocol} {reply}");
    }
    assert_eq!(REPLIES.len(), 77);
}

#[test]
fn a_token_may_be_stale_only_where_the_token_is_at_fault() {
    let may = |kind, challenge: Option<&str>| {
        Rejection::new("NO AUTHENTICATE failed.", kind, challenge.map(String::from)).may_be_stale_token()
    };
    assert!(may(TokenRefused, None));
    assert!(may(TokenRefused, Some(r#"{"status":"401","schemes":"bearer"}"#)));
    assert!(may(TokenRefused, Some(r#"{"status":"invalid_token"}"#)));
    assert!(!may(TokenRefused, Some(r#"{"status":"insufficient_scope"}"#)));
    assert!(!may(TokenRefused, Some(r#"{"status":"invalid_request"}"#)));
    let others = [NotConnected, Denied, Limit, Temporary, Kind::Protocol];
    assert!(others.iter().all(|kind| !may(*kind, None)));
}

#[test]
fn a_reply_is_kept_on_one_line_and_cut() {
    let rejection = Rejection::new(&format!("NO \x1b[2J{}", "x".repeat(9000)), Denied, None);
    assert!(rejection.reply.starts_with(r"NO \u{1b}[2Jxxx"));
    assert!(rejection.reply.chars().count() < 520, "{}", rejection.reply.len());
}
