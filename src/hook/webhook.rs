//! A JSON POST. The address may hold a secret, as those of chat services do, and is never shown.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::courier::Undelivered;
use crate::outgoing::Outgoing;
use crate::secret::Secret;
use crate::transport::Trouble;

/// For one request in all. What the reply says is not read, so that it may be as long as it likes.
const LIMIT: Duration = Duration::from_secs(30);

/// Where alerts are posted.
#[derive(Clone)]
pub struct Webhook {
    /// https, or http to this machine.
    pub url: Url,
    /// The value of the `Authorization` header.
    pub authorization: Option<Arc<Secret<String>>>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.host())
    }
}

impl Webhook {
    /// The host, which is all that is shown.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// The way to webhooks, the same that token requests go.
pub(super) struct Web(pub(super) Outgoing);

impl Web {
    /// Posts one alert.
    pub(super) async fn post(&self, to: &Webhook, json: &Value) -> Result<(), Undelivered> {
        self.post_within(LIMIT, to, json).await
    }

    async fn post_within(&self, limit: Duration, to: &Webhook, json: &Value) -> Result<(), Undelivered> {
        let client = match to.url.scheme() {
            "http" => self.0.local(),
            _ => self.0.https(),
        };
        let mut request = client
            .post(to.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(json.to_string());
        if let Some(authorization) = &to.authorization {
            let mut value = HeaderValue::from_str(authorization.expose()).map_err(|_| unsayable(to))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let response = timeout(limit, request.send())
            .await
            .map_err(|_| silent(to, limit))?;
        let status = response.map_err(|error| unreached(to, &error))?.status();
        if status.is_success() {
            return Ok(());
        }
        let (why, fix) = if status.is_redirection() {
            (
                "it answers with a redirect, which is not followed",
                "write the address that it leads to as `webhook`",
            )
        } else if status.is_client_error() {
            (
                "it does not take what it is sent: its address, the header of `webhook_header_file` or the form of the alert is not what it wants",
                "try the same with curl; a service that wants another form needs `command` with a script, or something between",
            )
        } else {
            (
                "it is in trouble itself",
                "look at the receiver; it is tried again",
            )
        };
        Err(Undelivered {
            what: format!("the webhook at {} answered {status}", to.host()),
            why: why.into(),
            fix: fix.into(),
        })
    }
}

fn unsayable(to: &Webhook) -> Undelivered {
    Undelivered {
        what: format!("the webhook at {} was not called", to.host()),
        why: "what is in `webhook_header_file` can't be the value of a header".into(),
        fix: "write one line into it, such as `Bearer …`".into(),
    }
}

fn silent(to: &Webhook, limit: Duration) -> Undelivered {
    Undelivered {
        what: format!(
            "the webhook at {} did not answer within {} s",
            to.host(),
            limit.as_secs()
        ),
        why: "it does its work before it answers, or hangs".into(),
        fix: "have it answer first; it is tried again".into(),
    }
}

/// The error's own words name the whole address, and are not used.
fn unreached(to: &Webhook, error: &reqwest::Error) -> Undelivered {
    let port = to.url.port_or_known_default().unwrap_or_default();
    let (why, fix) = match Trouble::of(error) {
        Some(trouble) => trouble.explain(to.host(), port),
        None => (
            "the connection failed".to_owned(),
            "try the same address with curl on this machine".to_owned(),
        ),
    };
    Undelivered {
        what: format!("the webhook at {} can't be reached", to.host()),
        why,
        fix,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::outgoing::Proxy;
    use crate::upstream::{Settings, Upstream};

    fn web() -> Web {
        let upstream = Upstream::new(&Settings {
            extra_roots: Vec::new(),
            post_quantum: true,
        });
        Web(Outgoing::new(&upstream.unwrap().tls(), &Proxy::Direct).unwrap())
    }

    /// Answers one request with that; what was asked.
    async fn receiver(answer: &'static [u8], endless: bool) -> (Webhook, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/s3cr3t-path", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut asked, mut chunk) = (Vec::new(), [0; 4096]);
            while !asked.ends_with(b"}") {
                let count = stream.read(&mut chunk).await.unwrap();
                assert!(count > 0);
                asked.extend_from_slice(&chunk[..count]);
            }
            stream.write_all(answer).await.unwrap();
            // As long as somebody reads.
            while endless && stream.write_all(&[b'x'; 8_192]).await.is_ok() {}
            if answer.is_empty() {
                let _ = stream.read(&mut chunk).await;
            }
            String::from_utf8(asked).unwrap()
        });
        let webhook = Webhook {
            url: url.parse().unwrap(),
            authorization: Some(Arc::new(Secret::new("Bearer s3cr3t-header".into()))),
        };
        (webhook, asked)
    }

    #[tokio::test]
    async fn an_alert_is_posted_with_its_header() {
        let (to, asked) = receiver(b"HTTP/1.1 204 No Content\r\n\r\n", false).await;
        let json = super::super::Alert::test().json("gate.example");
        web().post(&to, &json).await.unwrap();
        let asked = asked.await.unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook/s3cr3t-path HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: Bearer s3cr3t-header\r\n"), "{head}");
        assert!(head.contains("content-type: application/json\r\n"), "{head}");
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json);
    }

    #[tokio::test]
    async fn whatever_it_answers_is_told_in_a_sentence_without_its_address() {
        const SOON: Duration = Duration::from_secs(20);
        let table: [(&[u8], bool, &str); 6] = [
            (
                b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
                false,
                "answered 500",
            ),
            (
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                false,
                "answered 404",
            ),
            (
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                false,
                "answered 302",
            ),
            (
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1000000000000\r\n\r\n",
                true,
                "answered 503",
            ),
            (b"220 mail.example ESMTP\r\n", false, "can't be reached"),
            (b"", false, "did not answer"),
        ];
        for (answer, endless, expected) in table {
            let (to, _asked) = receiver(answer, endless).await;
            let limit = if answer.is_empty() {
                Duration::from_millis(300)
            } else {
                SOON
            };
            let told = web()
                .post_within(limit, &to, &serde_json::json!({}))
                .await
                .unwrap_err();
            assert!(told.what.contains(expected), "{told:?}");
            assert!(!format!("{told:?} {to:?}").contains("s3cr3t"), "{told:?} {to:?}");
        }
        assert_eq!(table.len(), 6);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/s3cr3t", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        drop(listener);
        let nobody = Webhook {
            url,
            authorization: None,
        };
        let told = web().post(&nobody, &Value::Null).await.unwrap_err();
        assert!(
            told.what.contains("can't be reached") && !told.why.contains("s3cr3t"),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn a_good_answer_may_be_endless() {
        let (to, _asked) = receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", true).await;
        web().post(&to, &serde_json::json!({})).await.unwrap();
    }
}
