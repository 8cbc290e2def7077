//! TLS against a real server with a certificate of its own authority: who is
//! believed, who is not, and what the results say of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the server of the test listens")]

#[path = "engine/observer.rs"]
mod observer;
#[path = "engine/planned.rs"]
mod planned;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::sync::Arc;

use portcullis_core::engine::{FirstAnswer, Observer};
use portcullis_core::event::Progress;
use portcullis_core::judge::caveats;
use portcullis_core::measure::{FailureKind, Summary, Tls};
use portcullis_core::threshold::Percentile;
use portcullis_load::{LoadError, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use observer::{Patient, parts, run};
use planned::planned;

type Session = StreamOwned<ServerConnection, std::net::TcpStream>;
type Conversation = fn(Session) -> std::io::Result<()>;

/// A server with the certificate that `openssl req -x509` makes: an authority that signed
/// itself, without a name; and its PEM.
fn serve_self_signed() -> (String, Vec<u8>) {
    let mut own = CertificateParams::new(Vec::new()).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = own.self_signed(&key).unwrap();
    (listen(own.der().clone(), &key, converse), own.pem().into_bytes())
}

/// A server for a name, and the PEM of the authority that vouches for it.
fn serve(name: &str) -> (String, Vec<u8>) {
    serve_with(name, converse)
}

/// The same, with a conversation of its own.
fn serve_with(name: &str, converse: Conversation) -> (String, Vec<u8>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let own = own.signed_by(&key, &authority).unwrap();
    (listen(own.der().clone(), &key, converse), authority.pem().into_bytes())
}

/// A server with a certificate and its key.
fn listen(own: CertificateDer<'static>, key: &KeyPair, converse: Conversation) -> String {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = StreamOwned::new(session, stream.unwrap());
            // Whoever does not believe us hangs up.
            std::thread::spawn(move || drop(converse(stream)));
        }
    });
    format!("https://127.0.0.1:{port}")
}

/// Answers every request with a body of many records.
fn converse(mut stream: Session) -> std::io::Result<()> {
    let body = format!(r#"{{"results":[{{"filler":"{}"}}]}}"#, "x".repeat(200_000));
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut request = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&bytes[..count]),
        }
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            stream.write_all(answer.as_bytes())?;
            stream.flush()?;
        }
    }
}

/// An observer that needs no more than the first round.
#[derive(Default)]
struct Brief(Vec<FirstAnswer>);

impl Observer for Brief {
    fn secret(&mut self, _: &str) {}

    fn goes_on(&mut self) -> bool {
        true
    }

    fn first_round(&mut self, answers: &[FirstAnswer]) -> ControlFlow<()> {
        self.0 = answers.to_vec();
        ControlFlow::Break(())
    }

    fn progress(&mut self, _: Progress) {}
}

/// The first answers, and why the load did not begin: we stopped it, or could not.
fn first(load: &str, url: &str, trust: &Trust) -> (Vec<FirstAnswer>, LoadError) {
    let (plan, target) = planned(load, "", url);
    let mut brief = Brief::default();
    let error = run(&plan, &target, trust, &mut brief).unwrap_err();
    (brief.0, error)
}

fn measured(load: &str, url: &str, trust: &Trust) -> Summary {
    let scenario = "wait = { constant = \"10ms\" }";
    let (plan, target) = planned(load, scenario, url);
    parts(run(&plan, &target, trust, &mut Patient).unwrap()).0
}

const LOAD: &str = "users = 2\nspawn_rate = \"1000/s\"\nduration = \"1s\"";

#[test]
fn a_server_that_proves_its_name_is_measured() {
    let (url, authority) = serve("127.0.0.1");
    let summary = measured(LOAD, &url, &Trust::Only(authority));
    let all = summary.aggregate();
    assert!(all.requests > 10 && all.failures == 0, "{:?}", summary.failures);
    assert_eq!(all.body_bytes / all.requests, 200_000 + 27);
    assert_eq!(summary.connects.tls, Tls::Verified);
    // A connection for each user, and it takes time to agree on TLS.
    assert_eq!((summary.connects.connect.count, summary.connects.handshake.count), (2, 2));
    assert_eq!(caveats(&summary).len(), 1, "only that b has no check: {:?}", caveats(&summary));
}

#[test]
fn whoever_proves_nothing_or_another_name_gets_no_request() {
    let (url, _) = serve("127.0.0.1");
    let (other, authority) = serve("example.test");
    let attempts = [
        (&url, Trust::Nobody),
        (&url, Trust::Only(authority.clone())),
        (&other, Trust::Only(authority)),
    ];
    for (url, trust) in attempts {
        let (answers, error) = first(LOAD, url, &trust);
        assert!(matches!(error, LoadError::Aborted), "{error}");
        let failure = answers[0].failure.as_ref().unwrap();
        assert_eq!(failure.kind, FailureKind::Connect);
        assert!(failure.message.contains("invalid peer certificate"), "{failure:?}");
    }
    let nothing = Trust::Only(b"no certificate at all".to_vec());
    let (answers, error) = first(LOAD, &url, &nothing);
    assert!(answers.is_empty(), "it was believed");
    assert!(error.to_string().contains("certificates cannot be used"), "{error}");
}

/// Answers one request in one small record, with Nagle's algorithm on, behind the session
/// tickets of TLS 1.3.
fn once(mut stream: Session) -> std::io::Result<()> {
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 16\r\n\r\n{\"results\":[{}]}";
    let mut bytes = [0; 4096];
    if stream.read(&mut bytes)? > 0 {
        stream.write_all(ANSWER)?;
        stream.flush()?;
        // Until the client has hung up.
        while stream.read(&mut bytes)? > 0 {}
    }
    Ok(())
}

#[test]
fn the_first_answer_of_a_session_does_not_wait_for_an_acknowledgement() {
    let (url, authority) = serve_with("127.0.0.1", once);
    let median = |load: &str| {
        let load = format!("{LOAD}\n{load}");
        let all = measured(&load, &url, &Trust::Only(authority.clone())).aggregate();
        assert!(all.requests > 10 && all.failures == 0, "{all:?}");
        all.latency.percentile_ms(Percentile::P50).unwrap()
    };
    let (at_once, delayed) = (median(""), median("quick_ack = false"));
    assert!(at_once * 2.0 < delayed, "{at_once} ms, {delayed} ms");
}

#[test]
fn a_certificate_that_is_listed_itself_is_trusted() {
    let (url, own) = serve_self_signed();
    let summary = measured(LOAD, &url, &Trust::Only(own));
    assert!(summary.aggregate().failures == 0, "{:?}", summary.failures);
    assert_eq!(summary.connects.tls, Tls::Verified);
    // The certificate of another server, made in the same way.
    let (_, other) = serve_self_signed();
    let (answers, _) = first(LOAD, &url, &Trust::Only(other));
    let failure = answers[0].failure.as_ref().unwrap();
    assert!(failure.message.contains("invalid peer certificate"), "{failure:?}");
}

#[test]
fn believing_anyone_is_said() {
    let (url, _) = serve("example.test");
    let summary = measured(&format!("{LOAD}\ninsecure = true"), &url, &Trust::Anyone);
    assert!(summary.aggregate().failures == 0 && summary.connects.tls == Tls::Insecure);
    assert!(caveats(&summary)[0].contains("was not checked"), "{:?}", caveats(&summary));
}
