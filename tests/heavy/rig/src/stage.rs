//! A simulator and a saslgate in front of it, each in a process of its own.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::json::{field, number};
use crate::process::Process;
use crate::tls;

/// The three protocols, as configurations spell them.
pub const PROTOCOLS: [&str; 3] = ["imap", "pop3", "smtp"];

/// How long a process may take to start: an RSA chain has to be made first.
const START: Duration = Duration::from_secs(60);

/// What a stage is to look like.
#[derive(Clone, Copy, Default)]
pub struct Plan {
    /// Flags of the simulator.
    pub simulator: &'static [&'static str],
    /// Whether mail clients speak TLS.
    pub downstream_tls: bool,
}

/// Everything that a proof needs. Dropping it ends both processes.
pub struct Stage {
    pub simulator: Simulator,
    pub saslgate: Saslgate,
    folder: PathBuf,
}

impl Stage {
    /// Starts both.
    pub async fn set(plan: Plan) -> io::Result<Self> {
        let folder = new_folder("saslgate")?;
        let simulator = Simulator::start(plan.simulator).await?;
        let saslgate = Saslgate::start(&folder, &simulator, plan).await?;
        Ok(Self {
            simulator,
            saslgate,
            folder,
        })
    }

    /// The same simulator with a saslgate that knows no token yet.
    pub async fn restart_saslgate(&mut self, plan: Plan) -> io::Result<()> {
        self.saslgate = Saslgate::start(&self.folder, &self.simulator, plan).await?;
        Ok(())
    }

    /// Name and password of a mailbox, in turn.
    pub fn account(&self, number: usize) -> (&str, &str) {
        let mailboxes = ["alice", "bob", "support"];
        let index = number % mailboxes.len();
        (&self.simulator.mailboxes[index], &self.simulator.password)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Left behind only if the system loses the race for it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder for the files of one process.
pub fn new_folder(of: &str) -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("saslgate-heavy-{}-{of}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The release binary, as the script named it.
fn saslgate() -> Command {
    Command::new(std::env::var_os("SASLGATE").unwrap_or_else(|| "target/release/saslgate".into()))
}

/// Microsoft 365 in a box.
pub struct Simulator {
    child: Child,
    questions: ChildStdin,
    lines: mpsc::UnboundedReceiver<String>,
    introduction: String,
    mailboxes: [String; 3],
    password: String,
}

impl Simulator {
    async fn start(flags: &[&str]) -> io::Result<Self> {
        let mut child = saslgate()
            .args(["demo", "--simulator-only"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, mut lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let introduction = next(&mut lines).await?;
        let domain = "@contoso.onmicrosoft.com";
        let mailboxes = ["alice", "bob", "support"].map(|name| format!("{name}{domain}"));
        let password = field(&introduction, "password").ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            child,
            questions,
            lines,
            introduction,
            mailboxes,
            password,
        })
    }

    /// What it said of itself.
    pub fn told(&self, name: &str) -> String {
        field(&self.introduction, name).unwrap_or_default()
    }

    /// Where it listens.
    pub fn address(&self, name: &str) -> io::Result<SocketAddr> {
        self.told(name).parse().map_err(io::Error::other)
    }

    /// Its counters now.
    pub async fn counts(&mut self) -> io::Result<Counts> {
        writeln!(self.questions)?;
        let line = next(&mut self.lines).await?;
        Ok(Counts {
            full: number(&line, "tls_full"),
            resumed: number(&line, "tls_resumed"),
            logins: number(&line, "logins_ok"),
            token_requests: number(&line, "token_requests"),
        })
    }

    /// The next report of a raw session.
    pub async fn report(&mut self) -> io::Result<String> {
        next(&mut self.lines).await
    }
}

/// Counters of the simulator.
#[derive(Clone, Copy)]
pub struct Counts {
    pub full: u64,
    pub resumed: u64,
    pub logins: u64,
    pub token_requests: u64,
}

async fn next(lines: &mut mpsc::UnboundedReceiver<String>) -> io::Result<String> {
    let line = timeout(START, lines.recv()).await?;
    line.ok_or_else(|| io::Error::other("the simulator ended"))
}

impl Drop for Simulator {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The release binary under test.
pub struct Saslgate {
    child: Child,
    addresses: HashMap<String, SocketAddr>,
    connector: Option<TlsConnector>,
    pub process: Process,
}

impl Saslgate {
    async fn start(folder: &Path, simulator: &Simulator, plan: Plan) -> io::Result<Self> {
        if plan.downstream_tls && !folder.join("key.pem").exists() {
            tls::make_identity(folder)?;
        }
        fs::write(folder.join("ca.pem"), simulator.told("ca"))?;
        fs::write(folder.join("secret"), simulator.told("client_secret"))?;
        let config = folder.join("saslgate.toml");
        fs::write(&config, configuration(simulator, plan)?)?;
        let log = folder.join("log");
        let child = saslgate()
            .arg("run")
            .arg("--config")
            .arg(&config)
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        let process = Process(child.id());
        let connector = if plan.downstream_tls {
            Some(tls::connector(&fs::read_to_string(folder.join("cert.pem"))?)?)
        } else {
            None
        };
        let mut saslgate = Self {
            child,
            addresses: HashMap::new(),
            connector,
            process,
        };
        timeout(START, saslgate.listens(&log)).await??;
        Ok(saslgate)
    }

    /// The ports stand in the log, because the system chose them.
    async fn listens(&mut self, log: &Path) -> io::Result<()> {
        loop {
            let text = fs::read_to_string(log)?;
            if text.contains(" ready ") {
                for line in text.lines().filter(|line| line.contains(" listening ")) {
                    let word = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
                    if let (Some(protocol), Some(address)) = (word("protocol="), word("address=")) {
                        let address = address.parse().map_err(io::Error::other)?;
                        self.addresses.insert(protocol.to_owned(), address);
                    }
                }
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("saslgate ended, {status}:\n{text}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where it listens.
    pub fn address(&self, protocol: &str) -> io::Result<SocketAddr> {
        let address = self.addresses.get(protocol);
        address.copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A connection of a mail client.
    pub async fn connect(&self, protocol: &str) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address(protocol)?).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// How mail clients make TLS, if they do.
    pub fn connector(&self) -> Option<&TlsConnector> {
        self.connector.as_ref()
    }
}

impl Drop for Saslgate {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn configuration(simulator: &Simulator, plan: Plan) -> io::Result<String> {
    let port = |name| simulator.address(name).map(|address| address.port());
    let mut text = format!(
        "[upstream]\nca_file = \"ca.pem\"\n\n[limits]\nconnections = 6000\nsmtp_per_mailbox = 6000\nimap_per_mailbox = 6000\n\n\
         [provider.simulator]\ntoken_url = \"{}/{{tenant}}/oauth2/v2.0/token\"\n\
         imap = \"localhost:{}\"\npop3 = \"localhost:{}\"\nsmtp = \"localhost:{}\"\n\
         tls = {{ imap = \"implicit\", pop3 = \"implicit\", smtp = \"starttls\" }}\n\n\
         [app]\npreset = \"simulator\"\ntenant = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = \"secret\"\n\
         scope = \"{}\"\ngrant = \"client_credentials\"\n",
        simulator.told("entra"),
        port("imap")?,
        port("pop3")?,
        port("smtp")?,
        simulator.told("tenant"),
        simulator.told("client_id"),
        simulator.told("scope"),
    );
    for mailbox in &simulator.mailboxes {
        let hash = simulator.told("password_hash");
        text += &format!("\n[[account]]\nlogin = \"{mailbox}\"\npassword = \"{hash}\"\n");
    }
    let tls = if plan.downstream_tls {
        "tls = \"implicit\"\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"
    } else {
        ""
    };
    for protocol in PROTOCOLS {
        text += &format!("\n[[listener]]\nprotocol = \"{protocol}\"\nbind = \"127.0.0.1:0\"\n{tls}");
    }
    Ok(text)
}
