//! The way to the provider: deadlines, redirects, trust and proxies.

use super::*;

#[tokio::test]
async fn a_slow_endpoint_is_given_up_after_ten_seconds() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n";
    for act in [
        Act::Drip(head.into()),
        Act::Stall(head.into()),
        Act::Stall(Vec::new()),
    ] {
        let mut server = Server::start(act).await;
        let endpoint = Endpoint::new(Outgoing::new(&server.trust, &Proxy::Direct).unwrap());
        let grant = server.grant();
        let asking = tokio::spawn(async move { endpoint.client_credentials(&grant).await });
        server.spoken.recv().await.unwrap();
        // From here on nothing but time passes, and that at once.
        tokio::time::pause();
        let started = tokio::time::Instant::now();
        let error = asking.await.unwrap().unwrap_err();
        let passed = started.elapsed();
        tokio::time::resume();
        assert!(error.is_temporary());
        assert!(error.what.contains("did not give a token within 10 s"), "{error}");
        assert!(passed <= Duration::from_secs(10), "{passed:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_even_greet_is_given_up_after_five_seconds() {
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_, trust) = tls();
    let endpoint = Endpoint::new(Outgoing::new(&trust, &Proxy::Direct).unwrap());
    let grant = grant(&format!(
        "https://127.0.0.1:{}/token",
        deaf.local_addr().unwrap().port()
    ));
    let asking = tokio::spawn(async move { endpoint.client_credentials(&grant).await });
    let _link = deaf.accept().await.unwrap();
    tokio::time::pause();
    let error = asking.await.unwrap().unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.what, "127.0.0.1 could not be reached within 5 s");
}

/// O10: an endpoint that sends us on would have the secret brought anywhere.
#[tokio::test]
async fn a_redirect_is_not_followed_and_the_secret_not_sent_on() {
    let elsewhere = Server::start(Act::Say(ok(TOKEN).into())).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let there = format!("https://localhost:{}/steal", elsewhere.address.port());
        let error = refusal(format!(
            "HTTP/1.1 {status}\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        assert_eq!(error.kind, Kind::Misconfigured, "{error}");
        assert!(
            error.what.contains("redirects token requests to localhost"),
            "{error}"
        );
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn nothing_is_said_to_an_endpoint_that_is_not_trusted_or_not_there() {
    let server = Server::start(Act::Say(ok(TOKEN).into())).await;
    let (_, other_trust) = tls();
    let endpoint = Endpoint::new(Outgoing::new(&other_trust, &Proxy::Direct).unwrap());
    let error = endpoint.client_credentials(&server.grant()).await.unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.what, "the certificate of localhost is not trusted");
    // Whoever inspects TLS is found by the name that it signs with; both authorities of this test have the same.
    assert!(
        error
            .why
            .contains("\"rcgen self signed cert\" is known here, but with another key"),
        "{}",
        error.why
    );
    assert!(error.fix.contains("ca_file"), "{}", error.fix);

    let plain = grant(&format!("http://localhost:{}/token", server.address.port()));
    let error = Endpoint::new(Outgoing::new(&server.trust, &Proxy::Direct).unwrap())
        .client_credentials(&plain)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Misconfigured, "{error}");
    assert!(server.requests().is_empty());

    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let gone = grant(&format!("https://localhost:{}/token?CANARY", closed.port()));
    let error = Endpoint::new(Outgoing::new(&server.trust, &Proxy::Direct).unwrap())
        .client_credentials(&gone)
        .await
        .unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.what, "localhost could not be reached");
    let port = format!("localhost, TCP port {}", closed.port());
    assert!(
        error.fix.contains(&port) && error.fix.contains("HTTPS_PROXY"),
        "{}",
        error.fix
    );
    assert!(
        error
            .detail
            .as_deref()
            .is_some_and(|detail| detail.contains("refused")),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
}

#[tokio::test]
async fn a_configured_proxy_is_the_only_way_out() {
    let server = Server::start(Act::Say(ok(TOKEN).into())).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let way: url::Url = format!(
        "http://user:CANARY@127.0.0.1:{}",
        proxy.local_addr().unwrap().port()
    )
    .parse()
    .unwrap();
    let way = Proxy::At(way);
    assert!(!format!("{way:?}").contains("CANARY"));
    let destination = server.address;
    let tunnel = tokio::spawn(async move {
        let (mut near, _) = proxy.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            assert_ne!(near.read_buf(&mut asked).await.unwrap(), 0);
        }
        near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
        let mut far = TcpStream::connect(destination).await.unwrap();
        let _ = copy_bidirectional(&mut near, &mut far).await;
        String::from_utf8(asked).unwrap()
    });
    let endpoint = Endpoint::new(Outgoing::new(&server.trust, &way).unwrap());
    // A name that only the proxy can reach.
    let issued = endpoint
        .client_credentials(&grant("https://login.example/token"))
        .await
        .unwrap();
    assert_eq!(issued.token.expose(), "tok");
    assert!(
        tunnel
            .await
            .unwrap()
            .starts_with("CONNECT login.example:443 HTTP/1.1\r\n")
    );
}

#[tokio::test]
async fn a_proxy_that_does_not_let_us_through_is_told_apart() {
    let cases = [
        ("407 Proxy Authentication Required", "NAME:PASSWORD@"),
        ("403 Forbidden", "allow CONNECT"),
    ];
    for (answer, fix) in cases {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = format!("http://127.0.0.1:{}", proxy.local_addr().unwrap().port());
        tokio::spawn(async move {
            let (mut link, _) = proxy.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                assert_ne!(link.read_buf(&mut asked).await.unwrap(), 0);
            }
            let said = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            link.write_all(said.as_bytes()).await.unwrap();
        });
        let endpoint = Endpoint::new(Outgoing::new(&tls().1, &Proxy::At(way.parse().unwrap())).unwrap());
        let grant = grant("https://login.example/token");
        let error = endpoint.client_credentials(&grant).await.unwrap_err();
        assert!(
            error.is_temporary() && error.fix.contains(fix),
            "{answer}: {error:?}"
        );
    }
    assert_eq!(cases.len(), 2);
}

#[test]
fn a_proxy_of_a_kind_that_we_do_not_speak_is_refused() {
    let (_, trust) = tls();
    let socks = Proxy::At("socks5://user:CANARY@127.0.0.1:1080".parse().unwrap());
    let error = Outgoing::new(&trust, &socks).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}
