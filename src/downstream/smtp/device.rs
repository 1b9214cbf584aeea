//! Mail without AUTH. From a device that the listener's map names, the first MAIL is its login; from anybody else it is
//! refused.

use super::{Smtp, State};
use crate::devices::Device;
use crate::downstream::{Credentials, Handover, Mechanism, Refusal, TlsState, Unserved};
use crate::provider::Protocol;
use crate::wire::Closing;

impl Smtp {
    /// MAIL: a device's is kept, to be the first that upstream reads of it.
    pub(super) fn mail(&mut self, line: &[u8]) {
        let Some(device) = self.reception.opening.device.clone() else {
            if self.reception.opening.tls == TlsState::Required {
                return self.mail_in_clear();
            }
            self.unserved = Some(Unserved::UnknownAddress);
            return self.demand_login();
        };
        if self.lacks_tls(&device) {
            return self.mail_in_clear();
        }
        // From here on no byte is changed, and upstream ends a line at CR LF only (RFC 5321 2.3.8): it would wait for ever.
        if !self.reception.talk.input.last_line_had_cr() {
            self.unserved = Some(Unserved::BareLf);
            return self
                .reception
                .answer_bad("500 5.5.2 A line ends with CR and LF, and this one had LF alone.");
        }
        let mail = [line, b"\r\n"].concat();
        self.reception.ask(
            Credentials::Network(device),
            Mechanism::Network,
            self.host_name.clone(),
        );
        self.state = State::Deciding(Some(mail));
    }

    /// What belongs behind a MAIL. A device that sent all at once has been refused already.
    pub(super) fn part_of_mail(&mut self) {
        match self.reception.opening.device.clone() {
            Some(device) if !self.lacks_tls(&device) => {
                self.reception.answer_bad("503 5.5.1 Send MAIL first.");
            }
            _ => self.demand_login(),
        }
    }

    /// RFC 3030 2: the mail itself follows without waiting for us, and must never be read as commands.
    pub(super) fn bdat(&mut self) {
        self.part_of_mail();
        if !self.reception.talk.is_over() {
            self.reception.farewell(
                "Mail came before the login.",
                Closing::Protocol("BDAT came before the login"),
            );
        }
    }

    /// RFC 3207 4 where TLS comes first, RFC 4954 6 elsewhere.
    fn demand_login(&mut self) {
        if self.reception.opening.tls == TlsState::Required {
            return self.demand_tls();
        }
        self.reception.answer_bad("530 5.7.0 Authentication required.");
    }

    /// It may have a login to say: its mail program goes on without one where TLS did not come first.
    fn mail_in_clear(&mut self) {
        self.reception.note(Refusal::TlsRequired);
        self.demand_tls();
    }

    /// RFC 3207 4.
    fn demand_tls(&mut self) {
        self.reception
            .answer_bad("530 5.7.0 Must issue a STARTTLS command first.");
    }

    /// `plaintext_from` is about passwords, and no password is said: only a listener that takes nothing at all in clear
    /// has a device start TLS.
    fn lacks_tls(&self, device: &Device) -> bool {
        device.tls_first() && self.reception.opening.tls != TlsState::Established
    }

    /// A refusal as the answer to MAIL. What the operator can repair stays temporary, so that a scanner keeps its message.
    pub(super) fn mail_refused(&mut self, refusal: Refusal) {
        let session = &self.reception.opening.session;
        let reply = match refusal {
            // RFC 4954 6: 535 would be about a password.
            Refusal::AuthenticationFailed => {
                format!("530 5.7.0 This device may not send here. (session {session})")
            }
            other => other.reply(Protocol::Smtp, session),
        };
        self.reception.answer_refused(&reply);
    }

    /// The device asked nothing that would be answered here: upstream answers its MAIL.
    pub(super) fn hand_mail_over(self, mail: Vec<u8>) -> Handover {
        let mut handover = self.reception.let_go();
        handover.unread = [mail, handover.unread].concat();
        handover
    }
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use crate::devices::{Device, Devices};
    use crate::downstream::conversation::{Conversation, opening};
    use crate::downstream::{Opening, TlsState, Unserved};
    use crate::name::LoginName;
    use crate::peer::Peer;
    use crate::provider::Protocol;
    use crate::wire::Limits;

    fn scanner(tls_first: bool) -> Option<Device> {
        let network: IpNet = "10.1.2.3/32".parse().unwrap();
        let login = LoginName::parse(b"scanner@contoso.com").unwrap();
        Devices::new(vec![(network, login)], tls_first).at(&Peer::new("10.1.2.3:1".parse().unwrap()))
    }

    fn with(device: Option<Device>, tls: TlsState) -> Conversation {
        let opening = Opening {
            device,
            ..opening(Protocol::Smtp, tls)
        };
        let mut conversation = Conversation::open(Protocol::Smtp, opening, Limits::SMTP);
        conversation.play("S: 220 mail.example.com ESMTP saslgate");
        conversation
    }

    #[test]
    fn a_device_is_let_in_by_its_first_mail_and_hears_upstream_only() {
        for tls in [
            TlsState::Off,
            TlsState::Offered,
            TlsState::Required,
            TlsState::Unavailable,
        ] {
            let mut scanner = with(scanner(false), tls);
            scanner.play("C: HELO scanner-3\nS: 250 mail.example.com\nC: RSET\nS: 250 2.0.0 Done.");
            scanner.send("mail  From:<a@x> SIZE=7\r\nRCPT TO:<b@x>\r\nDATA\r\nrest");
            scanner.play(
                "login: scanner@contoso.com at 10.1.2.3 (Network) from scanner-3\naccept: SIZE 10;STARTTLS",
            );
            assert_eq!(scanner.take_said(), "", "upstream answers");
            assert_eq!(
                scanner.unread().escape_ascii().to_string(),
                "mail  From:<a@x> SIZE=7\\r\\nRCPT TO:<b@x>\\r\\nDATA\\r\\nrest"
            );
            assert!(
                scanner.transcript().contains("Peer MAIL"),
                "{}",
                scanner.transcript()
            );
        }
    }

    #[test]
    fn a_device_that_never_said_hello_is_served_too() {
        let mut scanner = with(scanner(false), TlsState::Off);
        scanner.play("C: MAIL FROM:<a@x>\nlogin: scanner@contoso.com at 10.1.2.3 (Network)\naccept: SIZE 10");
        scanner.take_said();
        assert_eq!(scanner.unread(), b"MAIL FROM:<a@x>\r\n");
    }

    #[test]
    fn a_refusal_answers_mail_and_nothing_behind_it_goes_anywhere() {
        let table = [
            (
                "AuthenticationFailed",
                "530 5.7.0 This device may not send here. (session s1)",
            ),
            (
                "Unavailable",
                "454 4.7.0 The mail provider can't be reached at the moment, try again later. (session s1)",
            ),
            (
                "LimitReached",
                "454 4.7.0 Too many connections or logins, try again later. (session s1)",
            ),
            (
                "ContactAdmin",
                "454 4.7.0 Login is right, but the mailbox can't be opened: ask the administrator of saslgate. (session s1)",
            ),
        ];
        for (refusal, reply) in table {
            let mut scanner = with(scanner(false), TlsState::Off);
            scanner.send("MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n");
            scanner.play(&format!(
                "login: scanner@contoso.com at 10.1.2.3 (Network)
                 refuse: {refusal}
                 S: {reply}
                 S: 503 5.5.1 Send MAIL first.
                 S: 503 5.5.1 Send MAIL first.
                 C: RSET
                 S: 250 2.0.0 Done.
                 C: MAIL FROM:<a@x>
                 login: scanner@contoso.com at 10.1.2.3 (Network)
                 refuse: {refusal}
                 S: {reply}"
            ));
        }
        assert_eq!(table.len(), 4);
        let mut scanner = with(scanner(false), TlsState::Off);
        scanner.play(
            "C: MAIL FROM:<a@x>
             login: scanner@contoso.com at 10.1.2.3 (Network)
             refuse: ShuttingDown
             S: 421 4.3.2 saslgate is restarting, try again in a moment. (session s1)
             close: Refused",
        );
    }

    #[test]
    fn a_listener_that_wants_tls_first_wants_it_of_devices() {
        let mut scanner = with(scanner(true), TlsState::Required);
        scanner.play(
            "C: MAIL FROM:<a@x>
             S: 530 5.7.0 Must issue a STARTTLS command first.
             C: STARTTLS
             S: 220 2.0.0 Begin TLS now.
             tls: up
             C: MAIL FROM:<a@x>
             login: scanner@contoso.com at 10.1.2.3 (Network)
             accept: SIZE 10",
        );
        scanner.take_said();
    }

    #[test]
    fn who_has_a_password_uses_it_at_the_same_listener() {
        let mut scanner = with(scanner(false), TlsState::Off);
        scanner.play(
            "C: HELO scanner-3
             S: 250 mail.example.com
             C: AUTH PLAIN AGJvYgBwdw==
             login: bob / pw (Plain) from scanner-3
             accept: SIZE 10
             S: 235 2.7.0 Logged in.",
        );
        assert_eq!(scanner.unread(), b"");
    }

    #[test]
    fn a_line_that_upstream_would_wait_behind_for_ever_is_refused() {
        let mut scanner = with(scanner(false), TlsState::Off);
        scanner.send("HELO scanner-3\nMAIL FROM:<a@x>\n");
        scanner.play(
            "S: 250 mail.example.com\nS: 500 5.5.2 A line ends with CR and LF, and this one had LF alone.",
        );
        assert_eq!(scanner.dialogue().unserved(), Some(Unserved::BareLf));
        assert_eq!(scanner.dialogue().unserved(), None, "said once");
    }

    #[test]
    fn an_address_that_no_map_names_is_refused_and_told_of() {
        let mut stranger = with(None, TlsState::Off);
        stranger.play(
            "C: MAIL FROM:<a@x>
             S: 530 5.7.0 Authentication required.
             C: RCPT TO:<b@x>
             S: 530 5.7.0 Authentication required.",
        );
        assert_eq!(stranger.dialogue().unserved(), Some(Unserved::UnknownAddress));
        let mut stranger = with(None, TlsState::Off);
        stranger.play("C: DATA\nS: 530 5.7.0 Authentication required.");
        assert_eq!(stranger.dialogue().unserved(), None, "no mail began");
    }
}
