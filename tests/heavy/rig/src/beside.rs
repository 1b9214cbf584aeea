//! What is measured beside saslgate, on the same machine in the same run: relays that do no protocol work at all. They
//! listen in clear and speak TLS upstream; a mail client logs in through them with a token of its own.
//!
//! Machines differ twofold in what a system call costs, so a figure says little without these two next to it.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, sleep};
use tokio_rustls::TlsConnector;

use crate::process::Process;
use crate::stage::{Simulator, new_folder};
use crate::tls;

/// What the floor moves at once.
const BUFFER: usize = 16 * 1024;

/// A burst of 1,000 must fit in: whom the kernel turns away after its SYN cookie waits for a greeting for ever.
const BACKLOG: u32 = 4096;

/// A relay that runs.
pub struct Beside {
    pub name: &'static str,
    pub address: SocketAddr,
    pub process: Process,
    child: Child,
    folder: PathBuf,
}

impl Beside {
    /// The least that a relay on tokio and rustls can be: this program, in a process of its own.
    pub fn floor(simulator: &Simulator, protocol: &str) -> io::Result<Self> {
        let folder = new_folder(&format!("floor-{protocol}"))?;
        let ca = folder.join("ca.pem");
        fs::write(&ca, simulator.told("ca"))?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["floor", &simulator.told(protocol), protocol])
            .arg(ca)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self {
            name: "floor",
            address,
            process: Process(child.id()),
            child,
            folder,
        })
    }

    /// A well-made proxy that others wrote, from Debian's packages; none if it is not installed.
    pub async fn haproxy(simulator: &Simulator) -> io::Result<Option<Self>> {
        let folder = new_folder("haproxy")?;
        fs::write(folder.join("ca.pem"), simulator.told("ca"))?;
        let address = StdListener::bind("127.0.0.1:0")?.local_addr()?;
        fs::write(folder.join("haproxy.cfg"), configuration(address, simulator))?;
        let mut command = Command::new("haproxy");
        let started = command.current_dir(&folder).args(["-f", "haproxy.cfg"]).spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut beside = Self {
            name: "haproxy",
            address,
            process: Process(child.id()),
            child,
            folder,
        };
        beside.answers().await?;
        Ok(Some(beside))
    }

    async fn answers(&mut self) -> io::Result<()> {
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("{} ended, {status}", self.name)));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Both may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn configuration(address: SocketAddr, simulator: &Simulator) -> String {
    format!(
        "global\n  maxconn 6000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10m\n  timeout server 10m\n\
         listen imap\n  bind {address}\n  server simulator {} ssl verify required ca-file ca.pem verifyhost localhost\n",
        simulator.told("imap")
    )
}

/// What [`Beside::floor`] runs: it says where it listens and relays until it is ended.
///
/// For SMTP it says STARTTLS upstream by itself; the mail client then begins with EHLO, without a greeting.
pub async fn floor(upstream: String, protocol: &str, ca: &str) -> io::Result<()> {
    let starttls = protocol == "smtp";
    let connector = tls::connector(&fs::read_to_string(ca)?)?;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?);
    let upstream: Arc<str> = upstream.into();
    loop {
        let (downstream, _) = listener.accept().await?;
        tokio::spawn(relay(
            downstream,
            Arc::clone(&upstream),
            connector.clone(),
            starttls,
        ));
    }
}

async fn relay(
    mut downstream: TcpStream,
    upstream: Arc<str>,
    connector: TlsConnector,
    starttls: bool,
) -> io::Result<()> {
    downstream.set_nodelay(true)?;
    let mut tcp = TcpStream::connect(&*upstream).await?;
    tcp.set_nodelay(true)?;
    if starttls {
        for (said, answer) in [
            ("", "220 "),
            ("EHLO floor\r\n", "\n250 "),
            ("STARTTLS\r\n", "220 "),
        ] {
            tcp.write_all(said.as_bytes()).await?;
            hear(&mut tcp, answer).await?;
        }
    }
    let mut upstream = tls::secure(&connector, tcp).await?;
    copy_bidirectional_with_sizes(&mut downstream, &mut upstream, BUFFER, BUFFER).await?;
    Ok(())
}

/// Reads up to the line that begins so.
async fn hear(tcp: &mut TcpStream, answer: &str) -> io::Result<()> {
    let mut heard = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&heard);
        if text.ends_with('\n') && (text.starts_with(answer) || text.contains(answer)) {
            return Ok(());
        }
        if tcp.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
