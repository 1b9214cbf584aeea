//! The browser of a person who signs in.

use std::net::SocketAddr;

use saslgate::sim::Sim;
use url::Url;

use crate::sim_support::Conversation;
use crate::support::soon;

/// A page, and the address at which the browser stopped.
pub(crate) struct Page {
    pub(crate) address: Url,
    pub(crate) text: String,
}

/// Opens an address of the simulator's, and goes where that sends the browser. What is on no machine that answers is an
/// empty page, which has an address nevertheless.
pub(crate) async fn open(sim: &Sim, address: &Url) -> Page {
    let first = get(Conversation::tls(sim, sim.addresses().entra).await, address).await;
    let location = first
        .lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix("location: "));
    let Some(location) = location else {
        return Page {
            address: address.clone(),
            text: first,
        };
    };
    let landing = Url::parse(location).unwrap();
    let port = landing.port_or_known_default().unwrap();
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let text = match tokio::net::TcpStream::connect(at).await {
        Ok(_) if landing.host_str() == Some("localhost") => {
            get(Conversation::plain(at).await, &landing).await
        }
        _ => String::new(),
    };
    Page {
        address: landing,
        text,
    }
}

async fn get(mut server: Conversation, address: &Url) -> String {
    let target = &address[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &address[url::Position::BeforeHost..url::Position::AfterPort];
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    server.send_bytes(request.as_bytes()).await;
    let page = soon("a page", server.rest()).await;
    page.replace("\r\n", "\n")
}
