//! How somebody types the command that signs in, where this saslgate runs.

use std::env;

/// The command that signs in for an account. Nobody logs in to a container: there it is typed from outside, and shows a code
/// because no browser is near.
pub fn sign_in_command(account: &str) -> String {
    let variable = |name| env::var(name).ok();
    // The Dockerfile sets it.
    let in_container = variable("SASLGATE_CONTAINER").is_some_and(|said| said == "1");
    let host = variable("HOSTNAME").filter(|_| in_container);
    typed(
        account,
        host.as_deref(),
        variable("KUBERNETES_SERVICE_HOST").is_some(),
    )
}

/// `host`: the container's own name, which is how engines and Kubernetes know it, too.
fn typed(account: &str, host: Option<&str>, in_kubernetes: bool) -> String {
    match (host, in_kubernetes) {
        (None, _) => format!("saslgate sign-in {account}"),
        (Some(host), false) => format!("docker exec {host} saslgate sign-in {account} --device"),
        (Some(host), true) => format!("kubectl exec {host} -- saslgate sign-in {account} --device"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_works_from_where_somebody_sits() {
        let table = [
            (None, false, "saslgate sign-in a@b.example"),
            (None, true, "saslgate sign-in a@b.example"),
            (
                Some("4f1c"),
                false,
                "docker exec 4f1c saslgate sign-in a@b.example --device",
            ),
            (
                Some("saslgate-0"),
                true,
                "kubectl exec saslgate-0 -- saslgate sign-in a@b.example --device",
            ),
        ];
        for (host, in_kubernetes, expected) in table {
            assert_eq!(typed("a@b.example", host, in_kubernetes), expected);
        }
        assert_eq!(table.len(), 4);
    }
}
