//! What our client makes of an answer, next to what `curl` makes of the same
//! bytes: status, body, verdict, and whether the connection is used again.
//! The answers are data, in `conformance/cases.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    reason = "the server of the test listens, and curl is started"
)]
#![allow(clippy::print_stderr, reason = "tests say what they skip")]

#[path = "conformance/cases.rs"]
mod cases;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cases::{Case, End, Step};
use portcullis_load::http::{Connection, Endpoint, ExchangeError, Idle, Response};
use portcullis_load::reactor::{self, Handle, Turn};

/// Long enough for a segment of its own, and for a reset to come after data.
const PAUSE: Duration = Duration::from_millis(3);
/// Beyond it, a client waits for something that never comes.
const PATIENCE_S: u64 = 5;

/// What came of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// A whole answer, and whether the connection may carry another one.
    Whole { status: u16, body: Vec<u8>, kept: bool },
    /// No valid answer.
    Failed(String),
}

#[test]
fn answers_mean_what_they_mean_to_curl() {
    let Some(curl) = curl() else {
        assert!(std::env::var_os("CI").is_none(), "curl is missing");
        eprintln!("skipped: answers_mean_what_they_mean_to_curl (there is no curl)");
        return;
    };
    each_case(|case, address, index| check(case, address, index, Some(&curl)));
}

/// The half that needs no curl; it also says what ours makes of the cases in
/// which the two differ on purpose.
#[test]
fn answers_mean_what_the_cases_say() {
    each_case(|case, address, index| check(case, address, index, None));
}

#[test]
fn the_cases_are_told_apart_by_name_and_rarely_differ() {
    let all = cases::all();
    let names: BTreeSet<_> = all.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), all.len(), "a name is used twice");
    let differing = all.iter().filter(|case| case.differs.is_some()).count();
    assert!(all.len() - differing >= 60, "{} cases, {differing} differ", all.len());
}

/// Runs a check on every case and reports all that fail, not the first.
fn each_case(check: impl Fn(&Case, SocketAddr, usize) -> Result<(), String>) {
    let cases = Arc::new(cases::all());
    let address = serve(Arc::clone(&cases));
    let faults: Vec<String> = (cases.iter().enumerate())
        .filter_map(|(index, case)| {
            check(case, address, index).err().map(|fault| format!("{}: {fault}", case.name))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// One case: ours is what the case says; curl is of the same opinion, unless
/// the case gives a reason why not.
fn check(
    case: &Case,
    address: SocketAddr,
    index: usize,
    curl: Option<&Path>,
) -> Result<(), String> {
    let ours = ours(case, address, index)?;
    let as_wanted = match (&ours, &case.wanted) {
        (Outcome::Whole { status, body, kept }, Some(wanted)) => {
            (*status, body, *kept) == (wanted.0, &wanted.1, case.keep_alive)
        }
        (Outcome::Failed(_), None) => true,
        _ => false,
    };
    if !as_wanted {
        return Err(format!("ours is {}", shown(&ours)));
    }
    let Some(curl) = curl.filter(|_| case.differs.is_none()) else { return Ok(()) };
    let mut theirs = theirs(case, address, index, curl);
    if let (Outcome::Whole { kept, .. }, Some(_)) = (&mut theirs, case.reuse_differs) {
        *kept = case.keep_alive;
    }
    let agrees = match (&ours, &theirs) {
        (Outcome::Failed(_), Outcome::Failed(_)) => true,
        (ours, theirs) => ours == theirs,
    };
    if agrees { Ok(()) } else { Err(format!("ours {}, curl {}", shown(&ours), shown(&theirs))) }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(message) => format!("failed ({message})"),
        Outcome::Whole { status, body, kept } => {
            let start = String::from_utf8_lossy(&body[..body.len().min(60)]);
            format!("{status}, {} bytes {start:?}, kept: {kept}", body.len())
        }
    }
}

/// What our client makes of it; a connection that is kept carries a second
/// exchange, which must come out the same.
fn ours(case: &Case, address: SocketAddr, index: usize) -> Result<Outcome, String> {
    let endpoint = Endpoint { address, tls: None, acknowledge_at_once: true };
    let both = async |handle: Handle| {
        let (mut connection, _) = Connection::open(&handle, &endpoint).await.unwrap();
        let first = exchange(case, &handle, &mut connection, index).await?;
        if matches!(first, Outcome::Whole { kept: true, .. }) && case.end == End::Waits {
            if connection.idle(&handle) != Idle::Usable {
                return Err("the kept connection is stale".to_owned());
            }
            let second = exchange(case, &handle, &mut connection, index).await?;
            if second != first || !connection.is_reused() {
                return Err(format!("the second exchange is {}", shown(&second)));
            }
        }
        Ok(first)
    };
    let result = RefCell::new(None);
    let user = async |handle: Handle| {
        handle.set_deadline(Instant::now() + Duration::from_secs(PATIENCE_S));
        let done = both(handle).await;
        *result.borrow_mut() = Some(done);
    };
    let panic = reactor::run(
        1,
        |reactor| vec![Box::pin(user(reactor.handle(0)))],
        |_| Turn::Next(Instant::now() + Duration::from_secs(1)),
    );
    assert!(panic.unwrap().is_none());
    result.into_inner().unwrap()
}

async fn exchange(
    case: &Case,
    handle: &Handle,
    connection: &mut Connection,
    index: usize,
) -> Result<Outcome, String> {
    let method = if case.to_head_request { "HEAD" } else { "GET" };
    let request = format!("{method} /{index} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut response = Response::default();
    response.begin(case.to_head_request, true);
    let kept = match connection.exchange(handle, request.as_bytes(), &mut response).await {
        Ok(exchanged) => exchanged.keep_alive,
        Err(ExchangeError::Late) => return Ok(Outcome::Failed("it waits".to_owned())),
        Err(error) => return Ok(Outcome::Failed(error.to_string())),
    };
    if response.body_bytes() != response.body().len() as u64 {
        return Err("the body and its count differ".to_owned());
    }
    if response.head().gzip && cases::unpacked(response.body()) != cases::PLAIN {
        return Err("the body does not unpack to what was packed".to_owned());
    }
    Ok(Outcome::Whole { status: response.head().status, body: response.body().to_vec(), kept })
}

/// What curl makes of it. Where the server waits for a second request, curl
/// is asked for two, and says whether it opened a connection for the second.
fn theirs(case: &Case, address: SocketAddr, index: usize, curl: &Path) -> Outcome {
    let times = if case.end == End::Waits { 2 } else { 1 };
    let url = format!("http://{address}/{index}");
    let mut command = Command::new(curl);
    command.args(["-q", "-s", "-S", "--http1.1", "--noproxy", "*", "--fail-early"]);
    command.args(["--max-time", &PATIENCE_S.to_string()]);
    command.args(["-w", "%{http_code} %{size_download} %{num_connects}\n"]);
    if case.to_head_request {
        command.arg("-I");
    }
    let files: Vec<PathBuf> = (0..times).map(|time| file(index, time)).collect();
    for file in &files {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => command.arg("-o").arg(file).arg(&url),
        };
    }
    let output = command.output().unwrap();
    if !output.status.success() {
        return Outcome::Failed(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let lines = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<Vec<u64>> = (lines.lines())
        .map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect())
        .collect();
    // With -I the file holds the head; an empty body may leave no file at all.
    let bodies: Vec<Vec<u8>> = (files.iter())
        .map(|file| std::fs::read(file).ok().filter(|_| !case.to_head_request).unwrap_or_default())
        .collect();
    for (line, body) in numbers.iter().zip(&bodies) {
        assert_eq!(line[1], body.len() as u64, "{}: {lines}", case.name);
        assert_eq!((line[0], body), (numbers[0][0], &bodies[0]), "{}", case.name);
    }
    let kept = numbers.get(1).map_or(case.keep_alive, |second| second[2] == 0);
    Outcome::Whole { status: u16::try_from(numbers[0][0]).unwrap(), body: bodies[0].clone(), kept }
}

fn file(index: usize, time: usize) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{index}-{time}"))
}

fn curl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("curl")).find(|file| file.is_file())
}

/// Starts the server: one thread, one connection after the other, and the
/// case that the path names as the answer to every request.
fn serve(cases: Arc<Vec<Case>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that went away is what some cases are about.
            let _ = converse(&stream.unwrap(), &cases);
        }
    });
    address
}

fn converse(mut stream: &TcpStream, cases: &[Case]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(index) = requested(stream)? {
        let case = &cases[index];
        for step in &case.steps {
            match step {
                Step::Send(bytes) => stream.write_all(bytes)?,
                Step::Pause => std::thread::sleep(PAUSE),
            }
        }
        match case.end {
            End::Waits => {}
            End::Closes => return Ok(()),
            End::HalfCloses => {
                stream.shutdown(Shutdown::Write)?;
                stream.read_to_end(&mut Vec::new())?;
                return Ok(());
            }
            End::Resets => {
                std::thread::sleep(PAUSE);
                let at_once = Some(Duration::ZERO);
                return Ok(rustix::net::sockopt::set_socket_linger(stream, at_once)?);
            }
        }
    }
    Ok(())
}

/// Reads a request; the number in its path, or nothing at the end.
fn requested(mut stream: &TcpStream) -> std::io::Result<Option<usize>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes)? {
            0 => return Ok(None),
            count => request.extend_from_slice(&bytes[..count]),
        }
    }
    let text = String::from_utf8(request).unwrap();
    let path = text.split(' ').nth(1).unwrap();
    Ok(Some(path.trim_start_matches('/').parse().unwrap()))
}
