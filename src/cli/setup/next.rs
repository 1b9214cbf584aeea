//! What is left to do, in its order.

use std::net::IpAddr;
use std::path::Path;

use super::answers::Answers;
use super::config_text::NOBODY;
use super::layout;
use super::place::Place;
use super::product::Product;
use super::surroundings::OF_THE_MACHINE;
use super::way::{Proof, Way};
use crate::certificates::Name;

/// Who runs saslgate, and so how each command is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Runs {
    /// Whoever set it up.
    Person,
    /// The package's unit, as a user of its own.
    Service,
    Container,
}

/// What is known beside the answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    /// Whether an administrator has work in Exchange.
    pub(super) has_exchange: bool,
    pub(super) certs_are_new: bool,
    /// What has to be done about a certificate that is not for the server's name.
    pub(super) certificate_lacks: Option<&'a str>,
    /// Whether `check` has just found nothing.
    pub(super) is_sound: bool,
    /// Whether commands find the configuration by themselves.
    pub(super) is_found: bool,
    /// The file that the answers were read from.
    pub(super) answers_file: Option<&'a Path>,
}

/// All of it.
pub(super) fn steps(answers: &Answers, known: &Known<'_>) -> Vec<String> {
    let runs = runs(answers);
    let mut steps = vec!["The portal, as above.".to_owned()];
    if known.has_exchange {
        steps.push("Exchange, as above.".to_owned());
    }
    steps.extend(left_open(answers, known));
    steps.extend(trusted(answers));
    steps.extend(firewall(answers));
    steps.extend(handed_over(answers, runs, known.is_found));
    let command = |command: &str| match runs {
        Runs::Person => format!("saslgate {command}"),
        Runs::Service => format!("sudo -u saslgate saslgate {command}"),
        Runs::Container => format!("docker compose exec saslgate saslgate {command}"),
    };
    let sign_in = || answers.way.has_sign_in().then(|| sign_in(answers, &command));
    let check = format!(
        "{}    # {}",
        command("check"),
        expected(answers, runs, known.is_sound)
    );
    steps.extend(privilege(answers, runs));
    match runs {
        Runs::Person => {
            steps.push(check);
            steps.push("saslgate run    # and leave it running; the rest in another terminal".to_owned());
            steps.extend(sign_in());
        }
        // The sign-in is kept in a directory of the service's own, so it has to be there first.
        Runs::Service => {
            steps.push(check);
            steps.push(
                "sudo systemctl enable --now saslgate    # without the package: sudo -u saslgate saslgate run".to_owned(),
            );
            steps.extend(sign_in());
        }
        Runs::Container => {
            steps.push("docker compose up --detach".to_owned());
            steps.push(check);
            steps.extend(sign_in());
        }
    }
    steps.push(test(answers, &command));
    steps.extend(proof_of_tls(answers));
    steps.push(format!(
        "{}, with the settings above.",
        answers.product.facts().name_at_work()
    ));
    steps.push(from_now_on(answers, runs, known.is_found));
    if let Some(file) = known.answers_file.filter(|_| answers.secret.is_some()) {
        steps.push(format!(
            "Delete the file that client_secret_from names in {}: the secret was copied, and is needed once.",
            file.display()
        ));
    }
    steps
}

/// A port below 1024 is refused to whoever has no privilege, the unit as shipped included.
fn privilege(answers: &Answers, runs: Runs) -> Option<String> {
    let ports = answers
        .protocols
        .iter()
        .map(|protocol| answers.place.door(*protocol).port);
    let ports: Vec<_> = ports
        .filter(|port| *port < 1024)
        .map(|port| port.to_string())
        .collect();
    if ports.is_empty() {
        return None;
    }
    let needs = format!("A privilege for port {}", ports.join(", "));
    match runs {
        Runs::Service => Some(format!(
            "{needs}: `sudo systemctl edit saslgate`, with the three lines of docs/operations.md, \"systemd\"."
        )),
        Runs::Person => Some(format!(
            "{needs}: `sudo setcap cap_net_bind_service=+ep \"$(command -v saslgate)\"`, after each upgrade too; or have it as a service (`sudo saslgate setup`)."
        )),
        // Docker lets everybody in a container have them.
        Runs::Container => None,
    }
}

/// What `check` is to say by then.
fn expected(answers: &Answers, runs: Runs, is_sound: bool) -> String {
    match (answers.place, answers.protocols.len()) {
        (Place::NetworkPlain, 1) => {
            "one warning stays: passwords may cross the network in clear, as it was chosen".to_owned()
        }
        (Place::NetworkPlain, count) => {
            format!("{count} warnings stay: passwords may cross the network in clear, as it was chosen")
        }
        _ if is_sound && runs == Runs::Person => "after a change in these files".to_owned(),
        // Setup looked as another user, who may read more.
        _ if is_sound => "as the user that runs it, now and after a change".to_owned(),
        _ => "nothing is wrong any more".to_owned(),
    }
}

/// How it goes on after a logout and a reboot, and where the log is.
fn from_now_on(answers: &Answers, runs: Runs, is_found: bool) -> String {
    let config = answers.directory.join(layout::CONFIG);
    let option = if is_found {
        String::new()
    } else {
        format!(
            " with `--config {}` behind run",
            shell(&config.display().to_string())
        )
    };
    match runs {
        Runs::Service => "It starts with the machine from now on (without the package: docs/operations.md, \"systemd\"). Its log: journalctl -u saslgate".to_owned(),
        Runs::Container => "Its log: docker compose logs saslgate".to_owned(),
        Runs::Person if answers.product == Product::MailProgram => format!(
            "`saslgate run` ends when you log out. So that it is there whenever you are: the user unit of docs/mail-program.md, step 7{option}.\n    \
             Its log: journalctl --user -u saslgate"
        ),
        Runs::Person => format!(
            "`saslgate run` ends when you log out, and does not come back after a reboot. For good it is a service: docs/operations.md, \"systemd\",\n    \
             and `sudo saslgate setup` (its log: journalctl -u saslgate). Without root: the user unit of docs/mail-program.md, step 7{option},\n    \
             and once `loginctl enable-linger` (its log: journalctl --user -u saslgate)."
        ),
    }
}

fn runs(answers: &Answers) -> Runs {
    if answers.place == Place::Containers {
        Runs::Container
    } else if answers.directory.as_os_str() == OF_THE_MACHINE {
        Runs::Service
    } else {
        Runs::Person
    }
}

/// What the answers left open.
fn left_open(answers: &Answers, known: &Known<'_>) -> Vec<String> {
    let directory = &answers.directory;
    let mut steps = Vec::new();
    if answers.client_id.is_none() {
        steps.push(format!(
            "The client id, into {}, in the place of the zeros.",
            directory.join(layout::CONFIG).display()
        ));
    }
    if answers.proof == Proof::Secret && answers.secret.is_none() {
        let file = directory.join(layout::secret(answers));
        steps.push(format!(
            "The client secret's Value, into {file}: umask 077, then `cat > {file}`, paste it, Enter, Ctrl-D.",
            file = file.display()
        ));
    }
    if answers.place.has_networks() && answers.networks.is_empty() {
        steps.push(format!(
            "The addresses that may connect, into allow_from in the place of {NOBODY}, which is nobody; docs/operations.md, \"Reached from outside\", tells what else to think of."
        ));
    }
    if answers.place == Place::Internet && known.certs_are_new {
        steps.push(format!(
            "A certificate that the product trusts, for {}, in the place of {} and {} (until then `check` warns).",
            answers.place.server(answers.host.as_ref()),
            layout::SERVER,
            layout::SERVER_KEY
        ));
    }
    steps.extend(known.certificate_lacks.map(ToOwned::to_owned));
    steps
}

/// Where the authority has to be known.
fn trusted(answers: &Answers) -> Option<String> {
    if answers.place != Place::NetworkTls {
        return None;
    }
    let ca = answers.directory.join("certs/ca.pem");
    let ca = ca.display();
    Some(if answers.product.is_java() {
        format!(
            "{ca}, carried to the product's machine, into the store of the Java that runs the product, with that Java's keytool:\n\n        \
             keytool -importcert -cacerts -alias saslgate -file ca.pem\n\n    \
             (the store's password is changeit unless somebody changed it), and restart the product."
        )
    } else {
        // certmgr.msc opens the store of whoever is logged in, of which a product that runs as a service sees nothing.
        format!(
            "{ca}, into the store that each mail client trusts: /usr/local/share/ca-certificates/ as .crt and `update-ca-certificates` on Debian, \
             `certutil -addstore Root ca.pem` in an elevated prompt on Windows, the settings of what brings a store of its own (Thunderbird, Java: keytool)."
        )
    })
}

/// What is shut on most machines.
fn firewall(answers: &Answers) -> Option<String> {
    let ports: Vec<_> = answers
        .protocols
        .iter()
        .map(|protocol| answers.place.door(*protocol).port.to_string())
        .collect();
    let (noun, whom) = match (ports.len(), answers.place) {
        (1, Place::Internet) => ("port", "the product's addresses alone"),
        (_, Place::Internet) => ("ports", "the product's addresses alone"),
        (1, _) => ("port", "the addresses of allow_from"),
        _ => ("ports", "the addresses of allow_from"),
    };
    answers.place.has_networks().then(|| {
        format!(
            "In this machine's firewall, if it has one: TCP {noun} {}, open to {whom}.",
            ports.join(", ")
        )
    })
}

/// How name, firewall and trust are seen from where it counts. By itself openssl looks at no name.
fn proof_of_tls(answers: &Answers) -> Option<String> {
    let host = answers
        .host
        .as_ref()
        .filter(|_| answers.place == Place::NetworkTls)?;
    let door = answers.place.door(*answers.protocols.first()?);
    let starttls = if door.tls == "starttls" {
        " -starttls smtp"
    } else {
        ""
    };
    let (at, verify) = match host {
        Name::Host(name) => (name.clone(), format!("-verify_hostname {name}")),
        Name::Address(IpAddr::V6(ip)) => (format!("[{ip}]"), format!("-verify_ip {ip}")),
        Name::Address(ip) => (ip.to_string(), format!("-verify_ip {ip}")),
    };
    Some(format!(
        "From the product's machine, with ca.pem there: name, firewall and trust are right if it ends with \"Verify return code: 0 (ok)\":\n\n        \
         openssl s_client -connect {at}:{}{starttls} -CAfile ca.pem {verify} </dev/null\n",
        door.port
    ))
}

/// What whoever runs saslgate needs first.
fn handed_over(answers: &Answers, runs: Runs, is_found: bool) -> Option<String> {
    let directory = answers.directory.display();
    match runs {
        Runs::Person if is_found => None,
        Runs::Person => Some(format!(
            "export SASLGATE_CONFIG={}/{}    # in each terminal",
            shell(&directory.to_string()),
            layout::CONFIG
        )),
        Runs::Service => None,
        Runs::Container => Some(format!(
            "sudo chown -R 65532:65532 {}    # the image's user; mount it as /etc/saslgate:ro, and a volume as /var/lib/saslgate",
            shell(&directory.to_string())
        )),
    }
}

fn sign_in(answers: &Answers, command: &impl Fn(&str) -> String) -> String {
    let is_own = answers.product == Product::MailProgram && answers.mailboxes.len() == 1;
    let who = match &answers.signs_in_as {
        Some(person) => person,
        None if is_own => "yourself",
        None => "the mailbox itself",
    };
    // Whose browser it is, is signed in as somebody else.
    let about = match answers.way {
        Way::Browser if !is_own => format!("in a private window, as {who}"),
        _ => format!("as {who}"),
    };
    match answers.mailboxes.as_slice() {
        [one] => format!("{}    # {about}", command(&format!("sign-in {}", shell(one)))),
        _ => format!(
            "{}    # one after the other, {about}",
            command("sign-in --all-needed")
        ),
    }
}

fn test(answers: &Answers, command: &impl Fn(&str) -> String) -> String {
    let first = answers.mailboxes.first().map_or("ACCOUNT", String::as_str);
    if answers.way == Way::Password {
        return format!("{}    # when the product has fetched once", command("status"));
    }
    let each = if answers.mailboxes.len() > 1 {
        ", and so on"
    } else {
        ""
    };
    format!(
        "{}    # to the opened mailbox; nothing is sent{each}",
        command(&format!("test {}", shell(first)))
    )
}

/// A word as a shell takes it to the letter.
fn shell(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_shell_would_read_is_quoted() {
        let cases = [
            ("support@contoso.com", "support@contoso.com"),
            ("o'brien@contoso.com", "'o'\\''brien@contoso.com'"),
            ("a&b@contoso.com", "'a&b@contoso.com'"),
            ("/home/a b/x", "'/home/a b/x'"),
            ("", "''"),
        ];
        for (text, expected) in cases {
            assert_eq!(shell(text), expected);
        }
    }
}
