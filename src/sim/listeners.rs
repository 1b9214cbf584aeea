//! The simulator's ports, and a task for each connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::exchange::{self, Entrance};
use super::faults::Protocol;
use super::{Addresses, Ports, World, entra};

/// Connections that may wait to be accepted: a load run opens a thousand at once.
const BACKLOG: u32 = 4_096;

/// What a port serves.
#[derive(Clone, Copy)]
enum Service {
    Entra,
    Machine,
    Mail(Protocol, Entrance),
}

/// Binds all ports and begins to accept.
pub(super) fn open(world: &Arc<World>, ports: Ports, stop: &CancellationToken) -> io::Result<Addresses> {
    let open = |port, service| listen(world, port, service, stop);
    let mail = |port, protocol, entrance| open(port, Service::Mail(protocol, entrance));
    Ok(Addresses {
        entra: open(ports.entra, Service::Entra)?,
        machine: open(ports.machine, Service::Machine)?,
        imap: mail(ports.imap, Protocol::Imap, Entrance::ImplicitTls)?,
        imap_starttls: mail(ports.imap_starttls, Protocol::Imap, Entrance::StartTls)?,
        pop3: mail(ports.pop3, Protocol::Pop3, Entrance::ImplicitTls)?,
        pop3_starttls: mail(ports.pop3_starttls, Protocol::Pop3, Entrance::StartTls)?,
        smtp: mail(ports.smtp, Protocol::Smtp, Entrance::StartTls)?,
        smtps: mail(ports.smtps, Protocol::Smtp, Entrance::ImplicitTls)?,
    })
}

fn listen(
    world: &Arc<World>,
    port: u16,
    service: Service,
    stop: &CancellationToken,
) -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(Arc::clone(world), listener, service, stop.clone()));
    Ok(address)
}

async fn accept(world: Arc<World>, listener: TcpListener, service: Service, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: give the others a chance to close theirs.
            tokio::task::yield_now().await;
            continue;
        };
        // Latency is measured with it; replies are written whole.
        let _ = stream.set_nodelay(true);
        let serving = serve(Arc::clone(&world), service, stream);
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = serving => {}
            }
        });
    }
}

async fn serve(world: Arc<World>, service: Service, stream: TcpStream) {
    match service {
        Service::Entra => entra::serve(world, stream).await,
        Service::Machine => entra::serve_machine(world, stream).await,
        Service::Mail(protocol, entrance) => exchange::serve(world, protocol, entrance, stream).await,
    }
}
