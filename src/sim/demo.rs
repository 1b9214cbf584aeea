//! The tenant that is there from the start: one app registration, three mailboxes with a little mail.

use super::directory::{App, Directory, Tenant};
use super::mailbox::Right;

/// Names and secrets of the tenant for the demo and the tests. Nothing here is worth protecting.
#[derive(Debug, Clone, Copy)]
pub struct Demo;

impl Demo {
    /// The tenant's GUID.
    pub const TENANT: &'static str = "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0001";
    /// The tenant's first domain.
    pub const DOMAIN: &'static str = "contoso.onmicrosoft.com";
    /// The app registration's client id.
    pub const CLIENT_ID: &'static str = "5a51aa7e-1111-4222-8333-444455556666";
    /// The app registration's secret.
    pub const CLIENT_SECRET: &'static str = "sim8Q~Throw.away_secret~of/the+demo=tenant%1";
    /// The scope that the app asks for.
    pub const SCOPE: &'static str = "https://outlook.office365.com/.default";
    /// A user.
    pub const ALICE: &'static str = "alice@contoso.onmicrosoft.com";
    /// Another user.
    pub const BOB: &'static str = "bob@contoso.onmicrosoft.com";
    /// A shared mailbox that Alice and the app may open.
    pub const SUPPORT: &'static str = "support@contoso.onmicrosoft.com";
}

/// Fills an empty directory.
pub(super) fn populate(directory: &Directory) {
    let mut tenant = Tenant::new(Demo::TENANT, Demo::DOMAIN);
    tenant.domains.push("contoso.com".to_owned());
    directory.add_tenant(tenant);
    directory.add_app(
        App::new(Demo::CLIENT_ID, Demo::TENANT)
            .secret(Demo::CLIENT_SECRET)
            .roles(&["IMAP.AccessAsApp", "POP.AccessAsApp", "SMTP.SendAsApp"]),
    );
    for address in [Demo::ALICE, Demo::BOB, Demo::SUPPORT] {
        let mailbox = directory.add_mailbox(address);
        mailbox.grant(Demo::CLIENT_ID, Right::FullAccess);
        mailbox.grant(Demo::CLIENT_ID, Right::SendAs);
        for message in [WELCOME, MULTIPART] {
            mailbox.deliver(message.replace("{to}", address));
        }
        mailbox.deliver(EIGHT_BIT);
    }
    if let Some(support) = directory.mailbox(Demo::SUPPORT) {
        support.grant(Demo::ALICE, Right::FullAccess);
        support.grant(Demo::ALICE, Right::SendAs);
    }
}

const WELCOME: &str = "From: Grace Hopper <grace@contoso.onmicrosoft.com>\r\n\
    To: {to}\r\n\
    Subject: It works\r\n\
    Date: Thu, 10 Oct 2024 22:49:55 +0000\r\n\
    Message-ID: <welcome@contoso.onmicrosoft.com>\r\n\
    \r\n\
    Hello,\r\n\
    \r\n\
    your mail program typed a user name and a password, and here is your mail.\r\n\
    .This line begins with a dot.\r\n";

const MULTIPART: &str = "From: Print Room <printer@contoso.onmicrosoft.com>\r\n\
    To: {to}\r\n\
    Subject: =?utf-8?Q?Scan_3_of_3_=E2=80=93_second_floor?=\r\n\
    Date: Fri, 11 Oct 2024 07:15:00 +0000\r\n\
    Message-ID: <scan-3@contoso.onmicrosoft.com>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=\"=_scan\"\r\n\
    \r\n\
    --=_scan\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    Your scan is attached =E2=80=93 one page.\r\n\
    --=_scan\r\n\
    Content-Type: image/png; name=\"scan.png\"\r\n\
    Content-Disposition: attachment; filename=\"scan.png\"\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\r\n\
    --=_scan--\r\n";

const EIGHT_BIT: &str = "From: =?utf-8?Q?J=C3=BCrgen?= <juergen@contoso.onmicrosoft.com>\r\n\
    To: undisclosed-recipients:;\r\n\
    Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\
    Date: Sat, 12 Oct 2024 09:00:00 +0200\r\n\
    Message-ID: <gruesse@contoso.onmicrosoft.com>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\
    \r\n\
    Grüße aus Köln: Smørrebrød, naïve café, 日本語.\r\n";
