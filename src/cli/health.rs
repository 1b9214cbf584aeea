//! `saslgate health`: whether the running saslgate is well, for the HEALTHCHECK of a container.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::operator::Which;
use crate::config::{self, System};
use crate::control::{HealthTold, News, Order, connect};

const EXAMPLES: &str = "Examples:
  saslgate health                          one line, and the exit code
  HEALTHCHECK CMD [\"saslgate\", \"health\"]   in a Dockerfile

It asks /healthz where [health] is configured, else the control socket. Nothing goes upstream: trouble of an account or of the
token store is told (`degraded`), and does not count.

Exit codes: 0 healthy, 1 not running, or a restart would help.";

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The longest answer that is read: a line for each thing that is wrong.
const MAX_ANSWER: u64 = 64 * 1024;

/// What `health` is told.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HealthArgs {
    #[command(flatten)]
    which: Which,
}

/// Asks, and says it in one line.
pub(super) fn run(args: &HealthArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = match runtime {
        Ok(runtime) => runtime
            .block_on(async { timeout(PATIENCE, ask(&args.which)).await })
            .unwrap_or_else(|_| Err(format!("no answer within {} seconds", PATIENCE.as_secs()))),
        Err(error) => Err(format!("the runtime can't be started: {error}")),
    };
    let (code, line) = match answer {
        Ok(HealthTold { healthy: true, text }) => (ExitCode::SUCCESS, text),
        Ok(HealthTold { healthy: false, text }) | Err(text) => (ExitCode::FAILURE, text),
    };
    let line: Vec<_> = line.lines().collect();
    let _ = writeln!(anstream::stdout(), "{}", line.join("; "));
    code
}

async fn ask(which: &Which) -> Result<HealthTold, String> {
    // A port that the system chooses is known to the running saslgate alone.
    let addresses = config::health(&super::origin(which.config.as_deref()), &System);
    match addresses.into_iter().find(|address| address.port() != 0) {
        Some(address) => {
            let address = from_here(address);
            let answer = ask_listener(address).await;
            answer.map_err(|error| format!("nothing answers at http://{address}/healthz: {error}"))
        }
        None => ask_socket(which).await,
    }
}

/// An address that means all of this machine's is reached by loopback.
fn from_here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn ask_listener(address: SocketAddr) -> io::Result<HealthTold> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    read(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "another program has that port"))
}

/// The status code and the body; only what saslgate says is taken.
fn read(answer: &str) -> Option<HealthTold> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let healthy = match head.strip_prefix("HTTP/1.1 ")?.get(..3)? {
        "200" => true,
        "503" => false,
        _ => return None,
    };
    Some(HealthTold {
        healthy,
        text: body.trim_end().to_owned(),
    })
}

async fn ask_socket(which: &Which) -> Result<HealthTold, String> {
    let origin = super::origin(which.config.as_deref());
    let socket = config::control(&origin, &System);
    let operator = connect(&socket, origin.file(), Order::Health).await;
    let mut operator = operator.map_err(|(error, _)| error.to_string())?;
    match operator.hear().await {
        Some(News::Health(told)) => Ok(told),
        Some(News::Refused(told)) => Err(format!("{}; {}", told.what, told.fix)),
        Some(_) => Err("the running saslgate is of another version than this command; restart it".into()),
        None => Err("saslgate ended before the answer came".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_asked_by_loopback() {
        let table = [
            ("0.0.0.0:9143", "127.0.0.1:9143"),
            ("[::]:9143", "[::1]:9143"),
            ("192.0.2.7:9143", "192.0.2.7:9143"),
        ];
        for (bound, asked) in table {
            assert_eq!(from_here(bound.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn only_an_answer_of_saslgate_counts() {
        let ok = read("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhealthy\n").unwrap();
        assert!(ok.healthy);
        assert_eq!(ok.text, "healthy");
        assert!(
            !read("HTTP/1.1 503 Service Unavailable\r\n\r\nx\n")
                .unwrap()
                .healthy
        );
        for other in [
            "",
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "* OK IMAP\r\n\r\n",
            "HTTP/1.1 2\r\n\r\n",
        ] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
