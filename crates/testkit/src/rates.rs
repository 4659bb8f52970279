//! The limits on the rate of requests and on the connections of an address, switched off.

const OFF: [&str; 17] = [
    "--pings-burst=0",
    "--guest-requests-burst=0",
    "--requests-burst=0",
    "--friend-requests-burst=0",
    "--searches-burst=0",
    "--joins-burst=0",
    "--changes-burst=0",
    "--sends-burst=0",
    "--typings-burst=0",
    "--broadcasts-burst=0",
    "--registrations-burst=0",
    "--recoveries-burst=0",
    "--logins-burst=0",
    "--password-proofs-burst=0",
    "--text-kib-burst=0",
    "--failed-logins-burst=0",
    "--connections-per-address-max=0",
];

/// Arguments for a server whose clients are programs: they ask faster than people do, and all of them from one address. What
/// stands among the arguments that it is given anyway is left as it is.
pub fn no_rates(given: &[String]) -> impl Iterator<Item = &'static str> {
    let key = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
    OFF.into_iter().filter(move |off| !given.iter().any(|argument| key(argument) == key(off)))
}
