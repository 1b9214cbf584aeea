//! The TLS handshake of a mail port.

use std::io;

use rustls::server::Acceptor;
use tokio_rustls::LazyConfigAcceptor;

use super::super::stream::Stream;
use super::{Connection, Ended, Flow};
use crate::sim::faults::Moment;
use crate::sim::tls::TlsFacts;

impl Connection {
    /// Starts TLS. Bytes that were received in clear before that end the session.
    pub(in crate::sim::exchange) async fn start_tls(&mut self) -> Flow {
        self.flush().await?;
        let behind = self.unread().len();
        if behind > 0 {
            self.record.note(|page| page.bytes_behind_starttls = behind);
            return Err(Ended::Closed);
        }
        let Some(Stream::Plain(tcp)) = &self.stream else {
            return Err(Ended::Closed);
        };
        tcp.peek(&mut [0]).await?;
        self.at(Moment::TlsHello).await?;
        let Some(Stream::Plain(tcp)) = self.stream.take() else {
            return Err(Ended::Hangup);
        };
        let tls = |error: io::Error| Ended::Tls(error.to_string());
        let start = LazyConfigAcceptor::new(Acceptor::default(), tcp)
            .await
            .map_err(tls)?;
        let hello = start.client_hello();
        let name = hello.server_name().map(str::to_owned);
        let protocols = hello
            .alpn()
            .into_iter()
            .flatten()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let protocols = protocols.collect();
        self.record.note(|page| page.server_name = name);
        let stream = start
            .into_stream(self.world.exchange.tls.config())
            .await
            .map_err(tls)?;
        self.record.tls(TlsFacts::of(stream.get_ref().1, protocols));
        self.stream = Some(Stream::Tls(Box::new(stream)));
        Ok(())
    }
}
