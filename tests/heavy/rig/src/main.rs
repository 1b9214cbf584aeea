//! The load generator of the long proofs: it starts a simulator and the release binary, each in a process of its own,
//! plays the mail clients, and measures. `tests/heavy/NAME` starts the proof NAME.

mod beside;
mod direct;
mod json;
mod mail;
mod process;
mod proof;
mod stage;
mod tls;
mod verdict;

use std::io;
use std::process::ExitCode;

use verdict::Verdict;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    if name == "floor" {
        return floor([arguments.next(), arguments.next(), arguments.next()]);
    }
    let size = Size(arguments.next().and_then(|text| text.parse().ok()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let proved = runtime.and_then(|runtime| runtime.block_on(prove(&name, size)));
    match proved {
        Ok(verdict) => verdict.exit_code(),
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::from(2)
        }
    }
}

/// A process of its own that a proof measures beside saslgate.
fn floor(arguments: [Option<String>; 3]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let [upstream, protocol, ca] = arguments.map(Option::unwrap_or_default);
    if let Err(error) = runtime.and_then(|runtime| runtime.block_on(beside::floor(upstream, &protocol, &ca)))
    {
        eprintln!("floor: {error}");
    }
    ExitCode::FAILURE
}

/// How large the run is, where the command line says so: a small one shows that the rig works, not how fast saslgate is.
#[derive(Clone, Copy)]
struct Size(Option<u64>);

impl Size {
    fn or(self, usual: u64) -> u64 {
        self.0.unwrap_or(usual)
    }
}

async fn prove(name: &str, size: Size) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    match name {
        "relay_bytes" => proof::relay_bytes::prove(&mut verdict, size.or(1024)).await?,
        "idle_memory" => proof::idle_memory::prove(&mut verdict, size.or(5_000)).await?,
        "login_cpu" => proof::login_cpu::prove(&mut verdict, size.or(20_000)).await?,
        "burst" => proof::burst::prove(&mut verdict, size.or(1_000)).await?,
        "relay_cpu" => proof::relay_cpu::prove(&mut verdict, size.or(8)).await?,
        "slow_reader" => proof::slow_reader::prove(&mut verdict, size.or(200)).await?,
        _ => return Err(io::Error::other("which proof? see tests/heavy/")),
    }
    Ok(verdict)
}
