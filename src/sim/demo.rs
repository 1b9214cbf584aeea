//! The tenant that is there from the start: app registrations, people, three mailboxes with a little mail.

use super::directory::{App, Directory, Person, Platform, Tenant};
use super::entra::Identity;
use super::mailbox::Right;

/// Names and secrets of the tenant for the demo and the tests. Nothing here is worth protecting.
#[derive(Debug, Clone, Copy)]
pub struct Demo;

impl Demo {
    /// The tenant's GUID.
    pub const TENANT: &'static str = "c0a7050c-0c0a-4b1e-8c0d-5a51aa7e0001";
    /// The tenant's first domain.
    pub const DOMAIN: &'static str = "contoso.onmicrosoft.com";
    /// The client id of an app registration with a secret, for itself and for people who sign in at a browser. They have
    /// not agreed to anything yet.
    pub const CLIENT_ID: &'static str = "5a51aa7e-1111-4222-8333-444455556666";
    /// The app registration's secret.
    pub const CLIENT_SECRET: &'static str = "sim8Q~Throw.away_secret~of/the+demo=tenant%1";
    /// The scope that the app asks for when it acts for itself.
    pub const SCOPE: &'static str = "https://outlook.office365.com/.default";
    /// The client id of an app registration without a secret, for browser, device code and password. An administrator has
    /// agreed to its permissions for everybody.
    pub const PUBLIC_CLIENT_ID: &'static str = "5a51aa7e-2222-4222-8333-444455556666";
    /// The scope that both apps ask for on behalf of people.
    pub const DELEGATED_SCOPE: &'static str = "https://outlook.office.com/IMAP.AccessAsUser.All \
        https://outlook.office.com/POP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access openid \
        profile";
    /// Where the app with a secret sends people back to.
    pub const REDIRECT_URI: &'static str = "http://localhost:8425/";
    /// The password of Alice and Bob.
    pub const PASSWORD: &'static str = "Sim!ulated pass-word of 2026";
    /// The client id of the machine's managed identity.
    pub const MANAGED_IDENTITY: &'static str = "5a51aa7e-3333-4222-8333-444455556666";
    /// An administrator without a mailbox.
    pub const ADMIN: &'static str = "admin@contoso.onmicrosoft.com";
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
    add_apps(directory);
    add_people(directory);
    for address in [Demo::ALICE, Demo::BOB, Demo::SUPPORT] {
        let mailbox = directory.add_mailbox(address);
        for app in [Demo::CLIENT_ID, Demo::MANAGED_IDENTITY] {
            mailbox.grant(app, Right::FullAccess);
            mailbox.grant(app, Right::SendAs);
        }
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

/// The identities of the machine.
pub(super) fn identities() -> Vec<Identity> {
    vec![Identity {
        client_id: Demo::MANAGED_IDENTITY.to_owned(),
        resource_id: None,
    }]
}

fn add_apps(directory: &Directory) {
    const ROLES: [&str; 3] = ["IMAP.AccessAsApp", "POP.AccessAsApp", "SMTP.SendAsApp"];
    const DELEGATED: [&str; 3] = ["IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send"];
    directory.add_app(
        App::new(Demo::CLIENT_ID, Demo::TENANT)
            .secret(Demo::CLIENT_SECRET)
            .redirect(Platform::Web, Demo::REDIRECT_URI)
            .delegated(&DELEGATED)
            .roles(&ROLES),
    );
    directory.add_app(
        App::new(Demo::PUBLIC_CLIENT_ID, Demo::TENANT)
            .redirect(Platform::Native, "http://localhost")
            // An admin page on this machine, whichever its port.
            .redirect(Platform::Native, "http://localhost/oauth/callback")
            .public_flows()
            .delegated(&DELEGATED),
    );
    directory.consent(Demo::PUBLIC_CLIENT_ID, Demo::TENANT, None, &DELEGATED);
    directory.add_app(App::new(Demo::MANAGED_IDENTITY, Demo::TENANT).roles(&ROLES));
}

fn add_people(directory: &Directory) {
    directory.add_person(Person::new(Demo::ALICE).password(Demo::PASSWORD));
    directory.add_person(Person::new(Demo::BOB).password(Demo::PASSWORD));
    directory.add_person(Person::new(Demo::ADMIN).password(Demo::PASSWORD).admin());
    // Nobody signs in as a shared mailbox.
    let mut support = Person::new(Demo::SUPPORT);
    support.disabled = true;
    directory.add_person(support);
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
