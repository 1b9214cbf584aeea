//! What Exchange Online says when it refuses, as its documents and field reports give it.

use saslgate::provider::Protocol::{self, Imap, Pop3, Smtp};

/// Every reply to a login that is documented for Exchange Online or was seen from it, and what it is called.
pub(crate) const LOGIN: &[(Protocol, &str, &str)] = &[
    (Imap, "NO AUTHENTICATE failed.", "AuthenticateFailed"),
    (
        Imap,
        "NO [AUTHENTICATIONFAILED] AUTHENTICATE failed.",
        "AuthenticateFailed",
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [Error=\"AuthFailed:LogonDenied-None-OAuthLog:AuthExc_NoPermission User:support@contoso.com\"]",
        "LogonDenied",
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [AuthResultFromPopImapEnd=8]",
        "NoADRecipient",
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [Error=NoADRecipient]",
        "NoADRecipient",
    ),
    (
        Imap,
        "NO AUTHENTICATE failed. [Error=\"LogonDenied-BasicAuthBlocked\"]",
        "BasicAuthentication",
    ),
    (
        Imap,
        "NO Basic authentication is disabled.",
        "BasicAuthentication",
    ),
    (Imap, "NO LOGIN failed.", "BasicAuthentication"),
    (
        Imap,
        "BAD User is authenticated but not connected.",
        "NotConnected",
    ),
    (
        Imap,
        "NO User is authenticated but not connected.",
        "NotConnected",
    ),
    (Imap, "BYE Connection closed. 14", "ConnectionClosed"),
    (Imap, "BYE Connection closed. 15", "ConnectionClosed"),
    (Imap, "BAD Command Error. 10", "ProtocolError"),
    (Imap, "BAD Command Argument Error. 11", "ProtocolError"),
    (Imap, "BAD Command Argument Error. 12", "ProtocolError"),
    (Imap, "BAD Command received in Invalid state.", "ProtocolError"),
    (Imap, "BYE Session invalidated - Invalid", "SessionInvalidated"),
    (Imap, "NO [UNAVAILABLE] Server Unavailable. 15", "Unavailable"),
    (Imap, "NO Server Unavailable. 15", "Unavailable"),
    (Imap, "NO Session limit exceeded", "SessionLimit"),
    (Imap, "NO [LIMIT] too much", "LIMIT"),
    (
        Pop3,
        "-ERR Authentication failure: unknown user name or bad password.",
        "AuthenticateFailed",
    ),
    (
        Pop3,
        "-ERR Logon failure: unknown user name or bad password.",
        "BasicAuthentication",
    ),
    (
        Pop3,
        "-ERR Protocol error. Connection is closed. 10",
        "ProtocolError",
    ),
    (Pop3, "-ERR Connection is closed. 14", "ConnectionClosed"),
    (Pop3, "-ERR Command is not valid in this state.", "ProtocolError"),
    (Pop3, "-ERR [SYS/TEMP] Server Unavailable. 15", "Unavailable"),
    (
        Smtp,
        "535 5.7.3 Authentication unsuccessful [LO4P302CA0005.GBRP302.PROD.OUTLOOK.COM 2024-10-10T21:50:33.251Z 08DCE9686F3D146F]",
        "5.7.3",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
        "5.7.139",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
        "5.7.139",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        "BasicAuthentication",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
        "5.7.139",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.",
        "5.7.139",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        "BasicAuthentication",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the account is locked",
        "5.7.139",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, the account has been disabled",
        "5.7.139",
    ),
    (
        Smtp,
        "535 5.7.139 Authentication unsuccessful, for a reason that nobody has seen yet",
        "5.7.139",
    ),
    (
        Smtp,
        "504 5.7.4 Unrecognized authentication type",
        "ProtocolError",
    ),
    (
        Smtp,
        "530 5.7.57 Client not authenticated to send mail.",
        "5.7.57",
    ),
    (
        Smtp,
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        "5.7.57",
    ),
    (
        Smtp,
        "550 5.7.30 Basic authentication is not supported for Client Submission.",
        "BasicAuthentication",
    ),
    (
        Smtp,
        "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2. Visit https://aka.ms/smtp_auth_tls.",
        "4.7.66",
    ),
    (
        Smtp,
        "421 5.7.67 TLS 1.0 and 1.1 are not supported for this organization.",
        "4.7.66",
    ),
    (
        Smtp,
        "501 5.5.127 Invalid XOAUTH2 auth data - Token will expire soon error",
        "5.5.127",
    ),
    (
        Smtp,
        "454 4.7.0 Temporary authentication failure",
        "TemporaryFailure",
    ),
    (
        Smtp,
        "451 4.7.0 Temporary server error. Please try again later. PRX2",
        "TemporaryFailure",
    ),
];

/// The same for what is said once somebody is logged in, as whole lines.
pub(crate) const SESSION: &[(Protocol, &str, &str)] = &[
    (
        Imap,
        "a4 BAD User is authenticated but not connected.",
        "NotConnected",
    ),
    (
        Imap,
        "* BYE Session invalidated - AccessTokenExpired",
        "AccessTokenExpired",
    ),
    (
        Imap,
        "a5 BAD Session invalidated - AccessTokenExpired",
        "AccessTokenExpired",
    ),
    (
        Imap,
        "a5 BAD [AUTHENTICATIONFAILED] Session invalidated - AccessTokenExpired",
        "AccessTokenExpired",
    ),
    (
        Imap,
        "* BYE Session invalidated - UserRevoked",
        "SessionInvalidated",
    ),
    (Imap, "* BYE Connection closed. 14", "ConnectionClosed"),
    (Imap, "* BYE Connection closed. 15", "ConnectionClosed"),
    (
        Imap,
        "a4 NO User is authenticated but not connected.",
        "NotConnected",
    ),
    (Imap, "a6 NO [UNAVAILABLE] Server Unavailable. 15", "Unavailable"),
    (
        Imap,
        "a7 BAD Request is throttled. Suggested Backoff Time: 299962 milliseconds",
        "Throttled",
    ),
    (Imap, "a6 NO Server Unavailable. 15", "Unavailable"),
    (Imap, "a8 BAD Command Error. 10", "CommandError"),
    (Imap, "a8 BAD Command Argument Error. 11", "CommandError"),
    (Imap, "a8 BAD Command Argument Error. 12", "CommandError"),
    (
        Imap,
        "a9 NO [OVERQUOTA] APPEND failed, the mailbox is full",
        "MailboxFull",
    ),
    (Pop3, "-ERR Command is not valid in this state.", "InvalidState"),
    (Imap, "a9 BAD Command received in Invalid state.", "InvalidState"),
    (
        Smtp,
        "554 5.2.252 SendAsDenied; support@contoso.com not allowed to send as boss@contoso.com; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
        "SendAsDenied",
    ),
    (
        Smtp,
        "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message",
        "SendAsDenied",
    ),
    (
        Smtp,
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        "SendAsDenied",
    ),
    (
        Smtp,
        "430 4.2.0 STOREDRV; mailbox logon failure; STOREDRV.Submission.Exception:ConnectionFailedTransientException.MapiExceptionLogonFailed",
        "LogonFailed",
    ),
    (
        Smtp,
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
        "4.3.2",
    ),
    (
        Smtp,
        "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        "4.3.2",
    ),
    (
        Smtp,
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        "SubmissionQuotaExceeded",
    ),
    (
        Smtp,
        "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
        "MailboxFull",
    ),
    (
        Smtp,
        "550 5.2.251 Sender throttled due to continuous mailbox full errors.",
        "5.2.251",
    ),
    (
        Smtp,
        "550 5.2.252 Sender throttled due to continuous send as denied errors.",
        "5.2.252",
    ),
    (
        Smtp,
        "550 5.2.253 Sender throttled due to continuous invalid license errors.",
        "5.2.253",
    ),
    (
        Smtp,
        "550 5.2.254 Sender throttled due to continuous too many recipients errors.",
        "5.2.254",
    ),
    (
        Smtp,
        "550 5.2.255 Sender throttled due to continuous invalid recipients errors.",
        "5.2.255",
    ),
    (Smtp, "550 5.1.8 Access denied, bad outbound sender", "5.1.8"),
    (
        Smtp,
        "550 5.7.501 Service unavailable. Spam abuse detected from 192.0.2.7",
        "5.1.8",
    ),
    (
        Smtp,
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
        "SubmissionQuotaExceeded",
    ),
    (
        Smtp,
        "530 5.7.57 Client not authenticated to send mail.",
        "5.7.57",
    ),
    (Smtp, "452 4.5.3 Too many recipients", "4.5.3"),
    (
        Smtp,
        "550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients",
        "4.5.3",
    ),
    (
        Smtp,
        "552 5.3.4 Message size exceeds fixed maximum message size",
        "5.3.4",
    ),
    (
        Smtp,
        "421 4.4.2 Connection dropped due to ConnectionReset",
        "4.4.2",
    ),
    (Smtp, "421 4.4.1 Connection timed out", "4.4.2"),
    (Smtp, "421 4.3.2 Service not active", "4.3.2"),
    (Smtp, "451 4.7.500 Server busy. Please try again later", "4.7.500"),
    (Smtp, "500 5.3.3 Unrecognized command", "5.5.1"),
    (Smtp, "503 5.5.1 Bad sequence of commands", "5.5.1"),
    (Smtp, "503 5.5.2 Send hello first", "5.5.1"),
    (Smtp, "501 5.5.4 Invalid domain name", "5.5.1"),
];
