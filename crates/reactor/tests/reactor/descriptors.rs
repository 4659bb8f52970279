//! Out of descriptors, and back.

use std::{fs::File, io::Read, net::TcpStream, time::Duration};

use bytes::Bytes;
use reactor::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::script::{Event, Script, Stage, child, expect_success, is_child, one_loop, until};

/// In a process of its own, since it takes all descriptors there are.
#[test]
fn running_out_of_descriptors_is_survived() {
    if !is_child() {
        expect_success(child("descriptors::running_out_of_descriptors_is_survived"));
        return;
    }
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: limit.maximum }).unwrap();

    let config = Config { refusal: Some(Bytes::from_static(b"no room")), ..one_loop() };
    let stage = Stage::start(config, Script::echo);
    let (mut early, _) = stage.join();
    early.ping(b"before");

    // A client needs a descriptor too: made first, connected when the others are gone.
    let late = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let more = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(hoard.len() < 64);

    // The newcomer is turned away with the spare descriptor, instead of hanging.
    late.connect(&stage.addr.into()).unwrap();
    let mut late = TcpStream::from(late);
    late.set_read_timeout(Some(crate::script::PATIENCE)).unwrap();
    let mut told = String::new();
    late.read_to_string(&mut told).unwrap();
    assert_eq!(told, "no room");
    let metrics = stage.running.metrics();
    assert!(metrics.snapshot().emfile_episodes >= 1);
    early.ping(b"meanwhile");

    drop((hoard, late));
    let (mut next, _) = stage.join();
    next.ping(b"after");
    drop(next);

    // No spare helps below this limit: its number is above it too. Who waits is accepted by the retry, once there is
    // room again.
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: limit.maximum }).unwrap();
    let errors_before = metrics.snapshot().accept_errors;
    more.connect(&stage.addr.into()).unwrap();
    until("accept fails", || metrics.snapshot().accept_errors > errors_before);
    early.ping(b"the others are still served");
    setrlimit(Resource::Nofile, limit).unwrap();
    stage.client().ping(b"and accepting goes on");
    let (opened, closed): (Vec<_>, Vec<_>) =
        stage.finish(Duration::ZERO).into_iter().partition(|event| matches!(event, Event::Opened(_)));
    assert_eq!((opened.len(), closed.len()), (2, 4), "the last two, and all but the one turned away");
}
