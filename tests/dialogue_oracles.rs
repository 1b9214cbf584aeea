//! Parsers that are not ours agree with us on what they accept: imap-codec for IMAP, smtp-proto for SMTP.

#[cfg(test)]
mod dialogue;

use std::borrow::Cow;
use std::cell::Cell;

use dialogue::{End, MailClient, Played, play_whole};
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use imap_codec::imap_types::auth::AuthenticateData;
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::{AString, IString, Literal, LiteralMode, Quoted};
use imap_codec::{AuthenticateDataCodec, CommandCodec};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use saslgate::downstream::Mechanism;
use saslgate::provider::Protocol;
use saslgate::sasl::base64;
use saslgate::sasl::plain::Message;
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Request};

/// Compares us with an oracle on many inputs, of which it must have something to say about `least`; `compare` tells
/// whether it had.
fn agree<S: Strategy>(least: usize, inputs: &S, compare: impl Fn(S::Value) -> Result<bool, TestCaseError>) {
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let compared = Cell::new(0);
    let result = TestRunner::new(config).run(inputs, |input| {
        compared.set(compared.get() + usize::from(compare(input)?));
        Ok(())
    });
    assert_eq!(result.map_err(|failure| failure.to_string()), Ok(()));
    assert!(compared.get() >= least, "only {} compared", compared.get());
}

/// How the harness tells a login without an authorization identity.
fn asked(mechanism: Mechanism, user: &[u8], password: &[u8], ehlo: Option<&str>) -> String {
    format!(
        "{mechanism:?} {:?} as \"\" with {:?} from {ehlo:?}",
        user.escape_ascii().to_string(),
        password.escape_ascii().to_string(),
    )
}

/// A string in one of the forms that IMAP has for it.
fn in_a_form(bytes: &[u8], form: u8) -> Option<AString<'static>> {
    let bytes = bytes.to_vec();
    match form % 4 {
        0 => AString::try_from(bytes).ok(),
        1 => Some(AString::String(IString::Quoted(Quoted::try_from(bytes).ok()?))),
        2 => Some(AString::String(IString::Literal(Literal::try_from(bytes).ok()?))),
        _ => {
            let mut literal = Literal::try_from(bytes).ok()?;
            literal.set_mode(LiteralMode::NonSync);
            Some(AString::String(IString::Literal(literal)))
        }
    }
}

/// One argument: what people choose, and what parsers stumble over.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(prop::sample::select(&b"abc@.\"\\{}3+ ()%*]\xe9\r\n"[..]), 0..12),
        vec(1..=255u8, 0..40),
    ]
}

/// LOGIN with two arguments, and now and then with what no parser should accept.
fn logins() -> impl Strategy<Value = Vec<u8>> {
    let arguments: &[&[u8]] = &[
        b"bob",
        b"p]w+",
        b"\"\"",
        b"\"x y\"",
        b"\"q\\\"\\\\\"",
        b"\"pw{2}\"",
        b"{2}\r\npw",
        b"{2+}\r\n\r\n",
        b"{0+}\r\n",
        b"{6+}\r\na \"\\\xe9{",
    ];
    let spoilers: &[&[u8]] = &[b" ", b"(", b"%", b"\"", b"\\", b"{", b"\xc3\xa9", b"x", b"\r\n"];
    let argument = || prop::sample::select(arguments);
    let spoiler = || prop::option::weighted(0.1, prop::sample::select(spoilers));
    (argument(), spoiler(), argument(), spoiler()).prop_map(|(user, first, password, second)| {
        let (first, second) = (first.unwrap_or_default(), second.unwrap_or_default());
        [b"a LOGIN ", user, first, b" ", password, second, b"\r\n"].concat()
    })
}

/// What imap-codec writes as LOGIN, we read as the same login.
#[test]
fn a_login_that_imap_codec_writes() {
    agree(
        1000,
        &(argument(), argument(), any::<(u8, u8)>()),
        |(user, password, forms)| {
            let strings = in_a_form(&user, forms.0).zip(in_a_form(&password, forms.1));
            let Some((username, secret)) = strings else {
                return Ok(false);
            };
            let command = Command::new("a", CommandBody::login(username, secret).unwrap()).unwrap();
            let bytes = CommandCodec::default().encode(&command).dump();
            let played = play_whole(&MailClient::new(Protocol::Imap), &bytes);
            let expected = asked(Mechanism::LoginCommand, &user, &password, None);
            prop_assert_eq!(played.asked(), [&expected]);
            prop_assert_eq!(played.end, End::Over);
            prop_assert_eq!(played.unread, b"");
            Ok(true)
        },
    );
}

/// What imap-codec accepts as LOGIN, we accept and read as the same bytes.
#[test]
fn a_login_that_imap_codec_reads() {
    agree(1000, &logins(), |bytes| {
        let Ok((rest, command)) = CommandCodec::default().decode(&bytes) else {
            return Ok(false);
        };
        let CommandBody::Login { username, password } = command.body else {
            return Ok(false);
        };
        let expected = asked(
            Mechanism::LoginCommand,
            username.as_ref(),
            password.declassify().as_ref(),
            None,
        );
        let played = play_whole(&MailClient::new(Protocol::Imap), &bytes);
        prop_assert_eq!(played.asked(), [&expected]);
        prop_assert_eq!(played.unread, rest);
        Ok(true)
    });
}

/// What imap-codec accepts as AUTHENTICATE with an initial response, we decode to the same bytes.
#[test]
fn an_initial_response_that_imap_codec_reads() {
    let responses = prop_oneof![
        "[A-Za-z0-9+/]{1,12}={0,2}",
        Just("=".to_owned()),
        "A[GA]([A-Z]{2}A[GA])[A-Z]{2}"
    ];
    agree(500, &responses, |response| {
        let line = format!("a AUTHENTICATE PLAIN {response}\r\n");
        let played = play_whole(&MailClient::new(Protocol::Imap), line.as_bytes());
        let Ok((_, command)) = CommandCodec::default().decode(line.as_bytes()) else {
            prop_assert_eq!(played.asked().len(), 0);
            return Ok(false);
        };
        let CommandBody::Authenticate {
            initial_response: Some(data),
            ..
        } = command.body
        else {
            return Ok(false);
        };
        let text = if response == "=" { "" } else { &response };
        let ours = base64::decode(text.as_bytes()).unwrap();
        prop_assert_eq!(&ours[..], &data.declassify()[..]);
        prop_assert_eq!(played.asked().len(), usize::from(Message::parse(&ours).is_some()));
        Ok(true)
    });
}

/// What imap-codec accepts as a SASL response, we decode to the same bytes; what it does not, we do not.
#[test]
fn a_response_that_imap_codec_reads() {
    let responses = prop_oneof![
        "([A-Za-z0-9+/]{4}){0,3}([A-Za-z0-9+/][AQgw]==)?",
        "[A-Za-z0-9+/]{0,12}={0,2}",
        "[ -~]{0,9}"
    ];
    agree(300, &responses, |response| {
        let line = format!("{response}\r\n");
        let theirs = match AuthenticateDataCodec::default().decode(line.as_bytes()) {
            Ok((_, AuthenticateData::Continue(data))) => Some(data.declassify().to_vec()),
            _ => None,
        };
        let ours = base64::decode(response.as_bytes()).map(|bytes| bytes.to_vec());
        prop_assert_eq!(&ours, &theirs);
        Ok(theirs.is_some())
    });
}

/// What smtp-proto accepts as a command, we read as the same.
#[test]
fn a_command_that_smtp_proto_reads() {
    let verbs = [
        "EHLO",
        "ehlo",
        "HELO",
        "AUTH",
        "auth",
        "AUTH PLAIN",
        "AUTH login",
        "NOOP",
        "XYZ",
    ];
    let arguments = prop_oneof![
        "[a-z0-9.-]{0,9}",
        "A[GA][A-Z]{2}A[GA][A-Z]{2}",
        Just("AGJvYgBwdw==".to_owned()),
        Just("=".to_owned())
    ];
    let inputs = (prop::sample::select(verbs.to_vec()), " {0,2}", arguments);
    agree(1000, &inputs, |(verb, space, argument)| {
        let line = format!("{verb}{space}{argument}\r\n");
        let input = format!("HELO x\r\n{line}");
        let played = play_whole(&MailClient::new(Protocol::Smtp), input.as_bytes());
        let request = Request::parse(&mut line.as_bytes().iter());
        if let Ok(request) = &request {
            as_smtp_proto_read_it(request, &played)?;
        }
        Ok(request.is_ok())
    });
}

fn as_smtp_proto_read_it(request: &Request<Cow<'_, str>>, played: &Played) -> Result<(), TestCaseError> {
    let text = played.text();
    let reply = text.lines().nth(2).unwrap_or_default();
    let expected = match request {
        Request::Auth {
            mechanism: AUTH_PLAIN,
            initial_response,
        } if !initial_response.is_empty() => {
            let read = base64::decode(initial_response.as_bytes()).and_then(|bytes| Message::parse(&bytes));
            prop_assert_eq!(played.asked().len(), usize::from(read.is_some()));
            if read.is_some() { "235 " } else { "501 " }
        }
        Request::Auth {
            mechanism: AUTH_PLAIN,
            ..
        } => "334 ",
        Request::Auth {
            mechanism: AUTH_LOGIN,
            initial_response,
        } => match base64::decode(initial_response.as_bytes()) {
            Some(user) if user.is_empty() => "334 VXNlcm5hbWU6",
            Some(user) if !user.contains(&0) => "334 UGFzc3dvcmQ6",
            _ => "501 ",
        },
        Request::Auth { .. } => "504 ",
        Request::Ehlo { .. } | Request::Helo { .. } | Request::Noop { .. } => "250",
        other => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    prop_assert!(reply.starts_with(expected), "{} instead of {}", reply, expected);
    Ok(())
}
