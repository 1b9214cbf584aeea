//! What `?` says: what somebody needs to know who does not know the words of a question yet. What stands on the screen already is
//! not repeated.

use super::question::Question;

/// The background of a question.
pub(super) const fn of(question: Question) -> &'static str {
    match question {
        Question::Product => {
            "What logs in is the program that has to type a user name and a password today. The choice only proposes: every answer below can be \
             another one. Nothing fits? \"A script or a program of yours\" assumes the least."
        }
        Question::Way => {
            "Exchange Online takes no passwords any more, but access tokens: Entra ID gives one out for an hour, to an app that is registered with it. \
             saslgate fetches and renews them, and the mail client sees none of it. Either the app is let into the mailbox itself, or a person \
             signs in once and saslgate acts for that person."
        }
        Question::Shared => {
            "A shared mailbox is a user whose sign-in is blocked: https://admin.microsoft.com > Teams & groups > Shared mailboxes lists them. If it is there, \
             or nobody knows its password, it is shared. A mailbox that appears under Active users with a licence has a sign-in of its own."
        }
        Question::SignsInAs => {
            "The token is that person's, who needs Full Access to the mailbox and, to send, Send As: setup prints the commands. It ends if that \
             person's password is reset or the person leaves. The app itself depends on nobody; it needs an administrator once."
        }
        Question::Tenant => {
            "A tenant is your organisation at Microsoft. Its ID is at https://entra.microsoft.com > Entra ID > Overview > Tenant ID, and on each app registration's Overview; \
             what stands behind the @ of a mailbox is usually a domain of it, and does as well. One of its domains ends in .onmicrosoft.com."
        }
        Question::Cloud => {
            "Governments' tenants are in clouds of their own. The address at which your mail is read in a browser tells: outlook.office365.us is GCC High, \
             outlook-dod.office365.us is DoD, outlook.office.com is neither."
        }
        Question::Protocols => {
            "IMAP leaves messages on the server and sees folders, POP3 fetches the inbox; a program does one of them, and its settings say which. SMTP sends. \
             Saying less keeps the rest shut: no permission is asked for, and nothing listens for it here."
        }
        Question::ClientId => {
            "Entra ID knows saslgate as an app registration, of which the client id is the name: it is no secret. It may be registered after setup; \
             the configuration has zeros until then."
        }
        Question::Mailboxes => {
            "Each gets an account with a password of its own, which is made here and opens that mailbox alone. The address is the user name in the mail client. \
             For an alias write the mailbox's primary address, as it stands under Active users."
        }
        Question::Place => {
            "saslgate listens where its mail clients can reach it, and nowhere else. On this machine nobody can listen in, so no TLS is needed. From other machines the \
             password crosses a network: with TLS each of them has to trust saslgate's certificate, without it the password can be read on the way. \
             From the internet only generated passwords, TLS and named addresses are taken."
        }
        Question::Host => {
            "What is typed as the server in the mail client has to stand in the certificate to the letter. Write the full name, such as mail.contoso.lan, which all of \
             them can look up, or the address if there is none. One is asked for here; `saslgate certs` makes a certificate for several. For the internet it is the public name, \
             for which a public authority gives out a certificate; a bare host name such as desk-7 is known to nobody there."
        }
        Question::Networks => {
            "It becomes allow_from: a connection from elsewhere is closed before anything is said. `ip -brief address` shows this machine's own network, such as \
             192.168.1.20/24, of which 192.168.1.0/24 is everybody. This machine itself always gets in."
        }
        Question::Secret => {
            "The client secret is the app's password at Entra ID. The portal shows its Value once, when it is made; what is shown later is the Secret ID, which is of no use here. \
             It goes into a file of its own that only saslgate can read. An app of the platform for mobile and desktop applications has none."
        }
        Question::SecretExpires => {
            "On that day every login fails until a new secret stands in the file. The portal gives two years at most and reminds nobody. \
             App registrations > the app > Certificates & secrets has the column."
        }
        Question::Directory => {
            "/etc/saslgate is where the package's service looks, and needs root. ~/.config/saslgate is where commands look next, for who runs saslgate as themselves. Anywhere \
             else has to be named by --config or SASLGATE_CONFIG."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Draft;
    use super::*;

    #[test]
    fn what_is_on_the_screen_already_is_not_said_again() {
        let draft = Draft::default();
        for question in Question::ALL {
            let more = question.more(&draft);
            assert!(more.starts_with(of(question)), "{question:?}: {more}");
            assert!(of(question).len() > 100, "{question:?}");
            assert!(!more.contains(question.about(&draft)), "{question:?}: {more}");
        }
        assert_eq!(Question::ALL.len(), 15);
    }
}
