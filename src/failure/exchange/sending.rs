//! Refused messages, and a mailbox that takes no more.

use super::{Fix, Known};
use crate::provider::Protocol::{self, Smtp};

/// What lets a person send as another.
macro_rules! send_as_person {
    () => {
        concat!(
            "set the sender in the mail client to OWNER; or permit the address that the message claims to come from (SENDER): add OWNER under \
             admin.microsoft.com > Users > Active users > SENDER > Mail > Send as permissions > Add permissions, or ",
            powershell!(send_as_for_person!()),
            within_the_hour!()
        )
    };
}

pub(super) const ROWS: &[Known] = &[
    Known {
        protocols: &[Smtp],
        phrases: &["continuous mailbox full"],
        statuses: &["5.2.251"],
        code: "5.2.251",
        why: "the mailbox was full again and again, so Exchange takes no message of it for a while",
        fix: Fix::Same(
            "empty MAILBOX, its Sent Items first (a copy of each message goes there), stop the program that sends; Exchange lets go after a while, and does not say when",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["continuous send as denied"],
        statuses: &[],
        code: "5.2.252",
        why: "a program went on sending as an address that it may not use, so Exchange takes no message of it for a while",
        fix: Fix::Same(
            "set the sender in that program to MAILBOX, or permit the other address as the refusals before this one say; Exchange lets go after a while, and does not say when",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["continuous invalid license"],
        statuses: &["5.2.253"],
        code: "5.2.253",
        why: "the mailbox has no licence that includes sending, so Exchange takes no message of it for a while",
        fix: Fix::Same(concat!(
            licence!("MAILBOX"),
            "; Exchange lets go after a while, and does not say when"
        )),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["continuous too many recipients"],
        statuses: &["5.2.254"],
        code: "5.2.254",
        why: "a program went on sending to more recipients than one message may have, so Exchange takes no message of it for a while",
        fix: Fix::Same(
            "split the recipients of that program's messages over several messages; Exchange lets go after a while, and does not say when",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["continuous invalid recipients"],
        statuses: &["5.2.255"],
        code: "5.2.255",
        why: "a program went on sending to addresses that do not exist, so Exchange takes no message of it for a while",
        fix: Fix::Same(
            "remove the addresses that do not exist from that program's list; Exchange lets go after a while, and does not say when",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["sendasdenied", "permissions to send as", "not allowed to send as"],
        statuses: &["5.2.252", "5.7.60"],
        code: "SendAsDenied",
        why: "the message claims to come from an address that the token's owner may not send as",
        fix: Fix::ByAccess {
            app_only: concat!(
                "set the sender in the mail client to MAILBOX; or permit the address that the message claims to come from (SENDER): ",
                powershell!(send_as_for_app!()),
                within_the_hour!()
            ),
            owner: send_as_person!(),
            delegate: send_as_person!(),
        },
    },
    Known {
        protocols: &[Smtp],
        phrases: &["mailbox logon failure", "mapiexceptionlogonfailed"],
        statuses: &[],
        code: "LogonFailed",
        why: "the login was accepted and the mailbox can't be opened to keep a copy of the message; it looks as if it would pass, and does not",
        fix: Fix::ByAccess {
            app_only: concat!(
                "give the app the right to the mailbox: ",
                powershell!(full_access_for_app!()),
                within_the_hour!(),
                if_no_service_principal!()
            ),
            owner: concat!(licence!("OWNER"), "; if it has one that is new, wait an hour"),
            delegate: concat!(
                "let OWNER open the mailbox: ",
                full_access_for_person!(),
                within_the_hour!()
            ),
        },
    },
    Known {
        protocols: &[Smtp],
        phrases: &["service not active", "service not available"],
        statuses: &[],
        code: "4.3.2",
        why: "the machine at Microsoft's is being taken out of service",
        fix: Fix::Same("send again at once: the next connection lands on another machine"),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["concurrent connections limit", "sender thread limit"],
        statuses: &["4.3.2"],
        code: "4.3.2",
        why: "Exchange takes three messages at a time for one mailbox, and this was the fourth",
        fix: Fix::Same(
            "let fewer programs send through MAILBOX at once, or give each its own mailbox; the message goes through when it is sent again",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["submissionquotaexceeded", "reached your daily limit"],
        statuses: &["5.1.90"],
        code: "SubmissionQuotaExceeded",
        why: "this mailbox has reached 10,000 recipients in 24 hours, which is all that Exchange allows",
        fix: Fix::Same(
            "stop sending through MAILBOX for a day; use several mailboxes or High Volume Email for mass mailings",
        ),
    },
    Known {
        protocols: &Protocol::ALL,
        phrases: &["mailbox full", "quotaexceeded", "[overquota]"],
        statuses: &["5.2.2"],
        code: "MailboxFull",
        why: "the mailbox is full; a copy of each sent message goes there too",
        fix: Fix::Same(
            "empty MAILBOX, its Sent Items and Deleted Items first, or have an administrator give it a larger quota or an archive",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["bad outbound sender"],
        statuses: &["5.1.8", "5.7.501", "5.7.502", "5.7.503"],
        code: "5.1.8",
        why: "Microsoft has blocked this mailbox from sending, usually because what it sent looked like spam or its account was stolen",
        fix: Fix::Same(
            "find out what sent so much, and change the account's password if it was not you; then have an administrator unblock MAILBOX (security.microsoft.com > \
             Email & collaboration > Review > Restricted entities), which takes up to an hour",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["too many recipients"],
        statuses: &["4.5.3", "5.5.3"],
        code: "4.5.3",
        why: "the message has more recipients than one message of this mailbox may have (usually 500)",
        fix: Fix::Same(concat!(
            "send the message to fewer recipients at a time, or ",
            powershell!("Set-Mailbox -Identity MAILBOX -RecipientLimits 1000"),
            within_the_hour!()
        )),
    },
    Known {
        protocols: &[Smtp],
        phrases: &[
            "maximum message size",
            "message size exceeds",
            "message too large",
        ],
        statuses: &["5.3.4", "5.2.3"],
        code: "5.3.4",
        why: "the message is larger than this mailbox may send (usually 35 MB; attachments grow by a third on the way)",
        fix: Fix::Same(concat!(
            "send smaller attachments, or ",
            powershell!("Set-Mailbox -Identity MAILBOX -MaxSendSize 150MB"),
            within_the_hour!()
        )),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["connection dropped", "connection timed out"],
        statuses: &["4.4.1", "4.4.2"],
        code: "4.4.2",
        why: "Exchange gave the connection up: nothing came for some minutes, or a line on the way broke",
        fix: Fix::Same(
            "send again; if it happens often, set the mail client to close its connection after sending instead of keeping it",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &["server busy"],
        statuses: &["4.7.500"],
        code: "4.7.500",
        why: "Exchange is busy, or holds back traffic of this organisation",
        fix: Fix::Same(
            "send again in some minutes; if it lasts for hours, open a support request (admin.microsoft.com > Help & support)",
        ),
    },
    Known {
        protocols: &[Smtp],
        phrases: &[
            "unrecognized command",
            "send hello first",
            "bad sequence of commands",
        ],
        statuses: &["5.3.3", "5.5.1", "5.5.2", "5.5.4"],
        code: "5.5.1",
        why: "Exchange did not understand a command of the mail client, or it came in the wrong order",
        fix: Fix::Same(
            "update the mail client, and ask the network administrator to switch SMTP inspection (often called fixup) off in firewalls on the way; waiting does not \
             help",
        ),
    },
];
