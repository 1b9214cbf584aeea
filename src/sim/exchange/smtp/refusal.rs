//! Exchange's replies to logins and messages that it does not want, as its documents and field reports give them.

/// What becomes of an SMTP login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmtpRefusal {
    /// The identity was refused.
    Unsuccessful,
    /// SMTP AUTH is off for the organisation.
    TenantDisabled,
    /// SMTP AUTH is off for the mailbox.
    MailboxDisabled,
    /// A password was used.
    BasicDisabled,
    /// Security defaults.
    SecurityDefaults,
    /// Conditional Access or an authentication policy.
    Criteria,
    /// A wrong password.
    BadCredentials,
    /// The account is locked.
    Locked,
    /// The account is disabled.
    Disabled,
    /// The mechanism isn't offered.
    Unrecognized,
    /// The end of basic authentication.
    BasicNotSupported,
    /// The peer's TLS is too old.
    OldTls,
    /// The high-volume endpoint refuses tokens that end soon.
    ExpiringSoon,
    /// A passing fault of the login.
    Temporary,
    /// A passing fault of the proxy in front of the mailbox.
    TemporaryServer,
}

impl SmtpRefusal {
    /// Every row of the table.
    pub const ALL: [Self; 15] = [
        Self::Unsuccessful,
        Self::TenantDisabled,
        Self::MailboxDisabled,
        Self::BasicDisabled,
        Self::SecurityDefaults,
        Self::Criteria,
        Self::BadCredentials,
        Self::Locked,
        Self::Disabled,
        Self::Unrecognized,
        Self::BasicNotSupported,
        Self::OldTls,
        Self::ExpiringSoon,
        Self::Temporary,
        Self::TemporaryServer,
    ];

    /// The reply without the host, time and session id that Exchange puts at its end.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unsuccessful => "535 5.7.3 Authentication unsuccessful",
            Self::TenantDisabled => {
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. \
                 Visit https://aka.ms/smtp_auth_disabled for more information."
            }
            Self::MailboxDisabled => {
                "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. \
                 Visit https://aka.ms/smtp_auth_disabled for more information."
            }
            Self::BasicDisabled => {
                "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
            }
            Self::SecurityDefaults => {
                "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security \
                 defaults policy. Contact your administrator."
            }
            Self::Criteria => {
                "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be \
                 authenticated successfully. Contact your administrator."
            }
            Self::BadCredentials => {
                "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect."
            }
            Self::Locked => "535 5.7.139 Authentication unsuccessful, the account is locked.",
            Self::Disabled => "535 5.7.139 Authentication unsuccessful, the account has been disabled.",
            Self::Unrecognized => "504 5.7.4 Unrecognized authentication type",
            Self::BasicNotSupported => {
                "550 5.7.30 Basic authentication is not supported for Client Submission."
            }
            Self::OldTls => {
                "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS \
                 1.2. Visit https://aka.ms/smtp_auth_tls."
            }
            Self::ExpiringSoon => "501 5.5.127 Invalid XOAUTH2 auth data - Token will expire soon error",
            Self::Temporary => "454 4.7.0 Temporary authentication failure",
            Self::TemporaryServer => "451 4.7.0 Temporary server error. Please try again later. PRX2",
        }
    }
}

/// Which replies an SMTP session gets after its login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendingRefusal {
    /// MAIL FROM names an address without the right to send as it; told after the message.
    SendAsDenied,
    /// The same, told at MAIL FROM.
    NotPermitted,
    /// An app that may not open the mailbox; told after the message.
    LogonFailure,
    /// More than three submissions at a time; told at MAIL FROM.
    TooManyConnections,
    /// The same, told after the message.
    SenderThreads,
    /// 10,000 recipients in a day.
    Quota,
    /// The mailbox is full, so that the copy in Sent Items has no room.
    MailboxFull,
    /// Throttled because the mailbox was full again and again.
    ThrottledMailboxFull,
    /// Throttled because of senders that it may not name, again and again.
    ThrottledSendAs,
    /// Throttled because it has no licence.
    ThrottledLicense,
    /// Throttled because of too many recipients, again and again.
    ThrottledRecipients,
    /// Throttled because of recipients that do not exist, again and again.
    ThrottledUnknownRecipients,
    /// Blocked for spam.
    BadSender,
    /// Too many recipients in one message.
    TooManyRecipients,
    /// The message is too large.
    TooLarge,
    /// The connection is given up.
    Dropped,
    /// The connection has lasted too long.
    TimedOut,
    /// The service stops.
    NotActive,
    /// The service is busy.
    Busy,
}

impl SendingRefusal {
    /// Every row of the table.
    pub const ALL: [Self; 19] = [
        Self::SendAsDenied,
        Self::NotPermitted,
        Self::LogonFailure,
        Self::TooManyConnections,
        Self::SenderThreads,
        Self::Quota,
        Self::MailboxFull,
        Self::ThrottledMailboxFull,
        Self::ThrottledSendAs,
        Self::ThrottledLicense,
        Self::ThrottledRecipients,
        Self::ThrottledUnknownRecipients,
        Self::BadSender,
        Self::TooManyRecipients,
        Self::TooLarge,
        Self::Dropped,
        Self::TimedOut,
        Self::NotActive,
        Self::Busy,
    ];

    /// When the reply comes.
    pub fn position(self) -> SendingPosition {
        match self {
            Self::NotPermitted
            | Self::TooManyConnections
            | Self::ThrottledMailboxFull
            | Self::ThrottledSendAs
            | Self::ThrottledLicense
            | Self::ThrottledRecipients
            | Self::ThrottledUnknownRecipients
            | Self::BadSender
            | Self::TooLarge => SendingPosition::Mail,
            Self::TooManyRecipients => SendingPosition::Recipient,
            _ => SendingPosition::Message,
        }
    }

    /// The reply without the host and time that Exchange puts at its end.
    pub fn text(self) -> &'static str {
        match self {
            Self::SendAsDenied => {
                "554 5.2.252 SendAsDenied; not allowed to send as; \
                 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process \
                 message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message."
            }
            Self::NotPermitted => "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            Self::LogonFailure => {
                "430 4.2.0 STOREDRV; mailbox logon failure; \
                 STOREDRV.Submission.Exception:ConnectionFailedTransientException.MapiExceptionLogonFailed; Failed to \
                 process message due to a transient exception with message Cannot open mailbox."
            }
            Self::TooManyConnections => {
                "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more \
                 information."
            }
            Self::SenderThreads => "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            Self::Quota => "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
            Self::MailboxFull => {
                "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionQuotaExceeded"
            }
            Self::ThrottledMailboxFull => {
                "550 5.2.251 Sender throttled due to continuous mailbox full errors."
            }
            Self::ThrottledSendAs => "550 5.2.252 Sender throttled due to continuous send as denied errors.",
            Self::ThrottledLicense => {
                "550 5.2.253 Sender throttled due to continuous invalid license errors."
            }
            Self::ThrottledRecipients => {
                "550 5.2.254 Sender throttled due to continuous too many recipients errors."
            }
            Self::ThrottledUnknownRecipients => {
                "550 5.2.255 Sender throttled due to continuous invalid recipients errors."
            }
            Self::BadSender => "550 5.1.8 Access denied, bad outbound sender",
            Self::TooManyRecipients => "452 4.5.3 Too many recipients",
            Self::TooLarge => "552 5.3.4 Message size exceeds fixed maximum message size",
            Self::Dropped => "421 4.4.2 Connection dropped due to SocketError",
            Self::TimedOut => "421 4.4.1 Connection timed out",
            Self::NotActive => "421 4.3.2 Service not active",
            Self::Busy => "451 4.7.500 Server busy. Please try again later.",
        }
    }
}

/// The command that a [`SendingRefusal`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendingPosition {
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Recipient,
    /// The end of the message.
    Message,
}
