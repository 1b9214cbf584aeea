//! How somebody types the command that signs in, where this saslgate runs.

use std::env;

/// The command that signs in for an account. Nobody logs in to a container: there it is typed from outside, and shows a code
/// because no browser is near. Where `links` can be made, it says how: who reads this is seldom who owns the mailbox.
pub fn sign_in_command(account: &str, links: bool) -> String {
    let variable = |name| env::var(name).ok();
    // The Dockerfile sets it.
    let in_container = variable("SASLGATE_CONTAINER").is_some_and(|said| said == "1");
    let host = variable("HOSTNAME").filter(|_| in_container);
    typed(
        account,
        host.as_deref(),
        variable("KUBERNETES_SERVICE_HOST").is_some(),
        links,
    )
}

/// `host`: the container's own name, which is how engines and Kubernetes know it, too.
fn typed(account: &str, host: Option<&str>, in_kubernetes: bool, links: bool) -> String {
    let (before, way) = match (host, in_kubernetes) {
        (None, _) => (String::new(), ""),
        (Some(host), false) => (format!("docker exec {host} "), " --device"),
        (Some(host), true) => (format!("kubectl exec {host} -- "), " --device"),
    };
    let command = format!("{before}saslgate sign-in {account}");
    if links {
        format!("{command}{way}, or `{command} --link` for a link that the owner of the mailbox opens")
    } else {
        command + way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_works_from_where_somebody_sits() {
        let table = [
            (None, false, false, "saslgate sign-in a@b.example"),
            (None, true, false, "saslgate sign-in a@b.example"),
            (
                None,
                false,
                true,
                "saslgate sign-in a@b.example, or `saslgate sign-in a@b.example --link` for a link that the owner of the mailbox opens",
            ),
            (
                Some("4f1c"),
                false,
                false,
                "docker exec 4f1c saslgate sign-in a@b.example --device",
            ),
            (
                Some("saslgate-0"),
                true,
                false,
                "kubectl exec saslgate-0 -- saslgate sign-in a@b.example --device",
            ),
            (
                Some("saslgate-0"),
                true,
                true,
                "kubectl exec saslgate-0 -- saslgate sign-in a@b.example --device, or \
                 `kubectl exec saslgate-0 -- saslgate sign-in a@b.example --link` for a link that the owner of the mailbox opens",
            ),
        ];
        for (host, in_kubernetes, links, expected) in table {
            assert_eq!(typed("a@b.example", host, in_kubernetes, links), expected);
        }
        assert_eq!(table.len(), 6);
    }
}
